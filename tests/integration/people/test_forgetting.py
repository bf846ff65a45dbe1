"""Forgetting a person leaves nothing of theirs, and everything of everyone else's."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from flask_tokenoffset import forget_person, signals
from flask_tokenoffset.errors import LastOwner
from flask_tokenoffset.models import (
    TABLE_PREFIX,
    Account,
    AuditEvent,
    AuditOrigin,
    Base,
    Identity,
    IdentityCredential,
    Invitation,
    Membership,
    OutboundMessage,
    Person,
    Plan,
    PlanStatus,
    PlanStatusChange,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.data_map.personal_rows import deleted_tables
from flask_tokenoffset.services.erasures import immediate as immediate_erasure
from flask_tokenoffset.services.erasures import steps as erasure_steps
from flask_tokenoffset.services.estimates.estimates import estimate_from_band
from flask_tokenoffset.services.identities.refresh_tokens import store_token
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.state import current_state
from flask_tokenoffset.vault import Secret
from tests.integration.people.marking import (
    ADA,
    AGENT,
    BEN,
    FERNHILL,
    REMAINING,
    columns_with,
    dump,
    mark_world,
    of_others,
    person_of,
    rows_with,
    tables_with,
)
from tests.support.campaigns import campaign
from tests.support.organizations import join

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.world import Browser, World


def forget(world: World, browser: Browser) -> immediate_erasure.Forgotten:
    """What a host does when it deletes its user."""
    with world.app.app_context():
        return forget_person(browser.user_key)


@pytest.fixture
def marked_world(db_world: World) -> World:
    """Ada and Ben with marked rows everywhere, both in an organization, whose owner is Cora."""
    mark_world(db_world)
    return db_world


@pytest.mark.promise("TG-011")
def test_nothing_of_theirs_is_left_and_everything_of_others_is(marked_world: World) -> None:
    world = marked_world
    person_id, account_id = person_of(world, world.ada)
    marks = (ADA, AGENT, repr(world.ada.user_key))
    # Everything but what only an organization has, and one's own row and log.
    assert len(tables_with(world, ADA)) > len(deleted_tables())
    assert tables_with(world, AGENT) == {"tokenoffset_audit_origin"}
    others = of_others(world, person_id, account_id)
    marked = [rows_with(world, mark) for mark in (BEN, FERNHILL)]

    forgotten = forget(world, world.ada)

    assert forgotten.known
    assert forgotten.organizations_left == 1
    # The last word to Ada waits in the outbox until it has left.
    assert "tokenoffset_outbound_message" in tables_with(world, *marks)
    world.work()
    assert world.mail.messages[-1].kind == "account-forgotten"
    assert columns_with(world, *marks) <= REMAINING
    assert all(world.rows()[column.partition(".")[0]] for column in REMAINING)
    # Those of Fernhill that Ada made as its admin name her id still.
    assert marked == [rows_with(world, mark) for mark in (BEN, FERNHILL)]
    for table, rows in of_others(world, person_id, account_id).items():
        stayed = [row for row in others[table] if row in rows]
        assert stayed == others[table], table


def test_tables_are_deleted_in_an_order_that_foreign_keys_allow() -> None:
    order = deleted_tables()
    for position, name in enumerate(order):
        for key in Base.metadata.tables[TABLE_PREFIX + name].foreign_keys:
            parent = key.column.table.name.removeprefix(TABLE_PREFIX)
            assert parent not in order[:position], f"{parent} goes before {name}"


def test_the_plan_an_organization_had_for_them_ends_and_stays_its_record(db_world: World) -> None:
    world = db_world
    cora = world.browser("cora")
    organization_id = cora.create_organization("Fernhill")
    join(world, organization_id, world.ada, Role.MEMBER)
    with world.app.app_context(), world.state.unit_of_work() as work:
        member = work.session.scalar(select(Membership).where(Membership.role == Role.MEMBER))
        assert member is not None
        person = work.session.get_one(Person, member.person_id)
        estimate = estimate_from_band(
            work.session,
            account_id=member.account_id,
            person=person,
            key="worker",
            now=world.clock.now(),
        )
        plans.adopt(
            work,
            account_id=member.account_id,
            person=person,
            estimate_id=estimate.id,
            coverage_percent=100,
            expected_amount_cents=None,
            method_version=world.state.settings.method,
            programmes=(),
            now=world.clock.now(),
        )
    world.bill()
    records = world.rows()["tokenoffset_billing_record"]
    forget(world, world.ada)
    with world.app.app_context():
        plan = world.state.session.scalars(select(Plan)).one()
        assert plan.status == PlanStatus.ENDED
        assert world.state.session.scalars(select(PlanStatusChange)).one().plan_id == plan.id
    assert world.rows()["tokenoffset_billing_record"] == records
    assert len(world.rows(Membership)["tokenoffset_membership"]) == 1


@pytest.mark.parametrize("co_owner", ["none", "suspended", "admin"])
def test_the_only_owner_is_refused_and_nothing_is_changed(db_world: World, co_owner: str) -> None:
    world = db_world
    world.ada.settle()
    for name in ("Zeta", "Fernhill"):
        organization_id = world.ada.create_organization(name)
        if co_owner != "none":
            role = Role.ADMIN if co_owner == "admin" else Role.OWNER
            membership = join(world, organization_id, world.ben, role)
            if co_owner == "suspended":
                inside = world.ada.within(organization_id)
                suspended = inside.api("PATCH", f"/members/{membership}", {"status": "suspended"})
                assert suspended.status_code == 200
    before = world.rows()
    with pytest.raises(LastOwner, match=r"«Fernhill», «Zeta».*nothing was deleted"):
        forget(world, world.ada)
    answer = world.ada.api("DELETE", "/me", {"confirm": True})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "last-owner")
    assert world.rows() == before


def test_one_owner_of_two_and_the_owner_of_a_closed_organization_may_go(db_world: World) -> None:
    world = db_world
    both = world.ada.create_organization("Fernhill")
    join(world, both, world.ben, Role.OWNER)
    closed = world.ada.create_organization("Closed")
    assert world.ada.within(closed).api("DELETE", "").status_code == 204
    assert forget(world, world.ada).organizations_left == 2
    assert len(world.rows(Membership)["tokenoffset_membership"]) == 1
    assert world.ben.within(both).api("GET", "/members").status_code == 200


def test_a_sample_under_way_writes_nothing_any_more(db_world: World) -> None:
    world = db_world
    world.ben.settle()
    bens = world.rows()
    world.ada.connect()
    person_id, account_id = person_of(world, world.ada)
    seen: list[int] = []

    def fault(incoming: Any, answer_of: Any) -> Any:
        answer = answer_of(incoming)
        forget(world, world.ada)
        seen.append(len(world.anthropic.calls))
        return answer

    world.anthropic.faults.add(fault, path="*usage_report*", after=0)
    world.work()
    assert len(seen) == 1
    assert world.mail.kinds_to(world.ada.address)[-1] == "account-forgotten"
    assert len(world.anthropic.calls) == seen[0] + 1  # That very call is noted when it is answered.
    others = of_others(world, person_id, account_id)
    for table in deleted_tables():
        name = TABLE_PREFIX + table
        if name != "tokenoffset_outbound_message":
            assert world.rows()[name] == others[name] == bens[name], name


def test_a_job_that_waits_when_they_are_forgotten_calls_nobody(db_world: World) -> None:
    db_world.ada.connect()
    calls = len(db_world.anthropic.calls)
    forget(db_world, db_world.ada)
    db_world.work()
    assert len(db_world.anthropic.calls) == calls
    assert db_world.mail.kinds_to(db_world.ada.address)[-1] == "account-forgotten"


def test_what_they_change_at_the_same_moment_is_theirs_or_a_new_persons(pg_world: World) -> None:
    """The second one waits: nothing is ever left in an account that was forgotten."""
    for _ in range(15):
        pg_world.ada.pick_band()
        browsers = [pg_world.browser("ada") for _ in range(3)]
        tokens = [each.token_field for each in browsers]
        assert all(tokens)
        barrier = Barrier(len(browsers) + 1)
        statuses: list[int] = []

        def change(
            browser: Browser, barrier: Barrier = barrier, statuses: list[int] = statuses
        ) -> None:
            barrier.wait()
            answer = browser.api("POST", "/estimates", {"kind": "band", "band": "worker"})
            statuses.append(answer.status_code)

        threads = [Thread(target=change, args=(each,)) for each in browsers]
        for thread in threads:
            thread.start()
        barrier.wait()
        forget(pg_world, pg_world.ada)
        for thread in threads:
            thread.join()
        assert statuses == [201] * len(browsers)
        living = {str(row[0]) for row in _living_accounts(pg_world)}
        for row in pg_world.rows()["tokenoffset_source"]:
            assert str(row[1]) in living


def _living_accounts(world: World) -> list[Any]:
    with world.app.app_context():
        return list(
            world.state.session.execute(
                select(Person.account_id).where(Person.forgotten_at.is_(None))
            )
        )


def test_the_same_key_coming_back_is_a_new_person(db_world: World) -> None:
    world = db_world
    world.ada.settle()
    former, _ = person_of(world, world.ada)
    forget(world, world.ada)
    assert not world.ada.has_account
    assert world.ada.api("GET", "/me").get_json()["id"] is None
    assert world.ada.api("GET", "/sources").get_json()["items"] == []
    world.ada.pick_band()
    again, _ = person_of(world, world.ada)
    assert again != former
    assert world.ada.api("GET", "/plan").status_code == 404


def test_an_unknown_person_is_no_mistake(db_world: World) -> None:
    db_world.ben.settle()
    before = db_world.rows()
    assert forget(db_world, db_world.stranger) == immediate_erasure.Forgotten()
    assert db_world.rows() == before
    forget(db_world, db_world.ben)
    assert not forget(db_world, db_world.ben).known


def test_answers_kept_for_a_person_without_an_account_go_too(db_world: World) -> None:
    headers = {"Idempotency-Key": "once"}
    world = db_world
    answer = world.stranger.client.post(
        "/tokenoffset/api/v1/estimates", json={"kind": "band", "band": "worker"}, headers=headers
    )
    assert answer.status_code == 201
    assert world.rows()["tokenoffset_idempotency_record"]
    forget(world, world.stranger)
    assert not world.rows()["tokenoffset_idempotency_record"]


def invite(inside: Browser, *addresses: str) -> None:
    rows = [{"email": address, "role": "member"} for address in addresses]
    answer = inside.api("POST", "/invitations", {"invitations": rows})
    assert answer.status_code == 200, answer.text


def test_invitations_are_cancelled_and_lose_the_address(db_world: World) -> None:
    world = db_world
    organization_id = world.ben.create_organization("Fernhill")
    inside = world.ben.within(organization_id)
    world.ada.pick_band()
    invite(inside, "ada@example.com", "else@example.com")
    forget(world, world.ada)
    invitations = {row.email: row.cancelled_at for row in _invitations(world)}
    assert invitations == {"": world.clock.now(), "else@example.com": None}
    addresses = [row.to_address for row in _messages(world)]
    # One to the other one who was invited, and the last word to Ada, until it has left.
    assert sorted(addresses) == ["ada@example.com", "else@example.com"]
    world.work()
    assert "ada@example.com" not in dump(world)
    assert "Your account" in world.mail.to("ada@example.com")[-1].subject


def test_an_invitation_to_an_address_that_two_have_proved_stays(db_world: World) -> None:
    world = db_world
    world.ada.pick_band()
    other = world.browser("other")
    other.change_address("ada@example.com")
    other.pick_band()
    organization_id = world.ben.create_organization("Fernhill")
    inside = world.ben.within(organization_id)
    invite(inside, "ada@example.com")
    forget(world, world.ada)
    assert [row.cancelled_at for row in _invitations(world)] == [None]
    assert _invitations(world)[0].email == "ada@example.com"


def _invitations(world: World) -> list[Invitation]:
    with world.app.app_context():
        return list(world.state.session.scalars(select(Invitation)))


def _messages(world: World) -> list[OutboundMessage]:
    with world.app.app_context():
        return list(world.state.session.scalars(select(OutboundMessage)))


def test_the_log_stays_whole_and_says_that_they_are_forgotten(db_world: World) -> None:
    world = db_world
    world.ada.settle()
    person_id, account_id = person_of(world, world.ada)
    forget(world, world.ada)
    with world.app.app_context():
        events = world.state.session.scalars(
            select(AuditEvent)
            .where(AuditEvent.account_id == account_id)
            .order_by(AuditEvent.sequence)
        ).all()
        assert events[-1].action == "person.forgotten"
        assert events[-1].subject_id == person_id
        assert [each.sequence for each in events] == list(range(1, len(events) + 1))
        own = select(AuditOrigin).where(AuditOrigin.account_id == account_id)
        assert world.state.session.scalars(own).all() == []
        assert world.state.session.get(Account, account_id) is not None


def test_the_host_hears_of_it_after_the_commit(world: World) -> None:
    world.ada.pick_band()
    person_id, account_id = person_of(world, world.ada)
    heard: list[dict[str, Any]] = []

    def receive(_sender: object, **values: Any) -> None:
        heard.append(values)

    with signals.person_forgotten.connected_to(receive):
        forget(world, world.ada)
        forget(world, world.ada)
    assert heard == [{"person_id": person_id, "account_id": account_id}]


def test_refresh_tokens_are_given_back_once_everything_is_deleted(db_world: World) -> None:
    world = db_world
    world.ada.pick_band()
    person_id, account_id = person_of(world, world.ada)
    given_back: list[tuple[str, str | None, int]] = []

    def give_back(provider: str, token: Secret | None) -> None:
        left = len(world.rows(Identity, IdentityCredential)["tokenoffset_identity_credential"])
        given_back.append((provider, token and token.reveal(), left))

    with world.app.app_context(), world.state.unit_of_work() as work:
        identity = Identity(
            account_id=account_id,
            person_id=person_id,
            provider="fernhill-id",
            issuer="https://id.example.com",
            subject="ada",
            email_verified=False,
            linked_at=world.clock.now(),
        )
        work.session.add(identity)
        work.session.flush()
        token = Secret("a-refresh-token-of-ada")
        store_token(work.session, identity, token, vault=world.state.vault, now=world.clock.now())
    with world.app.app_context(), world.state.unit_of_work() as work:
        means = replace(current_state().erasure_means, give_back=give_back)
        immediate_erasure.forget_person(work, user_key=world.ada.user_key, means=means)
        assert given_back == []
    assert given_back == [("fernhill-id", "a-refresh-token-of-ada", 0)]


def test_one_of_many_tables_that_was_left_out_would_be_found(
    marked_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep above finds what is left: here one table is left out on purpose."""
    left = tuple(name for name in deleted_tables() if name != "sign_in_address")
    monkeypatch.setattr(erasure_steps, "deleted_tables", lambda: left)
    forget(marked_world, marked_world.ada)
    marked_world.work()
    assert marked_world.mail.messages[-1].kind == "account-forgotten"
    assert columns_with(marked_world, ADA) - REMAINING == {"tokenoffset_sign_in_address.email"}


