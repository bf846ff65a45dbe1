"""The data map names everything that is held, and nothing else.

What is not in the database is compared with what a real run leaves behind in
tests/integration/privacy/test_what_is_elsewhere.py.
"""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import Column, MetaData, String

from flask_tokenoffset.cli import tokenoffset as command
from flask_tokenoffset.data_map import MapError, load, packaged_texts, read
from flask_tokenoffset.data_map.promises import promises
from flask_tokenoffset.data_map.purposes import NOTICES, Purpose
from flask_tokenoffset.host.mailer import OutgoingMail
from flask_tokenoffset.models import TABLE_PREFIX, Base, MessageKind
from flask_tokenoffset.services.data_map.markdown import to_markdown
from flask_tokenoffset.services.data_map.personal_rows import BY_HAND, deleted_tables
from flask_tokenoffset.services.mail.outbox import DETAILS, WITH_LINK
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.rules import find_rule
from flask_tokenoffset.services.shared.request_log import LoggedRequest
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[2] / "flask_tokenoffset"


def undeclared(metadata: MetaData) -> set[str]:
    """The columns that the map does not name, and those it names although there are none."""
    real = {
        f"{table.name.removeprefix(TABLE_PREFIX)}.{column}"
        for table in metadata.sorted_tables
        for column in table.columns.keys()  # noqa: SIM118 - a ColumnCollection yields columns
    }
    declared = {
        f"{table.name}.{column}" for table in load().tables.values() for column in table.columns
    }
    return real ^ declared


def copied_metadata() -> MetaData:
    metadata = MetaData()
    for table in Base.metadata.sorted_tables:
        table.to_metadata(metadata)
    return metadata


@pytest.mark.promise("TO-034", "TO-035")
def test_every_column_is_in_the_map_and_no_other() -> None:
    assert undeclared(Base.metadata) == set()
    assert sum(len(table.columns) for table in load().tables.values()) > 400


def test_a_new_column_without_an_entry_is_found() -> None:
    metadata = copied_metadata()
    metadata.tables[f"{TABLE_PREFIX}person"].append_column(Column("shoe_size", String(3)))
    assert undeclared(metadata) == {"person.shoe_size"}


def test_a_table_that_is_gone_is_found_in_the_map() -> None:
    metadata = copied_metadata()
    metadata.remove(metadata.tables[f"{TABLE_PREFIX}tombstone"])
    assert undeclared(metadata) == {
        "tombstone.user_digest",
        "tombstone.key_id",
        "tombstone.erased_at",
    }


def test_columns_stand_in_the_order_of_their_table() -> None:
    for table in load().tables.values():
        real = Base.metadata.tables[f"{TABLE_PREFIX}{table.name}"]
        assert list(table.columns) == list(real.columns.keys()), table.name


def test_every_table_is_kept_by_the_rule_that_names_it() -> None:
    rules = {table: rule.name for rule in RULES for table in rule.tables}
    assert {table.name: table.retention for table in load().tables.values()} == rules


def test_what_is_elsewhere_is_kept_by_a_rule_or_not_by_us() -> None:
    known = {rule.name for rule in RULES} | set(load().spans)
    assert {entry.retention for entry in load().elsewhere} <= known


def test_what_sampling_keeps_rests_on_what_people_are_told_of_sampling() -> None:
    tables = load().tables
    sampled = {name for name, table in tables.items() if table.feature == "usage"}
    sampled |= {"connection", "credential", "sample_run"}
    found = {tables[name].basis for name in sampled if tables[name].about == "person"}
    assert found == {str(NOTICES[Purpose.SAMPLING].basis)}
    assert tables["estimate"].basis == str(NOTICES[Purpose.SERVICE].basis)
    (news,) = (each for each in load().of_kind("mail") if each.name == MessageKind.PRODUCT_UPDATE)
    assert news.basis == str(NOTICES[Purpose.PRODUCT_UPDATES].basis)


def test_what_is_sealed_or_a_digest_is_in_no_copy() -> None:
    secret = {"sealed", "digest", "key-id", "secret"}
    for table in load().tables.values():
        assert not {column.name for column in table.exported if column.category in secret}
        for column in table.columns.values():
            if re.search("digest|salt|nonce|wrapped|cipher|seal$|token_", column.name):
                counted = column.category == "number"  # Tokens of a vendor are no tokens of ours.
                worded = column.name == "token_type"
                assert column.category in secret or counted or worded, column.name


def test_what_is_about_a_person_can_be_found_or_is_a_mark_without_a_name() -> None:
    lost = {
        table.name
        for table in load().tables.values()
        if table.about == "person" and table.ways[0].way == "none"
    }
    assert lost == {"tombstone"}


def test_an_erasure_does_what_the_map_says_of_every_table_about_a_person() -> None:
    by_word: dict[str, set[str]] = {}
    for table in load().tables.values():
        if table.about == "person":
            by_word.setdefault(table.erasure, set()).add(table.name)
    assert set(deleted_tables()) == by_word["deleted"]
    assert by_word["emptied"] >= BY_HAND
    # Leaving an organization ends a membership.
    assert by_word["ended"] == {"membership"}
    # What proves something, and what law requires, is kept until its own end; each has a rule.
    kept = {name: load().tables[name].retention for name in by_word["kept"]}
    assert set(kept) == {
        *("account", "audit_chain", "audit_event", "consent_event"),
        *("legal_hold", "legal_remain", "tombstone"),
    }
    assert all(find_rule(rule).days is not None for rule in kept.values())


