"""Who leaves lives on in the sums of large groups or not at all."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Uuid, select

from flask_tokenoffset.models import (
    Connection,
    Credential,
    Person,
    SampleRun,
    UsageAggregate,
    UsageSeries,
)
from flask_tokenoffset.services.sampling.aggregates import rounded_tokens
from tests.integration.aggregates.contributors import (
    KINDS,
    MODEL,
    MONTH,
    SAMPLED,
    aggregates,
    answer_calibration,
    cease,
    change_person,
    contribute,
    leave,
)
from tests.support.campaigns import campaign

if TYPE_CHECKING:
    from tests.support.world import World


@pytest.mark.promise("TO-042")
@pytest.mark.parametrize("others", [0, 8])
def test_a_group_of_fewer_than_ten_leaves_nothing(db_world: World, others: int) -> None:
    (leaver, *_) = contribute(db_world, 1 + others)
    assert leave(db_world, leaver) == 0
    assert aggregates(db_world) == []


@pytest.mark.promise("TO-042")
def test_a_group_of_ten_leaves_one_row_of_rounded_sums(db_world: World) -> None:
    (leaver, *_) = contribute(db_world, 12, kinds=(1_111, 22, 0, 3))
    assert leave(db_world, leaver) == 1
    (row,) = aggregates(db_world)
    assert (row.provider, row.model, row.service_tier, row.month) == (
        "anthropic",
        MODEL,
        "standard",
        MONTH,
    )
    # 12 people over 2 days: 26,664, 528, 0 and 72 tokens.
    assert [getattr(row, kind) for kind in KINDS] == [26_700, 528, 0, 72]
    assert row.contributors == 10


@pytest.mark.promise("TO-042")
def test_exactly_ten_are_enough(db_world: World) -> None:
    people = contribute(db_world, 10)
    assert leave(db_world, people[0]) == 1


@pytest.mark.promise("TO-042")
@pytest.mark.parametrize("others", [0, 11])
def test_the_leavers_rows_go_whether_the_group_is_large_or_not(
    db_world: World, others: int
) -> None:
    leaver, *staying = contribute(db_world, 1 + others)
    before = db_world.rows(*SAMPLED)
    leave(db_world, leaver)
    after = db_world.rows(*SAMPLED)
    for table, rows in before.items():
        # The same number for each of them.
        assert len(after[table]) == len(rows) * others // (1 + others), table
    with db_world.app.app_context():
        left = set(db_world.state.session.scalars(select(UsageSeries.account_id)))
    assert left == {each.account_id for each in staying}


@pytest.mark.promise("TO-042")
def test_later_leavers_change_nothing(db_world: World) -> None:
    people = contribute(db_world, 13)
    leave(db_world, people[0])
    before = db_world.rows(UsageAggregate)
    for each in people[1:]:
        assert leave(db_world, each) == 0
    assert db_world.rows(UsageAggregate) == before
    assert all(not rows for rows in db_world.rows(*SAMPLED).values())


@pytest.mark.promise("TO-042")
def test_who_joins_and_leaves_again_changes_nothing(db_world: World) -> None:
    people = contribute(db_world, 10)
    leave(db_world, people[0])
    before = db_world.rows(UsageAggregate)
    # The group is large enough again, and would tell what they use.
    (late, *_) = contribute(db_world, 2, tokens=999)
    leave(db_world, late)
    assert db_world.rows(UsageAggregate) == before


@pytest.mark.promise("TO-042")
@pytest.mark.parametrize("kind", range(4))
def test_nobody_may_be_more_than_half_of_any_sum(db_world: World, kind: int) -> None:
    people = contribute(db_world, 10)
    large = [1_000] * 4
    large[kind] = 10_001
    contribute(db_world, 1, kinds=tuple(large))
    assert leave(db_world, people[0]) == 0
    contribute(db_world, 2)
    assert leave(db_world, people[1]) == 1


@pytest.mark.promise("TO-042", "TO-050")
def test_who_is_restricted_waits_for_deletion_or_objects_is_not_counted(db_world: World) -> None:
    now = db_world.clock.now()
    people = contribute(db_world, 14)
    change_person(db_world, people[10], restricted_at=now)
    change_person(db_world, people[11], deletion_due_at=now + timedelta(days=3))
    answer_calibration(db_world, people[12], "given", "objected", "shown")
    answer_calibration(db_world, people[13], "given", "withdrawn")
    change_person(db_world, people[9], restricted_at=now)
    # Nine are left that may be counted.
    assert leave(db_world, people[0]) == 0
    change_person(db_world, people[9], restricted_at=None)
    contribute(db_world, 1)
    assert leave(db_world, people[1]) == 1
    assert aggregates(db_world)[0].uncached_input_tokens == 10 * 2 * 1_000


@pytest.mark.promise("TO-042", "TO-050")
@pytest.mark.parametrize("how", ["restricted", "waiting", "objecting"])
def test_of_a_leaver_who_may_not_be_counted_nothing_is_folded(world: World, how: str) -> None:
    now = world.clock.now()
    leaver, *others = contribute(world, 14)
    if how == "objecting":
        answer_calibration(world, leaver, "objected")
    else:
        column = "restricted_at" if how == "restricted" else "deletion_due_at"
        change_person(world, leaver, **{column: now})
    assert leave(world, leaver) == 0
    assert aggregates(world) == []
    assert len(world.rows(UsageSeries)["tokenoffset_usage_series"]) == len(others)


def test_who_agreed_again_is_counted(world: World) -> None:
    people = contribute(world, 10)
    answer_calibration(world, people[4], "objected", "given", "shown")
    assert leave(world, people[0]) == 1


def test_an_account_that_ceases_is_folded_although_it_waited_for_that(db_world: World) -> None:
    people = contribute(db_world, 10)
    change_person(db_world, people[0], deletion_due_at=db_world.clock.now())
    assert cease(db_world, people[0]) == 1
    assert len(db_world.rows(UsageSeries)["tokenoffset_usage_series"]) == 9


@pytest.mark.promise("TO-050")
def test_of_an_account_that_ceases_while_restricted_nothing_is_folded(world: World) -> None:
    people = contribute(world, 12)
    change_person(
        world, people[0], deletion_due_at=world.clock.now(), restricted_at=world.clock.now()
    )
    assert cease(world, people[0]) == 0
    assert aggregates(world) == []


def test_only_months_that_are_over_are_folded(db_world: World) -> None:
    # From the last day of October on, into the present month.
    people = contribute(db_world, 10, first_day=date(2026, 10, 31), days=3)
    assert leave(db_world, people[0]) == 1
    (row,) = aggregates(db_world)
    assert (row.month, row.output_tokens) == (MONTH, 10_000)


def test_each_month_model_and_tier_is_a_group_of_its_own(db_world: World) -> None:
    people = contribute(db_world, 10, first_day=date(2026, 9, 30), days=2)
    contribute(db_world, 9, model="another")
    contribute(db_world, 9, tier="priority")
    leave(db_world, people[0])
    found = {(row.model, row.service_tier, row.month) for row in aggregates(db_world)}
    assert found == {(MODEL, "standard", date(2026, 9, 1)), (MODEL, "standard", MONTH)}


def test_one_with_several_series_is_one_contributor(db_world: World) -> None:
    people = contribute(db_world, 9, series=5)
    assert leave(db_world, people[0]) == 0
    assert aggregates(db_world) == []


def test_who_used_no_tokens_is_no_contributor(db_world: World) -> None:
    people = contribute(db_world, 9)
    contribute(db_world, 3, tokens=0)
    assert leave(db_world, people[0]) == 0


@pytest.mark.promise("TO-042")
def test_nothing_in_an_aggregate_leads_back_to_anyone(db_world: World) -> None:
    table = UsageAggregate.__table__
    assert not table.foreign_keys
    assert {column.name for column in table.columns if isinstance(column.type, Uuid)} == {"id"}
    people = contribute(db_world, 10)
    leave(db_world, people[0])
    (row,) = db_world.rows(UsageAggregate)["tokenoffset_usage_aggregate"]
    ids = {
        str(value) for each in people for value in (each.account_id, each.person_id, each.source_id)
    }
    assert not ids & {str(value) for value in row}
    assert not any(
        ids & {str(value) for value in other}
        for other in db_world.rows(Connection, SampleRun, Person)
        if str(row[0]) in other
    )


def test_two_who_leave_at_once_leave_one_row(pg_world: World) -> None:
    people = contribute(pg_world, 11)
    together = Barrier(2)
    written: list[int] = []

    def go(number: int) -> None:
        together.wait()
        written.append(leave(pg_world, people[number]))

    threads = [Thread(target=go, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [0, 1]
    (row,) = aggregates(pg_world)
    assert row.contributors == 10


@pytest.mark.promise("TO-042")
def test_disconnecting_takes_the_credential_and_every_sampled_row(world: World) -> None:
    source_id = world.ada.sample()
    world.ben.sample()
    bens = world.ben.account_id
    assert world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    with world.app.app_context():
        session = world.state.session
        assert list(session.scalars(select(Credential.account_id))) == [bens]
        for model in (UsageSeries, *SAMPLED[2:3], SAMPLED[4]):
            assert set(session.scalars(select(model.account_id))) <= {bens}, model


@pytest.mark.promise("TO-042")
def test_two_alone_disconnect_and_leave_nothing(world: World) -> None:
    source_id = world.ada.sample()
    world.ben.sample()
    assert world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    assert aggregates(world) == []


@campaign("series", short=20, full=200)
def test_thousands_of_series_are_folded_in_a_few_statements(pg_world: World, series: int) -> None:
    people = contribute(pg_world, 50, series=series, days=3)
    with pg_world.statements() as sent:
        assert leave(pg_world, people[0]) == 1
    assert len(sent) < 40, len(sent)


@given(st.integers(min_value=0, max_value=10**18))
def test_a_rounded_sum_is_off_by_half_a_percent_at_most(tokens: int) -> None:
    rounded = rounded_tokens(tokens)
    assert abs(rounded - tokens) * 200 <= tokens
    assert len(str(rounded).rstrip("0")) <= 3
