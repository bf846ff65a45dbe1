"""Pages about oneself: the welcome, what is held and its correction, and the deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.permissions import Role
from tests.support.erasing import let_time_pass, receipt_token
from tests.support.html_page import HtmlPage
from tests.support.organizations import join

if TYPE_CHECKING:
    from tests.support.world import World

INTRODUCE = "Introduce yourself"
ALL = {
    "display_name": "Ada Lovelace",
    "company": "Engines & Sons",
    "job_role": "Analyst",
    "heard_from": "other",
    "heard_from_other": "A letter of Mr Babbage's",
}


def test_a_newcomer_is_asked_on_the_dashboard_until_it_is_done(world: World) -> None:
    link = world.stranger.page("/").link(INTRODUCE)
    assert link.endswith("/welcome")
    world.stranger.pick_band()  # Nothing waits for it.
    assert INTRODUCE in world.stranger.page("/").text
    answer = world.stranger.submit("/welcome", "/welcome", display_name="Sam")
    assert answer.status_code == 303
    page = world.stranger.page(answer.location.removeprefix("/tokenoffset"))
    assert "Welcome, Sam" in page.text
    for path in ("/", "/?done=deleted", "/?done=nonsense"):
        text = world.stranger.page(path).text
        assert INTRODUCE not in text
        assert "Welcome, Sam" not in text
        assert "deleted" not in text


def test_looking_at_the_welcome_writes_nothing(world: World) -> None:
    before = world.rows()
    form = world.stranger.page("/welcome").form("/welcome")
    assert form.values["display_name"] == "stranger"  # As the host calls them.
    assert world.rows() == before


def test_an_organizations_dashboard_asks_nobody(world: World) -> None:
    organization_id = world.ada.create_organization("Fernhill")
    assert INTRODUCE not in world.ada.within(organization_id).page("/").text


@pytest.mark.promise("TO-002")
def test_only_the_display_name_is_required(world: World) -> None:
    page = world.ada.page("/welcome")
    required = {each.attributes["name"] for each in page.elements if "required" in each.attributes}
    assert required == {"display_name"}
    asked = {each.attributes.get("name") for each in page.elements}
    assert {"display_name", "company", "job_role", "heard_from"} <= asked
    empty = dict.fromkeys(ALL, "")
    refused = world.ada.submit("/welcome", "/welcome", **empty)
    assert refused.status_code == 422
    assert not world.ada.has_account
    answer = world.ada.submit("/welcome", "/welcome", **(empty | {"display_name": "Ada"}))
    assert answer.status_code == 303


@pytest.mark.promise("TO-002")
def test_what_was_said_is_kept_shown_and_corrected_later(world: World) -> None:
    world.ada.submit("/welcome", "/welcome", **ALL)
    assert (
        world.ada.page("/me").form("/me").values.items()
        >= {key: value for key, value in ALL.items() if key != "heard_from"}.items()
    )
    held = world.ada.api("GET", "/me").get_json()
    assert held["heard_from"] == "A letter of Mr Babbage's"
    corrected = {"display_name": "Ada King", "company": "", "job_role": "Countess"}
    answer = world.ada.submit("/me", "/me", heard_from="A search engine", **corrected)
    page = world.ada.page(answer.location.removeprefix("/tokenoffset"))
    assert "This is what is held about you from now on" in page.text
    now = world.ada.api("GET", "/me").get_json()
    assert (now["display_name"], now["company"], now["job_role"]) == ("Ada King", None, "Countess")
    assert now["heard_from"] == "A search engine"
    assert now["onboarded_at"] == held["onboarded_at"]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("display_name", " \u200b ", "The display name is missing"),
        ("display_name", "x" * 121, "120 characters at most"),
        ("display_name", "Ada\u202e", "cannot be shown"),
        ("company", "x" * 121, "120 characters at most"),
        ("job_role", "A\x07", "cannot be shown"),
        ("heard_from_other", "x" * 121, "120 characters at most"),
    ],
)
@pytest.mark.parametrize("path", ["/welcome", "/me"])
def test_what_cannot_be_kept_is_refused_beside_its_field(
    world: World, path: str, field: str, typed: str, sentence: str
) -> None:
    world.ada.submit("/me", "/me", **ALL)
    before = world.ada.api("GET", "/me").get_json()
    fields = ALL | {"company": "Typed a moment ago", field: typed}
    token = world.ada.token_field
    answer = world.ada.client.post(f"/tokenoffset{path}", data={**token, **fields})
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    assert sentence in page.error_of(f"to-{field}")
    assert page.title.startswith("Error: ")
    if field != "company":
        assert page.form(path).values["company"] == "Typed a moment ago"
    assert world.ada.api("GET", "/me").get_json() == before


@pytest.mark.promise("TO-001")
def test_the_address_is_shown_with_the_day_it_was_verified(world: World) -> None:
    world.ada.pick_band()
    text = world.ada.page("/me").text
    assert "ada@example.com" in text
    assert "Verified on 20 November 2026" in text
    unproved = world.browser("ben", verified=False)
    unproved.pick_band()
    page = unproved.page("/me")
    assert "Not verified" in page.text
    assert page.link("Verify your address").endswith("/me/address")
    without = world.browser("without")
    without.change_address("")
    page = without.page("/me")
    assert "None is held" in page.text
    assert page.link("Add an address").endswith("/me/address")


def test_an_address_that_is_proved_is_noted_with_a_link(world: World) -> None:
    ben = world.browser("ben", verified=False)
    ben.submit("/me/address", "/me/address")
    world.work()
    link = world.mail.link_to(ben.address)
    assert ben.submit(link, link).status_code == 303
    assert "Verified on 20 November 2026" in ben.page("/me").text


def test_organizations_are_listed_and_one_leads_from_account_to_account(world: World) -> None:
    assert "You belong to none" in world.ada.page("/me").text
    assert not world.ada.page("/me").by_class("to-place-switcher")
    owned = world.ada.create_organization("Fernhill")
    joined = world.ben.create_organization("Brook & Co")
    join(world, joined, world.ada, Role.MEMBER)
    page = world.ada.page("/me")
    assert "Fernhill : owner" in page.text
    assert "Brook & Co : member" in page.text
    (switcher,) = page.by_class("to-place-switcher")
    assert switcher.text == "You Brook & Co Fernhill"
    inside = world.ada.within(owned)
    marked = [
        each.text
        for each in inside.page("/").elements
        if each.attributes.get("aria-current") == "true" and each.text in switcher.text
    ]
    assert marked == ["Fernhill"]
    for name in ("You", "Fernhill", "Brook & Co"):
        links = {each.text: each for each in page.elements if each.tag == "a"}
        assert world.ada.client.get(links[name].attributes["href"]).status_code == 200, name


def test_a_suspended_member_is_not_led_into_the_organization(world: World) -> None:
    organization_id = world.ben.create_organization("Fernhill")
    membership = join(world, organization_id, world.ada, Role.ADMIN)
    world.ben.within(organization_id).api(
        "PATCH", f"/members/{membership}", {"status": "suspended"}
    )
    page = world.ada.page("/me")
    assert "Fernhill: admin Suspended" in page.text
    assert not page.by_class("to-place-switcher")
    assert not [link for link in page.links() if str(organization_id) in link]


@pytest.mark.promise("TG-011")
def test_the_deletion_says_what_goes_and_what_stays_and_asks_once_more(world: World) -> None:
    world.ada.settle()
    organization_id = world.ben.create_organization("Fernhill")
    join(world, organization_id, world.ada, Role.MEMBER)
    assert world.ada.page("/me").link("Delete your account").endswith("/privacy/deletion")
    before = world.rows()
    text = world.ada.page("/privacy/deletion").text
    assert "Your membership in Fernhill" in text
    assert "ada@example.com" in text
    assert "What stays" in text
    assert world.rows() == before
    answer = world.ada.submit("/privacy/deletion", "/privacy/deletion")
    assert answer.status_code == 303
    page = world.ada.page(answer.location.removeprefix("/tokenoffset"))
    assert "Your wish was taken down" in page.text
    assert "20 December 2026" in page.text or "19 December 2026" in page.text
    world.work()
    assert world.mail.kinds_to("ada@example.com")[-1] == "deletion-requested"
    let_time_pass(world, days=30)
    assert not world.ada.has_account
    assert world.mail.kinds_to("ada@example.com")[-1] == "account-forgotten"
    receipt = world.nobody.page(world.mail.link_to("ada@example.com"))
    assert "Receipt of a deletion" in receipt.text
    assert "ada" not in receipt.text


def test_a_deletion_is_taken_back_on_the_page_that_shows_it(world: World) -> None:
    world.ada.pick_band()
    world.ada.submit("/privacy/deletion", "/privacy/deletion")
    assert "Your account is going to be deleted" in world.ada.page("/").text
    assert "Keep your account" in world.ada.page("/me").text
    world.ada.grow_stale()  # Keeping it needs no proof.
    answer = world.ada.submit("/privacy/deletion", "/privacy/deletion/undo")
    assert "Your account stays" in world.ada.page(answer.location.removeprefix("/tokenoffset")).text
    again = world.ada.post("/privacy/deletion/undo")
    assert again.status_code == 409
    assert "No deletion waits" in HtmlPage(again.text).text


def test_a_receipt_that_there_is_not_is_nothing_here(world: World) -> None:
    token = receipt_token(world)
    assert world.nobody.page(f"/erasures/{token}").text
    for other in ("t" * 43, token[:-1], token + "A", token.swapcase()):
        assert world.nobody.get(f"/erasures/{other}").status_code == 404
        assert world.nobody.api("GET", f"/erasures/{other}").status_code == 404
    assert world.nobody.get(f"/erasures/{token}").headers["Referrer-Policy"] == "no-referrer"


def test_the_only_owner_is_told_so_before_and_when_they_try(world: World) -> None:
    world.ada.create_organization("Fernhill")
    page = world.ada.page("/privacy/deletion")
    assert "You are the only owner" in page.text
    answer = world.ada.submit("/privacy/deletion", "/privacy/deletion")
    assert answer.status_code == 409
    assert "Nobody else owns «Fernhill», so nothing was deleted" in HtmlPage(answer.text).text
    assert world.ada.has_account


def test_a_person_who_never_did_anything_may_delete_it(world: World) -> None:
    before = world.rows()
    assert world.stranger.submit("/privacy/deletion", "/privacy/deletion").status_code == 303
    assert world.rows() == before


def test_deleting_needs_reauthentication(world: World) -> None:
    world.ada.pick_band()
    world.ada.grow_stale()
    for answer in (world.ada.get("/privacy/deletion"), world.ada.post("/privacy/deletion")):
        assert answer.status_code == 303
        assert "/confirm" in answer.location
    refused = world.ada.api("DELETE", "/me", {"confirm": True})
    assert refused.get_json()["code"] == "fresh-sign-in-required"
    assert world.ada.has_account
