"""What a change to a membership or an organization brings with it, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from flask_tokenoffset.models import (
    AuditEvent,
    BillingRecord,
    Connection,
    Credential,
    DailyUsage,
    Invitation,
    Membership,
    Organization,
    Person,
    Plan,
    PlanStatusChange,
    new_id,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.estimates.estimates import estimate_from_band
from flask_tokenoffset.services.organizations import organizations
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.plans import bulk_statuses as plan_statuses
from flask_tokenoffset.services.plans import ledger as plans
from tests.support.organizations import PARTS, SUSPENDED, Shape, join, make_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Browser, World


@pytest.fixture
def acme(db_world: World) -> Shape:
    return make_shape(db_world, "acme")


def events(shape: Shape) -> list[tuple[str, UUID | None, dict[str, Any]]]:
    """What the organization's log says: action, actor, details."""
    with shape.world.app.app_context():
        rows = shape.world.state.session.execute(
            select(AuditEvent.action, AuditEvent.actor_id, AuditEvent.details)
            .where(AuditEvent.account_id == shape.account_id)
            .order_by(AuditEvent.sequence)
        )
        return [(action, actor_id, details) for action, actor_id, details in rows]


def person_id(browser: Browser) -> UUID:
    with browser._world.app.app_context():
        person = find_person(browser._world.state.session, browser.user_key)
        assert person is not None
        return UUID(str(person.id))


def begin_plan(shape: Shape, part: str) -> UUID:
    """Have a plan begin that a member has in the organization; gives its account."""
    world = shape.world
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = work.session.get_one(Person, person_id(shape[part]))
        membership = work.session.get_one(Membership, shape.memberships[part])
        estimate = estimate_from_band(
            work.session,
            account_id=membership.account_id,
            person=person,
            key="worker",
            now=world.clock.now(),
        )
        plans.adopt(
            work,
            account_id=membership.account_id,
            person=person,
            estimate_id=estimate.id,
            coverage_percent=100,
            expected_amount_cents=None,
            method_version=world.state.settings.method,
            programmes=(),
            now=world.clock.now(),
        )
        return UUID(str(membership.account_id))


def plan_of(world: World, account_id: UUID) -> tuple[str, list[str]]:
    """A plan's status, and the changes to it."""
    with world.app.app_context():
        session = world.state.session
        status = session.scalars(select(Plan.status).where(Plan.account_id == account_id)).one()
        changes = session.scalars(
            select(PlanStatusChange.status)
            .where(PlanStatusChange.account_id == account_id)
            .order_by(PlanStatusChange.sequence)
        ).all()
        return status, list(changes)


CHANGES: list[tuple[str, Callable[[Shape], Any], str | None]] = [
    (
        "member.role-changed",
        lambda s: s["owner"].within(s.id).api("PATCH", member(s), {"role": "auditor"}),
        "role-changed",
    ),
    (
        "member.suspended",
        lambda s: s["owner"].within(s.id).api("PATCH", member(s), {"status": "suspended"}),
        None,
    ),
    (
        "member.removed",
        lambda s: s["owner"].within(s.id).api("DELETE", member(s)),
        "membership-ended",
    ),
    ("member.left", lambda s: s["member"].within(s.id).api("DELETE", "/membership"), None),
    (
        "organization.ownership-transferred",
        lambda s: (
            s["owner"]
            .within(s.id)
            .api("POST", "/transfer", {"membership_id": str(s.memberships["member"])})
        ),
        "role-changed",
    ),
]


def member(shape: Shape) -> str:
    return f"/members/{shape.memberships['member']}"


@pytest.mark.parametrize(("action", "change", "mail"), CHANGES, ids=[each[0] for each in CHANGES])
def test_every_change_is_in_the_log_and_told_by_mail(
    acme: Shape, action: str, change: Callable[[Shape], Any], mail: str | None
) -> None:
    whom, who = person_id(acme["member"]), person_id(acme["owner"])
    before = len(events(acme))
    assert change(acme).status_code < 300
    added = events(acme)[before:]
    assert added[0][0] == action
    assert added[0][1] == (whom if action == "member.left" else who)
    assert added[0][2]["person_id"] == str(whom)
    # Ids and words of ours; names and addresses would stand there for ever.
    assert "acme" not in str(added)
    acme.world.work()
    kinds = acme.world.mail.kinds_to(acme["member"].address)
    assert kinds.count(mail) == 1 if mail else "role-changed" not in kinds
    if action == "organization.ownership-transferred":
        assert "role-changed" in acme.world.mail.kinds_to(acme["owner"].address)


def test_nothing_refused_is_in_the_log_or_in_the_mail(acme: Shape) -> None:
    before, messages = events(acme), len(acme.world.queue.jobs)
    for part in ("member", "auditor", SUSPENDED):
        inside = acme[part].within(acme.id)
        assert inside.api("PATCH", member(acme), {"role": "admin"}).status_code == 403
    assert acme["owner"].within(acme.id).api("DELETE", "/membership").status_code == 409
    assert events(acme) == before
    assert len(acme.world.queue.jobs) == messages


