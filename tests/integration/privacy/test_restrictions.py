"""Restricting one's data: it is stored and nothing else, until the person lifts that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from flask_tokenoffset.models import Person, SampleRun
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.integration.sampling.test_stopping import between_pages
from tests.support.world import KEYS

if TYPE_CHECKING:
    from tests.support.clubs import Club
    from tests.support.world import Browser, World

#: The vendors' key that was not used to connect.
OTHER_KEY = {"provider": "openai", "key": KEYS["openai"], "label": "Another"}

SUNDAY = 6


def restrict(person: Browser) -> None:
    answer = person.api("PUT", "/privacy/restriction")
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["restricted"] is True


def lift(person: Browser) -> None:
    answer = person.api("DELETE", "/privacy/restriction")
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == {"restricted": False, "restricted_at": None}


def calls(world: World) -> int:
    return sum(len(vendor.calls) for vendor in world.vendors.values())


def a_week_passes(world: World) -> None:
    """Every hour of a Sunday, when sources are refreshed, and every sixth of the other days."""
    now = world.clock.now()
    end = now + timedelta(days=7)
    while now < end:
        is_near = SUNDAY in (now.weekday(), (now + timedelta(hours=6)).weekday())
        world.clock.move(hours=1 if is_near else 6)
        now = world.clock.now()
        with world.app.app_context():
            report = run_scheduler(world.state)
        assert report.failed_steps == []
        world.work()


def runs_of(world: World, person: Browser) -> int:
    rows = world.rows(SampleRun)["tokenoffset_sample_run"]
    return sum(person.account_id in row for row in rows)


def statuses(world: World, source_id: UUID) -> list[str]:
    with world.app.app_context():
        return list(
            world.state.session.scalars(
                select(SampleRun.status)
                .where(SampleRun.source_id == source_id)
                .order_by(SampleRun.requested_at, SampleRun.id)
            )
        )


@pytest.mark.promise("TO-050", "TB-006")
def test_in_a_week_with_its_sunday_nothing_is_asked_counted_or_mailed(world: World) -> None:
    ada, ben = world.ada, world.ben
    ada.settle()
    theirs = ben.sample("openai")
    restrict(ada)
    world.work()  # The answer to the request for it leaves; that is no optional mail.
    vendor = world.vendors["anthropic"]
    asked, runs, mails = len(vendor.calls), runs_of(world, ada), len(world.mailbox)
    a_week_passes(world)
    assert len(vendor.calls) == asked
    assert runs_of(world, ada) == runs
    assert len(world.mailbox) == mails
    # A person beside them, in the same week, is served as ever.
    assert statuses(world, theirs) == ["complete", "complete"]
    lift(ada)
    a_week_passes(world)
    assert len(vendor.calls) > asked


@pytest.mark.promise("TO-050")
def test_a_run_that_waits_or_is_enqueued_asks_nobody_once_restricted(db_world: World) -> None:
    ada = db_world.ada
    source_id = ada.connect()
    restrict(ada)
    before = calls(db_world)
    assert statuses(db_world, source_id) == ["cancelled"]
    # Even one that somehow waits again: its worker looks for itself.
    with db_world.app.app_context():
        db_world.state.session.execute(update(SampleRun).values(status="queued", finished_at=None))
        db_world.state.session.commit()
    db_world.work()
    assert calls(db_world) == before
    assert statuses(db_world, source_id) == ["cancelled"]


@pytest.mark.promise("TO-050")
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_restricting_stops_a_sample_between_two_pages(db_world: World, provider: str) -> None:
    ada, vendor = db_world.ada, db_world.vendors[provider]
    source_id = ada.connect(provider)
    asked: list[int] = []

    def stop() -> None:
        restrict(ada)
        asked.append(len(vendor.calls) + 1)  # This one is noted when it is answered.

    between_pages(vendor, vendor.calls[-1].path, stop, after=0)
    db_world.clock.move(minutes=1)
    db_world.work()
    if asked:
        assert [len(vendor.calls)] == asked
    assert statuses(db_world, source_id) == ["cancelled"] if asked else ["complete"]


@pytest.mark.promise("TO-050")
def test_what_would_ask_a_vendor_is_refused_and_says_how_to_go_on(world: World) -> None:
    ada = world.ada
    source_id = ada.sample()
    world.clock.move(hours=1)
    restrict(ada)
    before = calls(world), world.rows()
    attempts: list[tuple[str, str, Any]] = [
        ("POST", "/sources", OTHER_KEY),
        ("POST", f"/sources/{source_id}/samples", None),
        ("PUT", f"/sources/{source_id}/key", {"key": KEYS["anthropic"]}),
    ]
    for method, path, body in attempts:
        answer = ada.api(method, path, body)
        assert answer.status_code == 409, (path, answer.text)
        assert answer.get_json()["code"] == "restricted"
        assert "Lift the restriction" in answer.get_json()["detail"]
    assert (calls(world), world.rows()) == before
    # Reading, correcting, leaving a vendor and the plan go on.
    assert ada.api("GET", "/plan").status_code in {200, 404}
    assert ada.api("PATCH", "/me", {"company": "Elsewhere"}).status_code == 200
    assert ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    lift(ada)
    assert ada.api("POST", "/sources", OTHER_KEY).status_code == 201


@pytest.mark.promise("TO-050")
def test_months_meanwhile_are_made_up_for_only_after_it_is_lifted(world: World) -> None:
    ada = world.ada
    ada.settle()
    world.bill()
    restrict(ada)
    world.clock.move_to(datetime(2027, 2, 2, tzinfo=UTC))
    assert world.bill() == 0
    lift(ada)
    assert world.bill() >= 1


@pytest.mark.promise("TO-050")
def test_no_organization_is_shown_the_use_of_a_restricted_person(club: Club) -> None:
    world = club.world
    person = world.browser("user")
    body = {"kind": "custom", "tokens_per_month": 7_000_000}
    person.adopt(str(person.api("POST", "/estimates", body).get_json()["id"]))
    club.join(person)
    assert club.api(person, "PUT", "/membership/usage-sharing", {"shared": True}).status_code == 200
    assert len(club.api(club.owner, "GET", "/member-usage").get_json()["items"]) == 1
    restrict(person)
    assert club.api(club.owner, "GET", "/member-usage").get_json()["items"] == []
    lift(person)
    assert len(club.api(club.owner, "GET", "/member-usage").get_json()["items"]) == 1


def say_of_sampling(person: Browser, decision: str) -> None:
    answer = person.api("POST", "/privacy/consents/sampling", {"decision": decision})
    assert answer.status_code < 300, answer.text


@pytest.mark.promise("TO-052")
def test_withdrawing_the_consent_to_sampling_ends_it_and_nothing_else(world: World) -> None:
    ada = world.ada
    source_id = ada.sample()
    world.clock.move(hours=1)
    assert ada.api("POST", f"/sources/{source_id}/samples").status_code == 202
    say_of_sampling(ada, "withdraw")
    asked = calls(world)
    a_week_passes(world)
    assert calls(world) == asked
    assert statuses(world, source_id) == ["complete", "cancelled"]
    say_of_sampling(ada, "give")
    a_week_passes(world)
    assert statuses(world, source_id)[:3] == ["complete", "cancelled", "complete"]
    assert [each.kind for each in world.mail.messages].count("consent-receipt") == 2


@pytest.mark.promise("TO-052")
def test_who_withdrew_is_told_to_agree_again_before_a_vendor_is_asked(world: World) -> None:
    ada = world.ada
    source_id = ada.sample()
    world.clock.move(hours=1)
    say_of_sampling(ada, "withdraw")
    asked = calls(world)
    for method, path, body in (
        ("POST", f"/sources/{source_id}/samples", None),
        ("PUT", f"/sources/{source_id}/key", {"key": KEYS["anthropic"]}),
    ):
        answer = ada.api(method, path, body)
        assert answer.status_code == 409, (path, answer.text)
        assert "Give it again" in answer.get_json()["detail"]
    assert calls(world) == asked
    # Connecting says what is read, so that it is a consent itself.
    assert ada.api("POST", "/sources", OTHER_KEY).status_code == 201
    world.clock.move(minutes=11)
    assert ada.api("POST", f"/sources/{source_id}/samples").status_code == 202


def test_an_organization_is_not_restricted_by_one_of_its_people(club: Club) -> None:
    source = club.api(club.owner, "POST", "/sources", OTHER_KEY)
    assert source.status_code == 201, source.text
    restrict(club.owner)
    club.world.work()
    assert statuses(club.world, UUID(source.get_json()["id"])) == ["complete"]
    club.world.clock.move(hours=1)
    again = club.api(club.owner, "POST", f"/sources/{source.get_json()['id']}/samples")
    assert again.status_code == 202, again.text


def test_a_second_time_changes_nothing_and_both_are_in_the_log(world: World) -> None:
    ada = world.ada
    restrict(ada)
    (request,) = ada.api("GET", "/privacy/requests").get_json()["items"]
    assert (request["kind"], request["status"]) == ("restriction", "done")
    since = ada.api("GET", "/privacy/restriction").get_json()["restricted_at"]
    world.clock.move(days=1)
    restrict(ada)
    assert ada.api("GET", "/privacy/restriction").get_json()["restricted_at"] == since
    lift(ada)
    lift(ada)
    actions = [item["action"] for item in ada.api("GET", "/audit-events").get_json()["items"]]
    assert actions.count("privacy.restricted") == actions.count("privacy.restriction-lifted") == 1


def test_the_page_restricts_lifts_and_says_so_everywhere(world: World) -> None:
    ada = world.ada
    assert "Restrict my data" in ada.page("/privacy/restriction").text
    ada.submit("/privacy/restriction", "/privacy/restriction")
    page = ada.page("/privacy/restriction")
    assert "Lift the restriction" in page.text
    assert "Your data is restricted" in ada.page("/").text
    assert "Your data is restricted" not in world.ben.page("/").text
    ada.submit("/privacy/restriction", "/privacy/restriction/lift")
    assert "Your data is restricted" not in ada.page("/").text
    with world.app.app_context():
        assert world.state.session.scalars(select(Person.restricted_at)).all() == [None]
