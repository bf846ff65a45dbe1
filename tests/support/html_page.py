"""A page as a test reads it: its words, its links, its forms and every attribute in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"}
)


@dataclass
class Element:
    """One start tag, and the words inside it."""

    tag: str
    attributes: dict[str, str]
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What it says, with single spaces."""
        return " ".join(" ".join(self.words).replace("\xa0", " ").split())


@dataclass
class Form:
    """A form and what it would send if it were sent as it stands."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


class HtmlPage(HTMLParser):
    """The parsed page.

    :param source: the HTML text.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[Element] = []
        self.forms: list[Form] = []
        self._open: list[Element] = []
        self._form: Form | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)
        if tag == "form":
            self._form = Form(
                element.attributes.get("action", ""), element.attributes.get("method", "get")
            )
            self.forms.append(self._form)
        if self._form is not None and tag == "input":
            self._note_input(self._form, element.attributes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        for position in range(len(self._open) - 1, -1, -1):
            if self._open[position].tag == tag:
                del self._open[position:]
                return

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.words.append(data)

    def _note_input(self, form: Form, attributes: dict[str, str]) -> None:
        if "name" not in attributes:
            return
        if attributes.get("type") in {"radio", "checkbox"} and "checked" not in attributes:
            return
        form.values[attributes["name"]] = attributes.get("value", "")

    @property
    def text(self) -> str:
        """What the page says, with single spaces, from its main part."""
        mains = [each for each in self.elements if each.tag == "main"] or self.elements[:1]
        return mains[0].text

    @property
    def title(self) -> str:
        """The document's title."""
        return next(each.text for each in self.elements if each.tag == "title")

    @property
    def heading(self) -> str:
        """The one first-level heading."""
        (heading,) = [each.text for each in self.elements if each.tag == "h1"]
        return heading

    def by_class(self, css_class: str) -> list[Element]:
        """Elements that carry a class."""
        return [
            each for each in self.elements if css_class in each.attributes.get("class", "").split()
        ]

    def by_id(self, element_id: str) -> Element:
        """The element of an id, which stands once on the page."""
        (found,) = [each for each in self.elements if each.attributes.get("id") == element_id]
        return found

    def links(self) -> list[str]:
        """Where the page's links lead."""
        return [each.attributes["href"] for each in self.elements if each.tag == "a"]

    def link(self, text: str) -> str:
        """Where the link with these words leads."""
        (found,) = {
            each.attributes["href"]
            for each in self.elements
            if each.tag == "a" and each.text == text
        }
        return found

    def form(self, action: str) -> Form:
        """The form whose address ends like this.

        :raises AssertionError: there is none.
        """
        found = [each for each in self.forms if each.action.partition("?")[0].endswith(action)]
        assert found, f"no form for {action} among {[each.action for each in self.forms]}"
        return found[0]

    def has_form(self, action: str) -> bool:
        """Whether there is a form whose address ends like this."""
        return any(each.action.partition("?")[0].endswith(action) for each in self.forms)

    def hidden_fields(self) -> dict[str, str]:
        """All hidden inputs."""
        return {
            each.attributes["name"]: each.attributes.get("value", "")
            for each in self.elements
            if each.tag == "input" and each.attributes.get("type") == "hidden"
        }

    def error_of(self, field_id: str) -> str:
        """The error beside a field, found the way a screen reader finds it."""
        element = self.by_id(field_id)
        assert element.attributes.get("aria-invalid") == "true" or element.tag == "fieldset"
        described_by = element.attributes["aria-describedby"].split()
        return self.by_id(next(each for each in described_by if each.endswith("-error"))).text
