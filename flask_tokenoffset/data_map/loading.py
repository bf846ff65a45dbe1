"""Reads the data map, and says in a sentence what is wrong with it."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args

from flask_tokenoffset.data_map.shapes import (
    ABOUT,
    ERASURES,
    KINDS,
    Category,
    Column,
    DataMap,
    Elsewhere,
    FoundBy,
    Table,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flask_tokenoffset.data_map.shapes import Erasure, Kind

_DATA: Final = files("flask_tokenoffset.data_map") / "data"
#: The file with the words that all others use.
WORDS: Final = "words"
#: The folder with a file for each kind of place outside the database.
ELSEWHERE: Final = "elsewhere/"

_WORDS: Final = frozenset({"categories", "bases", "spans", "erasures", "nouns", "kinds"})
_SHARED: Final = frozenset(
    {"holds", "about", "purpose", "basis", "retention", "erasure", "erasure_reason"}
)
_TABLE: Final = _SHARED | {"title", "found_by", "columns"}
_TABLE_OPTIONAL: Final = frozenset({"also_found_by", "why_not", "empties"})
_COLUMN: Final = frozenset({"category"})
_COLUMN_OPTIONAL: Final = frozenset({"why_not", "erasure"})
_ELSEWHERE: Final = _SHARED | {"fields"}
_ELSEWHERE_OPTIONAL: Final = frozenset({"why_not"})
#: The columns by which rows are mostly found, and what they hold.
_PLAIN_WAYS: Final[Mapping[str, Way]] = {
    "account_id": "account",
    "person_id": "person",
    "user_key": "user_key",
}
_WAYS: Final = get_args(Way)

Word = TypeVar("Word", bound=str)


class MapError(ValueError):
    """The data map says something that cannot be; the message names the entry."""


@cache
def load() -> DataMap:
    """The data map of this release. It cannot change while the process lives.

    :raises MapError: it is not in order; a test keeps such a map from being released.
    """
    return read(packaged_texts())


def packaged_texts() -> dict[str, str]:
    """What the files of this release say, by name as :func:`read` takes them."""
    return {
        folder + entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for folder in ("", ELSEWHERE)
        for entry in (_DATA / folder).iterdir()
        if entry.name.endswith(".toml")
    }


def read(texts: Mapping[str, str]) -> DataMap:
    """A data map from the texts of its files.

    :param texts: by the name of the file without its ending: ``words``, one for each feature, and
        ``elsewhere/<kind>`` for each kind of place outside the database.
    :raises MapError: something is missing, unknown or contradicts itself.
    """
    content = {name: _parsed(name, text) for name, text in texts.items()}
    words = content.pop(WORDS, None)
    if words is None:
        raise MapError(f"The data map needs the file {WORDS}.toml.")
    reader = _Reader(words)
    elsewhere = tuple(
        entry
        for kind in KINDS
        for entry in reader.entries(kind, content.pop(f"{ELSEWHERE}{kind}", {}))
    )
    tables: dict[str, Table] = {}
    for feature in reader.features:
        if feature not in content:
            raise MapError(
                f"{WORDS}.toml names the noun {feature!r}, and there is no {feature}.toml."
            )
        for name, entry in content.pop(feature).items():
            if name in tables:
                raise MapError(
                    f"The table {name} stands in {tables[name].feature}.toml and {feature}.toml."
                )
            tables[name] = reader.table(name, feature, entry)
    if content:
        raise MapError(f"{WORDS}.toml does not name the nouns {', '.join(sorted(content))}.")
    _check_ways(tables)
    return DataMap(
        categories=reader.categories,
        bases=reader.bases,
        spans=reader.spans,
        erasures=reader.erasures,
        features=reader.features,
        kinds=reader.kinds,
        tables=MappingProxyType(tables),
        elsewhere=elsewhere,
    )


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MapError(f"{name}.toml is not TOML: {error}.") from None


class _Reader:
    """Turns entries into shapes, with the words that they may use."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        _check_keys("words.toml", words, _WORDS)
        self.categories: Mapping[str, Category] = MappingProxyType(
            {
                name: Category(name, entry["meaning"], entry.get("why_not"))
                for name, entry in words["categories"].items()
            }
        )
        self.bases: Mapping[str, str] = MappingProxyType(words["bases"])
        self.spans: Mapping[str, str] = MappingProxyType(words["spans"])
        _check_keys("erasures in words.toml", words["erasures"], frozenset(ERASURES))
        self.erasures = cast("Mapping[Erasure, str]", MappingProxyType(words["erasures"]))
        self.features: Mapping[str, str] = MappingProxyType(words["nouns"])
        _check_keys("kinds in words.toml", words["kinds"], frozenset(KINDS))
        self.kinds = cast("Mapping[Kind, str]", MappingProxyType(words["kinds"]))

    def table(self, name: str, feature: str, entry: Mapping[str, Any]) -> Table:
        where = f"{name} in {feature}.toml"
        _check_keys(where, entry, _TABLE, _TABLE_OPTIONAL)
        about = _one_of(where, "about", entry["about"], ABOUT)
        erasure = _one_of(where, "erasure", entry["erasure"], ERASURES)
        if (about == "nobody") != (erasure == "not-personal"):
            raise MapError(
                f"{where} is about {about}, but says of an erasure: {erasure}. What is about nobody"
                " is «not-personal» there, and nothing else is."
            )
        columns = {
            column: self._column(f"{where}, column {column}", column, given, entry)
            for column, given in entry["columns"].items()
        }
        if unknown := set(entry.get("empties", ())) - columns.keys():
            raise MapError(f"{where} empties {', '.join(sorted(unknown))}, which it does not have.")
        if (erasure == "emptied") != bool(entry.get("empties")):
            raise MapError(
                f"{where} must say in «empties» what is taken out, if that is «emptied»."
            )
        found_by = entry["found_by"]
        return Table(
            name=name,
            feature=feature,
            title=_text(where, "title", entry),
            holds=_sentence(where, "holds", entry),
            about=about,
            found_by=found_by,
            ways=tuple(
                _way(where, text, columns) for text in (found_by, *entry.get("also_found_by", ()))
            ),
            purpose=_sentence(where, "purpose", entry),
            basis=_one_of(where, "basis", entry["basis"], tuple(self.bases)),
            retention=_text(where, "retention", entry),
            erasure=erasure,
            erasure_reason=_sentence(where, "erasure_reason", entry),
            columns=MappingProxyType(columns),
        )

    def _column(self, where: str, name: str, given: object, table: Mapping[str, Any]) -> Column:
        entry: Mapping[str, Any] = (
            {"category": given} if isinstance(given, str) else _mapping(where, given)
        )
        _check_keys(where, entry, _COLUMN, _COLUMN_OPTIONAL)
        category = _one_of(where, "category", entry["category"], tuple(self.categories))
        own = entry.get("why_not")
        erasure: Erasure | None = None
        if "erasure" in entry:
            erasure = _one_of(where, "erasure", entry["erasure"], ERASURES)
        elif table["erasure"] == "emptied":
            erasure = "emptied" if name in table.get("empties", ()) else "kept"
        return Column(
            name=name,
            category=category,
            why_not=own or self.categories[category].why_not or table.get("why_not"),
            erasure=erasure,
        )

    def entries(self, kind: Kind, content: Mapping[str, Any]) -> Iterator[Elsewhere]:
        """What stands in one kind of place; each entry says what differs from the defaults."""
        where = f"{ELSEWHERE}{kind}.toml"
        _check_keys(where, content, frozenset({"defaults", "entries"}))
        for name, entry in content["entries"].items():
            yield self._elsewhere(f"{name} in {where}", kind, name, content["defaults"] | entry)

    def _elsewhere(self, where: str, kind: Kind, name: str, entry: Mapping[str, Any]) -> Elsewhere:
        _check_keys(where, entry, _ELSEWHERE, _ELSEWHERE_OPTIONAL)
        fields = {
            field: _one_of(f"{where}, field {field}", "category", word, tuple(self.categories))
            for field, word in _mapping(where, entry["fields"]).items()
        }
        return Elsewhere(
            kind=kind,
            name=name,
            holds=_sentence(where, "holds", entry),
            fields=MappingProxyType(fields),
            about=_one_of(where, "about", entry["about"], ABOUT),
            purpose=_sentence(where, "purpose", entry),
            basis=_one_of(where, "basis", entry["basis"], tuple(self.bases)),
            retention=_text(where, "retention", entry),
            why_not=entry.get("why_not"),
            erasure=_one_of(where, "erasure", entry["erasure"], ERASURES),
            erasure_reason=_sentence(where, "erasure_reason", entry),
        )


