from __future__ import annotations

import pytest
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.models import TABLE_PREFIX, Base
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.rule_types import (
    Policy,
    RetentionAction,
    RetentionRule,
    Stated,
)
from flask_tokenoffset.services.retention.rules import (
    PLAN_CATALOGUE,
    check_settings,
    find_rule,
    operator_days,
    plan_days,
)
from flask_tokenoffset.settings import Settings

KEYS = (PrimaryKeyConstraint, UniqueConstraint)
#: Redis keeps its own for as long as the code says, and some have a setting of their own.
SHORTENABLE = [
    rule
    for rule in RULES
    if rule.days and not rule.setting and rule.action is not RetentionAction.EXPIRE
]


def _settings(**values: object) -> Settings:
    return Settings(keys="of-this-test", embedded_queue=True, **values)  # type: ignore[arg-type]


def test_every_table_falls_under_one_rule_and_no_other_table_is_named() -> None:
    named = [table for rule in RULES for table in rule.tables]
    assert len(named) == len(set(named))
    assert set(named) == {name.removeprefix(TABLE_PREFIX) for name in Base.metadata.tables}


def test_every_rule_is_named_once_and_gives_a_reason() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.title
        assert rule.why.endswith(".")
        assert (rule.days is None) == (
            rule.action in {RetentionAction.FOLLOW, RetentionAction.STAY}
        )
        assert (rule.days is None) == (rule.clock is None)


def test_a_clock_is_a_column_that_is_there() -> None:
    for rule in RULES:
        if rule.clock in {None, "file", "redis"}:
            continue
        assert rule.clock is not None
        table, column = rule.clock.split(".")
        assert column in Base.metadata.tables[TABLE_PREFIX + table].columns


@pytest.mark.promise("TB-005")
def test_the_strictest_of_what_is_stated_is_what_counts() -> None:
    # Two years on one side, twelve months on the other.
    assert find_rule("usage").days == 365
    assert find_rule("usage").strictest == ("TokenByte",)
    assert find_rule("billing").days == 365
    assert find_rule("account").days == 30
    assert find_rule("account").strictest == ("TokenScope", "TokenByte")


def test_the_strictest_is_computed_and_not_typed() -> None:
    rule = RetentionRule(
        name="of-this-test",
        title="",
        begins="",
        our_days=50,
        why="",
        sources={
            Policy.TOKEN_SCOPE: Stated("", 60),
            Policy.TOKENGRIP: Stated("", 40),
            Policy.TOKEN_BYTE: Stated(""),
        },
    )
    assert (rule.days, rule.strictest) == (40, ("Tokengrip",))
    ours = RetentionRule(
        name="x",
        title="",
        begins="",
        our_days=7,
        why="",
        sources={Policy.TOKEN_SCOPE: Stated("", 60)},
    )
    assert (ours.days, ours.strictest) == (7, ("this extension",))


@pytest.mark.promise("TO-043")
@pytest.mark.promise("TS-010")
@pytest.mark.parametrize("rule", SHORTENABLE, ids=lambda rule: rule.name)
def test_a_setting_may_shorten_a_period_and_never_lengthen_it(rule: RetentionRule) -> None:
    assert rule.days is not None
    shorter = _settings(retention={rule.name: rule.shortest_days})
    check_settings(shorter)
    assert operator_days(rule, shorter) == rule.shortest_days
    with pytest.raises(ConfigurationError, match="can only be shortened"):
        check_settings(_settings(retention={rule.name: rule.days + 1}))


@pytest.mark.parametrize("name", ["no-such-rule", "plans", "jobs", "audit-log"])
def test_a_period_that_cannot_be_set_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no period called"):
        check_settings(_settings(retention={name: 5}))


def test_what_the_pages_need_cannot_be_shortened_away() -> None:
    with pytest.raises(ConfigurationError, match="must be there for 62 days"):
        check_settings(_settings(retention={"billing": 61}))


@pytest.mark.parametrize(
    "values", [{"audit_origin_days": 366}, {"request_log_days": 91}, {"proof_years": 4}]
)
def test_a_period_with_a_setting_of_its_own_has_the_same_limit(values: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="can only be shortened"):
        check_settings(_settings(**values))


@pytest.mark.promise("TG-009")
@pytest.mark.promise("TS-010")
def test_the_plans_keep_usage_as_stated_but_never_longer_than_the_strictest() -> None:
    assert plan_days(_settings()) == {
        "free": 30,
        "startup": 90,
        "team": 365,
        "business": 365,
        "starter": 7,
        "pro": 90,
        "enterprise": 365,
    }
    assert PLAN_CATALOGUE["business"] == (Policy.TOKEN_SCOPE, 730)
    assert plan_days(_settings(retention={"usage": 60}))["team"] == 60


def test_a_host_names_plans_of_its_own_and_none_keeps_usage_longer_than_the_rule() -> None:
    settings = _settings(retention_plans={"basic": 10, "full": 365})
    check_settings(settings)
    assert plan_days(settings) == {"basic": 10, "full": 365}
    with pytest.raises(ConfigurationError, match="TOKENOFFSET_RETENTION_PLANS"):
        check_settings(_settings(retention_plans={"for-ever": 366}))


def test_whatever_leads_to_rows_that_are_purged_is_indexed() -> None:
    """PostgreSQL looks for it with each deleted row, and would read the whole table."""
    purged = {
        TABLE_PREFIX + table
        for rule in RULES
        if rule.action is RetentionAction.DELETE
        for table in rule.tables
    }
    leading = {
        (table.name, next(iter(index.columns)).name)
        for table in Base.metadata.tables.values()
        for index in (
            *table.indexes,
            *(each for each in table.constraints if isinstance(each, KEYS)),
        )
        if len(index.columns)
    }
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table.name in purged:
                assert (table.name, key.parent.name) in leading, f"{table.name}.{key.parent.name}"
