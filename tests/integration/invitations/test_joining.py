"""What joining brings with it, and the ways to it but the mailed link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.inviting import answer, invitations, invite, report, role_in, standing
from tests.support.linking import Scene
from tests.support.organizations import Shape, make_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def set_terms(acme: Shape, **terms: Any) -> None:
    body = {
        "payer_rule": "organization",
        "default_band": "worker",
        "default_coverage_percent": 100,
        "cap_cents_per_month": None,
        **terms,
    }
    answered = acme["owner"].api("PUT", f"{acme.path}/terms", body)
    assert answered.status_code == 200, answered.text


def plans(acme: Shape) -> list[tuple[Any, ...]]:
    from flask_tokenoffset.models import Plan

    return acme.world.rows(Plan)["tokenoffset_plan"]


# --- the plan a new member begins with ------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("organization", "acme pays it."),
        ("member", "You pay it."),
    ],
)
def test_the_plan_and_its_payer_are_shown_before_it_begins(
    world: World, acme: Shape, rule: str, words: str
) -> None:
    set_terms(acme, payer_rule=rule)
    link = invite(acme, world.ada)
    page = world.ada.page(link)
    assert "the band Worker at the 1x rate, which is $1.25 a month" in page.text
    assert words in page.text
    assert page.form(link).values["amount_cents"] == "125"
    assert "Worker" not in world.nobody.page(link).text
    assert not plans(acme)
    assert world.ada.submit(link, link, choice="accept").status_code == 303
    (plan,) = plans(acme)
    assert 125 in plan


def test_without_a_band_one_begins_without_a_plan(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    assert "You begin without a plan in it." in world.ada.page(link).text
    assert world.ada.submit(link, link, choice="accept").status_code == 303
    assert not plans(acme)


@pytest.mark.parametrize(
    "shown", ["", "nonsense", "-125", "\u0661\u0662\u0665", "1" * 19, "0", "124"]
)
def test_nobody_begins_a_plan_at_an_amount_they_were_not_shown(
    world: World, acme: Shape, shown: str
) -> None:
    set_terms(acme, payer_rule="member")
    link = invite(acme, world.ada)
    before = world.rows()
    terms = world.shown_terms
    refused = world.ada.post(link, choice="accept", amount_cents=shown, shown_terms=terms)
    assert refused.status_code == 422
    unseen = world.ada.post(link, choice="accept", amount_cents="125", shown_terms="another")
    assert unseen.status_code == 422
    assert world.rows() == before
    accepted = world.ada.post(link, choice="accept", amount_cents="125", shown_terms=terms)
    assert accepted.status_code == 303
    assert role_in(acme, world.ada) == "member"


def test_terms_that_change_after_the_page_was_opened_are_shown_anew(
    world: World, acme: Shape
) -> None:
    link = invite(acme, world.ada)
    opened = world.ada.page(link).form(link)
    set_terms(acme, payer_rule="member")
    refused = world.ada.client.post(opened.action, data={**opened.values, "choice": "accept"})
    assert refused.status_code == 422
    assert "$1.25" in refused.text
    assert role_in(acme, world.ada) is None


def test_a_cap_that_is_reached_lets_one_join_without_a_plan(world: World, acme: Shape) -> None:
    set_terms(acme, cap_cents_per_month=100)
    link = invite(acme, world.ada)
    assert "no plan begins" in world.ada.page(link).text
    assert world.ada.submit(link, link, choice="accept").status_code == 303
    assert role_in(acme, world.ada) == "member"
    assert not plans(acme)


# --- without the link -----------------------------------------------------------------------------


def test_pending_invitations_wait_for_the_person_who_proved_the_address(
    world: World, acme: Shape
) -> None:
    bolt = make_shape(world, "bolt")
    set_terms(acme)
    report(acme, (world.ada.address, "auditor"))
    report(bolt, (world.ada.address, "member"))
    report(bolt, (world.ben.address, "admin"))
    page = world.ada.page("/invitations")
    assert {each.text for each in page.elements if each.tag == "h2"} == {"acme", "bolt"}
    before = world.rows()
    waiting = world.ada.api("GET", "/invitations").get_json()["items"]
    assert world.rows() == before
    by_name = {each["organization_name"]: each for each in waiting}
    assert by_name["acme"]["plan"]["amount_cents"] == 125
    assert by_name["acme"]["plan"]["payer"] == "organization"
    assert by_name["acme"]["invited_by"] == "acme-owner"
    assert by_name["bolt"]["plan"] is None
    accepted = world.ada.api(
        "POST", f"/invitations/{by_name['acme']['id']}/accept", {"amount_cents": 125}
    )
    assert accepted.get_json()["role"] == "auditor"
    assert accepted.get_json()["was_member"] is False
    declined = world.ada.api("POST", f"/invitations/{by_name['bolt']['id']}/decline")
    assert declined.status_code == 204
    assert standing(bolt, by_name["bolt"]["id"]) == "cancelled"
    assert world.ada.api("GET", "/invitations").get_json() == {"items": []}
    assert "No invitation waits for you" in world.ada.page("/invitations").text
    for choice in ("accept", "decline"):
        again = world.ada.api("POST", f"/invitations/{by_name['acme']['id']}/{choice}")
        assert again.status_code == 409
    assert world.mail.messages == []


def test_the_pages_answer_without_the_link_as_well(world: World, acme: Shape) -> None:
    report(acme, (world.ada.address, "member"), (world.ben.address, "member"))
    joined = world.ada.submit("/invitations", "/accept")
    assert joined.location.endswith(f"{acme.path}/membership?done=joined")
    declined = world.ben.submit("/invitations", "/decline")
    assert declined.location.endswith("/invitations?done=declined")
    assert (role_in(acme, world.ada), role_in(acme, world.ben)) == ("member", None)
    assert world.mail.messages == []


@pytest.mark.parametrize("verified", [False, None])
def test_nothing_waits_for_an_address_that_nobody_proved(
    world: World, acme: Shape, verified: bool | None
) -> None:
    report(acme, (world.ada.address, "member"))
    (row,) = invitations(world)
    if verified is None:
        world.ben.change_address("")
    else:
        world.ben.change_address(world.ada.address, verified=verified)
    before = world.rows()
    assert world.ben.api("GET", "/invitations").get_json() == {"items": []}
    page = world.ben.page("/invitations")
    assert not page.has_form("/accept")
    assert "acme" not in page.text
    for choice in ("accept", "decline"):
        assert world.ben.api("POST", f"/invitations/{row.id}/{choice}").status_code == 404
        path = f"/invitations/{row.id}/{choice}"
        assert world.ben.post(path, amount_cents="0").status_code == 404
    assert world.rows() == before
    assert world.nobody.api("GET", "/invitations").status_code == 401
    assert world.mail.messages == []


def test_proving_the_address_on_the_way_leads_back_to_the_invitation(
    world: World, acme: Shape
) -> None:
    link = invite(acme, world.ben)
    world.ben.change_address(world.ben.address, verified=False)
    verify = world.ben.page(link).link("Verify it").removeprefix("/tokenoffset")
    assert world.ben.submit(verify, "/me/address").status_code == 303
    world.work()
    proof = world.mail.link_to(world.ben.address)
    assert proof != link
    back = world.ben.submit(proof, proof)
    assert back.location.endswith(link)
    assert world.ben.submit(link, link, choice="accept").status_code == 303
    assert role_in(acme, world.ben) == "member"


# --- what the host requires -----------------------------------------------------------------------


def test_a_required_identity_must_be_linked_before_joining(
    make_world: Callable[..., World],
) -> None:
    scene = Scene(make_world, TOKENOFFSET_REQUIRED_IDENTITY="acme")
    world = scene.world
    # To found one is to join it.
    assert scene.link(world.browser("bolt-owner"), "bolt-at-acme").status_code < 400
    bolt = make_shape(world, "bolt")
    link = invite(bolt, world.ada)
    before = world.rows()
    refused = answer(world.ada, link)
    assert refused.status_code == 403
    assert "must be linked" in refused.text
    (row,) = invitations(world)
    assert world.ada.api("POST", f"/invitations/{row.id}/accept").status_code == 403
    assert world.rows() == before
    assert scene.link(world.ada, "ada-at-acme").status_code < 400
    assert answer(world.ada, link).status_code == 303
    assert role_in(bolt, world.ada) == "member"