@pytest.mark.parametrize("leaves", [True, False], ids=["left", "removed"])
def test_the_plan_in_the_organization_ends_and_its_history_and_the_own_plan_stay(
    acme: Shape, leaves: bool
) -> None:
    world = acme.world
    own = acme["member"].adopt(acme["member"].pick_band())
    account_id = begin_plan(acme, "member")
    world.bill()
    if leaves:
        acme["member"].within(acme.id).api("DELETE", "/membership")
    else:
        acme["owner"].within(acme.id).api("DELETE", member(acme))
    assert acme.role_of("member") is None
    assert plan_of(world, account_id) == ("ended", ["ended"])
    assert acme["member"].api("GET", "/plan").get_json() == own
    with world.app.app_context():
        accounts = world.state.session.scalars(select(BillingRecord.account_id)).all()
    assert account_id in accounts


def test_anyone_who_comes_back_begins_with_an_account_of_its_own(acme: Shape) -> None:
    former = begin_plan(acme, "member")
    acme["member"].within(acme.id).api("DELETE", "/membership")
    again = join(acme.world, acme.id, acme["member"], Role.MEMBER)
    with acme.world.app.app_context():
        membership = acme.world.state.session.get_one(Membership, again)
        assert membership.account_id != former
    assert plan_of(acme.world, former)[0] == "ended"


def test_closing_ends_everything_and_shows_nothing_to_anyone(acme: Shape) -> None:
    world = acme.world
    owner = acme["owner"].within(acme.id)
    source_id = owner.sample()
    owner.adopt(owner.newest_estimate(source_id)["id"])
    paid_for = begin_plan(acme, "member")
    bolt = make_shape(world, "bolt")
    others = begin_plan(bolt, "member")
    with world.app.app_context():
        now = world.clock.now()
        for shape in (acme, bolt):
            invitation = Invitation(
                id=new_id(),
                organization_id=shape.id,
                email="somebody@example.com",
                role=Role.MEMBER,
                invited_by=person_id(shape["owner"]),
                salt="s",
                token_digest=shape.name,
                created_at=now,
                sent_at=now,
                expires_at=now,
            )
            world.state.session.add(invitation)
        world.state.session.commit()
    assert owner.api("DELETE", "").status_code == 204

    world.work()
    for part in PARTS:
        assert world.mail.kinds_to(acme[part].address).count("membership-ended") == 1
        assert "membership-ended" not in world.mail.kinds_to(bolt[part].address)
    assert plan_of(world, acme.account_id) == ("ended", ["ended"])
    assert plan_of(world, paid_for) == ("ended", ["ended"])
    assert plan_of(world, others) == ("active", [])
    with world.app.app_context():
        session = world.state.session
        assert session.scalars(select(Connection.status)).all() == ["disconnected"]
        assert session.scalars(select(Credential)).all() == []
        assert session.scalars(select(DailyUsage).limit(1)).all() == []
        cancelled = dict(
            session.execute(select(Invitation.organization_id, Invitation.cancelled_at)).all()
        )
        assert cancelled == {acme.id: now, bolt.id: None}
        assert session.get_one(Organization, acme.id).closed_at == now
    for part in acme.browsers:
        for path in ("/", "/members", "/membership", "/settings", "/plan"):
            missing = acme[part].get(f"/organizations/{new_id()}{path}")
            there = acme[part].get(f"{acme.path}{path}")
            assert there.status_code == missing.status_code == 404
            assert acme[part].api("GET", f"{acme.path}{path}").status_code == 404
        listed = acme[part].api("GET", "/organizations").get_json()["items"]
        assert listed == []
    assert len(bolt["owner"].api("GET", "/organizations").get_json()["items"]) == 1
    assert events(acme)[-1][0] == "organization.closed"
    assert events(acme)[-1][2]["plans_ended"] == 2


def test_closing_a_large_organization_takes_few_statements(
    acme: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_statuses, "PLANS_PER_STATEMENT", 2)
    accounts = [begin_plan(acme, part) for part in ("admin", "member", "auditor")]
    acme.world.bill()
    acme.world.clock.move(days=40)  # so that another month is owed at the end
    assert acme["owner"].within(acme.id).api("DELETE", "").status_code == 204
    assert [plan_of(acme.world, each) for each in accounts] == [("ended", ["ended"])] * 3
    with acme.world.app.app_context():
        records = acme.world.state.session.scalars(select(BillingRecord.account_id)).all()
    assert sorted(records, key=str) == sorted(accounts * 2, key=str)


def test_nobody_creates_organizations_without_end(
    db_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organizations, "MOST_CREATED", 2)
    first = db_world.ada.create_organization("One")
    db_world.ada.create_organization("Two")
    refused = db_world.ada.api("POST", "/organizations", {"name": "Three"})
    assert refused.status_code == 409
    assert "Close one first" in refused.get_json()["detail"]
    db_world.ben.create_organization("Three")
    db_world.ada.within(first).api("DELETE", "")
    db_world.ada.create_organization("Three")