def test_every_job_is_in_the_map() -> None:
    entries = {entry.name: set(entry.fields) for entry in load().of_kind("job")}
    assert entries == {task: {"task", "row_id"} for task in Task}


def test_every_message_is_in_the_map_with_what_its_text_names() -> None:
    entries = {entry.name: set(entry.fields) for entry in load().of_kind("mail")}
    assert entries.pop("every message") == {field.name for field in fields(OutgoingMail)}
    assert entries == {
        kind: set(DETAILS[kind]) | ({"link"} if kind in WITH_LINK else set())
        for kind in MessageKind
    }


def test_files_hold_what_the_map_says() -> None:
    written = {entry.name: set(entry.fields) for entry in load().of_kind("file")}
    assert written == {
        "<message id>.json": {field.name for field in fields(OutgoingMail)},
        "tokenoffset-requests-<day>.jsonl": {field.name for field in fields(LoggedRequest)},
    }


def logged() -> Iterator[tuple[str, set[str]]]:
    """Each call of a logger of ours: the logger's name and the values it is given."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) not in {"logger", "current_app.logger", "app.logger"}:
                continue
            text, *values = node.args
            # What is built into the text itself would be a value that nobody sees here.
            assert isinstance(text, ast.Constant), f"{name}, line {node.lineno}"
            named = {ast.unparse(value) for value in values}
            assert not node.keywords, f"{name}, line {node.lineno}"
            yield name, named | ({"traceback"} if node.func.attr == "exception" else set())


@pytest.mark.promise("TO-015")
def test_every_value_that_is_logged_is_in_the_map() -> None:
    found: dict[str, set[str]] = {}
    for name, values in logged():
        found.setdefault(name, set()).update(values)
    assert {entry.name: set(entry.fields) for entry in load().of_kind("log")} == found


def test_the_reference_of_the_docs_is_the_map() -> None:
    written = (PACKAGE.parent / "docs" / "reference" / "data-map.md").read_text(encoding="utf-8")
    assert written == to_markdown(), "flask tokenoffset privacy map --markdown writes it anew"


def test_the_command_prints_the_map_without_an_application() -> None:
    printed = CliRunner().invoke(command, ["privacy", "map", "--markdown"])
    assert printed.output == to_markdown()
    lines = CliRunner().invoke(command, ["privacy", "map"]).output.splitlines()
    assert len(lines) == len(load().tables) + len(load().elsewhere)
    assert any(line.startswith("credential: 9 columns, 4 in the copy;") for line in lines)


def test_the_sentences_of_the_ledger_are_shipped() -> None:
    ledger = yaml.safe_load((PACKAGE.parent / "docs" / "promises.yaml").read_text("utf-8"))
    assert promises() == {row["id"]: row["promise"] for row in ledger}, "tools/ship_promises.py"


def changed(file: str, old: str, new: str) -> dict[str, str]:
    texts = packaged_texts()
    assert old in texts[file]
    texts[file] = texts[file].replace(old, new, 1)
    return texts


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("people", 'basis = "contract"', 'basis = "habit"', "basis is 'habit', and must be one of"),
        ("people", 'display_name = "name"', 'display_name = "nom"', "category is 'nom'"),
        ("people", 'about = "person"', 'about = "nobody"', "about nobody, but says of an erasure"),
        ("people", 'retention = "account"\n', "", "account in people.toml does not say: retention"),
        ("people", '"job_role",\n', '"job",\n', "empties job, which it does not have"),
        ("people", 'found_by = "account:id"', 'found_by = "luck"', "found by 'luck'"),
        ("people", 'found_by = "account:id"', 'found_by = "person:self"', "its column self"),
        ("people", "[account]", "[account]\nsize = 3", "says what is not asked: size"),
        ("people", "[account]", "[account", "people.toml is not TOML"),
        ("usage", "through:line_id:cost_line", "through:line_id:bill", "found through bill"),
        ("audit", ":audit_event:actor_id", ":audit_event:actor", "audit_event.actor"),
        ("words", 'mail = "Mail to you"\n', "", "does not name the nouns mail"),
        ("words", 'mail = "Mail', 'post = "Post"\nmail = "Mail', "there is no post.toml"),
        ("words", 'ended = "It ends."', 'over = "It ends."', "does not say: ended"),
        ("mail", "[magic_link]", "[person]", "person stands in people.toml and mail.toml"),
        ("elsewhere/job", 'row_id = "id"', 'row_id = "row"', "field row_id: category is 'row'"),
        ("elsewhere/job", "is due.", "is due", "must be a sentence"),
    ],
)
def test_a_map_that_is_not_in_order_is_refused_with_a_sentence(
    file: str, old: str, new: str, said: str
) -> None:
    with pytest.raises(MapError, match=re.escape(said)):
        read(changed(file, old, new))


def test_a_map_without_its_words_is_refused() -> None:
    texts = packaged_texts()
    del texts["words"]
    with pytest.raises(MapError, match=re.escape("needs the file words.toml")):
        read(texts)
