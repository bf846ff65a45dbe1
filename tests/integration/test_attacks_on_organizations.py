"""What a person with bad intentions tries with an organization, its members and their mail.

Each name says what must hold. Attacks on one part alone stand with the tests of that part; these go
where two parts meet.
"""

from __future__ import annotations

import json
import secrets
import threading
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from flask.sessions import SessionInterface, SessionMixin
from joserfc import jws
from sqlalchemy import select
from werkzeug.datastructures import CallbackDict

from flask_tokenoffset import forget_person
from flask_tokenoffset.models import (
    AuditAction,
    AuditEvent,
    AuditOrigin,
    BillingRecord,
    Credential,
    PlanStatus,
)
from flask_tokenoffset.permissions import Role
from tests.integration.member_plans.test_totals_and_usage import totals, use, users
from tests.support.clubs import Club, found
from tests.support.inviting import answer, invite, report
from tests.support.linking import OWN_LOGIN, Scene
from tests.support.organizations import Shape, make_shape
from tests.support.world import API, KEYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flask import Flask, Request, Response

    from tests.support.world import Browser, World

TERMS = {
    "payer_rule": "organization",
    "default_band": None,
    "default_coverage_percent": 100,
    "cap_cents_per_month": None,
}
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    """A world on each kind of database."""
    return make_world(database_url)


@pytest.fixture
def club(db_world: World) -> Club:
    """Ada's organization, without anyone else in it."""
    return found(db_world, db_world.ada)


@pytest.fixture
def acme(world: World) -> Shape:
    """An organization with a person in each role."""
    return make_shape(world, "acme")


def set_plan(club: Club, membership_id: UUID, band: str = "extreme") -> None:
    body = {"band": band, "coverage_percent": 100}
    answered = club.api(club.owner, "PUT", f"/members/{membership_id}/plan", body)
    assert answered.status_code == 200, answered.text


def put_terms(club: Club, **changed: Any) -> None:
    assert club.api(club.owner, "PUT", "/terms", TERMS | changed).status_code == 200


def status_of(club: Club, membership_id: UUID) -> str:
    plan = club.plan_of(membership_id)
    assert plan is not None
    return plan.status


def owed_by_members(club: Club) -> list[int]:
    """What members owe for December."""
    club.world.clock.move_to(DECEMBER)
    club.world.bill()
    with club.world.app.app_context():
        return list(
            club.world.state.session.scalars(
                select(BillingRecord.amount_cents).where(
                    BillingRecord.payer == "member", BillingRecord.month == DECEMBER.date()
                )
            )
        )


# --- making a person pay --------------------------------------------------------------------------


@pytest.mark.parametrize("chosen_before", [None, "organization"])
def test_nobody_comes_to_pay_an_amount_that_an_administrator_set_for_them(
    club: Club, chosen_before: str | None
) -> None:
    """The organization sets the highest amount while it pays, then says that members pay."""
    ben = club.join(club.world.ben)
    club.change(payer_rule="member-chooses")
    club.change_member(ben, chosen_payer=chosen_before)
    set_plan(club, ben)
    put_terms(club, payer_rule="member")
    assert status_of(club, ben) == PlanStatus.PAUSED
    assert owed_by_members(club) == []
    # It goes on once the member says so, or never.
    assert club.api(club.world.ben, "POST", "/membership/plan/resume").status_code == 200
    assert len(owed_by_members(club)) == 1


def test_an_amount_that_a_member_pays_by_choice_goes_on_when_the_rule_makes_it_so(
    club: Club,
) -> None:
    ben = club.join(club.world.ben)
    set_plan(club, ben, "casual")
    put_terms(club, payer_rule="member-chooses")
    chosen = club.api(club.world.ben, "PUT", "/membership/plan/payer", {"payer": "member"})
    assert chosen.status_code == 200
    put_terms(club, payer_rule="member")
    assert status_of(club, ben) == PlanStatus.ACTIVE
    assert owed_by_members(club) == [8]


def test_anyone_who_takes_over_paying_takes_over_the_amount_they_were_shown(club: Club) -> None:
    """Between page and click an administrator raises the plan from cents to hundreds of dollars."""
    ben = club.join(club.world.ben)
    set_plan(club, ben, "casual")
    club.change(payer_rule="member-chooses")
    form = club.page(club.world.ben, "/membership/plan").form("/membership/plan/payer")
    set_plan(club, ben, "extreme")
    refused = club.world.ben.client.post(form.action, data=form.values)
    assert refused.status_code == 422
    assert "no longer the one that was shown" in refused.text
    body = {"payer": "member", "amount_cents": 8}
    assert club.api(club.world.ben, "PUT", "/membership/plan/payer", body).status_code == 422
    assert owed_by_members(club) == []


