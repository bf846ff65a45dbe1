"""What the Markdown of a legal text becomes: HTML for a page, passages for a comparison.

Markdown is read by markdown-it-py, by the rules of CommonMark and with tables. HTML in a text is
shown as it is written and does nothing; pictures are left out, because a page of ours loads nothing
from anywhere else; a link can lead to a web address, a mail address or a place on this site only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: Where a link of a text may lead; nowhere else is it made one.
_LINK_SCHEMES: Final = frozenset({"", "https", "http", "mailto"})
_DEEPEST_HEADING: Final = 6
#: What the blocks of Markdown are called in a comparison.
_KINDS: Final = {"heading": "heading", "list_item": "item", "th": "cell", "td": "cell"}


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading, a paragraph, an item of a list or a cell of a table, in plain words.

    :param kind: ``heading``, ``paragraph``, ``item``, ``cell`` or ``code``.
    :param text: without marks; a link is followed by its address.
    """

    kind: str
    text: str


def to_html(text: str) -> str:
    """A text as HTML that is safe to put into a page; its highest headings are of the second level.

    :param text: Markdown, no matter who wrote it.
    """
    markdown = _markdown()
    tokens = markdown.parse(text)
    _shift_headings(tokens)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def passages_of(text: str) -> list[Passage]:
    """The passages of a text, in order.

    :param text: Markdown.
    """
    passages: list[Passage] = []
    open_kinds: list[str] = []
    for token in _markdown().parse(text):
        if token.nesting == 1:
            name = token.type.removesuffix("_open")
            open_kinds.append(_KINDS.get(name, ""))
        elif token.nesting == -1:
            open_kinds.pop()
        elif token.type == "inline":
            kind = next((each for each in reversed(open_kinds) if each), "paragraph")
            passages.append(Passage(kind, _words(token.children or ())))
        elif token.type in {"fence", "code_block"}:
            passages.append(Passage("code", token.content.rstrip("\n")))
    return [each for each in passages if each.text]


@cache
def _markdown() -> MarkdownIt:
    # Only who looks at a document pays for the import.
    from markdown_it import MarkdownIt  # noqa: PLC0415 - see the line above

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    markdown.validateLink = _may_lead_there  # type: ignore[method-assign]  # its documented hook
    return markdown


def _may_lead_there(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    # “//example.com” has no scheme and leads elsewhere; browsers read backslashes as slashes.
    is_local_looking = not parts.scheme and (parts.netloc or url.lstrip().startswith(("/\\", "\\")))
    return parts.scheme.lower() in _LINK_SCHEMES and not is_local_looking


def _shift_headings(tokens: Sequence[Token]) -> None:
    """Begin at the second level, because the page has a heading of the first, and skip none."""
    headings = [token for token in tokens if token.type.startswith("heading_")]
    used = sorted({token.tag for token in headings})
    for token in headings:
        token.tag = f"h{min(used.index(token.tag) + 2, _DEEPEST_HEADING)}"


def _words(tokens: Sequence[Token]) -> str:
    """What a reader sees of a passage, and where its links lead."""
    words: list[str] = []
    addresses: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            addresses.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            address = addresses.pop()
            # An address that stands in the text itself is not said twice.
            words.append(f" ({address})" if address not in {"", *words[-1:]} else "")
        elif token.type in {"softbreak", "hardbreak"}:
            words.append(" ")
        else:
            words.append(token.content)
    return " ".join("".join(words).split())
