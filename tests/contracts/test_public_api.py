"""The page of the public API names what the package offers, and the guides use nothing else."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import TYPE_CHECKING, Final

import click
import pytest
from blinker import NamedSignal
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

import flask_tokenoffset
from flask_tokenoffset import TokenOffset, migrations, signals, testing
from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.vault import generate_key
from tests.support.project_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PAGE: Final = (ROOT / "docs/reference/public-api.md").read_text(encoding="utf-8")
GUIDES: Final = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])


def section(heading: str) -> str:
    """What stands under a heading, down to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = f"\n{PAGE}".partition(f"\n{heading}\n")
    assert found, f"the page has no section {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def documented_names() -> dict[str, list[str]]:
    """The names on the page, by module."""
    modules = re.findall(r"^### `([\w.]+)`$", PAGE, re.MULTILINE)
    return {module: first_cells(section(f"### `{module}`")) for module in modules}


def unstable() -> set[str]:
    return set(first_cells(section("## Shown, and not stable")))


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module", [flask_tokenoffset, testing, migrations], ids=lambda module: module.__name__
)
def test_what_a_module_exports_is_on_the_page_and_nothing_else(module: ModuleType) -> None:
    assert documented_names()[module.__name__] == sorted(module.__all__)


def test_every_documented_name_is_there_and_says_what_it_is_for() -> None:
    for module_name, names in documented_names().items():
        module = importlib.import_module(module_name)
        assert names == sorted(set(names)), f"{module_name}: in order, and once each"
        for name in names:
            value = getattr(module, name)
            if inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value):
                assert inspect.getdoc(value), f"{module_name}.{name} has no docstring"


def test_a_name_that_is_not_stable_is_there_as_well() -> None:
    for name in unstable():
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


def test_the_signals_have_a_page_of_their_own() -> None:
    assert documented_names()[signals.__name__] == []
    assert "(signals.md)" in section(f"### `{signals.__name__}`")
    # That page is compared with the module in test_docs.py.
    assert any(type(value) is NamedSignal for value in vars(signals).values())


def test_the_extension_is_called_as_the_page_says() -> None:
    (documented,) = re.findall(r"`TokenOffset(\([^`]+\))` has the methods", PAGE)
    parameters = inspect.signature(TokenOffset.__init__).parameters.values()
    without_types = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in parameters
        if each.name != "self"
    ]
    assert documented.replace('"', "'") == str(inspect.Signature(without_types))
    methods = {name for name in vars(TokenOffset) if not name.startswith("_")}
    assert set(re.findall(r"`(\w+)\(app\)`", section("### `flask_tokenoffset`"))) == methods


# --- commands, templates, endpoints ---------------------------------------------------------------


def commands(command: click.Command, name: str) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield name
        return
    context = click.Context(command)
    for each in command.list_commands(context):
        inner = command.get_command(context, each)
        assert inner is not None
        yield from commands(inner, f"{name} {each}")


def test_every_command_is_on_the_page_and_no_other() -> None:
    real = sorted(commands(tokenoffset, "flask tokenoffset"))
    assert first_cells(section("## Commands")) == real


def test_what_the_extension_gives_to_a_host_is_on_the_page() -> None:
    app = Flask("host")
    app.config.update(
        SECRET_KEY="of this test only",
        SQLALCHEMY_DATABASE_URI="sqlite://",
        TOKENOFFSET_KEYS=generate_key("first"),
        TOKENOFFSET_EMBEDDED_QUEUE=True,
    )
    db = SQLAlchemy(app)
    before = set(app.jinja_env.globals)

    TokenOffset(app, db=db, user_loader=lambda: None)

    pages = section("## Pages and templates")
    assert set(re.findall(r"`(\w+)\(", pages)) == set(app.jinja_env.globals) - before
    endpoints = set(re.findall(r"`(tokenoffset\.[\w.]+)`", pages))
    assert endpoints
    assert endpoints <= set(app.view_functions)
    api = re.findall(r"`(/api/v\d+)`", section("## JSON API"))
    assert any(rule.rule.startswith(f"/tokenoffset{api[0]}/") for rule in app.url_map.iter_rules())


# --- guides ---------------------------------------------------------------------------------------


def imports_of(text: str) -> Iterator[str]:
    """What the Python examples of a page import from us."""
    # By lines, because some examples are a piece of a mapping and no statement.
    pattern = r"^ *from (flask_tokenoffset[\w.]*) import (\([^)]*\)|.*)$"
    for module, names in re.findall(pattern, text, re.MULTILINE):
        yield from (f"{module}.{name}" for name in re.findall(r"\w+", re.sub(r"#.*", "", names)))


def public_names() -> set[str]:
    modules = documented_names()
    names = {f"{module}.{name}" for module, names in modules.items() for name in names}
    of_signals = {name for name, value in vars(signals).items() if type(value) is NamedSignal}
    return names | {f"{signals.__name__}.{name}" for name in of_signals} | set(modules)


def test_the_guides_import_what_is_on_the_page() -> None:
    allowed = public_names() | unstable()
    used = {path.name: set(imports_of(path.read_text(encoding="utf-8"))) for path in GUIDES}
    assert {name: found - allowed for name, found in used.items() if found - allowed} == {}
    assert "flask_tokenoffset.TokenOffset" in used["tutorial.md"]


def test_an_import_of_something_else_would_be_found() -> None:
    page = "```python\nfrom flask_tokenoffset.services import plans\n```\n"
    assert set(imports_of(page)) == {"flask_tokenoffset.services.plans"}
    assert not set(imports_of(page)) & public_names()
