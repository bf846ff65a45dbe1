"""The rules of retention as an operator shortens them; a setting that keeps longer is refused.

The table itself is :data:`flask_tokenoffset.services.retention.every_rule.RULES`. A plan and a
tenant may shorten it further (:mod:`flask_tokenoffset.services.retention.choices`), and nothing can
lengthen it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.rule_types import (
    DAYS_OF_A_YEAR,
    Policy,
    RetentionAction,
    RetentionRule,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.settings import Settings

_BY_NAME: Final[Mapping[str, RetentionRule]] = {rule.name: rule for rule in RULES}

#: The plans of the policies, by name, and the days each states for usage. What is longer than the
#: rule allows is cut to it.
PLAN_CATALOGUE: Final[Mapping[str, tuple[Policy, int | None]]] = {
    "free": (Policy.TOKEN_SCOPE, 30),
    "startup": (Policy.TOKEN_SCOPE, 90),
    "team": (Policy.TOKEN_SCOPE, 365),
    "business": (Policy.TOKEN_SCOPE, 730),
    "starter": (Policy.TOKENGRIP, 7),
    "pro": (Policy.TOKENGRIP, 90),
    "enterprise": (Policy.TOKENGRIP, None),
}


def find_rule(name: str) -> RetentionRule:
    """A rule by its name.

    :raises KeyError: there is none.
    """
    return _BY_NAME[name]


def operator_days(rule: RetentionRule, settings: Settings) -> int | None:
    """Days for which a rule keeps what it is about, as the operator set it.

    :return: ``None`` where it is kept for as long as something else.
    """
    if rule.days is None:
        return None
    shortened = [rule.days]
    if rule.setting is not None:
        shortened.append(_days_of(rule.setting, settings))
    if rule.name in settings.retention:
        shortened.append(settings.retention[rule.name])
    return min(shortened)


def plan_days(settings: Settings) -> Mapping[str, int]:
    """Days of usage by retention plan, none longer than the rule allows."""
    longest = operator_days(find_rule("usage"), settings) or 0
    if settings.retention_plans is not None:
        return {name: min(days, longest) for name, days in settings.retention_plans.items()}
    return {
        name: longest if days is None else min(days, longest)
        for name, (_policy, days) in PLAN_CATALOGUE.items()
    }


@enforces("retention-settings-only-shorten", "TO-043", "TS-010", off=None)
def check_settings(settings: Settings) -> None:
    """Refuse settings that would keep anything longer than its rule, or name no rule.

    :raises ConfigurationError: the first that does, with what is allowed.
    """
    for name, days in settings.retention.items():
        rule = _BY_NAME.get(name)
        if rule is None or not _can_be_set(rule):
            raise ConfigurationError(
                "TOKENOFFSET_RETENTION",
                f"there is no period called {name!r} that could be shortened. There are "
                + ", ".join(each.name for each in RULES if _can_be_set(each))
                + ". Some others have a setting of their own.",
            )
        _check_days("TOKENOFFSET_RETENTION", name, days, rule)
    for name, days in (settings.retention_plans or {}).items():
        _check_days("TOKENOFFSET_RETENTION_PLANS", name, days, find_rule("usage"))
    for rule in RULES:
        if rule.setting is not None:
            setting = f"TOKENOFFSET_{rule.setting.upper()}"
            _check_days(setting, rule.name, _days_of(rule.setting, settings), rule)


def _days_of(setting: str, settings: Settings) -> int:
    number: int = getattr(settings, setting)
    return number * DAYS_OF_A_YEAR if setting.endswith("_years") else number


def _can_be_set(rule: RetentionRule) -> bool:
    """Whether the mapping may name a rule: one with a period and without a setting of its own."""
    return bool(rule.days) and rule.setting is None and rule.action is not RetentionAction.EXPIRE


def _check_days(setting: str, name: str, days: int, rule: RetentionRule) -> None:
    longest = rule.days or 0
    if days > longest:
        raise ConfigurationError(
            setting,
            f"{name!r} is to be kept for {days} days, but «{rule.title}» may be kept for"
            f" {longest} days at most. A period can only be shortened; set {longest} or less.",
        )
    if days < rule.shortest_days:
        raise ConfigurationError(
            setting,
            f"{name!r} is to be kept for {days} days, but «{rule.title}» must be there for"
            f" {rule.shortest_days} days for the pages to work. Set {rule.shortest_days} or more.",
        )