def test_a_suspended_member_owes_nothing_for_a_plan_they_cannot_stop(club: Club) -> None:
    world = club.world
    club.change(payer_rule="member")
    ben = club.join(world.ben)
    body = {"band": "extreme", "coverage_percent": 100}
    assert club.api(world.ben, "PUT", "/membership/plan", body).status_code == 200
    ada = world.ada
    suspended = club.api(ada, "PATCH", f"/members/{ben}", {"status": "suspended"})
    assert suspended.status_code == 200
    assert club.api(world.ben, "POST", "/membership/plan/end").status_code == 403
    assert owed_by_members(club) == []
    # Restoring them does not begin it anew behind their back.
    assert club.api(ada, "PATCH", f"/members/{ben}", {"status": "active"}).status_code == 200
    assert owed_by_members(club) == []
    assert club.api(world.ben, "POST", "/membership/plan/resume").status_code == 200
    assert len(owed_by_members(club)) == 1


def test_what_the_organization_pays_for_a_suspended_member_goes_on(club: Club) -> None:
    ben = club.join(club.world.ben)
    set_plan(club, ben, "casual")
    club.api(club.owner, "PATCH", f"/members/{ben}", {"status": "suspended"})
    assert status_of(club, ben) == PlanStatus.ACTIVE


# --- finding out what one person uses -------------------------------------------------------------


def test_suspending_a_member_takes_nothing_off_the_sum(club: Club) -> None:
    """Two sums, with and without a person, tell what that one uses; suspending is free."""
    users(club, *[1_000_000] * 5, 120_000_000)
    before = totals(club)
    heavy = club.members["user-5"]
    suspended = club.api(club.owner, "PATCH", f"/members/{heavy}", {"status": "suspended"})
    assert suspended.status_code == 200
    after = totals(club)
    for name in ("unshared_people", "unshared_tokens_per_month"):
        assert before[name] is not None
        assert after[name] == before[name]


@pytest.mark.parametrize("victim", [21_000_000, 123_456_789, 499_999_999])
def test_four_who_conspire_learn_no_figure_of_the_fifth(club: Club, victim: int) -> None:
    """They know their own figures, and turn them until the rounded sum turns over."""
    conspirators = users(club, 1, 1, 1, 1)
    fifth = club.world.browser("fifth")
    use(fifth, victim)
    club.join(fifth)
    seen = set()
    for tokens in (1, 3, 400_000, 1_900_000):
        use(conspirators[0], tokens)
        seen.add(totals(club)["unshared_tokens_per_month"])
    # Nothing that they see hangs on more than the band the fifth is in.
    use(fifth, 140_000_000)
    assert seen == {totals(club)["unshared_tokens_per_month"]}


# --- what an organization learns of strangers -----------------------------------------------------


def test_declining_tells_the_organization_neither_who_nor_from_where(
    world: World, acme: Shape
) -> None:
    """Anyone who wants nothing to do with it shall not have to show themself for saying so."""
    world.ben.api("PATCH", "/me", {"display_name": "Benedict Canary"})
    link = invite(acme, world.ben)
    world.ben.client.environ_base["HTTP_USER_AGENT"] = "canary-browser"
    world.ben.client.environ_base["REMOTE_ADDR"] = "203.0.113.77"
    world.ben.client.post("/sign-in", data={"name": "ben"})
    assert answer(world.ben, link, "decline").status_code == 303
    owner = acme["owner"]
    seen = owner.get(f"{acme.path}/audit-events").text
    for exported in ("csv", "jsonl"):
        seen += owner.post(f"{acme.path}/audit-events.{exported}").text
    for canary in ("Benedict", "canary-browser", "203.0.113.77"):
        assert canary not in seen
    with world.app.app_context():
        session = world.state.session
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.action == AuditAction.INVITATION_CANCELLED)
        ).one()
        assert event.actor_id is None
        assert session.get(AuditOrigin, event.id) is None


def test_anyone_who_had_an_address_before_gets_no_invitation_of_the_person_who_has_it_now(
    world: World, acme: Shape
) -> None:
    """The mailbox went from one to the next, and each of them proved it while it was theirs."""
    former, present = world.browser("former"), world.browser("present")
    for person in (former, present):
        person.change_address("")
        proved = person.post("/me/address", email="desk@example.com")
        assert proved.status_code == 303
        world.work()
        assert person.post(world.mail.link_to("desk@example.com")).status_code == 303
    assert report(acme, ("desk@example.com", "admin"))[0]["outcome"] == "sent"
    world.work()
    link = world.mail.link_to("desk@example.com")
    assert former.api("GET", "/invitations").get_json()["items"] == []
    assert answer(former, link).status_code == 403
    assert len(present.api("GET", "/invitations").get_json()["items"]) == 1
    assert answer(present, link).status_code == 303


