"""The schema that every copy carries describes every field of it, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import JSON, Boolean, Date, Integer, String, Uuid

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import Person, UTCDateTime
from flask_tokenoffset.services.data_map.held_rows import columns_of, exported_tables, table_of
from flask_tokenoffset.services.exports.archive import schema_text

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]
FORMATS = {Uuid: "uuid", UTCDateTime: "date-time", Date: "date"}
KINDS = {Boolean: "boolean", Integer: "integer", JSON: "object"}
#: Where the schema stands.
FILE = "flask_tokenoffset/services/exports/export_schema.json"


def described() -> dict[str, Any]:
    """What the schema says of each table."""
    schema = json.loads(schema_text())
    tables: dict[str, Any] = {**schema["$defs"]}
    assert [each["$ref"].rpartition("/")[2] for each in schema["oneOf"]] == list(tables)
    del tables["manifest"]
    return tables


def field_rows() -> str:
    """The fields of all tables as the documentation lists them."""
    lines = []
    for name, entry in described().items():
        lines += [
            f"### {name}",
            "",
            entry["description"],
            "",
            "| field | type | what it is |",
            "|---|---|---|",
        ]
        for field, said in entry["properties"]["rows"]["items"]["properties"].items():
            kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
            kinds = [said.get("format", kinds[0]), *kinds[1:]]
            lines.append(f"| `{field}` | {' or '.join(kinds)} | {said['description']} |")
        lines.append("")
    return "\n".join(lines)


def _first(names: Mapping[Any, str], kind: Any) -> str | None:
    return next((name for each, name in names.items() if isinstance(kind, each)), None)


def kind_of(table: str, column: str) -> dict[str, Any]:
    """What the schema has to say of a column beside its description."""
    found = table_of(table).c[column]
    kind: dict[str, Any] = {"type": _first(KINDS, found.type) or "string"}
    if form := _first(FORMATS, found.type):
        kind["format"] = form
    if isinstance(found.type, String) and found.type.length:
        kind["maxLength"] = found.type.length
    people = any(key.column.table is Person.__table__ for key in found.foreign_keys)
    # Other people who are named are left out.
    if found.nullable or (people and column != "person_id"):
        kind["type"] = [kind["type"], "null"]
    return kind


@pytest.mark.promise("TO-051")
def test_the_schema_names_the_tables_of_a_copy() -> None:
    assert list(described()) == [table.name for table in exported_tables(load())], (
        f"Describe the tables that are missing in {FILE}, or say in the data map why nobody gets a"
        " copy of them."
    )


@pytest.mark.promise("TO-047", "TO-051")
@pytest.mark.parametrize("table", [each.name for each in exported_tables(load())])
def test_the_schema_describes_every_field_of_a_table(table: str) -> None:
    """A column that is added fails here until it is described, or declared as left out."""
    about = load().tables[table]
    entry = described()[table]
    row = entry["properties"]["rows"]["items"]
    columns = columns_of(about)
    assert list(row["properties"]) == columns, f"Describe each field of {table} in {FILE}."
    assert (row["required"], row["additionalProperties"]) == (columns, False)
    assert entry["properties"]["table"] == {"const": table}
    assert (entry["title"], entry["description"]) == (about.title, about.holds)
    for column, field in row["properties"].items():
        said = dict(field)
        assert said.pop("description").endswith("."), column
        assert said == kind_of(table, column), column


@pytest.mark.promise("TO-051")
def test_the_documentation_lists_every_field() -> None:
    page = (ROOT / "docs/reference/export-format.md").read_text(encoding="utf-8")
    _, _, fields = page.partition("<!-- fields: begin -->\n")
    assert fields.partition("<!-- fields: end -->")[0] == field_rows()
