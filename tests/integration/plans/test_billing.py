"""One simulated record for each month in which a plan was active, and never a second."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flask_tokenoffset.clock import next_month, utc_midnight
from flask_tokenoffset.services.plans import ledger as plans
from tests.integration.plans.test_adoption import at_once
from tests.support.world import START, World

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url)


def records(world: World) -> list[tuple[str, int]]:
    """Month and cents, oldest first."""
    items = world.ada.api("GET", "/billing-records").get_json()["items"]
    return [(item["month"], item["amount_cents"]) for item in reversed(items)]


@pytest.mark.promise("TO-008")
def test_each_month_yields_one_record_with_its_bookkeeping(db_world: World) -> None:
    plan = db_world.ada.adopt(db_world.ada.pick_band("worker"), 80)
    assert [db_world.bill(), db_world.bill()] == [1, 0]
    db_world.clock.move_to(datetime(2026, 12, 1, tzinfo=UTC))
    assert [db_world.bill(), db_world.bill()] == [1, 0]
    newest, oldest = db_world.ada.api("GET", "/billing-records").get_json()["items"]
    assert newest == {
        "id": newest["id"],
        "month": "2026-12-01",
        "amount_cents": 100,
        "currency": "USD",
        "simulated": True,
        "payer": "person",
        "tokens_per_month": 5_000_000,
        "coverage_percent": 80,
        "method_version": "2026-05",
        "programmes": [],
        "adoption_id": plan["adoption"]["id"],
        "due_at": "2026-12-01T00:00:00Z",
        "created_at": "2026-12-01T00:00:00Z",
    }
    assert (oldest["month"], oldest["due_at"]) == ("2026-11-01", "2026-11-20T10:00:00Z")
    # No real payment is taken: nobody at all was called.
    assert not db_world.anthropic.calls
    assert not db_world.openai.calls


def test_an_outage_of_three_months_is_made_up_once_with_the_amounts_of_then(
    db_world: World,
) -> None:
    ada = db_world.ada
    ada.adopt(ada.pick_band("worker"))
    db_world.clock.move_to(datetime(2027, 1, 15, tzinfo=UTC))
    ada.adopt(ada.pick_band("casual"))
    db_world.clock.move_to(datetime(2027, 2, 28, tzinfo=UTC))
    assert [db_world.bill(), db_world.bill()] == [4, 0]
    assert records(db_world) == [
        ("2026-11-01", 125),
        ("2026-12-01", 125),
        ("2027-01-01", 125),
        ("2027-02-01", 8),
    ]


def test_a_later_adoption_of_a_month_counts_from_the_next(db_world: World) -> None:
    ada = db_world.ada
    ada.adopt(ada.pick_band("worker"))
    db_world.clock.move(days=1)
    ada.adopt(ada.pick_band("agentic"))
    db_world.bill()
    db_world.clock.move(days=15)
    db_world.bill()
    assert records(db_world) == [("2026-11-01", 125), ("2026-12-01", 3500)]


def test_a_month_paused_from_first_to_last_has_no_record(db_world: World) -> None:
    ada = db_world.ada
    ada.adopt(ada.pick_band("worker"))
    db_world.clock.move(days=1)
    assert ada.api("POST", "/plan/pause").status_code == 200
    db_world.clock.move_to(datetime(2027, 1, 20, tzinfo=UTC))
    assert db_world.bill() == 0
    assert ada.api("POST", "/plan/resume").status_code == 200
    assert db_world.bill() == 1
    assert records(db_world) == [("2026-11-01", 125), ("2027-01-01", 125)]


@pytest.mark.parametrize(("change", "second", "months"), [("pause", 0, 1), ("pause", 1, 2)])
def test_a_pause_at_a_months_first_instant_owes_nothing_for_it(
    db_world: World, change: str, second: int, months: int
) -> None:
    db_world.ada.adopt(db_world.ada.pick_band("worker"))
    db_world.clock.move_to(datetime(2026, 12, 1, 0, 0, second, tzinfo=UTC))
    db_world.ada.api("POST", f"/plan/{change}")
    db_world.bill()
    assert len(records(db_world)) == months


def test_schedulers_at_once_double_nothing(
    make_world: Callable[..., World], postgres_database: Callable[[], str]
) -> None:
    world = make_world(postgres_database())
    for name in "abcdefgh":
        browser = world.browser(name)
        browser.adopt(browser.pick_band())
    world.clock.move_to(datetime(2027, 2, 2, tzinfo=UTC))
    created = at_once(*[world.bill] * 4)
    assert sum(created) == 8 * 4
    assert len(world.rows()["tokenoffset_billing_record"]) == 8 * 4
    assert world.bill() == 0


class PlanLife(RuleBasedStateMachine):
    """Any life of a plan, against a plain account of it that counts active stretches."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.status = "none"
        #: (instant, cents) of each adoption; (begin, end) of each active stretch, the last open.
        self.adoptions: list[tuple[datetime, int]] = []
        self.active: list[tuple[datetime, datetime | None]] = []
        self.billed_until: datetime | None = None

    def teardown(self) -> None:
        self.world.close()

    @initialize()
    def begin(self) -> None:
        self.world.clock.move_to(START)

    @rule(span=st.timedeltas(timedelta(seconds=1), timedelta(days=45)))
    def let_time_pass(self, span: timedelta) -> None:
        self.world.clock.move(seconds=int(span.total_seconds()))

    @rule()
    def go_to_the_next_months_first_instant(self) -> None:
        now = self.world.clock.now()
        self.world.clock.move_to(utc_midnight(next_month(now.date())))

    @rule(band=st.sampled_from(["casual", "worker", "agentic"]), coverage=st.integers(0, 1000))
    def adopt(self, band: str, coverage: int) -> None:
        ada = self.world.ada
        plan = ada.adopt(ada.pick_band(band), coverage)
        now = self.world.clock.now()
        self.adoptions.append((now, plan["adoption"]["amount_cents"]))
        if self.status in {"none", "ended"}:
            self.active.append((now, None))
            self.status = "active"
        assert plan["status"] == self.status
        self.world.clock.move(seconds=1)

    def change(self, name: str, allowed_from: set[str], status: str) -> None:
        answer = self.world.ada.api("POST", f"/plan/{name}")
        now = self.world.clock.now()
        assert answer.status_code == (200 if self.status in allowed_from else 409)
        if answer.status_code == 200:
            if self.status == "active":
                self.active[-1] = (self.active[-1][0], now)
            if status == "active":
                self.active.append((now, None))
            self.status = status
        self.world.clock.move(seconds=1)

    @rule()
    def pause(self) -> None:
        self.change("pause", {"active"}, "paused")

    @rule()
    def resume(self) -> None:
        self.change("resume", {"paused"}, "active")

    @rule()
    def end(self) -> None:
        self.change("end", {"active", "paused"}, "ended")

    @rule()
    def bill(self) -> None:
        self.world.bill()
        assert self.world.bill() == 0
        self.billed_until = self.world.clock.now()
        assert dict(records(self.world)) == self.owed()
        # What is adopted in the very instant of a billing comes after it; no two things that a
        # person or a schedule does fall into one instant here.
        self.world.clock.move(seconds=1)

    @precondition(lambda self: self.adoptions)
    @invariant()
    def the_ledger_replays_to_the_same_cents(self) -> None:
        with self.world.app.app_context():
            replayed = plans.replay(self.world.state.session, self.world.ada.account_id)
            pairs = [(adoption.amount_cents, again) for adoption, again in replayed]
        assert pairs == [(cents, cents) for _, cents in self.adoptions]
        plan: dict[str, Any] = self.world.ada.api("GET", "/plan").get_json()
        assert plan["adoption"]["amount_cents"] == self.adoptions[-1][1]
        assert plan["status"] == self.status

    @precondition(lambda self: self.adoptions)
    @invariant()
    def no_month_is_recorded_twice_or_for_nothing(self) -> None:
        found = records(self.world)
        assert len(found) == len(dict(found))
        owed = self.owed()
        assert all(owed[month] == cents for month, cents in found)

    def owed(self) -> dict[str, int]:
        """Every month with an active instant up to now, and the amount at the first of them."""
        now = self.world.clock.now()
        owed: dict[str, int] = {}
        for begin, end in self.active:
            month = date(begin.year, begin.month, 1)
            while True:
                first = max(begin, utc_midnight(month))
                if first > now or (end is not None and first >= end):
                    break
                in_force = [cents for at, cents in self.adoptions if at <= first][-1]
                owed.setdefault(month.isoformat(), in_force)
                month = next_month(month)
        return owed


TestPlanLife = pytest.mark.promise("TO-008")(PlanLife.TestCase)
TestPlanLife.settings = settings(
    max_examples=15,
    stateful_step_count=18,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