# --- what is left of erased people
# --------------------------------------------------------------


def test_mail_that_a_person_had_sent_names_them_no_more_once_they_are_forgotten(
    world: World, acme: Shape
) -> None:
    admin = acme["admin"]
    admin.api("PATCH", "/me", {"display_name": "Adminia Canary"})
    invite(acme, world.ben, by="admin")
    with world.app.app_context():
        assert forget_person(admin.user_key).known
    left = {table for table, rows in world.rows().items() if "Adminia" in repr(rows)}
    assert left == set()


@pytest.mark.timeout(120)
def test_two_who_are_forgotten_at_once_never_wait_for_each_other(
    make_world: Callable[..., World], postgres_database: Callable[[], str]
) -> None:
    """Each belongs to the organization that invites the other one."""
    world = make_world(postgres_database())
    clubs = [found(world, world.browser(f"owner-{name}"), name) for name in "ab"]
    clubs.sort(key=lambda club: club.id)
    failures: list[BaseException] = []
    for turn in range(8):
        people = [world.browser(f"person-{turn}-{number}") for number in (0, 1)]
        for number, person in enumerate(people):
            clubs[1 - number].join(person)
            body = {"invitations": [{"email": person.address, "role": "member"}]}
            host = clubs[number]
            invited = host.api(host.owner, "POST", "/invitations", body)
            assert invited.get_json()["items"][0]["outcome"] == "sent"
        gate = threading.Barrier(2, timeout=20)

        def forget(person: Browser, gate: threading.Barrier = gate) -> None:
            with world.app.app_context():
                gate.wait()
                try:
                    forget_person(person.user_key)
                except Exception as error:  # noqa: BLE001 - the test looks at whatever it was
                    failures.append(error)

        threads = [threading.Thread(target=forget, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    world.mail.messages.clear()
    assert failures == []


# --- one key, two places --------------------------------------------------------------------------


def test_one_idempotency_key_in_two_organizations_is_two_calls(
    world: World,
) -> None:
    made = set()
    for name in ("A", "B"):
        path = f"/organizations/{world.ada.create_organization(name)}/estimates"
        answered = world.ada.client.post(
            API + path,
            json={"kind": "band", "band": "casual"},
            headers={"Idempotency-Key": "the-same"},
        )
        assert answered.status_code == 201
        made.add(answered.get_json()["id"])
        # Each stands in its own place.
        assert world.ada.api("GET", f"{path}/{answered.get_json()['id']}").status_code == 200
    assert len(made) == 2


def test_an_answer_is_not_repeated_to_a_person_who_may_no_longer_see_it(
    world: World, acme: Shape
) -> None:
    """Demoted with an open tab: the call that was answered once is refused now."""
    admin = acme["admin"]
    call: dict[str, Any] = {
        "json": {"invitations": [{"email": "who@example.com", "role": "member"}]},
        "headers": {"Idempotency-Key": "once"},
    }
    url = f"{API}{acme.path}/invitations"
    assert admin.client.post(url, **call).status_code == 200
    owner = acme["owner"]
    path = f"{acme.path}/members/{acme.memberships['admin']}"
    assert owner.api("PATCH", path, {"role": "member"}).status_code == 200
    assert admin.client.post(url, **call).status_code == 403
    world.work()
    assert len(world.mailbox) >= 1


# --- what changes while a vendor is asked ---------------------------------------------------------


def close(club: Club) -> None:
    assert club.api(club.owner, "DELETE", "").status_code == 204


def remove(club: Club) -> None:
    path = f"/members/{club.members['ben']}"
    assert club.api(club.owner, "DELETE", path).status_code == 204


def demote(club: Club) -> None:
    path = f"/members/{club.members['ben']}"
    assert club.api(club.owner, "PATCH", path, {"role": "member"}).status_code == 200


@pytest.mark.parametrize(("meanwhile", "status"), [(close, 404), (remove, 404), (demote, 403)])
@pytest.mark.parametrize("replaces", [False, True], ids=["connect", "replace"])
def test_a_key_is_kept_only_for_a_person_who_may_once_the_vendor_has_answered(
    make_world: Callable[..., World],
    postgres_database: Callable[[], str],
    meanwhile: Callable[[Club], None],
    status: int,
    replaces: bool,
) -> None:
    """A vendor takes its time, and so has the member who is about to lose their role."""
    world = make_world(postgres_database())
    club = found(world, world.ada)
    club.join(world.ben, Role.ADMIN)
    body: dict[str, Any] = {"provider": "anthropic", "key": KEYS["anthropic"]}
    method, path = "POST", "/sources"
    if replaces:
        source = club.api(world.ben, method, path, body).get_json()["id"]
        method, path, body = "PUT", f"/sources/{source}/key", {"key": KEYS["anthropic"]}
        world.work()
    before = world.rows(Credential)
    happened: list[Callable[[Club], None]] = []

    def change() -> None:
        meanwhile(club)
        happened.append(meanwhile)

    def slow(incoming: Any, answer_of: Any) -> Any:
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(30)
        return answer_of(incoming)

    world.anthropic.faults.add(slow, path="*/organizations/me", times=1)
    answered = club.api(world.ben, method, path, body)
    assert happened == [meanwhile]
    assert answered.status_code == status, answered.text
    left = [] if meanwhile is close else before["tokenoffset_credential"]
    assert world.rows(Credential)["tokenoffset_credential"] == left


# --- what others say and do -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["nul\x00@example.com", "half-\ud83d@example.com"])
def test_no_text_of_a_provider_breaks_the_sign_in(
    make_world: Callable[..., World], postgres_database: Callable[[], str], text: str
) -> None:
    """PostgreSQL stores neither a NUL nor half a character."""
    scene = Scene(partial(make_world, postgres_database()), **OWN_LOGIN)
    browser = scene.new_browser()

    def sign(claims: dict[str, Any]) -> str:
        # As JSON in plain ASCII, which can write half a character.
        header = {"alg": "RS256", "kid": scene.acme.key.kid}
        return jws.serialize_compact(header, json.dumps(claims), scene.acme.key)

    scene.acme.lies.sign = sign
    scene.acme.lies.claims = {"email": text, "email_verified": True}
    assert scene.sign_in(browser, "somebody").status_code == 303
    assert browser.api("GET", "/identities").get_json()["items"][0]["email"] is None
    scene.acme.lies.claims = {"sub": text}
    assert scene.sign_in(scene.new_browser(), text).status_code == 403


def test_signing_in_begins_a_new_session_where_a_host_keeps_sessions_itself(
    make_world: Callable[..., World],
) -> None:
    """Such a session is known by an id alone, which anyone who planted it knows as well."""
    scene = Scene(make_world, **OWN_LOGIN)
    scene.world.app.session_interface = KeptSessions()
    attacker, victim = scene.new_browser(), scene.new_browser()
    attacker.page("/sign-in")
    planted = attacker.client.get_cookie("session")
    assert planted is not None
    victim.client.set_cookie("session", planted.value)
    assert scene.sign_in(victim, "victim").status_code == 303
    assert victim.api("GET", "/me").status_code == 200
    assert attacker.api("GET", "/me").status_code == 401


def test_no_administrator_floods_a_members_mailbox(club: Club) -> None:
    world = club.world
    ben = club.join(world.ben)
    club.fill(3)
    for turn in range(40):
        role = ("auditor", "member")[turn % 2]
        changed = club.api(club.owner, "PATCH", f"/members/{ben}", {"role": role})
        assert changed.status_code == 200
        set_plan(club, ben, ("casual", "worker")[turn % 2])
        for rule in ("member", "organization"):
            put_terms(club, payer_rule=rule)
    world.work()
    told = [each.to_address for each in world.mailbox]
    assert 2 <= told.count(world.ben.address) <= 40
    # An hour later they are told again.
    world.clock.move(hours=1, seconds=1)
    club.api(club.owner, "PATCH", f"/members/{ben}", {"role": "auditor"})
    world.work()
    assert len(world.mailbox) == len(told) + 1


class KeptSessions(SessionInterface):
    """Sessions that stand on the server, as Flask-Session keeps them."""

    class Session(CallbackDict[str, Any], SessionMixin):
        """One of them."""

        def __init__(self, sid: str, values: dict[str, Any]) -> None:
            super().__init__(values)
            self.sid = sid

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def open_session(self, app: Flask, request: Request) -> KeptSessions.Session:
        sid = request.cookies.get(self.get_cookie_name(app)) or secrets.token_urlsafe()
        return self.Session(sid, dict(self.kept.get(sid, {})))

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        self.kept[session.sid] = dict(session)
        response.set_cookie(self.get_cookie_name(app), session.sid)

    def regenerate(self, session: Any) -> None:
        """Have a session go on under a new id."""
        self.kept.pop(session.sid, None)
        session.sid = secrets.token_urlsafe()
