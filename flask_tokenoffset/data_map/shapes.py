"""What the data map is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

About = Literal["person", "organization", "nobody"]
Erasure = Literal["deleted", "emptied", "kept", "not-personal", "ended"]
Way = Literal["account", "person", "user_key", "address", "through", "none"]
Kind = Literal["redis", "log", "mail", "file", "cookie", "session", "job"]

ABOUT: Final[tuple[About, ...]] = ("person", "organization", "nobody")
ERASURES: Final[tuple[Erasure, ...]] = ("deleted", "emptied", "kept", "not-personal", "ended")
KINDS: Final[tuple[Kind, ...]] = ("redis", "log", "mail", "file", "cookie", "session", "job")


@dataclass(frozen=True, slots=True)
class Category:
    """What a value is, in one word, and whether the person it is about gets a copy.

    :param name: the word.
    :param meaning: a sentence.
    :param why_not: why values of this category are in nobody's copy; ``None`` where they are.
    """

    name: str
    meaning: str
    why_not: str | None


@dataclass(frozen=True, slots=True)
class FoundBy:
    """One way of finding a person's rows in a table.

    :param way: ``account``, ``person``, ``user_key`` and ``address``: the column holds the id of
        their account, their own id, the host's key, or an address that they have proved.
        ``through``: the column holds the key of a row of another table, which is found as that
        table says, or by ``person_column`` alone. ``none``: their rows cannot be told.
    :param column: which column; empty for ``none``.
    :param table: the other table, without our prefix; empty unless ``through``.
    :param person_column: the column of the other table that holds the person's id; empty where that
        table's own ways count.
    """

    way: Way
    column: str = ""
    table: str = ""
    person_column: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one of our tables.

    :param name: as in the database.
    :param category: the name of a :class:`Category`.
    :param why_not: why it is in nobody's copy; ``None`` where it is in the copy.
    :param erasure: what erasing an account does to it, where that is not what is done to its table.
    """

    name: str
    category: str
    why_not: str | None
    erasure: Erasure | None

    @property
    def export(self) -> bool:
        """Whether a copy of everything held about a person contains it."""
        return self.why_not is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One of our tables.

    :param name: without our prefix.
    :param feature: the file of the map that it stands in.
    :param title: for a reader.
    :param holds: what stands in it, in a sentence for the person it is about.
    :param about: whom the rows are about; ``organization`` where they are an organization's own.
    :param found_by: the first way of finding a person's rows, as the map writes it:
        ``account_id``, ``person_id``, ``user_key``, ``through:<column>:<table>``, ``none``, or
        ``<way>:<column>`` where the column has another name than the way.
    :param ways: all of them.
    :param purpose: what it is for, in a sentence.
    :param basis: the name of a legal basis (:attr:`DataMap.bases`).
    :param retention: the name of the rule that says how long
        (:data:`flask_tokenoffset.services.retention.every_rule.RULES`).
    :param erasure: what erasing an account does to the person's rows.
    :param erasure_reason: why that, in a sentence.
    :param columns: by name, in the order of the table.
    """

    name: str
    feature: str
    title: str
    holds: str
    about: About
    found_by: str
    ways: tuple[FoundBy, ...]
    purpose: str
    basis: str
    retention: str
    erasure: Erasure
    erasure_reason: str
    columns: Mapping[str, Column]

    def erasure_of(self, column: str) -> Erasure:
        """What erasing an account does to one column."""
        return self.columns[column].erasure or self.erasure

    @property
    def exported(self) -> tuple[Column, ...]:
        """What a copy contains."""
        return tuple(column for column in self.columns.values() if column.export)

    @property
    def kept_out(self) -> Mapping[str, tuple[str, ...]]:
        """What no copy contains: each reason with the columns it holds for."""
        reasons: dict[str, tuple[str, ...]] = {}
        for column in self.columns.values():
            if column.why_not is not None:
                reasons[column.why_not] = (*reasons.get(column.why_not, ()), column.name)
        return reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What is held, or passes, outside the database.

    :param kind: where: ``redis`` keys, ``log`` records, ``mail``, a ``file``, a ``cookie``, an
        entry of the host's ``session``, a ``job``'s arguments.
    :param name: which: a key with ``*`` for what varies, a logger with its level, a file.
    :param holds: what stands there, in a sentence.
    :param fields: each value in it, with its category.
    :param about: as of a :class:`Table`.
    :param retention: the name of a rule, as of a table, or one of :attr:`DataMap.spans`.
    :param why_not: why it is in nobody's copy; ``None`` where it is.
    """

    kind: Kind
    name: str
    holds: str
    fields: Mapping[str, str]
    about: About
    purpose: str
    basis: str
    retention: str
    why_not: str | None
    erasure: Erasure
    erasure_reason: str

    @property
    def export(self) -> bool:
        """Whether a copy of everything held about a person contains it."""
        return self.why_not is None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMap:
    """Everything that is held.

    :param categories: by name.
    :param bases: the legal bases by name, each with the sentence that a page shows.
    :param spans: how long something outside the database is kept, where no rule of ours says so.
    :param erasures: what each word for an erasure means.
    :param features: the title of each group of tables, in the order in which a page shows them.
    :param kinds: the title of each kind of place outside the database.
    :param tables: by name, without our prefix.
    :param elsewhere: what stands outside the database.
    """

    categories: Mapping[str, Category]
    bases: Mapping[str, str]
    spans: Mapping[str, str]
    erasures: Mapping[Erasure, str]
    features: Mapping[str, str]
    kinds: Mapping[Kind, str]
    tables: Mapping[str, Table]
    elsewhere: tuple[Elsewhere, ...]

    def of_kind(self, kind: Kind) -> tuple[Elsewhere, ...]:
        """What stands in one place outside the database."""
        return tuple(each for each in self.elsewhere if each.kind == kind)

    def of_feature(self, feature: str) -> tuple[Table, ...]:
        """The tables of one group."""
        return tuple(table for table in self.tables.values() if table.feature == feature)
