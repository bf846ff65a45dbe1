"""People with sampled usage, as many as a group takes, written straight into the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from flask_tokenoffset.models import (
    Account,
    Connection,
    ConsentEvent,
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    Person,
    SampleRun,
    Source,
    UsageAggregate,
    UsageSeries,
)
from flask_tokenoffset.services.sampling.aggregates import fold_account, fold_source

if TYPE_CHECKING:
    from tests.support.world import World

#: A whole month before the world's present day.
MONTH: Final = date(2026, 10, 1)
MODEL: Final = "model-of-the-tests"
KINDS: Final = (
    "uncached_input_tokens",
    "cached_input_tokens",
    "cache_creation_tokens",
    "output_tokens",
)
#: Every table with rows that were sampled day by day.
SAMPLED: Final = (UsageSeries, DailyUsage, CostLine, DailyCost, KeptDay)


@dataclass(frozen=True, slots=True)
class Contributor:
    """A person with one sampled source."""

    account_id: UUID
    person_id: UUID
    source_id: UUID


def contribute(
    world: World,
    count: int,
    *,
    tokens: int = 1_000,
    kinds: tuple[int, ...] | None = None,
    model: str = MODEL,
    tier: str = "standard",
    first_day: date = MONTH,
    days: int = 2,
    series: int = 1,
) -> list[Contributor]:
    """Make people who each used a model on some days.

    :param tokens: of each kind a day and series.
    :param kinds: tokens a day and series by kind, where they differ.
    :param series: how many, told apart by their context window.
    """
    made = []
    by_kind = dict(zip(KINDS, kinds or (tokens,) * len(KINDS), strict=True))
    with world.app.app_context():
        session = world.state.session
        now = world.clock.now()
        for _ in range(count):
            who = Contributor(uuid4(), uuid4(), uuid4())
            made.append(who)
            owner = {"account_id": who.account_id, "source_id": who.source_id}
            session.execute(
                insert(Account), [{"id": who.account_id, "kind": "person", "created_at": now}]
            )
            session.add(
                Person(
                    id=who.person_id,
                    account_id=who.account_id,
                    user_key=str(who.person_id),
                    created_at=now,
                )
            )
            session.flush()
            session.add(
                Source(
                    id=who.source_id,
                    account_id=who.account_id,
                    kind="sampled",
                    label="Ours",
                    created_by=who.person_id,
                    created_at=now,
                )
            )
            session.flush()
            session.add(
                Connection(
                    **owner,
                    provider="anthropic",
                    status="active",
                    key_prefix="sk-ant",
                    refresh_offset_seconds=0,
                    connected_at=now,
                )
            )
            session.flush()
            for number in range(series):
                row = UsageSeries(
                    **owner,
                    model=model,
                    service_tier=tier,
                    context_window=str(number),
                    batch="",
                )
                session.add(row)
                session.flush()
                session.execute(
                    insert(DailyUsage),
                    [
                        {
                            "series_id": row.id,
                            "day": first_day + timedelta(days=day),
                            "request_count": 1,
                            **by_kind,
                        }
                        for day in range(days)
                    ],
                )
            _add_cost_and_kept_day(world, who, first_day)
        session.commit()
    return made


def _add_cost_and_kept_day(world: World, who: Contributor, day: date) -> None:
    session, now = world.state.session, world.clock.now()
    owner = {"account_id": who.account_id, "source_id": who.source_id}
    line = CostLine(
        **owner, description="Tokens", cost_type="", model="", service_tier="", token_type=""
    )
    run = SampleRun(
        id=uuid4(),
        **owner,
        provider="anthropic",
        trigger="connected",
        window_start=day,
        window_end=day + timedelta(days=1),
        status="complete",
        requested_at=now,
        available_at=now,
    )
    session.add_all([line, run])
    session.flush()
    session.add(DailyCost(line_id=line.id, day=day, cost_nano_usd=7))
    session.add(KeptDay(**owner, day=day, report="usage", run_id=run.id))
    session.flush()


def leave(world: World, who: Contributor) -> int:
    """Have a person's source folded; gives how many aggregates were written."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        return fold_source(
            work, account_id=who.account_id, source_id=who.source_id, now=world.clock.now()
        ).aggregates_written


def cease(world: World, who: Contributor) -> int:
    """Have all of a person's account folded; gives how many aggregates were written."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        return fold_account(work, who.account_id, world.clock.now()).aggregates_written


def change_person(world: World, who: Contributor, **values: Any) -> None:
    """Set something in a person's row."""
    with world.app.app_context():
        person = world.state.session.get_one(Person, who.person_id)
        for name, value in values.items():
            setattr(person, name, value)
        world.state.session.commit()


def answer_calibration(world: World, who: Contributor, *answers: str) -> None:
    """Have a person say something about calibration, one after the other."""
    with world.app.app_context():
        session = world.state.session
        for sequence, event_type in enumerate(answers, start=1):
            session.add(
                ConsentEvent(
                    id=uuid4(),
                    schema_version=1,
                    account_id=who.account_id,
                    person_id=who.person_id,
                    sequence=sequence,
                    event_type=event_type,
                    purpose="calibration",
                    language="en",
                    place="tests",
                    method="form",
                    occurred_at=world.clock.now(),
                    digest="0" * 64,
                )
            )
        session.commit()


def aggregates(world: World) -> list[UsageAggregate]:
    """Everything that is left of groups."""
    with world.app.app_context():
        found = list(world.state.session.scalars(select(UsageAggregate)))
        world.state.session.expunge_all()
        return found
