"""What a rule of retention is made of, and how the period that counts is computed from it.

A rule names its tables, the clock its period is counted by, the longest period, and what is done at
the end of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A year of a period, so that no leap day makes it longer.
DAYS_OF_A_YEAR: Final = 365


class Policy(StrEnum):
    """The policies that say something about retention."""

    TOKEN_OFFSET = "Token Offset"  # noqa: S105 - a name
    TOKEN_SCOPE = "TokenScope"  # noqa: S105 - a name
    TOKENGRIP = "Tokengrip"
    TOKEN_BYTE = "TokenByte"  # noqa: S105 - a name


class RetentionAction(StrEnum):
    """What is done once a period is over."""

    DELETE = "delete"
    #: The whole account goes; see services/erasures/requests.py.
    ERASE = "erase"
    #: The content goes, and an empty row stays that others' history names.
    EMPTY = "empty"
    #: An append-only chain is deleted whole, because taking out a part would break it.
    END_CHAIN = "end chain"
    #: It goes by itself: Redis and files forget by their own clocks.
    EXPIRE = "expire"
    #: It goes with what it belongs to.
    FOLLOW = "follow"
    #: It is about nobody, and stays.
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Stated:
    """What a policy says of a kind of records.

    :param words: in a few words.
    :param days: the longest that it allows; ``None`` where it names no number.
    """

    words: str
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long one kind of records is kept.

    :param name: a word with hyphens; the data map and the settings call it by this.
    :param title: what it is, for a person.
    :param tables: whose rows it is about, without our prefix; none for what is no table.
    :param clock: the column the period is counted by, as ``table.column``; ``None`` where it is
        kept for as long as something else.
    :param begins: the same in words, after "days after", or after "for as long as".
    :param our_days: the longest that we keep it ourselves, whatever a policy would allow.
    :param shortest_days: nothing may be shortened below this, because the pages need it.
    :param action: what is done at the end.
    :param why: why it is kept at all, in a sentence.
    :param sources: what the policies say of it.
    :param setting: the setting that holds the period, where it has one of its own; in days, or in
        years where its name ends so.
    :param follows_plan: whether the retention plan of an account shortens it.
    :param tenants_choose: whether a person or an organization may shorten it for themselves.
    :param every_run: whether it is looked at every minute, because the period is short.
    """

    name: str
    title: str
    tables: tuple[str, ...] = ()
    clock: str | None = None
    begins: str
    our_days: int | None = None
    shortest_days: int = 1
    action: RetentionAction = RetentionAction.DELETE
    why: str
    sources: Mapping[Policy, Stated] = field(default_factory=dict)
    setting: str | None = None
    follows_plan: bool = False
    tenants_choose: bool = False
    every_run: bool = False

    @property
    def days(self) -> int | None:
        """The longest that it may be kept: the shortest of all that is stated."""
        stated = [each.days for each in self.sources.values() if each.days is not None]
        if self.our_days is not None:
            stated.append(self.our_days)
        return min(stated, default=None)

    @property
    def strictest(self) -> tuple[str, ...]:
        """Who states the period that counts."""
        if self.days is None:
            return ()
        policies = [policy for policy, each in self.sources.items() if each.days == self.days]
        return tuple(str(policy) for policy in policies) or ("this extension",)
