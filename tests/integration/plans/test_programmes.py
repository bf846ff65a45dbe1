"""What a contribution is directed to: kept with each adoption and record, and said everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.host.programmes import read_programmes
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.state import EXTENSION_KEY
from tests.integration.exports.copies import Copy
from tests.support.clubs import found
from tests.support.html_page import HtmlPage
from tests.support.inviting import invite
from tests.support.organizations import make_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

PEAT = {
    "name": "Peatland Trust",
    "what_it_does": "Rewets drained peatland.",
    "address": "https://peatland.example",
    "share_percent": 60,
}
KELP = {
    "name": "Kelp Forests",
    "what_it_does": "Replants kelp along the coast.",
    "address": "https://kelp.example",
    "share_percent": 40,
}
STOVES = {
    "name": "Better Stoves",
    "what_it_does": "Builds stoves that need less wood.",
    "address": "https://stoves.example",
    "share_percent": 100,
}
FIRST = [PEAT, KELP]
SECOND = [STOVES]
NO_EMISSION_IS_UNDONE = "It does not undo an emission."


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url, TOKENOFFSET_PROGRAMMES=FIRST)


def name_others(world: World, programmes: list[dict[str, Any]]) -> None:
    """The partner names other programmes, and starts again."""
    named = read_programmes("TOKENOFFSET_PROGRAMMES", programmes) if programmes else ()
    state = world.state
    settings = replace(state.settings, programmes=named)
    world.app.extensions[EXTENSION_KEY] = replace(state, settings=settings)


def records(browser: Any) -> list[Any]:
    items = browser.api("GET", "/billing-records").get_json()["items"]
    return [each["programmes"] for each in reversed(items)]


@pytest.mark.promise("TO-059")
def test_the_programmes_are_shown_where_an_amount_is_adopted_and_kept_with_it(
    db_world: World,
) -> None:
    ada = db_world.ada
    estimate_id = ada.pick_band("worker")
    shown = ada.api("GET", f"/estimates/{estimate_id}").get_json()
    assert shown["contribution"]["programmes"] == FIRST
    page = ada.page(f"/estimates/{estimate_id}")
    assert "60 % to Peatland Trust : Rewets drained peatland." in page.text
    assert "40 % to Kelp Forests : Replants kelp along the coast." in page.text
    assert NO_EMISSION_IS_UNDONE in page.text
    assert page.link("Kelp Forests") == "https://kelp.example"

    assert ada.adopt(estimate_id)["adoption"]["programmes"] == FIRST
    db_world.bill()
    assert records(ada) == [FIRST]
    for path in ("/plan", "/billing-records"):
        assert ada.page(path).link("Peatland Trust") == "https://peatland.example"
        assert NO_EMISSION_IS_UNDONE in ada.page(path).text
    assert "Directed to: Peatland Trust 60 %, Kelp Forests 40 %" in ada.page("/").text


@pytest.mark.promise("TO-059")
@pytest.mark.parametrize("where", ["estimate", "dashboard"])
def test_nobody_adopts_for_programmes_that_the_page_did_not_show(
    db_world: World, where: str
) -> None:
    ada = db_world.ada
    ada.adopt(ada.pick_band("casual"))
    db_world.clock.move(hours=1)
    ada.sample()
    newest = ada.newest_estimate(ada.api("GET", "/sources").get_json()["items"][0]["id"])
    path = f"/estimates/{newest['id']}" if where == "estimate" else "/"
    form = ada.page(path).form("/plan/adoptions").values
    name_others(db_world, SECOND)
    before = ada.api("GET", "/plan").get_json()
    refused = ada.client.post("/tokenoffset/plan/adoptions", data=form)
    assert refused.status_code == 422
    page = HtmlPage(refused.text)
    assert "Nothing was adopted" in page.text
    assert "It would now be directed to Better Stoves (100 %)." in page.text
    assert ada.api("GET", "/plan").get_json() == before
    # The page that refuses shows what holds now, and its own button adopts that.
    shown = page.form("/plan/adoptions").values
    assert ada.client.post("/tokenoffset/plan/adoptions", data=shown).status_code == 303
    assert ada.api("GET", "/plan").get_json()["adoption"]["programmes"] == SECOND


@pytest.mark.promise("TO-059")
def test_the_method_and_the_programmes_count_in_the_api_too_where_they_are_handed_over(
    db_world: World,
) -> None:
    ada = db_world.ada
    estimate_id = ada.pick_band("worker")
    shown = ada.api("GET", f"/estimates/{estimate_id}").get_json()["contribution"]["shown_terms"]
    # At no contribution at all, every method gives the same amount.
    body = {"estimate_id": estimate_id, "coverage_percent": 0, "amount_cents": 0}
    state = db_world.state
    settings = replace(state.settings, method="2026.11")
    db_world.app.extensions[EXTENSION_KEY] = replace(state, settings=settings)
    refused = ada.api("POST", "/plan/adoptions", body | {"shown_terms": shown})
    assert refused.status_code == 422
    assert ada.api("GET", "/plan").status_code == 404
    assert ada.api("POST", "/plan/adoptions", body).status_code == 201


@pytest.mark.promise("TO-059")
@pytest.mark.parametrize("place", ["own", "member", "many", "payer"])
def test_a_members_plan_is_not_adopted_for_programmes_that_nobody_saw(
    db_world: World, place: str
) -> None:
    club = found(db_world, db_world.ada)
    ben = club.join(db_world.ben)
    page, action, browser = {
        "own": ("/membership/plan?band=worker&coverage=100", "/membership/plan", db_world.ben),
        "member": (f"/members/{ben}/plan?band=worker&coverage=100", "/plan", db_world.ada),
        "many": ("/member-plans/change?band=worker&coverage=100", "/changes", db_world.ada),
        "payer": ("/membership/plan", "/payer", db_world.ben),
    }[place]
    club.change(payer_rule="organization", default_band="worker")
    if place in {"own", "payer"}:
        club.change(payer_rule="member-chooses")
        chosen = club.api(db_world.ben, "PUT", "/membership/plan/payer", {"payer": "member"})
        assert chosen.status_code == 200
    if place == "payer":
        mine = club.api(db_world.ben, "PUT", "/membership/plan", {"band": "casual"})
        assert mine.status_code == 200
    form = club.page(browser, page).form(action)
    name_others(db_world, SECOND)
    answer = browser.client.post(form.action, data=form.values)
    assert answer.status_code == 422
    assert "directed to Better Stoves (100 %)" in HtmlPage(answer.text).text


@pytest.mark.promise("TO-059")
def test_other_programmes_change_nothing_that_was_and_count_once_adopted_again(
    db_world: World,
) -> None:
    ada = db_world.ada
    estimate_id = ada.pick_band("worker")
    ada.adopt(estimate_id)
    db_world.bill()
    name_others(db_world, SECOND)
    db_world.clock.move_to(datetime(2026, 12, 2, tzinfo=UTC))
    db_world.bill()
    # Nobody adopted the others.
    assert ada.api("GET", "/plan").get_json()["adoption"]["programmes"] == FIRST
    assert records(ada) == [FIRST, FIRST]
    text = ada.page("/plan").text
    assert "What is adopted now is directed to Better Stoves 100 %" in text
    assert "stays as it was adopted until it is adopted again" in text

    # The very same estimate, amount and level: what it is directed to is another thing.
    again = ada.adopt(estimate_id)["adoption"]
    assert again["programmes"] == SECOND
    assert ada.adopt(estimate_id)["adoption"]["id"] == again["id"]
    db_world.clock.move_to(datetime(2027, 1, 1, tzinfo=UTC))
    db_world.bill()
    assert records(ada) == [FIRST, FIRST, SECOND]
    name_others(db_world, [])
    assert records(ada) == [FIRST, FIRST, SECOND]
    assert "What is adopted now is directed to no named programme" in ada.page("/plan").text


@pytest.mark.promise("TO-059")
def test_without_a_programme_the_pages_say_so_and_name_none(make_world: Any) -> None:
    world = make_world()
    estimate_id = world.ada.pick_band("worker")
    page = world.ada.page(f"/estimates/{estimate_id}")
    assert "has named no programme" in page.text
    assert NO_EMISSION_IS_UNDONE in page.text
    assert world.ada.adopt(estimate_id)["adoption"]["programmes"] == []
    world.bill()
    # A programme that is named later was not what this was directed to.
    name_others(world, FIRST)
    assert records(world.ada) == [[]]
    assert "No programme was named" in world.ada.page("/billing-records").text
    assert "Peatland" not in world.ada.page("/billing-records").source


@pytest.mark.promise("TO-059")
def test_a_copy_says_what_each_adoption_and_record_was_directed_to(db_world: World) -> None:
    ada = db_world.ada
    ada.adopt(ada.pick_band("worker"))
    db_world.bill()
    name_others(db_world, SECOND)
    copy = Copy.of(db_world, ada)
    expected = {each.pop("name"): each for each in (dict(PEAT), dict(KELP))}
    for table in ("adoption", "billing_record"):
        assert [row["programmes"] for row in copy.rows(table)] == [expected]


@pytest.mark.promise("TO-059")
def test_the_plan_of_a_member_keeps_them_and_its_mail_says_them(db_world: World) -> None:
    club = found(db_world, db_world.ada)
    ben = club.join(db_world.ben)
    path = f"/members/{ben}/plan"
    assert "60 % to Peatland Trust" in club.page(db_world.ada, path).text
    body = {"band": "worker", "coverage_percent": 100}
    plan = club.api(db_world.ada, "PUT", path, body).get_json()["plan"]
    assert plan["adoption"]["programmes"] == FIRST
    db_world.bill()
    recorded = "Paid by Directed to Payment November 2026 $1.25 1x rate The organization"
    for reader, where in ((db_world.ada, path), (db_world.ben, "/membership/plan")):
        page = club.page(reader, where)
        assert page.link("Kelp Forests") == "https://kelp.example"
        assert f"{recorded} Peatland Trust 60 %, Kelp Forests 40 % Simulated" in page.text
    db_world.work()
    (mail,) = db_world.mail.to(db_world.ben.address)
    assert "directed to Peatland Trust (60 %), Kelp Forests (40 %)" in mail.text
    assert "does not undo an emission" in mail.text


@pytest.mark.promise("TO-059")
def test_a_change_to_many_plans_changes_those_that_are_directed_to_something_else(
    db_world: World,
) -> None:
    club = found(db_world, db_world.ada)
    club.fill(3)
    query = "?band=worker"
    counted = club.api(db_world.ada, "GET", f"/member-plans/preview{query}").get_json()
    assert (counted["plans_to_change"], counted["programmes"]) == (4, FIRST)
    asked = {"band": "worker", "plans_to_change": 4, "difference_cents": 500}
    changed = club.api(db_world.ada, "POST", "/member-plans/changes", asked).get_json()
    assert (changed["plans_changed"], changed["programmes"]) == (4, FIRST)
    again = club.api(db_world.ada, "GET", f"/member-plans/preview{query}").get_json()
    assert again["plans_to_change"] == 0
    # The same band and amount, for another purpose.
    name_others(db_world, SECOND)
    other = club.api(db_world.ada, "GET", f"/member-plans/preview{query}").get_json()
    assert (other["plans_to_change"], other["difference_cents"]) == (4, 0)
    asked = {"band": "worker", "plans_to_change": 4, "difference_cents": 0}
    moved = club.api(db_world.ada, "POST", "/member-plans/changes", asked).get_json()
    assert (moved["plans_changed"], moved["programmes"]) == (4, SECOND)
    own = club.api(db_world.ada, "GET", "/membership/plan").get_json()
    assert own["plan"]["adoption"]["programmes"] == SECOND


@pytest.mark.promise("TO-059")
def test_one_who_joins_is_shown_what_the_plan_is_directed_to(db_world: World) -> None:
    shape = make_shape(db_world, "Acme")
    terms = {
        "payer_rule": "organization",
        "default_band": "worker",
        "default_coverage_percent": 100,
        "cap_cents_per_month": None,
    }
    assert shape["owner"].api("PUT", f"{shape.path}/terms", terms).status_code == 200
    invite(shape, db_world.stranger)
    (offer,) = db_world.stranger.api("GET", "/invitations").get_json()["items"]
    assert offer["plan"]["programmes"] == FIRST
    assert "60 % to Peatland Trust" in db_world.stranger.page("/invitations").text
    answer = db_world.stranger.api("POST", f"/invitations/{offer['id']}/accept")
    assert answer.status_code == 200, answer.text
    plan = db_world.stranger.api("GET", f"{shape.path}/membership/plan").get_json()["plan"]
    assert plan["adoption"]["programmes"] == FIRST


@pytest.mark.promise("TO-059")
def test_nobody_else_reads_what_a_plan_is_directed_to(db_world: World) -> None:
    acme, bolt = make_shape(db_world, "Acme"), make_shape(db_world, "Bolt")
    owner = acme[Role.OWNER].within(acme.id)
    owner.adopt(owner.pick_band("worker"))
    db_world.bill()
    assert records(owner) == [FIRST]
    others = {
        "the owner of another organization": bolt[Role.OWNER].within(acme.id),
        "a stranger": db_world.stranger.within(acme.id),
        "nobody": db_world.nobody.within(acme.id),
    }
    for who, browser in others.items():
        for path in ("/plan", "/billing-records"):
            answer = browser.api("GET", path)
            assert answer.status_code in {401, 404}, who
            assert "Peatland" not in answer.text + browser.get(path).text, who
    # Each organization's plan is its own.
    name_others(db_world, SECOND)
    second = bolt[Role.OWNER].within(bolt.id)
    second.adopt(second.pick_band("worker"))
    db_world.bill()
    assert (records(owner), records(second)) == ([FIRST], [SECOND])