def _way(where: str, text: str, columns: Mapping[str, Column]) -> FoundBy:
    word, *rest = text.split(":")
    if text in _PLAIN_WAYS:
        way = FoundBy(_PLAIN_WAYS[text], text)
    elif text == "none":
        return FoundBy("none")
    elif word == "through" and len(rest) in {2, 3}:
        way = FoundBy("through", *rest)
    elif word in _WAYS and len(rest) == 1:
        way = FoundBy(cast("Way", word), rest[0])
    else:
        raise MapError(f"{where} is found by {text!r}, which is none of the ways there are.")
    if way.column not in columns:
        raise MapError(f"{where} is found by its column {way.column}, which it does not have.")
    return way


def _check_ways(tables: Mapping[str, Table]) -> None:
    """A way through another table ends in that table."""
    for table in tables.values():
        for way in table.ways:
            if way.way != "through":
                continue
            other = tables.get(way.table)
            if other is None:
                raise MapError(f"{table.name} is found through {way.table}, which is no table.")
            if way.person_column and way.person_column not in other.columns:
                raise MapError(
                    f"{table.name} is found through {way.table}.{way.person_column}, and there is"
                    " no such column."
                )


def _check_keys(
    where: str,
    entry: Mapping[str, Any],
    required: frozenset[str],
    optional: frozenset[str] = frozenset(),
) -> None:
    if missing := required - entry.keys():
        raise MapError(f"{where} does not say: {', '.join(sorted(missing))}.")
    if unknown := entry.keys() - required - optional:
        raise MapError(f"{where} says what is not asked: {', '.join(sorted(unknown))}.")


def _one_of(where: str, key: str, value: object, words: Sequence[Word]) -> Word:
    for word in words:
        if word == value:
            return word
    raise MapError(f"{where}: {key} is {value!r}, and must be one of {', '.join(words)}.")


def _mapping(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MapError(f"{where} is {value!r}, and must be a table.")
    return value


def _text(where: str, key: str, entry: Mapping[str, Any]) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise MapError(f"{where}: {key} must be a text and say something.")
    return value


def _sentence(where: str, key: str, entry: Mapping[str, Any]) -> str:
    value = _text(where, key, entry)
    if not value.endswith("."):
        raise MapError(f"{where}: {key} must be a sentence and end like one.")
    return value
