"""What the reference pages say is what the code does: nothing missing, nothing left over."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blinker import NamedSignal

from flask_tokenoffset import signals
from flask_tokenoffset.blueprints.errors.problems import status_of
from flask_tokenoffset.blueprints.schemas import refusals
from flask_tokenoffset.errors import TokenOffsetError
from flask_tokenoffset.methodology.projection import NoProjectionReason
from flask_tokenoffset.models import SourceKind
from flask_tokenoffset.services.sampling.weekly_schedule import WORKER_LOST
from flask_tokenoffset.settings import PREFIX, Settings
from flask_tokenoffset.tasks.jobs import APP_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
NOT_ERRORS = {"internal-error"}


def read(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """The rows of all tables: the first cell, without its backticks, and the others."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            first, *others = (cell.strip() for cell in line.strip("|").split("|"))
            assert first.strip("`") not in found, f"{first} stands there twice"
            found[first.strip("`")] = others
    return found


def errors() -> Iterator[type[TokenOffsetError]]:
    assert refusals.BodyTooLarge.code  # imported, so that its errors are among the subclasses
    waiting: list[type[TokenOffsetError]] = [TokenOffsetError]
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        if error.__module__.startswith("flask_tokenoffset."):
            yield error


# --- settings -------------------------------------------------------------------------------------


def documented_settings() -> dict[str, str]:
    parts = re.split(rf"^### ({PREFIX}\w+)$", read("settings.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(documented_settings()) == {PREFIX + each.name.upper() for each in fields(Settings)}


def test_the_documented_default_of_every_setting_is_the_real_one() -> None:
    documented = documented_settings()
    for each in fields(Settings):
        real = each.default_factory() if each.default_factory is not MISSING else each.default
        text = documented[PREFIX + each.name.upper()]
        (default,) = re.findall(r"^Default: `(.*)`$", text, re.MULTILINE)
        assert ast.literal_eval(default) == real, each.name


def test_a_setting_that_any_page_names_exists() -> None:
    known = {PREFIX + each.name.upper() for each in fields(Settings)} | set(APP_VARIABLES)
    for path in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        named = set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
        assert named <= known, path.name


# --- signals --------------------------------------------------------------------------------------


def test_every_signal_is_documented_with_its_keywords_and_no_other() -> None:
    source = Path(signals.__file__).read_text(encoding="utf-8")
    real: dict[str, set[str]] = {}
    for comment, name in re.findall(r"((?:^#: .*\n)+)^(\w+) = _signals", source, re.MULTILINE):
        real[name] = set(re.findall(r"``(\w+)``", comment)) - {"None"}
    assert set(real) == {
        name for name, value in vars(signals).items() if type(value) is NamedSignal
    }
    documented = {
        name: set(re.findall(r"`(\w+)`", keywords)) - {"None"}
        for name, (_, keywords) in rows(read("signals.md")).items()
    }
    assert documented == real


# --- errors ---------------------------------------------------------------------------------------


def test_every_error_code_is_documented_and_no_other() -> None:
    codes = {error.code for error in errors()}
    reasons = {WORKER_LOST, *NoProjectionReason}
    assert set(rows(read("errors.md"))) == codes | reasons | NOT_ERRORS


def test_the_documented_status_of_every_error_is_the_one_answered() -> None:
    documented = rows(read("errors.md"))
    for error in errors():
        if error.code != "configuration":  # It stops start-up, so that nobody is answered.
            assert documented[error.code][0] == str(status_of(error)), error.code


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in errors() if "code" in vars(error)]
    assert len(codes) == len(set(codes))


# --- glossary and links ---------------------------------------------------------------------------


def test_the_glossary_is_in_order_and_knows_every_kind_of_source() -> None:
    words = re.findall(r"^\| ([a-z][^|]*) \|", read("glossary.md"), re.MULTILINE)[1:]
    assert words == sorted(words)
    (sources,) = re.findall(r"^\| source \| (.*) \|$", read("glossary.md"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", sources)) == set(SourceKind)


@pytest.mark.parametrize(
    "path",
    sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")]),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_link_to_another_file_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_file_that_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.])((?:[\w-]+/)+[\w-]+\.(?:html|json|md|py|toml|yaml))", text)
    assert named
    package = ROOT / "flask_tokenoffset"
    for name in named:
        assert (ROOT / name).exists() or (package / name).exists(), name
