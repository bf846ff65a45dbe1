"""A browser without a window: cookies, links and forms over real HTTP, and no script.

The scripted first run uses it, so that it does what a person's browser does and no more: a field
that is not in a form cannot be sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, Self

import httpx

if TYPE_CHECKING:
    from types import TracebackType

_TIMEOUT_SECONDS: Final = 30
_UNSEEN: Final = {"script", "style", "title", "template"}


@dataclass(slots=True)
class Form:
    """A form as it stands on a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    #: The names of buttons, which are sent only when they are pressed.
    buttons: set[str] = field(default_factory=set)
    #: The names of radio buttons and checkboxes, of which perhaps none is chosen yet.
    choices: set[str] = field(default_factory=set)

    @property
    def names(self) -> set[str]:
        """Every name that could be sent."""
        return self.fields.keys() | self.buttons | self.choices


@dataclass(slots=True)
class Page:
    """What a browser knows of the page it shows."""

    url: httpx.URL
    status: int
    html: str
    #: What a person reads, with single spaces.
    text: str = ""
    title: str = ""
    #: The text of a link, and where it leads. Of links that read alike the first one counts.
    links: dict[str, str] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)

    def form_with(self, *names: str, action: str = "", **values: str) -> Form:
        """The first form that has the fields named.

        :param action: what its address must contain.
        :param values: fields that must stand at these values already.
        :raises LookupError: there is none; the message says what the page reads like.
        """
        for form in self.forms:
            if (
                set(names) <= form.names
                and action in form.action
                and values.items() <= form.fields.items()
            ):
                return form
        raise LookupError(f"no form with {names} {values} at {self.url}, which reads: {self.text}")


class Browser:
    """Visits one site.

    :param address: where the site is, as in ``http://127.0.0.1:5040``.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = httpx.Client(
            base_url=address, follow_redirects=True, trust_env=False, timeout=_TIMEOUT_SECONDS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def open(self, url: str) -> Page:
        """Go to an address of the site."""
        return _read(self._client.get(url))

    def follow(self, page: Page, link: str) -> Page:
        """Follow the link that reads so.

        :raises LookupError: there is none.
        """
        if link not in page.links:
            raise LookupError(f"no link «{link}» at {page.url}, only {list(page.links)}")
        return self.open(str(page.url.join(page.links[link])))

    def submit(self, page: Page, form: Form, **values: str) -> Page:
        """Send a form, its fields as they stand but for the values given.

        :raises LookupError: a value is given for a field the form does not have.
        """
        missing = values.keys() - form.names
        if missing:
            raise LookupError(f"the form at {page.url} has no fields {missing}")
        url = str(page.url.join(form.action))
        data = {**form.fields, **values}
        if form.method == "get":
            return _read(self._client.get(url, params=data))
        return _read(self._client.post(url, data=data, headers={"Origin": self._address}))


def _read(response: httpx.Response) -> Page:
    page = Page(url=response.url, status=response.status_code, html=response.text)
    reader = _Reader(page)
    reader.feed(response.text)
    reader.close()
    page.text = re.sub(r"\s+", " ", " ".join(reader.words)).strip()
    return page


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.words: list[str] = []
        self._page = page
        self._form: Form | None = None
        self._link: tuple[str, list[str]] | None = None
        self._select: str | None = None
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag == "a" and "href" in attributes:
            self._link = attributes["href"], []
        elif tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self._page.forms.append(self._form)
        elif tag in {"input", "textarea", "button", "select"} and attributes.get("name"):
            self._add_field(tag, attributes)
        elif tag == "option" and self._form and self._select:
            self._form.fields.setdefault(self._select, attributes.get("value", ""))
            if "selected" in attributes:
                self._form.fields[self._select] = attributes.get("value", "")

    def _add_field(self, tag: str, attributes: dict[str, str]) -> None:
        if self._form is None or "disabled" in attributes:
            return
        name, kind = attributes["name"], attributes.get("type", "")
        if tag == "button" or kind == "submit":
            self._form.buttons.add(name)
        elif tag == "select":
            self._select = name
        elif kind in {"radio", "checkbox"}:
            self._form.choices.add(name)
            if "checked" in attributes:
                self._form.fields[name] = attributes.get("value", "on")
        else:
            self._form.fields[name] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and self._unseen[-1] == tag:
            self._unseen.pop()
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "a" and self._link:
            target, words = self._link
            self._page.links.setdefault(" ".join(" ".join(words).split()), target)
            self._link = None

    def handle_data(self, data: str) -> None:
        if "title" in self._unseen:
            self._page.title += data.strip()
        elif not self._unseen:
            self.words.append(data)
            if self._link:
                self._link[1].append(data)
