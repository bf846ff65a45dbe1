"""Many plans at once: the preview is exact, what was shown holds, and every plan changes once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from flask_tokenoffset import signals
from flask_tokenoffset.models import (
    Adoption,
    AuditAction,
    AuditEvent,
    BulkChange,
    BulkChangeTarget,
    Membership,
    OutboundMessage,
    Person,
    Plan,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.member_plans import bulk_worker
from flask_tokenoffset.services.organizations.closing import close_organization
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.tasks.schedule import run_scheduler
from flask_tokenoffset.unit_of_work import Task
from tests.integration.plans.test_adoption import at_once
from tests.support.clubs import Club, found

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.support.world import Browser, World

WORKER = {"band": "worker", "coverage_percent": 100}


def preview(club: Club, **query: Any) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in (WORKER | query).items())
    answer = club.api(club.owner, "GET", f"/member-plans/preview?{asked}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def apply(club: Club, browser: Browser | None = None, **body: Any) -> Any:
    """Apply what a preview says, or what the test says instead."""
    shown = preview(club, **{k: v for k, v in body.items() if k in WORKER or k in FILTER})
    told = {name: shown[name] for name in ("plans_to_change", "difference_cents")}
    return club.api(browser or club.owner, "POST", "/member-plans/changes", WORKER | told | body)


FILTER = {"search", "role", "status", "current_band"}


def standing(club: Club, change_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = club.api(
        club.owner, "GET", f"/member-plans/changes/{change_id}"
    ).get_json()
    return answer


def amounts(club: Club, members: list[UUID]) -> list[int | None]:
    """What each member's plan contributes by the newest row of its ledger, once for each row."""
    with club.world.app.app_context():
        session = club.world.state.session
        accounts = dict(
            session.execute(
                select(Membership.id, Membership.account_id).where(Membership.id.in_(members))
            ).all()
        )
        found_amounts: list[int | None] = []
        for member in members:
            replayed = plans.replay(session, accounts[member])
            assert all(adoption.amount_cents == cents for adoption, cents in replayed)
            assert [adoption.sequence for adoption, _ in replayed] == list(
                range(1, len(replayed) + 1)
            )
            plan = plans.find_plan(session, accounts[member])
            assert (plan is None) == (not replayed)
            if plan is not None:
                assert plan.amount_cents == replayed[-1][1]
            found_amounts.append(replayed[-1][1] if replayed else None)
        return found_amounts


def test_the_preview_counts_exactly_what_applying_changes(club: Club) -> None:
    world = club.world
    members = club.fill(9)
    # One of each kind: already so, another band, paused, ended, paying, suspended.
    for number, band in ((0, "worker"), (1, "casual"), (2, "casual"), (3, "agentic")):
        body = {"band": band, "coverage_percent": 100}
        assert (
            club.api(world.ada, "PUT", f"/members/{members[number]}/plan", body).status_code == 200
        )
    club.api(world.ada, "POST", f"/members/{members[2]}/plan/pause")
    club.api(world.ada, "POST", f"/members/{members[3]}/plan/end")
    club.change(payer_rule="member-chooses")
    club.change_member(members[4], chosen_payer="member")
    club.change_member(members[5], status="suspended")
    shown = preview(club)
    assert shown == {
        "amount_cents": 125,
        "programmes": [],
        "members": 10,
        "members_paying": 1,
        "members_suspended": 1,
        "plans_to_change": 7,  # The owner, numbers 1, 2, 3, 6, 7 and 8.
        "plans_unchanged": 1,
        "plans_paused": 1,
        "difference_cents": 117 + 5 * 125,
        "organization_cents_per_month": 125 + 8,
        "organization_cents_per_month_afterwards": 7 * 125,
        "cap_cents_per_month": None,
        "within_cap": True,
    }
    world.clock.move(days=1)
    answer = apply(club)
    assert answer.status_code == 202
    change = answer.get_json()
    assert (change["status"], change["plans_changed"]) == ("complete", 7)
    assert preview(club)["organization_cents_per_month"] == 7 * 125
    assert preview(club)["plans_to_change"] == 0
    assert amounts(club, members) == [125] * 4 + [None, None] + [125] * 3
    paused, begun = club.plan_of(members[2]), club.plan_of(members[3])
    assert paused is not None
    assert begun is not None
    assert (paused.status, begun.status) == ("paused", "active")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 6),
        ({"search": "MEMBER 00001"}, 1),
        ({"search": "member-0000"}, 5),
        ({"search": "%"}, 0),
        ({"role": "owner"}, 1),
        ({"role": "auditor"}, 0),
        ({"status": "suspended"}, 0),
        ({"current_band": "none"}, 5),
        ({"current_band": "casual"}, 1),
        ({"current_band": "agentic"}, 0),
        ({"current_band": "none", "role": "member", "search": "00002"}, 1),
    ],
)
def test_the_filter_is_that_of_the_list_and_the_present_band(
    club: Club, query: dict[str, str], expected: int
) -> None:
    members = club.fill(5)
    club.api(club.owner, "PUT", f"/members/{members[0]}/plan", {"band": "casual"})
    assert preview(club, **query)["plans_to_change"] == expected


