"""Operators, plans and tenants shorten what is kept, and nobody lengthens it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from flask_tokenoffset import hooks
from flask_tokenoffset.errors import InvalidInput, NotFound, RetentionNotConfirmed
from flask_tokenoffset.models import AuditEvent, DailyUsage, Person, RetentionChoice, UsageSeries
from flask_tokenoffset.services.retention import choices as retention_choices
from flask_tokenoffset.tasks.purging import purge_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Browser, World

SMALL = {"history": 60}


def choose(
    world: World, browser: Browser, days: int, *, rule: str = "usage", confirmed: bool = True
) -> None:
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = work.session.scalars(
            select(Person).where(Person.user_key == browser.user_key)
        ).one()
        retention_choices.choose(
            work,
            account_id=person.account_id,
            rule_name=rule,
            days=days,
            confirmed=confirmed,
            person_id=person.id,
            settings=world.state.settings,
            now=world.clock.now(),
        )


def days_for(world: World, browser: Browser, rule: str = "usage") -> int:
    with world.app.app_context():
        return retention_choices.days_for(
            world.state.session, rule, browser.account_id, world.state.settings
        )


def purge(world: World, rule: str = "usage") -> None:
    with world.app.app_context():
        purge_now(world.state, [rule])


def oldest_day(world: World, browser: Browser) -> date | None:
    with world.app.app_context():
        return world.state.session.scalar(
            select(func.min(DailyUsage.day))
            .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
            .where(UsageSeries.account_id == browser.account_id)
        )


@pytest.mark.promise("TS-010")
@pytest.mark.promise("TG-009")
def test_the_plan_and_the_tenant_shorten_what_is_kept(world: World) -> None:
    world.ada.sample()
    world.ben.sample()
    before = oldest_day(world, world.ben)
    assert days_for(world, world.ada) == 365
    with world.app.app_context():
        hooks.set_retention_plan("free", user_key=world.ada.user_key)
    assert days_for(world, world.ada) == 30
    purge(world)
    today = world.clock.today()
    assert oldest_day(world, world.ada) == today - timedelta(days=29)
    assert oldest_day(world, world.ben) == before
    choose(world, world.ada, 8)
    assert days_for(world, world.ada) == 8
    purge(world)
    # A Friday; nobody works at the weekend after it.
    assert oldest_day(world, world.ada) == today - timedelta(days=7)
    assert oldest_day(world, world.ben) == before


@pytest.mark.promise("TG-009")
@pytest.mark.parametrize(
    ("plan", "days"),
    [
        ("free", 30),
        ("startup", 90),
        ("team", 365),
        ("business", 365),
        ("starter", 7),
        ("pro", 90),
        ("enterprise", 365),
    ],
)
def test_each_plan_keeps_usage_as_long_as_it_says(world: World, plan: str, days: int) -> None:
    world.ada.pick_band()
    with world.app.app_context():
        hooks.set_retention_plan(plan, user_key=world.ada.user_key)
    assert days_for(world, world.ada) == days


@pytest.mark.promise("TO-043")
@pytest.mark.promise("TS-010")
def test_no_tenant_keeps_anything_longer_than_plan_and_rule(world: World) -> None:
    world.ada.pick_band()
    with pytest.raises(InvalidInput) as refused:
        choose(world, world.ada, 366)
    assert set(refused.value.errors) == {"days"}
    with world.app.app_context():
        hooks.set_retention_plan("pro", user_key=world.ada.user_key)
    with pytest.raises(InvalidInput, match="90 days at most"):
        choose(world, world.ada, 91)
    choose(world, world.ada, 30)
    choose(world, world.ada, 90)  # Up to what the plan allows, a choice can be taken back.
    assert days_for(world, world.ada) == 90


def test_what_the_pages_need_cannot_be_shortened_away(world: World) -> None:
    world.ada.pick_band()
    with pytest.raises(InvalidInput, match="need this for 7 days"):
        choose(world, world.ada, 6)
    with pytest.raises(NotFound):
        choose(world, world.ada, 10, rule="messages")


def test_shortening_says_what_goes_and_wants_to_be_confirmed(world: World) -> None:
    world.ada.sample()
    with pytest.raises(RetentionNotConfirmed, match=r"\d+ days of usage"):
        choose(world, world.ada, 7, confirmed=False)
    assert world.rows(RetentionChoice) == {"tokenoffset_retention_choice": []}
    choose(world, world.ada, 7)
    with world.app.app_context():
        event = world.state.session.scalars(
            select(AuditEvent).order_by(AuditEvent.occurred_at, AuditEvent.sequence.desc())
        ).first()
        assert event is not None
        assert event.details == {"rule": "usage", "days": 7, "days_before": 365}


def test_a_plan_that_is_none_is_refused(world: World) -> None:
    world.ada.pick_band()
    with world.app.app_context():
        with pytest.raises(InvalidInput, match="There is no retention plan"):
            hooks.set_retention_plan("for-ever", user_key=world.ada.user_key)
        with pytest.raises(NotFound):
            hooks.set_retention_plan("free", organization_id=UUID(int=1))
        with pytest.raises(TypeError):
            hooks.set_retention_plan("free")


def test_a_plan_can_be_given_before_a_person_ever_comes(world: World) -> None:
    key = world.stranger.user_key
    with world.app.app_context():
        hooks.set_retention_plan("starter", user_key=key)
    world.stranger.pick_band()
    assert days_for(world, world.stranger) == 7


@pytest.mark.promise("TS-010")
def test_an_organizations_choice_holds_for_its_members_plans_and_for_no_other(
    db_world: World,
) -> None:
    world = db_world
    organization_id = world.ada.create_organization("Acme")
    world.ben.create_organization("Fernhill")
    for browser in (world.ada, world.ben):
        place = browser.within(organization_id) if browser is world.ada else browser
        estimate = place.pick_band()
        place.adopt(estimate)
    world.bill()
    world.clock.move(days=70)
    choose_for_organization(world, organization_id, 62)
    purge(world, "billing")
    rows: list[Any] = list(world.rows().get("tokenoffset_billing_record", []))
    with world.app.app_context():
        accounts = {row[1] for row in rows}
    assert accounts == {world.ben.account_id}


def choose_for_organization(world: World, organization_id: UUID, days: int) -> None:
    from flask_tokenoffset.models import Organization

    with world.app.app_context(), world.state.unit_of_work() as work:
        organization = work.session.get_one(Organization, organization_id)
        retention_choices.choose(
            work,
            account_id=organization.account_id,
            rule_name="billing",
            days=days,
            confirmed=True,
            person_id=organization.created_by,
            settings=world.state.settings,
            now=world.clock.now(),
        )


def test_the_operator_shortens_for_everyone(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_RETENTION={"usage": 10})
    world.ada.sample()
    purge(world)
    assert oldest_day(world, world.ada) == world.clock.today() - timedelta(days=9)
