"""Texts as files, the texts we ship, and ``flask tokenoffset documents``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.services.documents.files import (
    TEMPLATE_FOLDER,
    parse,
    read_file,
    read_folder,
)
from flask_tokenoffset.services.documents.publishing import OPEN_MARK
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.documents import tell_everyone

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.support.world import World

HEAD = {
    "document": "house-rules",
    "version": "2026-11",
    "sequence": "1",
    "title": "House rules",
    "summary": "The first version.",
    "material": "no",
    "acceptance": "no",
}


def content(text: str = "Be kind.", **more: str) -> str:
    lines = [f"{name}: {value}" for name, value in {**HEAD, **more}.items() if value]
    return "\n".join(["---", *lines, "---", text, ""])


def run(world: World, *arguments: str | Path) -> Result:
    return world.app.test_cli_runner().invoke(tokenoffset, ["documents", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two versions of one document, and one of another; not in the order of their names."""
    second = {"version": "2026-12", "sequence": "2", "material": "yes", "effective": "in 15 days"}
    (tmp_path / "a.md").write_text(content("Be kinder.", summary="Kinder.", **second))
    (tmp_path / "b.md").write_text(content())
    (tmp_path / "c.md").write_text(content(document="terms", title="Terms"))
    (tmp_path / "notes.txt").write_text("not a text of ours")
    return tmp_path


def test_a_file_says_what_its_head_says() -> None:
    draft = parse(content(language="pt-BR", effective="2026-12-20", material="yes"))
    assert (draft.document, draft.sequence, draft.language) == ("house-rules", 1, "pt-BR")
    assert (draft.material, draft.acceptance_required) == (True, False)
    assert draft.effective_at == datetime(2026, 12, 20, tzinfo=UTC)
    assert draft.text == "Be kind.\n"
    # The same text, whichever system wrote the file.
    assert parse(content().replace("\n", "\r\n")).digest == parse(content()).digest


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", None),
        ("at once", None),
        ("in 1 day", timedelta(days=1)),
        ("in 21 days", timedelta(days=21)),
        ("2026-12-20T08:00:00+01:00", datetime(2026, 12, 20, 7, tzinfo=UTC)),
    ],
)
def test_the_time_of_effect_is_read(said: str, meant: datetime | timedelta | None) -> None:
    assert parse(content(effective=said)).effective_at == meant


@pytest.mark.parametrize(
    ("named", "value"),
    [
        ("effective", "soon"),
        ("effective", "2026-13-01"),
        ("effective", "2026-12-20T08:00:00"),
        ("effective", "in -3 days"),
        ("sequence", "0"),
        ("sequence", "two"),
        ("material", "true"),
        ("acceptance", "maybe"),
        ("colour", "green"),
        *((name, "") for name in HEAD),
    ],
)
def test_a_head_that_is_wrong_is_refused_by_name(named: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(content(**{named: value}))
    assert set(refused.value.errors) == {named}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no head",
        "---\ndocument: terms\nno end",
        "---\nno colon\n---\n",
        "---\na: 1\na: 2\n---\n",
    ],
)
def test_a_file_without_a_head_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)


def test_a_file_that_is_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "terms.md").write_bytes(b"---\n\xff\xfe")
    with pytest.raises(InvalidInput, match=r"terms\.md"):
        read_file(tmp_path / "terms.md")
    with pytest.raises(InvalidInput, match="no file"):
        read_folder(TEMPLATE_FOLDER.parent / "static")


def test_a_folder_is_published_in_order_and_publishing_it_again_changes_nothing(
    world: World, folder: Path
) -> None:
    first = run(world, "publish", "--all", folder)
    assert first.exit_code == 0, first.output
    assert [line.partition(" is ")[0] for line in first.output.splitlines()] == [
        "house-rules 2026-11 (en)",
        "house-rules 2026-12 (en)",
        "terms 2026-11 (en)",
    ]
    before = world.rows()
    again = run(world, "publish", "--all", folder)
    assert again.output.count("published already, the very same") == 3
    assert world.rows() == before


@pytest.mark.promise("TO-058")
def test_the_list_says_how_far_the_notice_is(world: World, folder: Path) -> None:
    assert "No document is published" in run(world, "list").output
    run(world, "publish", "--all", folder)
    listed = run(world, "list").output
    assert "house-rules 2026-11 (en): in effect since 2026-11-20 10:00 UTC" in listed
    assert "house-rules 2026-12 (en): people are being told" in listed
    ((_, version_id),) = world.queue.jobs
    tell_everyone(world, version_id)
    listed = run(world, "list").output
    assert (
        "house-rules 2026-12 (en): takes effect at 2026-12-05 10:00 UTC, everyone was told"
        " 2026-11-20 10:00 UTC" in listed
    )


@pytest.mark.promise("TS-013")
def test_a_refusal_ends_the_command_with_a_sentence(world: World, tmp_path: Path) -> None:
    one, two = tmp_path / "1.md", tmp_path / "2.md"
    one.write_text(content())
    two.write_text(
        content("New.", version="b", sequence="2", material="yes", effective="in 13 days")
    )
    result = run(world, "publish", one, two)
    assert result.exit_code == 1
    assert "14 days" in result.output
    assert "house-rules b (en): " in result.output, "which of them is said"
    assert "house-rules 2026-11 (en) is published." in result.output
    assert "house-rules b" not in run(world, "list").output


def test_a_version_is_shown_with_its_digest(world: World, folder: Path) -> None:
    run(world, "publish", "--all", folder)
    shown = run(world, "show", "house-rules").output
    assert shown.startswith("House rules, version 2026-11: in effect since")
    assert parse(content()).digest in shown
    assert shown.endswith("\n\nBe kind.\n")
    assert "Be kinder." in run(world, "show", "house-rules", "2026-12").output
    assert run(world, "show", "house-rules", "2020").exit_code == 1


@pytest.mark.parametrize("arguments", [[], ["--all", "."]])
def test_files_or_a_folder_and_not_both(world: World, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "1.md").write_text(content())
    files = [tmp_path / "1.md"] if arguments else []
    assert run(world, "publish", *files, *arguments).exit_code == 2


def test_without_a_mailer_the_operator_is_told_that_only_the_banner_remains(
    world: World, folder: Path
) -> None:
    world.app.extensions[EXTENSION_KEY] = replace(world.state, mailer=None)
    assert "no mail" in run(world, "publish", "--all", folder).output


def test_the_shipped_texts_are_templates_that_nobody_publishes_by_accident(
    world: World, tmp_path: Path
) -> None:
    written = run(world, "template", tmp_path / "texts")
    assert written.exit_code == 0
    names = {each.name for each in (tmp_path / "texts").iterdir()}
    assert names == {"terms.md", "privacy-policy.md", "cookie-notice.md", "methodology-consent.md"}
    for name in names:
        copy = tmp_path / "texts" / name
        assert f"> **{OPEN_MARK}Template: for your lawyer to complete" in copy.read_text()
        refused = run(world, "publish", copy)
        assert refused.exit_code == 1
        assert "mark of a template" in refused.output
        assert run(world, "publish", "--allow-template", copy).exit_code == 0
        assert world.nobody.get(f"/documents/{copy.stem}").status_code == 200


def test_a_template_that_is_there_already_is_left_alone(world: World, tmp_path: Path) -> None:
    (tmp_path / "terms.md").write_text("mine")
    assert "left alone" in run(world, "template", tmp_path).output
    assert (tmp_path / "terms.md").read_text() == "mine"