@pytest.mark.parametrize(
    "wrong", [{"band": "gigantic"}, {"coverage_percent": 1001}, {"current_band": "gigantic"}]
)
def test_a_preview_of_what_cannot_be_is_refused(club: Club, wrong: dict[str, Any]) -> None:
    asked = "&".join(f"{name}={value}" for name, value in (WORKER | wrong).items())
    assert club.api(club.owner, "GET", f"/member-plans/preview?{asked}").status_code == 422


def test_what_does_not_hold_any_more_is_refused_with_the_new_figures(club: Club) -> None:
    club.fill(3)
    shown = preview(club)
    club.fill(1)
    rows = club.world.rows()
    told = {name: shown[name] for name in ("plans_to_change", "difference_cents")}
    answer = club.api(club.owner, "POST", "/member-plans/changes", WORKER | told)
    assert answer.status_code == 422
    assert "Now 5 plans would change, by +$6.25 a month" in answer.get_json()["detail"]
    assert club.world.rows() == rows
    difference = WORKER | {"plans_to_change": 5, "difference_cents": 624}
    assert club.api(club.owner, "POST", "/member-plans/changes", difference).status_code == 422
    assert club.world.rows() == rows


def test_nothing_to_change_is_refused(club: Club) -> None:
    assert apply(club).status_code == 202
    rows = club.world.rows()
    assert apply(club).status_code == 422
    assert club.world.rows() == rows


def test_a_change_that_would_pass_the_cap_is_refused_whole(club: Club) -> None:
    club.fill(3)
    club.change(cap_cents_per_month=4 * 125 - 1)
    assert not preview(club)["within_cap"]
    rows = club.world.rows()
    assert apply(club).status_code == 409
    assert club.world.rows() == rows
    club.change(cap_cents_per_month=4 * 125)
    assert apply(club).status_code == 202


def test_only_owners_and_admins_change_many_plans(club: Club) -> None:
    world = club.world
    auditor, admin = world.browser("auditor"), world.browser("admin")
    club.join(world.ben)
    club.join(auditor, Role.AUDITOR)
    club.join(admin, Role.ADMIN)
    rows = world.rows()
    for browser, status in ((auditor, 403), (world.ben, 403), (world.stranger, 404)):
        assert apply(club, browser).status_code == status
        path = "/member-plans/preview?band=worker"
        assert club.api(browser, "GET", path).status_code == status
    assert world.rows() == rows
    assert apply(club, admin).status_code == 202


def test_another_organizations_change_is_not_found(club: Club) -> None:
    other = found(club.world, club.world.ben, "Bolt")
    change_id = apply(club).get_json()["id"]
    path = f"/member-plans/changes/{change_id}"
    missing = "/member-plans/changes/00000000-0000-4000-8000-000000000000"
    there = other.api(other.owner, "GET", path)
    assert there.status_code == other.api(other.owner, "GET", missing).status_code == 404
    assert preview(other)["members"] == 1


# --- the worker -----------------------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(bulk_worker, "TARGETS_PER_CHUNK", 50)
    return 50


def request_many(club: Club, count: int = 130) -> tuple[list[UUID], str]:
    members = club.fill(count)
    answer = apply(club)
    assert answer.status_code == 202, answer.text
    assert answer.get_json()["status"] == "queued"
    assert answer.get_json()["plans_changed"] == 0
    return members, answer.get_json()["id"]


