"""Terms: who pays, from when on, what a new member begins with, and the cap nobody passes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import (
    Adoption,
    AuditAction,
    AuditEvent,
    BillingRecord,
    Membership,
    Organization,
    OutboundMessage,
    Plan,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.member_plans import offers as member_offers
from flask_tokenoffset.services.member_plans import plans as member_plans
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.plans.payers import cents_per_month
from tests.integration.plans.test_adoption import at_once
from tests.support.clubs import Club, found

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.support.world import Browser, World

METHOD = "2026-05"
TERMS = {
    "payer_rule": "organization",
    "default_band": None,
    "default_coverage_percent": 100,
    "cap_cents_per_month": None,
}


def put_terms(club: Club, browser: Browser | None = None, **changed: Any) -> Any:
    return club.api(browser or club.owner, "PUT", "/terms", TERMS | changed)


def set_plan(club: Club, membership_id: UUID, band: str = "worker", coverage: int = 100) -> Any:
    body = {"band": band, "coverage_percent": coverage}
    return club.api(club.owner, "PUT", f"/members/{membership_id}/plan", body)


def paid(club: Club) -> int:
    with club.world.app.app_context():
        session = club.world.state.session
        organization = session.get_one(Organization, club.id)
        return cents_per_month(session, organization, without=None)


def records(club: Club, membership_id: UUID) -> list[tuple[str, str, int]]:
    with club.world.app.app_context():
        rows = club.world.state.session.execute(
            select(BillingRecord.month, BillingRecord.payer, BillingRecord.amount_cents)
            .join(Membership, Membership.account_id == BillingRecord.account_id)
            .where(Membership.id == membership_id)
            .order_by(BillingRecord.month)
        )
        return [(month.isoformat(), payer, cents) for month, payer, cents in rows]


def audit(club: Club, action: AuditAction) -> list[dict[str, Any]]:
    with club.world.app.app_context():
        session = club.world.state.session
        organization = session.get_one(Organization, club.id)
        return list(
            session.scalars(
                select(AuditEvent.details)
                .where(
                    AuditEvent.account_id == organization.account_id, AuditEvent.action == action
                )
                .order_by(AuditEvent.sequence)
            )
        )


# --- who pays -------------------------------------------------------------------------------------


def test_changing_the_rule_changes_who_pays_from_the_next_record_on_and_no_amount(
    club: Club,
) -> None:
    world = club.world
    ben = club.join(world.ben)
    assert set_plan(club, ben).status_code == 200
    ledger = world.rows(Adoption)
    # November fell due with the adoption and is not recorded yet when the rule changes.
    assert put_terms(club, payer_rule="member").status_code == 200
    # Ben has not adopted this amount to pay it himself, so he says whether it goes on.
    assert club.api(world.ben, "POST", "/membership/plan/resume").status_code == 200
    world.clock.move_to(datetime(2026, 12, 1, tzinfo=UTC))
    world.bill()
    assert records(club, ben) == [
        ("2026-11-01", "organization", 125),
        ("2026-12-01", "member", 125),
    ]
    assert world.rows(Adoption) == ledger
    assert audit(club, AuditAction.ORGANIZATION_CHANGED) == [
        {"payer_rule_before": "organization", "payer_rule": "member"}
    ]


def test_members_for_whom_another_person_comes_to_pay_are_told(club: Club) -> None:
    world = club.world
    members = club.fill(4)
    for member in members[:3]:
        assert set_plan(club, member).status_code == 200
    club.api(world.ada, "POST", f"/members/{members[2]}/plan/end")
    club.change_member(members[1], chosen_payer="member")

    def told() -> list[str]:
        with world.app.app_context():
            return sorted(world.state.session.scalars(select(OutboundMessage.to_address)))

    before = told()
    put_terms(club, payer_rule="member-chooses")
    assert told() == sorted([*before, "member-00001@example.com"])
    put_terms(club, payer_rule="member")
    # The other one had paid already; who has no plan that runs pays nothing.
    assert told() == sorted([*before, "member-00000@example.com", "member-00001@example.com"])


def test_each_kind_of_account_is_paid_by_whose_it_is(club: Club) -> None:
    world = club.world
    world.ada.adopt(world.ada.pick_band())
    ben = club.join(world.ben)
    set_plan(club, ben)
    estimate = club.api(world.ada, "POST", "/estimates", {"kind": "band", "band": "casual"})
    adopted = club.api(
        world.ada, "POST", "/plan/adoptions", {"estimate_id": estimate.get_json()["id"]}
    )
    assert adopted.status_code == 201
    assert world.bill() == 3
    assert world.ada.api("GET", "/billing-records").get_json()["items"][0]["payer"] == "person"
    own = club.api(world.ada, "GET", "/billing-records").get_json()["items"]
    assert [each["payer"] for each in own] == ["organization"]
    assert "The organization" in club.page(world.ada, "/billing-records").text
    assert records(club, ben) == [("2026-11-01", "organization", 125)]
    assert paid(club) == 8 + 125


def test_a_member_who_chooses_pays_from_the_next_record_on(club: Club) -> None:
    world = club.world
    ben = club.join(world.ben)
    set_plan(club, ben)
    put_terms(club, payer_rule="member-chooses", default_band="casual")
    before = club.api(world.ben, "GET", "/membership/plan").get_json()
    assert (before["payer"], before["payer_set_by"]) == ("organization", "terms")
    assert (before["amount_set_by"], before["band"]) == ("administrator", "worker")
    chosen = club.api(world.ben, "PUT", "/membership/plan/payer", {"payer": "member"})
    assert (chosen.status_code, chosen.get_json()["payer"]) == (200, "member")
    assert chosen.get_json()["payer_set_by"] == "member"
    world.clock.move_to(datetime(2026, 12, 1, tzinfo=UTC))
    world.bill()
    assert [each[1] for each in records(club, ben)] == ["organization", "member"]
    assert audit(club, AuditAction.PLAN_PAYER_CHANGED) == [
        {"payer": "member", "former_payer": "organization"}
    ]


def test_where_the_rule_says_who_pays_a_member_chooses_nothing(club: Club) -> None:
    club.join(club.world.ben)
    for rule in ("organization", "member"):
        put_terms(club, payer_rule=rule)
        rows = club.world.rows(Membership)
        answer = club.api(club.world.ben, "PUT", "/membership/plan/payer", {"payer": "member"})
        assert answer.status_code == 409
        assert club.world.rows(Membership) == rows


def test_the_organization_takes_over_no_amount_that_a_member_set(club: Club) -> None:
    world = club.world
    ben = club.join(world.ben)
    put_terms(club, payer_rule="member-chooses")
    club.api(world.ben, "PUT", "/membership/plan/payer", {"payer": "member"})
    body = {"band": "extreme", "coverage_percent": 1000}
    assert club.api(world.ben, "PUT", "/membership/plan", body).status_code == 200
    rows = world.rows(Plan, Adoption, Membership)
    back = {"payer": "organization"}
    refused = club.api(world.ben, "PUT", "/membership/plan/payer", back)
    assert refused.status_code == 409
    assert "has not said what it pays" in refused.get_json()["detail"]
    assert world.rows(Plan, Adoption, Membership) == rows
    put_terms(club, payer_rule="member-chooses", default_band="casual")
    unlike = club.api(world.ben, "PUT", "/membership/plan/payer", {**back, "amount_cents": 375_000})
    assert unlike.status_code == 422
    done = club.api(world.ben, "PUT", "/membership/plan/payer", {**back, "amount_cents": 8})
    assert done.status_code == 200
    plan = club.plan_of(ben)
    assert plan is not None
    assert plan.amount_cents == paid(club) == 8


def test_what_an_administrator_set_stays_when_the_member_hands_the_bill_back(club: Club) -> None:
    world = club.world
    ben = club.join(world.ben)
    set_plan(club, ben)
    put_terms(club, payer_rule="member-chooses")
    for payer in ("member", "organization"):
        answer = club.api(world.ben, "PUT", "/membership/plan/payer", {"payer": payer})
        assert answer.status_code == 200
    plan = club.plan_of(ben)
    assert plan is not None
    assert plan.amount_cents == paid(club) == 125


# --- who may change what --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["organization", "member", "member-chooses"])
@pytest.mark.parametrize("chosen", [None, "organization", "member"])
def test_anyone_who_pays_says_what_the_plan_contributes(
    club: Club, rule: str, chosen: str | None
) -> None:
    world = club.world
    ben = club.join(world.ben)
    club.change(payer_rule=rule)
    club.change_member(ben, chosen_payer=chosen)
    member_pays = rule == "member" or (rule == "member-chooses" and chosen == "member")
    own = club.api(world.ben, "PUT", "/membership/plan", {"band": "worker"})
    assert own.status_code == (200 if member_pays else 409)
    by_admin = set_plan(club, ben, "casual")
    assert by_admin.status_code == (409 if member_pays else 200)
    assert club.api(world.ben, "GET", "/membership/plan").get_json()["amount_set_by"] == (
        "member" if member_pays else "administrator"
    )
    for change in ("pause", "resume", "end"):
        owns = club.api(world.ben, "POST", f"/membership/plan/{change}")
        assert owns.status_code == (200 if member_pays else 409), change
        admins = club.api(world.ada, "POST", f"/members/{ben}/plan/{change}")
        assert admins.status_code == (409 if member_pays else 200), change


def test_the_plan_here_stands_apart_from_the_members_own(club: Club) -> None:
    world = club.world
    world.ben.adopt(world.ben.pick_band("agentic"))
    ben = club.join(world.ben)
    own = world.ben.api("GET", "/plan").get_json()
    set_plan(club, ben)
    assert world.ben.api("GET", "/plan").get_json() == own
    here = club.api(world.ben, "GET", "/membership/plan").get_json()["plan"]
    assert here["adoption"]["amount_cents"] == 125


def test_what_a_plan_contributes_already_is_not_adopted_twice(club: Club) -> None:
    ben = club.join(club.world.ben)
    set_plan(club, ben)
    rows = club.world.rows()
    club.world.clock.move(days=1)
    assert set_plan(club, ben).status_code == 200
    assert club.world.rows() == rows


def test_an_amount_that_was_not_shown_is_not_adopted_for_a_member(club: Club) -> None:
    ben = club.join(club.world.ben)
    rows = club.world.rows(Plan)
    body = {"band": "worker", "coverage_percent": 100, "amount_cents": 124}
    answer = club.api(club.owner, "PUT", f"/members/{ben}/plan", body)
    assert answer.status_code == 422
    assert club.world.rows(Plan) == rows


def test_the_plan_of_a_suspended_member_is_left_alone(club: Club) -> None:
    ben = club.join(club.world.ben)
    set_plan(club, ben)
    club.change_member(ben, status="suspended")
    assert set_plan(club, ben, "casual").status_code == 409
    assert club.api(club.world.ben, "GET", "/membership/plan").status_code == 403


# --- terms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payer_rule", "nobody"),
        ("default_band", "gigantic"),
        ("default_coverage_percent", 1001),
        ("default_coverage_percent", -1),
        ("cap_cents_per_month", -1),
        ("cap_cents_per_month", 10**10 + 1),
    ],
)
def test_terms_that_cannot_be_are_refused_beside_the_field(
    club: Club, field: str, value: Any
) -> None:
    rows = club.world.rows(Organization)
    answer = put_terms(club, **{field: value})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [f"#/{field}"]
    assert club.world.rows(Organization) == rows


def test_auditors_read_the_terms_and_members_do_not(club: Club) -> None:
    world = club.world
    auditor, admin = world.browser("auditor"), world.browser("admin")
    club.join(world.ben)
    club.join(auditor, Role.AUDITOR)
    club.join(admin, Role.ADMIN)
    for browser, reads, changes in (
        (world.ada, 200, 200),
        (admin, 200, 200),
        (auditor, 200, 403),
        (world.ben, 403, 403),
        (world.stranger, 404, 404),
    ):
        assert club.api(browser, "GET", "/terms").status_code == reads
        assert put_terms(club, browser).status_code == changes


def begin(club: Club, person: Browser) -> str | None:
    """A person joins under the terms; returns why no plan began."""
    membership_id = club.join(person)
    with club.world.app.app_context(), club.world.state.unit_of_work() as work:
        session = work.session
        joining = find_person(session, person.user_key)
        assert joining is not None
        return member_plans.begin_default_plan(
            work,
            session.get_one(Organization, club.id),
            session.get_one(Membership, membership_id),
            joining,
            club.world.clock.now(),
            METHOD,
            (),
        )


def test_a_new_member_begins_with_what_they_were_shown(club: Club) -> None:
    world = club.world
    club.change(default_band="worker", default_coverage_percent=80)
    with world.app.app_context():
        organization = world.state.session.get_one(Organization, club.id)
        shown = member_offers.plan_on_joining(world.state.session, organization, METHOD, ())
    assert shown is not None
    assert (shown.offer.amount_cents, shown.payer, shown.skipped) == (100, "organization", None)
    assert begin(club, world.ben) is None
    plan = club.api(world.ben, "GET", "/membership/plan").get_json()
    assert plan["plan"]["adoption"]["amount_cents"] == 100
    assert plan["amount_set_by"] == "member"


def test_without_a_default_a_new_member_begins_with_no_plan(club: Club) -> None:
    assert begin(club, club.world.ben) is None
    assert club.api(club.world.ben, "GET", "/membership/plan").get_json()["plan"] is None


# --- the cap --------------------------------------------------------------------------------------


def test_nothing_makes_the_organization_pay_more_than_its_cap(club: Club) -> None:
    world = club.world
    club.change(cap_cents_per_month=133, default_band="worker")
    ben, carl = club.join(world.ben), club.join(world.browser("carl"))
    assert set_plan(club, ben).status_code == 200
    rows = world.rows(Plan, Adoption)
    refused = set_plan(club, carl)
    assert refused.status_code == 409
    assert "$1.33" in refused.get_json()["detail"]
    why = begin(club, world.browser("dora"))
    assert why is not None
    assert "cap" in why
    estimate = club.api(world.ada, "POST", "/estimates", {"kind": "band", "band": "worker"})
    body = {"estimate_id": estimate.get_json()["id"]}
    assert club.api(world.ada, "POST", "/plan/adoptions", body).status_code == 409
    assert world.rows(Plan, Adoption) == rows
    # What fits still goes, and less always does.
    assert set_plan(club, carl, "casual").status_code == 200
    assert paid(club) == 133


def test_a_cap_below_what_is_paid_cuts_nothing_and_lets_nothing_be_added(club: Club) -> None:
    ben, carl = club.join(club.world.ben), club.join(club.world.browser("carl"))
    set_plan(club, ben)
    assert put_terms(club, cap_cents_per_month=50).status_code == 200
    assert paid(club) == 125
    assert set_plan(club, carl, "casual").status_code == 409
    assert set_plan(club, ben, "worker", 50).status_code == 200
    assert paid(club) == 63


def test_a_paused_plan_counts_again_when_it_is_resumed(club: Club) -> None:
    world = club.world
    ben, carl = club.join(world.ben), club.join(world.browser("carl"))
    club.change(cap_cents_per_month=125)
    set_plan(club, ben)
    club.api(world.ada, "POST", f"/members/{ben}/plan/pause")
    assert set_plan(club, carl).status_code == 200
    assert club.api(world.ada, "POST", f"/members/{ben}/plan/resume").status_code == 409
    club.api(world.ada, "POST", f"/members/{carl}/plan/end")
    assert club.api(world.ada, "POST", f"/members/{ben}/plan/resume").status_code == 200


def test_a_rule_that_would_pass_the_cap_is_refused(club: Club) -> None:
    put_terms(club, payer_rule="member", cap_cents_per_month=100)
    club.join(club.world.ben)
    club.api(club.world.ben, "PUT", "/membership/plan", {"band": "worker"})
    refused = put_terms(club, payer_rule="organization", cap_cents_per_month=100)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == ["#/payer_rule"]
    assert put_terms(club, payer_rule="organization", cap_cents_per_month=125).status_code == 200


def test_a_member_who_hands_the_bill_to_the_organization_cannot_pass_its_cap(club: Club) -> None:
    world = club.world
    club.join(world.ben)
    put_terms(club, payer_rule="member-chooses", default_band="worker", cap_cents_per_month=124)
    club.api(world.ben, "PUT", "/membership/plan/payer", {"payer": "member"})
    club.api(world.ben, "PUT", "/membership/plan", {"band": "worker"})
    back = {"payer": "organization"}
    rows = world.rows(Membership, Plan)
    assert club.api(world.ben, "PUT", "/membership/plan/payer", back).status_code == 409
    assert world.rows(Membership, Plan) == rows
    club.change(cap_cents_per_month=125)
    assert club.api(world.ben, "PUT", "/membership/plan/payer", back).status_code == 200


def test_two_adoptions_at_once_do_not_pass_the_cap_together(
    make_world: Callable[..., World], postgres_database: Callable[[], str]
) -> None:
    world = make_world(postgres_database())
    club = found(world, world.ada, cap_cents_per_month=5 * 125)
    members = club.fill(8)
    key = world.ada.user_key

    def adopt_for(membership_id: UUID) -> Callable[[], bool]:
        def adopt() -> bool:
            with world.app.app_context(), world.state.unit_of_work() as work:
                person = find_person(work.session, key)
                assert person is not None
                try:
                    member_plans.adopt(
                        work,
                        organization_id=club.id,
                        membership_id=membership_id,
                        person=person,
                        key="worker",
                        coverage_percent=100,
                        expected_amount_cents=None,
                        method_version=METHOD,
                        programmes=(),
                        now=world.clock.now(),
                    )
                except Conflict:
                    return False
            return True

        return adopt

    done = at_once(*(adopt_for(each) for each in members))
    assert sum(done) == 5
    assert paid(club) == 5 * 125


@given(
    cap=st.integers(0, 2000),
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["casual", "worker"]),
            st.integers(0, 400),
            st.sampled_from(["adopt", "pause", "resume", "end"]),
        ),
        max_size=8,
    ),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_tried_the_cap_holds(
    make_world: Callable[..., World], cap: int, steps: list[tuple[int, str, int, str]]
) -> None:
    world = make_world()
    club = found(world, world.ada, cap_cents_per_month=cap)
    members = club.fill(3)
    for number, band, coverage, change in steps:
        world.clock.move(minutes=1)
        if change == "adopt":
            assert set_plan(club, members[number], band, coverage).status_code in {200, 409}
        else:
            club.api(world.ada, "POST", f"/members/{members[number]}/plan/{change}")
        assert paid(club) <= cap
    world.close()


def test_offers_name_every_field_that_cannot_be() -> None:
    with pytest.raises(InvalidInput) as caught:
        member_offers.offer_of("gigantic", 1001, METHOD, ())
    assert set(caught.value.errors) == {"band", "coverage_percent"}
