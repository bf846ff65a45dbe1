"""The table of periods in words: for the public page, the command and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.rule_types import Policy, RetentionAction, RetentionRule
from flask_tokenoffset.services.retention.rules import (
    PLAN_CATALOGUE,
    find_rule,
    operator_days,
    plan_days,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flask_tokenoffset.settings import Settings

_ACTIONS: Final[Mapping[RetentionAction, str]] = {
    RetentionAction.DELETE: "It is deleted.",
    RetentionAction.ERASE: "The account is erased.",
    RetentionAction.EMPTY: "What belongs to it is deleted, and its names are taken out.",
    RetentionAction.END_CHAIN: "It is deleted whole.",
    RetentionAction.EXPIRE: "It is forgotten by itself.",
    RetentionAction.FOLLOW: "It goes with what it belongs to.",
    RetentionAction.STAY: "It is about nobody, and stays.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One row of the table, in words.

    :param days: the period that counts; ``None`` where there is none of its own.
    :param kept: the same as a sentence without a full stop.
    :param then: what is done at the end.
    """

    rule: RetentionRule
    days: int | None
    kept: str
    then: str


def periods(settings: Settings) -> list[Period]:
    """Every rule with the period that counts on this site."""
    return [_period(rule, operator_days(rule, settings)) for rule in RULES]


def longest_periods() -> list[Period]:
    """Every rule with the longest period that any site may set."""
    return [_period(rule, rule.days) for rule in RULES]


def _period(rule: RetentionRule, days: int | None) -> Period:
    return Period(rule=rule, days=days, kept=kept_label(rule, days), then=_ACTIONS[rule.action])


def kept_label(rule: RetentionRule, days: int | None) -> str:
    """How long something is kept, in words.

    :param days: the period that counts.
    """
    if days is None:
        return f"for as long as {rule.begins}"
    if days == 0:
        return f"until {rule.begins}"
    return f"{days:,} {'day' if days == 1 else 'days'} after {rule.begins}"


_HEAD: Final = """\
# How long everything is kept

One table holds every period, and the purge, the page `/privacy/retention` and this file read it
(`flask_tokenoffset/services/retention/every_rule.py`). The periods here are the longest that there
may be. `TOKENOFFSET_RETENTION` and the settings named below shorten them, so may a retention plan
and a tenant, and nothing lengthens them: a longer one stops start-up, or is refused.

This file is written by `flask tokenoffset retention show --markdown`.

## Periods
"""
_SOURCES: Final = """\
## What the policies say, and which is the strictest

Where policies differ the shortest period counts. It is computed from these columns; the last one is
what comes out. A dash is a policy that says nothing of it, and "no number" one that names no days.
"""
_PLANS: Final = """\
## Plans

The retention plans of `TOKENOFFSET_RETENTION_PLANS` by default. What a plan states beyond the rule
`usage` is cut to it.
"""


def to_markdown() -> str:
    """The reference page: the periods, what each policy says, and the plans."""
    return (
        "\n".join([_HEAD, *_period_rows(), "", _SOURCES, *_source_rows(), "", _PLANS, *_plans()])
        + "\n"
    )


def _period_rows() -> Iterator[str]:
    yield from _head("rule", "what", "kept", "then", "why", "set by")
    for period in longest_periods():
        yield _row(
            f"`{period.rule.name}`",
            period.rule.title,
            period.kept,
            period.then,
            period.rule.why,
            _set_by(period.rule),
        )


def _set_by(rule: RetentionRule) -> str:
    if rule.setting is not None:
        return f"`TOKENOFFSET_{rule.setting.upper()}`"
    if not rule.days or rule.action is RetentionAction.EXPIRE:
        return "nobody"
    who = ["`TOKENOFFSET_RETENTION`"]
    if rule.follows_plan:
        who.append("the plan")
    if rule.tenants_choose:
        who.append("the tenant")
    return f"{', '.join(who)}; {rule.shortest_days} or more"


def _source_rows() -> Iterator[str]:
    yield from _head("rule", *Policy, "this extension", "strictest")
    for rule in RULES:
        if rule.sources:
            yield _row(
                f"`{rule.name}`",
                *(_stated(rule, policy) for policy in Policy),
                _days(rule.our_days) if rule.our_days is not None else "-",
                _strictest(rule),
            )


def _stated(rule: RetentionRule, policy: Policy) -> str:
    stated = rule.sources.get(policy)
    if stated is None:
        return "-"
    return stated.words if stated.days is not None else f"{stated.words} (no number)"


def _strictest(rule: RetentionRule) -> str:
    if rule.days is None:
        return "none names a number"
    return f"{_days(rule.days)}: {', '.join(rule.strictest)}"


def _plans() -> Iterator[str]:
    longest = find_rule("usage").days or 0
    yield from _head("plan", "of", "states", "counts")
    for name, (policy, days) in PLAN_CATALOGUE.items():
        stated = "as agreed" if days is None else _days(days)
        yield _row(f"`{name}`", str(policy), stated, _days(min(days or longest, longest)))


def plans(settings: Settings) -> Mapping[str, int]:
    """The retention plans of this site, with the days of usage each keeps."""
    return plan_days(settings)


def _days(days: int) -> str:
    return f"{days:,} {'day' if days == 1 else 'days'}"


def _head(*titles: str) -> Iterator[str]:
    yield _row(*titles)
    yield _row(*("---" for _ in titles))


def _row(*cells: str) -> str:
    return f"| {' | '.join(_one_line(cells))} |"


def _one_line(cells: Iterable[str]) -> Iterator[str]:
    return (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
