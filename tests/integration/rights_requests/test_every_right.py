"""A person can view, correct, delete, export and restrict: all five, one after the other."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.integration.exports.copies import Copy
from tests.support.raw_dumps import raw_dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

FORMER_COMPANY = "Zwiebelfisch Works"


@pytest.mark.promise("TB-006")
def test_a_person_views_corrects_exports_restricts_and_deletes(world: World) -> None:
    ada = world.ada
    ada.api("PATCH", "/me", {"display_name": "Ada", "company": FORMER_COMPANY})
    source_id = ada.settle()

    # View: what is held of them, and of everyone what kinds of data are held and why.
    assert ada.api("GET", "/me").get_json()["company"] == FORMER_COMPANY
    overview = ada.api("GET", "/privacy").get_json()
    assert not overview["restricted"]
    assert {each["purpose"] for each in overview["purposes"]} >= {"sampling", "insights"}
    for wanted in ("data", "copies", "correction", "consents", "restriction", "deletion"):
        link = overview["links"][wanted]
        assert ada.client.get(link).status_code == 200, link

    # Correct.
    ada.api("PATCH", "/me", {"company": "Analytical Engines"})
    assert ada.api("GET", "/me").get_json()["company"] == "Analytical Engines"

    # Export, with the corrected value and without the former one.
    copy = Copy.of(world, ada)
    (person,) = copy.rows("person")
    assert person["company"] == "Analytical Engines"
    assert FORMER_COMPANY not in copy.all_text

    # Restrict: no vendor is asked any more, until they lift it.
    assert ada.api("PUT", "/privacy/restriction").get_json()["restricted"]
    world.clock.move(hours=1)
    refused = ada.api("POST", f"/sources/{source_id}/samples")
    assert refused.status_code == 409
    assert ada.api("GET", "/privacy").get_json()["restricted"]
    assert not ada.api("DELETE", "/privacy/restriction").get_json()["restricted"]

    # Delete: with an acknowledgement, a day, and nothing left after it.
    asked = ada.api("DELETE", "/me", {"confirm": True})
    assert asked.status_code == 202
    due_at = ada.api("GET", "/privacy").get_json()["deletion_due_at"]
    assert due_at == asked.get_json()["due_at"]
    kinds = [each["kind"] for each in ada.api("GET", "/privacy/requests").get_json()["items"]]
    assert sorted(kinds) == ["access", "deletion", "restriction"]
    world.clock.move_to(world.clock.now() + timedelta(days=31))
    with world.app.app_context():
        run_scheduler(world.state)
    world.work()
    left = raw_dump(world)
    for value in ("Analytical Engines", ada.address):
        assert value not in left
    assert ada.api("GET", "/me").get_json()["id"] is None


def test_the_page_leads_to_every_right_and_says_where_one_stands(world: World) -> None:
    ada = world.ada
    ada.pick_band()
    page = ada.page("/privacy")
    prefix = "/tokenoffset"
    for path in (
        "/privacy/what-we-hold",
        "/privacy/exports",
        "/me",
        "/privacy/consents",
        "/privacy/restriction",
        "/privacy/deletion",
        "/privacy/requests",
        "/audit-events",
    ):
        assert prefix + path in page.links(), path
        assert ada.get(path).status_code == 200, path
    assert "Restricted" not in page.text
    ada.api("PUT", "/privacy/restriction")
    assert "Your data is stored and nothing else, since 20 November 2026." in (
        ada.page("/privacy").text
    )
    ada.api("DELETE", "/me", {"confirm": True})
    assert "Your account is going to be deleted" in ada.page("/privacy").text


def test_the_contact_of_the_host_is_named_as_it_can_be_reached(world: World) -> None:
    assert "send a request" in world.stranger.page("/privacy").text


@pytest.mark.parametrize(
    ("contact", "url"),
    [
        ("privacy@host.example", "mailto:privacy@host.example"),
        ("https://host.example/privacy", "https://host.example/privacy"),
        ("1 Long Lane, Dublin", None),
        ("javascript:alert(1)", None),
    ],
)
def test_the_contact_is_a_link_only_where_it_is_an_address(
    make_world: Callable[..., World], contact: str, url: str | None
) -> None:
    world = make_world(TOKENOFFSET_PRIVACY_CONTACT=contact)
    page = world.stranger.page("/privacy")
    assert contact in page.text
    outside = [link for link in page.links() if not link.startswith(("/", "#"))]
    assert outside == ([url] if url else [])
