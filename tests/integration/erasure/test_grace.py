"""Between the wish and the deed: taking it back, being reminded, and the thirty days."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from flask_tokenoffset.host.mailer import MailUnavailable
from flask_tokenoffset.models import Membership, Person, RightsRequest
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.erasures.requests import LONGEST
from tests.support.erasing import ask_for_deletion, let_time_pass, only_erasure
from tests.support.organizations import join

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.support.world import World

#: What a deletion that was taken back leaves: that it was asked for, logged and mailed about.
TRACES = {
    "tokenoffset_audit_chain",
    "tokenoffset_audit_event",
    "tokenoffset_audit_origin",
    "tokenoffset_erasure",
    "tokenoffset_outbound_message",
    "tokenoffset_rights_request",
}


def without_traces(world: World) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows for name, rows in world.rows().items() if name not in TRACES}


def rights_request(world: World) -> RightsRequest:
    with world.app.app_context():
        return world.state.session.scalars(select(RightsRequest)).one()


@pytest.mark.promise("TS-011", "TB-005")
@pytest.mark.parametrize("day", [0, 1, 29])
def test_taken_back_until_day_29_everything_is_as_it_was(db_world: World, day: int) -> None:
    world = db_world
    world.ada.settle()
    before = without_traces(world)
    ask_for_deletion(world.ada)
    world.clock.move(days=day)
    answer = world.ada.api("POST", "/privacy/deletion/undo")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "none")
    assert without_traces(world) == before
    assert only_erasure(world).status == "undone"
    assert rights_request(world).status == "cancelled"
    let_time_pass(world, days=40)
    assert world.ada.has_account
    assert "account-forgotten" not in world.mail.kinds_to(world.ada.address)


def test_nothing_but_storage_is_done_in_the_grace_and_undoing_makes_up_for_it(world: World) -> None:
    world.ada.settle()
    records = world.rows()["tokenoffset_billing_record"]
    calls = len(world.anthropic.calls)
    ask_for_deletion(world.ada)
    for _ in range(14):  # Over two Sundays and the first of a month.
        let_time_pass(world, days=1)
    assert len(world.anthropic.calls) == calls
    assert world.rows()["tokenoffset_billing_record"] == records
    assert world.mail.kinds_to(world.ada.address)[1:] == ["deletion-requested"]
    assert world.ada.api("POST", "/privacy/deletion/undo").status_code == 200
    for _ in range(7):
        let_time_pass(world, days=1)
    assert len(world.anthropic.calls) > calls
    assert len(world.rows()["tokenoffset_billing_record"]) == len(records) + 1


@pytest.mark.promise("TS-011", "TB-005")
def test_everything_is_gone_by_day_30_and_nothing_before_day_29(db_world: World) -> None:
    world = db_world
    world.ada.settle()
    due_at = ask_for_deletion(world.ada)
    asked_at = world.clock.now()
    assert timedelta(days=29) < due_at - asked_at < timedelta(days=30)
    let_time_pass(world, days=29)
    assert world.ada.has_account
    assert world.rows()["tokenoffset_source"]
    world.clock.move_to(due_at - timedelta(seconds=1))
    let_time_pass(world)
    assert world.ada.has_account
    let_time_pass(world, seconds=1)
    assert not world.ada.has_account
    assert world.clock.now() < asked_at + timedelta(days=30)
    assert not world.rows()["tokenoffset_source"]
    assert not world.rows()["tokenoffset_billing_record"]
    # Ids and digests have these letters in them by chance.
    assert "ada" not in re.sub(r"[0-9a-f-]{32,}", "", repr(world.rows()))
    assert world.mail.kinds_to("ada@example.com")[-3:] == [
        "deletion-requested",
        "deletion-reminder",
        "account-forgotten",
    ]
    assert rights_request(world).status == "done"
    assert world.ada.api("POST", "/privacy/deletion/undo").status_code == 409


def test_a_last_message_that_cannot_leave_loses_its_address_within_the_thirty_days(
    world: World,
) -> None:
    world.ada.pick_band()
    due_at = ask_for_deletion(world.ada)
    asked_at = world.clock.now()
    world.work()
    world.mail.failures = [MailUnavailable("down") for _ in range(100)]
    world.clock.move_to(due_at)
    let_time_pass(world)
    assert "ada@example.com" in repr(world.rows())
    while world.clock.now() < asked_at + LONGEST - timedelta(minutes=30):
        let_time_pass(world, minutes=30)
    assert "ada@example.com" not in repr(world.rows())
    assert "account-forgotten" not in world.mail.kinds_to("ada@example.com")


def test_a_reminder_comes_once_three_days_before(world: World) -> None:
    world.ada.pick_band()
    due_at = ask_for_deletion(world.ada)
    world.clock.move_to(due_at - timedelta(days=3, seconds=1))
    let_time_pass(world)
    assert world.mail.kinds_to(world.ada.address)[-1] == "deletion-requested"
    let_time_pass(world, seconds=1)
    let_time_pass(world, days=1)
    kinds = world.mail.kinds_to(world.ada.address)
    assert kinds.count("deletion-reminder") == 1
    assert world.mail.link_to(world.ada.address) == "/privacy/deletion"


def test_asking_twice_is_asking_once(world: World) -> None:
    world.ada.pick_band()
    due_at = ask_for_deletion(world.ada)
    world.clock.move(days=3)
    assert ask_for_deletion(world.ada) == due_at
    assert only_erasure(world).due_at == due_at
    world.work()
    assert world.mail.kinds_to(world.ada.address).count("deletion-requested") == 1


def test_a_grace_of_none_erases_with_the_next_job(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_DELETION_GRACE_DAYS=0)
    world.ada.settle()
    assert ask_for_deletion(world.ada) == world.clock.now()
    world.work()
    assert not world.ada.has_account
    assert world.mail.kinds_to(world.ada.address)[-1] == "account-forgotten"


def test_a_shorter_grace_ends_when_it_says(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_DELETION_GRACE_DAYS=2)
    world.ada.pick_band()
    assert ask_for_deletion(world.ada) == world.clock.now() + timedelta(days=2)
    let_time_pass(world, days=2)
    assert not world.ada.has_account
    assert "deletion-reminder" not in world.mail.kinds_to(world.ada.address)


def test_what_was_withdrawn_is_asked_for_anew_with_a_new_grace(world: World) -> None:
    world.ada.pick_band()
    first = ask_for_deletion(world.ada)
    let_time_pass(world, days=20)
    assert world.ada.api("POST", "/privacy/deletion/undo").status_code == 200
    answer = world.ada.api("DELETE", "/me", {"confirm": True})
    assert answer.get_json()["due_at"] > first.isoformat()
    world.clock.move_to(first)
    let_time_pass(world)
    assert world.ada.has_account
    assert world.mail.kinds_to(world.ada.address).count("deletion-requested") == 2


def test_nobody_elses_deletion_is_taken_back(world: World) -> None:
    world.ada.pick_band()
    world.ben.pick_band()
    ask_for_deletion(world.ada)
    assert world.ben.api("POST", "/privacy/deletion/undo").status_code == 409
    assert world.stranger.api("POST", "/privacy/deletion/undo").status_code == 409
    assert world.nobody.api("POST", "/privacy/deletion/undo").status_code == 401
    assert world.ada.api("GET", "/privacy/deletion").get_json()["status"] == "waiting"
    assert world.ben.api("GET", "/privacy/deletion").get_json()["status"] == "none"


def test_an_owner_who_waits_is_no_owner_to_rely_on(world: World) -> None:
    """So that nobody is left alone with an organization whose other owner goes."""
    organization_id = world.ada.create_organization("Fernhill")
    membership = join(world, organization_id, world.ben, Role.OWNER)
    ask_for_deletion(world.ada)
    refused = world.ben.api("DELETE", "/me", {"confirm": True})
    assert refused.get_json()["code"] == "last-owner"
    inside = world.ben.within(organization_id)
    for body in ({"role": "member"}, {"role": "admin"}):
        answer = inside.api("PATCH", f"/members/{membership}", body)
        assert answer.get_json()["code"] == "last-owner"
    suspended = world.ada.within(organization_id).api(
        "PATCH", f"/members/{membership}", {"status": "suspended"}
    )
    assert suspended.get_json()["code"] == "last-owner"
    let_time_pass(world, days=30)
    assert world.mail.messages
    assert [row["role"] for row in inside.api("GET", "/members").get_json()["items"]] == ["owner"]


def test_an_organization_made_in_the_grace_is_handed_on_or_closed(world: World) -> None:
    world.ada.pick_band()
    ask_for_deletion(world.ada)
    with_admin = world.ada.create_organization("Fernhill")
    join(world, with_admin, world.ben, Role.ADMIN)
    join(world, with_admin, world.browser("cora"), Role.MEMBER)
    alone = world.ada.create_organization("Zeta")
    let_time_pass(world, days=30)
    assert not world.ada.has_account
    items = world.ben.within(with_admin).api("GET", "/members").get_json()["items"]
    assert sorted(row["role"] for row in items) == ["member", "owner"]
    (closed,) = [row for row in world.rows()["tokenoffset_organization"] if row[0] == alone]
    assert world.clock.now() in closed
    with world.app.app_context():
        session = world.state.session
        assert not session.scalars(
            select(Membership.id)
            .join(Person, Person.id == Membership.person_id)
            .where(Person.forgotten_at.is_not(None))
        ).all()
    assert world.mail.kinds_to("ben@example.com")