@campaign("rounds", short=5, full=20)
def test_two_owners_who_are_forgotten_at_once_leave_one_of_them(
    pg_world: World, rounds: int
) -> None:
    """Not even the host's deletion takes the last owner away."""
    world = pg_world
    for number in range(rounds):
        owners = [world.browser(f"{name}-{number}") for name in ("first", "second")]
        organization_id = owners[0].create_organization("Fernhill")
        join(world, organization_id, owners[1], Role.OWNER)
        barrier = Barrier(len(owners))
        outcomes: list[str] = []

        def vanish(
            browser: Browser, barrier: Barrier = barrier, outcomes: list[str] = outcomes
        ) -> None:
            barrier.wait()
            try:
                forget(world, browser)
            except LastOwner:
                outcomes.append("refused")
            else:
                outcomes.append("gone")

        threads = [Thread(target=vanish, args=(each,)) for each in owners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["gone", "refused"]
        assert [each.has_account for each in owners].count(True) == 1
        (left,) = (each for each in owners if each.has_account)
        assert left.within(organization_id).api("GET", "/members").status_code == 200


@campaign("rounds", short=5, full=20)
def test_an_owner_who_is_forgotten_while_another_takes_their_role(
    pg_world: World, rounds: int
) -> None:
    """Nobody waits for the other for ever, and the organization keeps an owner."""
    world = pg_world
    for number in range(rounds):
        leaving, staying = (world.browser(f"{name}-{number}") for name in ("leaving", "staying"))
        organization_id = leaving.create_organization("Fernhill")
        join(world, organization_id, staying, Role.OWNER)
        membership = _membership_of(world, leaving)
        inside = staying.within(organization_id)
        barrier = Barrier(2)
        statuses: list[int] = []

        def demote(
            inside: Browser = inside,
            membership: UUID = membership,
            barrier: Barrier = barrier,
            statuses: list[int] = statuses,
        ) -> None:
            barrier.wait()
            answer = inside.api("PATCH", f"/members/{membership}", {"role": "member"})
            statuses.append(answer.status_code)

        thread = Thread(target=demote)
        thread.start()
        barrier.wait()
        assert forget(world, leaving).known
        thread.join()
        assert statuses[0] in {200, 404}
        assert [row["role"] for row in inside.api("GET", "/members").get_json()["items"]] == [
            "owner"
        ]


def _membership_of(world: World, browser: Browser) -> UUID:
    person_id, _ = person_of(world, browser)
    with world.app.app_context():
        found: UUID = world.state.session.scalars(
            select(Membership.id).where(Membership.person_id == person_id)
        ).one()
        return found
