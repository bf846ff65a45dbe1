"""What is held of people, in sentences: the data map beside the periods that count here.

The public page, the API and the reference of the docs say the very same, because all of them are
made from this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.data_map import load
from flask_tokenoffset.services.retention.rule_types import RetentionAction, RetentionRule
from flask_tokenoffset.services.retention.rules import find_rule, operator_days

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.data_map import DataMap, Elsewhere, Table
    from flask_tokenoffset.settings import Settings

#: Says for how many days a rule keeps what it is about; ``None`` where it names no number.
DaysOf = Callable[[RetentionRule], "int | None"]

_ABOUT: Final = {"person": "you", "organization": "an organization", "nobody": "nobody"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One table, or one thing outside the database.

    :param name: the table without our prefix, or the name of what is elsewhere.
    :param title: for a reader.
    :param holds: what it is, in a sentence.
    :param about: whom it is about, in a word.
    :param purpose: what it is for, in a sentence.
    :param basis: why that may be done, in a sentence.
    :param kept_for: how long, in a sentence.
    :param copied: the names of the values that a copy of everything held contains.
    :param kept_out: the names of those that it does not contain, by the reason.
    :param erased: what becomes of it when an account is deleted, and why.
    :param categories: the category of each value, by its name.
    """

    name: str
    title: str
    holds: str
    about: str
    purpose: str
    basis: str
    kept_for: str
    copied: tuple[str, ...]
    kept_out: Mapping[str, tuple[str, ...]]
    erased: str
    categories: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """What belongs together.

    :param key: a word with which a page can name it.
    :param title: for a reader.
    :param items: in the order of the map.
    """

    key: str
    title: str
    items: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class WhatIsHeld:
    """Everything.

    :param tables: what stands in the database.
    :param elsewhere: what stands, or passes, outside of it.
    :param words: what each category means.
    """

    tables: tuple[HeldGroup, ...]
    elsewhere: tuple[HeldGroup, ...]
    words: Mapping[str, str]


def what_is_held(settings: Settings) -> WhatIsHeld:
    """Everything that is held, with the periods as the operator set them.

    :param settings: the application's.
    """
    return _all_of(load(), lambda rule: operator_days(rule, settings))


def what_may_be_held() -> WhatIsHeld:
    """The same with the longest periods that there may be, whatever an operator sets."""
    return _all_of(load(), lambda rule: rule.days)


def period(rule: RetentionRule, days: int | None) -> str:
    """How long a rule keeps what it is about, in a sentence.

    :param rule: which one.
    :param days: the number that counts; ``None`` where the rule names none.
    """
    if days is None:
        return f"For as long as {rule.begins}."
    if days == 0:
        return f"Until {rule.begins}."
    count = f"{days:,} day{'' if days == 1 else 's'} after {rule.begins}"
    if rule.action is RetentionAction.ERASE:
        return f"For as long as you have an account, and until {count}."
    if rule.tenants_choose or rule.follows_plan:
        return f"Until {count}; less where the plan or your own choice says so."
    return f"Until {count}."


def _all_of(data_map: DataMap, days_of: DaysOf) -> WhatIsHeld:
    return WhatIsHeld(
        tables=tuple(
            HeldGroup(
                feature,
                title,
                tuple(
                    _of_table(table, data_map, days_of) for table in data_map.of_feature(feature)
                ),
            )
            for feature, title in data_map.features.items()
        ),
        elsewhere=tuple(
            HeldGroup(
                kind,
                title,
                tuple(_of_elsewhere(each, data_map, days_of) for each in data_map.of_kind(kind)),
            )
            for kind, title in data_map.kinds.items()
        ),
        words={each.name: each.meaning for each in data_map.categories.values()},
    )


def _of_table(table: Table, data_map: DataMap, days_of: DaysOf) -> Held:
    rule = find_rule(table.retention)
    return Held(
        name=table.name,
        title=table.title,
        holds=table.holds,
        about=_ABOUT[table.about],
        purpose=table.purpose,
        basis=data_map.bases[table.basis],
        kept_for=period(rule, days_of(rule)),
        copied=() if table.about == "nobody" else tuple(each.name for each in table.exported),
        kept_out={} if table.about == "nobody" else table.kept_out,
        erased=f"{data_map.erasures[table.erasure]} {table.erasure_reason}",
        categories={each.name: each.category for each in table.columns.values()},
    )


def _of_elsewhere(entry: Elsewhere, data_map: DataMap, days_of: DaysOf) -> Held:
    if entry.retention in data_map.spans:
        kept_for = data_map.spans[entry.retention]
    else:
        rule = find_rule(entry.retention)
        kept_for = period(rule, days_of(rule))
    names = tuple(entry.fields)
    return Held(
        name=entry.name,
        title=entry.name,
        holds=entry.holds,
        about=_ABOUT[entry.about],
        purpose=entry.purpose,
        basis=data_map.bases[entry.basis],
        kept_for=kept_for,
        copied=names if entry.why_not is None else (),
        kept_out={} if entry.why_not is None else {entry.why_not: names},
        erased=f"{data_map.erasures[entry.erasure]} {entry.erasure_reason}",
        categories=entry.fields,
    )