def do_one_chunk(world: World, change_id: str) -> None:
    """As a worker that is stopped after its first transaction."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        change = work.session.scalars(select(BulkChange)).one()
        assert str(change.id) == change_id
        assert bulk_worker.apply_chunk(work, change, world.clock.now())


def test_more_than_a_hundred_are_left_to_a_worker(club: Club, small_chunks: int) -> None:
    members, change_id = request_many(club)
    assert club.world.queue.jobs[-1][0] is Task.BULK_CHANGE
    assert amounts(club, members) == [None] * 130
    do_one_chunk(club.world, change_id)
    running = standing(club, change_id)
    assert (running["status"], running["plans_changed"]) == ("running", small_chunks)
    club.world.work()
    done = standing(club, change_id)
    assert (done["status"], done["plans_changed"]) == ("complete", 131)
    assert amounts(club, members) == [125] * 130
    rows = club.world.rows()
    with club.world.app.app_context():
        bulk_worker.continue_change(
            club.world.state.unit_of_work,
            change_id=club.world.rows(BulkChange)["tokenoffset_bulk_change"][0][0],
            clock=club.world.clock,
        )
    assert club.world.rows() == rows


def test_a_hundred_at_most_are_done_in_the_request(club: Club) -> None:
    club.fill(99)
    assert apply(club).get_json()["status"] == "complete"
    assert not [job for job in club.world.queue.jobs if job[0] is Task.BULK_CHANGE]


def test_a_thousand_plans_take_fewer_than_twenty_statements(club: Club) -> None:
    club.fill(1999)
    apply(club)
    world = club.world
    for band, coverage in ((None, None), ("casual", 50)):
        if band is not None:
            world.clock.move(days=1)
            apply(club, band=band, coverage_percent=coverage)
        with world.statements() as sent:
            world.queue.jobs = [job for job in world.queue.jobs if job[0] is Task.BULK_CHANGE]
            world.work()
        # Two chunks of a thousand, and the look that finds nothing more to do.
        assert len(sent) < 3 * 20
        per_chunk: list[int] = []
        for statement in sent:
            if "FROM tokenoffset_bulk_change \n" in statement:
                per_chunk.append(0)
            if per_chunk:
                per_chunk[-1] += 1
        assert len(per_chunk) == 3
        assert max(per_chunk) < 20, per_chunk
    assert len(world.rows(Adoption)["tokenoffset_adoption"]) == 2 * 2000


def test_members_who_left_or_pay_or_are_suspended_meanwhile_are_left_out(
    club: Club, small_chunks: int
) -> None:
    assert small_chunks
    members, change_id = request_many(club)
    club.change(payer_rule="member-chooses")
    club.change_member(members[0], chosen_payer="member")
    club.change_member(members[1], status="suspended")
    world = club.world
    assert club.api(world.ada, "DELETE", f"/members/{members[2]}").status_code == 204
    body = {"band": "worker", "coverage_percent": 100}
    club.api(world.ada, "PUT", f"/members/{members[3]}/plan", body)
    world.work()
    done = standing(club, change_id)
    assert (done["status"], done["plans_to_change"], done["plans_changed"]) == (
        "complete",
        131,
        127,
    )
    assert amounts(club, members[:2]) == [None, None]
    assert amounts(club, members[3:]) == [125] * 127


def stop_reason(club: Club, change_id: str) -> tuple[str, str | None, int]:
    with club.world.app.app_context():
        change = club.world.state.session.scalars(select(BulkChange)).one()
        assert str(change.id) == change_id
        return change.status, change.stopped_code, change.plans_changed


def test_a_requester_who_lost_the_right_stops_it_at_the_next_chunk(
    club: Club, small_chunks: int
) -> None:
    _, change_id = request_many(club)
    do_one_chunk(club.world, change_id)
    club.change_member(club.members["ada"], role="auditor")
    club.world.work()
    assert stop_reason(club, change_id) == ("stopped", "requester-may-not", small_chunks)


def test_a_closed_organization_stops_it(club: Club, small_chunks: int) -> None:
    world = club.world
    _, change_id = request_many(club)
    do_one_chunk(world, change_id)
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        close_organization(work, organization_id=club.id, person=person, clock=world.clock)
    world.work()
    assert stop_reason(club, change_id) == ("stopped", "organization-closed", small_chunks)
    assert {plan[2] for plan in plan_columns(world)} == {"ended"}


def plan_columns(world: World) -> list[tuple[Any, ...]]:
    with world.app.app_context():
        rows = world.state.session.execute(select(Plan.id, Plan.amount_cents, Plan.status))
        return [tuple(row) for row in rows]


def test_a_cap_that_is_set_meanwhile_stops_it(club: Club, small_chunks: int) -> None:
    _, change_id = request_many(club)
    do_one_chunk(club.world, change_id)
    club.change(cap_cents_per_month=(small_chunks + 1) * 125)
    club.world.work()
    assert stop_reason(club, change_id) == ("stopped", "cap-reached", small_chunks)
    assert preview(club)["organization_cents_per_month"] == small_chunks * 125


def test_a_second_change_waits_for_the_first(club: Club) -> None:
    request_many(club)
    rows = club.world.rows()
    assert apply(club, coverage_percent=50).status_code == 409
    assert club.world.rows() == rows
    club.world.work()
    assert apply(club, coverage_percent=50).status_code == 202


def test_a_change_whose_job_was_lost_is_enqueued_again_by_the_schedule(club: Club) -> None:
    _, change_id = request_many(club)
    world = club.world
    world.queue.jobs.clear()
    world.clock.move(minutes=2)
    with world.app.app_context():
        assert run_scheduler(world.state).bulk_changes_enqueued == 1
    world.work()
    assert standing(club, change_id)["status"] == "complete"
    with world.app.app_context():
        assert run_scheduler(world.state).bulk_changes_enqueued == 0


def test_members_are_told_by_mail_and_the_log_has_one_record_at_each_end(club: Club) -> None:
    world = club.world
    members, _ = request_many(club)
    with world.app.app_context(), world.state.unit_of_work() as work:
        unproved = select(Membership.person_id).where(Membership.id == members[0])
        work.session.execute(
            update(Person).where(Person.id.in_(unproved)).values(email_verified_at=None)
        )
    queued = len(world.rows(OutboundMessage)["tokenoffset_outbound_message"])
    for task, change_id in list(world.queue.jobs):
        if task is Task.BULK_CHANGE:
            with world.app.app_context():
                bulk_worker.continue_change(
                    world.state.unit_of_work, change_id=change_id, clock=world.clock
                )
    # Neither the person who asked, nor the one whose address is not proved.
    messages = world.rows(OutboundMessage)["tokenoffset_outbound_message"]
    assert len(messages) - queued == 129
    with world.app.app_context():
        actions = world.state.session.scalars(
            select(AuditEvent.action).where(AuditEvent.subject_type == "bulk-change")
        ).all()
    assert sorted(actions) == sorted(
        [AuditAction.BULK_CHANGE_FINISHED, AuditAction.BULK_CHANGE_REQUESTED]
    )


def test_the_host_hears_of_every_adoption_once(club: Club) -> None:
    members, _ = request_many(club)
    heard: list[UUID] = []

    def note(_sender: Any, account_id: UUID, **_more: Any) -> None:
        heard.append(account_id)

    with signals.estimate_adopted.connected_to(note):
        club.world.work()
    assert len(heard) == len(set(heard)) == len(members) + 1


def test_two_workers_at_once_change_each_plan_once(
    make_world: Callable[..., World],
    postgres_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk_worker, "TARGETS_PER_CHUNK", 20)
    world = make_world(postgres_database())
    club = found(world, world.ada)
    members, change_id = request_many(club, 400)
    (change,) = [row_id for task, row_id in world.queue.jobs if task is Task.BULK_CHANGE]
    world.queue.jobs.clear()

    def work() -> None:
        with world.app.app_context():
            bulk_worker.continue_change(
                world.state.unit_of_work, change_id=change, clock=world.clock
            )

    at_once(work, work, work)
    work()  # The worker that found it held went home; the last one finishes.
    assert amounts(club, members) == [125] * 400
    assert standing(club, change_id)["plans_changed"] == 401
    assert len(world.rows(Adoption)["tokenoffset_adoption"]) == 401
    assert all(done for *_, done in world.rows(BulkChangeTarget)["tokenoffset_bulk_change_target"])
