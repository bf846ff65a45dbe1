"""Nothing we write claims what a contribution does not do.

Directive (EU) 2024/825 forbids to say of a product, because emissions are offset, that its effect
on the climate is neutral, reduced or positive (Annex I, 4c), and to call it green or friendly to
the environment without proof (4a). So no text of ours says so: of pages, mail, the API, documents
for people, messages, and data that pages print.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.project_files import ROOT, project_files

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What holds texts that people read. Strings of Python are read one by one.
FOLDERS: Final = ("flask_tokenoffset/", "example_host_app/", "docs/", "README.md")
KINDS: Final = (".html", ".txt", ".md", ".toml", ".js", ".json", ".yaml", ".svg", ".po", ".py")
#: The ledger quotes in short what others published.
QUOTED: Final = frozenset({"docs/promises.yaml", "flask_tokenoffset/data_map/promises.json"})
#: The product's own name, and that of the product whose policy it keeps.
OWN_NAME: Final = re.compile(r"(?:ai[ _-])?token[ _-]?offset", re.IGNORECASE)

_WHAT: Final = (
    r"(?:climate|carbon|co2e?|greenhouse(?: gas)?|ghg|emissions?|planet|nature|environment)"
)
_AROUND: Final = r"(?:[^.!?]{0,60}?)"
CLAIMS: Final = {
    "neutral": rf"\b{_WHAT}(?:ly|ally)?[ -]?neutral|\bneutrali[sz]e\w*\b"
    rf"|\bneutral{_AROUND}\b{_WHAT}\b",
    "net zero": rf"\bnet[ -]?zero\b|\bzero[ -](?:{_WHAT}|impact|footprint)|\b{_WHAT}[ -]free\b",
    "positive": rf"\b{_WHAT}[ -](?:positive|negative)\b|\bpositive (?:{_WHAT} )?(?:impact|effect)",
    "offset": rf"\boffset\w*\b{_AROUND}\b(?:{_WHAT}|footprint|impact|usage|your)\b"
    rf"|\b(?:{_WHAT}|footprint|impact|usage)\b{_AROUND}\boffset(?:s|ting|ted)?\b",
    "compensated": r"\bcompensat\w*",
    "reduced impact": r"\b(?:reduc\w+|lower\w*|smaller|less|no|limited|minimi[sz]\w+|cut\w*)"
    rf" (?:(?:your|the|its|their|our) )?(?:{_WHAT}(?:al)? )?(?:impact|footprint)\b",
    "undone": r"\b(?:undo(?:es|ing|ne)?|revers\w+|cancels?|takes? back|mak\w+ up for"
    rf"|balanc\w+ out)\b{_AROUND}\b(?:emission\w*|carbon|co2e?|footprint)\b",
    "friendly": rf"\b(?:{_WHAT}(?:al|ally)?|eco)[ -](?:friendly|safe|conscious)\b"
    r"|\bgreen(?:er)? ai\b",
}
#: Sentences that say what is not so, word by word.
DENIALS: Final = (
    "it does not undo an emission",
    "a contribution does not undo an emission",
    "forbids to say that a product is neutral because something is offset",
)


def plain(text: str) -> str:
    """A text as it is read: without tags, in simple letters, on one line."""
    text = unicodedata.normalize("NFKC", re.sub(r"<[^<>]*>|[*`_]", "", OWN_NAME.sub("", text)))
    text = re.sub(r"[\u2010-\u2015\u2212]", "-", text)
    return re.sub(r"\s+", " ", text).lower()


def claims_in(text: str) -> list[str]:
    """What a text claims, each with its words."""
    read = plain(text)
    for denial in DENIALS:
        read = read.replace(denial, "")
    return [
        f"{claim}: {found.group(0)}"
        for claim, pattern in CLAIMS.items()
        for found in re.finditer(pattern, read)
    ]


def texts() -> Iterator[tuple[str, str]]:
    """Every text of ours, with where it stands."""
    for name in project_files():
        if name in QUOTED or not name.startswith(FOLDERS) or not name.endswith(KINDS):
            continue
        content = (ROOT / name).read_text(encoding="utf-8")
        if not name.endswith(".py"):
            yield name, content
            continue
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{name}:{node.lineno}", node.value


def test_no_text_of_ours_claims_what_a_contribution_does_not_do() -> None:
    found = [f"{where}: {claim}" for where, text in texts() for claim in claims_in(text)]
    assert found == []


def test_every_kind_of_text_is_read() -> None:
    places = [where for where, _ in texts()]
    for part in (
        "templates/tokenoffset/plans/plan.html",
        "templates/tokenoffset/mail/member-plan-changed.txt",
        "blueprints/plans/api.py:",
        "methodology/data/",
        "docs/explanation/methodology.md",
        "example_host_app/",
        "README.md",
    ):
        assert any(part in where for where in places), part


def test_every_denial_stands_somewhere() -> None:
    read = " ".join(plain(text) for _, text in texts())
    assert [denial for denial in DENIALS if denial not in read] == []


@pytest.mark.parametrize(
    "claim",
    [
        "Your AI use is climate neutral.",
        "Carbon-neutral AI",
        "CO2 neutral since 2026",
        "CO₂\N{NO-BREAK SPACE}neutral",
        "<strong>carbon</strong>\n  neutral",
        "We neutralise what your agents emit.",
        "A neutral effect on the climate",
        "Net zero by 2030",
        "net-zero AI",
        "Zero-carbon tokens",
        "Emission-free prompts",
        "Climate positive",
        "A carbon-negative assistant",
        "A positive impact for everyone",
        "Offset your emissions",
        "Offsetting the carbon of your prompts",
        "Your footprint is fully offset.",
        "Your usage is compensated.",
        "Compensate for your AI",
        "A reduced impact on the environment",
        "Reduce your carbon footprint with a plan",
        "Lower your climate impact",
        "AI with no footprint",
        "Your contribution undoes an emission.",
        "It makes up for the emissions of your agents.",
        "Takes back the CO2 of a month",
        "Eco-friendly AI",
        "environmentally friendly",
        "Climate-friendly tokens",
        "Green AI for your team",
    ],
)
def test_a_claim_is_found(claim: str) -> None:
    assert claims_in(claim) != []


@pytest.mark.parametrize(
    "text",
    [
        "flask-tokenoffset estimates emissions.",
        "TOKENOFFSET_PROGRAMMES names what your contribution is directed to.",
        "AI Token Offset and your usage",
        "A contribution supports a programme. It does not undo an emission.",
        "Each connection is refreshed at an offset of its own.",
        'badge(text, kind="neutral")',
        "The deletion was undone.",
        "CO2e a month: between 0.5 and 6.2 kg",
        "The published figure is about 7 times the class-aware one.",
        "Replants kelp along the coast.",
    ],
)
def test_what_is_no_claim_is_left_alone(text: str) -> None:
    assert claims_in(text) == []
