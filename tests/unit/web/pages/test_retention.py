"""The page that says how long everything is kept, and the forms that shorten it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.models import RetentionChoice
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.table import periods

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.mark.promise("TO-043")
@pytest.mark.promise("TB-005")
def test_the_page_states_the_numbers_that_the_purge_uses(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_RETENTION={"messages": 45}, TOKENOFFSET_PROOF_YEARS=2)
    text = world.nobody.page("/privacy/retention").text
    for period in periods(world.state.settings):
        assert period.rule.title in text
        assert period.kept.capitalize() in text, period.rule.name
    assert "45 days after it was written" in text
    assert "730 days after the account was erased" in text
    assert "365 days after the month fell due" in text
    items = world.nobody.api("GET", "/privacy/retention").get_json()["items"]
    assert [each["rule"] for each in items] == [rule.name for rule in RULES]
    assert {each["rule"]: each["days"] for each in items}["messages"] == 45


@pytest.mark.promise("TG-009")
@pytest.mark.promise("TS-010")
def test_the_page_states_the_plans_of_this_site(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_RETENTION_PLANS={"small": 21})
    assert "21 days" in world.nobody.page("/privacy/retention").text
    assert world.nobody.api("GET", "/privacy/retention").get_json()["plans"] == {"small": 21}


def test_a_visitor_reads_and_is_offered_no_form(world: World) -> None:
    page = world.nobody.page("/privacy/retention")
    assert "Keep for" not in page.text
    assert "Keep for" in world.stranger.page("/privacy/retention").text
    # Reading makes nobody an account.
    assert not world.stranger.has_account


@pytest.mark.promise("TS-010")
def test_a_person_keeps_theirs_for_a_shorter_time_once_they_know_what_goes(world: World) -> None:
    world.ada.sample()
    asked = world.ada.post("/privacy/retention", rule="usage", days="30")
    assert asked.status_code == 409
    assert "days of usage" in asked.text
    assert world.rows(RetentionChoice) == {"tokenoffset_retention_choice": []}
    done = world.ada.post("/privacy/retention", rule="usage", days="30", confirmed="yes")
    assert done.status_code == 303
    assert "Kept for 30 days now" in world.ada.page("/privacy/retention").text
    (choice,) = world.ada.api("GET", "/privacy/retention/choices").get_json()["items"][:1]
    assert (choice["rule"], choice["days"], choice["longest_days"]) == ("usage", 30, 365)


@pytest.mark.promise("TS-010")
@pytest.mark.parametrize("days", ["366", "6", "", "ten", "-1", "1e2", "9999999"])
def test_what_is_not_allowed_is_said_beside_the_field_with_what_was_typed(
    world: World, days: str
) -> None:
    world.ada.pick_band()
    refused = world.ada.post("/privacy/retention", rule="usage", days=days, confirmed="yes")
    assert refused.status_code == 422
    assert 'aria-describedby="to-days-usage-error' in refused.text
    assert f'value="{days}"' in refused.text
    assert world.rows(RetentionChoice) == {"tokenoffset_retention_choice": []}


def test_a_period_that_nobody_may_choose_is_none(world: World) -> None:
    world.ada.pick_band()
    answer = world.ada.post("/privacy/retention", rule="messages", days="10", confirmed="yes")
    assert answer.status_code == 404


def test_an_organization_shortens_its_own_and_nobody_elses(world: World) -> None:
    acme = world.ada.within(world.ada.create_organization("Acme"))
    fernhill = world.ben.within(world.ben.create_organization("Fernhill"))
    body = {"rule": "billing", "days": 90}
    refused = acme.api("PUT", "/retention", body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "retention-not-confirmed")
    done = acme.api("PUT", "/retention", {**body, "confirmed": True})
    assert done.status_code == 200
    days = {each["rule"]: each["days"] for each in done.get_json()["items"]}
    assert days["billing"] == 90
    others = fernhill.api("GET", "/retention").get_json()["items"]
    assert {each["rule"]: each["days"] for each in others}["billing"] == 365
    assert "Kept for 90 days now" in acme.page("/retention").text
    assert acme.post("/retention", rule="billing", days="400").status_code == 422
    assert (
        world.stranger.within(world.ada.create_organization("x")).get("/retention").status_code
        == 404
    )
