"""The terms of members' plans in an organization: who pays, what they begin with, and the cap.

Changing them changes no amount. Who pays changes from the next billing record on.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import func, select

from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.methodology import band, check_coverage
from flask_tokenoffset.models import (
    AuditAction,
    Membership,
    Payer,
    PayerRule,
    Person,
    Plan,
    PlanStatus,
)
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.member_plans.notices import Reader, tell_members
from flask_tokenoffset.services.organizations.organizations import lock_membership
from flask_tokenoffset.services.plans.billing import record_owed
from flask_tokenoffset.services.plans.bulk_statuses import stop_many
from flask_tokenoffset.services.plans.payers import cents_per_month, payer_of, refuse_growth

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Organization
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: The highest cap, 100 million dollars a month; it only keeps a slip of the finger out.
MOST_CAP_CENTS: Final = 10**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an organization says of the plans that its members have in it.

    :param payer_rule: who pays them.
    :param default_band: the band that a new member's plan begins with; none begins with no plan.
    :param default_coverage_percent: 0 to 1000.
    :param cap_cents_per_month: the most the organization pays a month for its own plan and its
        members' together; ``None`` for no cap.
    """

    payer_rule: PayerRule
    default_band: str | None
    default_coverage_percent: int
    cap_cents_per_month: int | None

    @classmethod
    def of(cls, organization: Organization) -> Terms:
        """The terms of an organization as they stand."""
        return cls(
            payer_rule=PayerRule(organization.payer_rule),
            default_band=organization.default_band,
            default_coverage_percent=organization.default_coverage_percent,
            cap_cents_per_month=organization.cap_cents_per_month,
        )

    def check(self) -> None:
        """Refuse terms that cannot be.

        :raises InvalidInput: with a sentence for each field at fault.
        """
        errors: dict[str, str] = {}
        if self.default_band is not None:
            try:
                band(self.default_band)
            except InvalidInput as error:
                errors["default_band"] = error.message
        try:
            check_coverage(self.default_coverage_percent)
        except InvalidInput as error:
            errors["default_coverage_percent"] = error.message
        cap = self.cap_cents_per_month
        if cap is not None and not 0 <= cap <= MOST_CAP_CENTS:
            errors["cap_cents_per_month"] = (
                "The cap must be at least $0 and at most"
                f" ${MOST_CAP_CENTS // 100:,}. Leave it empty for none."
            )
        if errors:
            raise InvalidInput(errors)


def change_terms(
    work: UnitOfWork, *, organization_id: UUID, person: Person, terms: Terms, now: datetime
) -> Organization:
    """Say anew who pays for members, what they begin with, and the cap.

    What is owed up to now is recorded for its present payer, and members for whose plans a person
    else comes to pay are told by mail. Plans that members come to pay without having chosen to are
    paused, because they adopted no such amount to pay themselves. A cap below what is paid already
    is taken: nothing is cut, and nothing can be added.

    :param person: who does.
    :param now: the present instant, aware.
    :raises NotFound: the person does not belong to the organization.
    :raises NotPermitted: the person may not.
    :raises InvalidInput: a field cannot be; or the rule would make the organization pay more than
        the cap, which the field ``payer_rule`` says.
    """
    terms.check()
    session = work.session
    current = lock_membership(session, organization_id, person, Permission.CHANGE_ORGANIZATION)
    organization = current.organization
    former = Terms.of(organization)
    if terms == former:
        return organization
    paid_before = cents_per_month(session, organization, without=None)
    if terms.payer_rule != former.payer_rule:
        record_owed(work, _plans_of_members(organization), now)
    organization.payer_rule = terms.payer_rule
    organization.default_band = terms.default_band
    organization.default_coverage_percent = terms.default_coverage_percent
    organization.cap_cents_per_month = terms.cap_cents_per_month
    session.flush()
    try:
        refuse_growth(session, organization, paid_before)
    except Conflict as error:
        raise InvalidInput({"payer_rule": error.message}) from None
    if terms.payer_rule != former.payer_rule:
        affected = _whose_payer_changes(session, organization, former, terms)
        _pause_for_members(work, affected, terms, person, now)
        tell_members(
            session, organization, [each.reader for each in affected], but=person.id, now=now
        )
    work.record(
        AuditAction.ORGANIZATION_CHANGED,
        account_id=organization.account_id,
        subject_type="organization",
        subject_id=organization.id,
        **_differences(former, terms),
    )
    return organization


def cents_by_rule(session: Session, organization: Organization) -> dict[PayerRule, int]:
    """What the organization would pay a month under each rule, with plans as they stand.

    :param organization: its present rule does not matter here.
    """
    own = session.scalar(
        select(Plan.amount_cents).where(
            Plan.account_id == organization.account_id, Plan.status == PlanStatus.ACTIVE
        )
    )
    rows = session.execute(
        select(Membership.chosen_payer, func.sum(Plan.amount_cents))
        .join(Plan, Plan.account_id == Membership.account_id)
        .where(Membership.organization_id == organization.id, Plan.status == PlanStatus.ACTIVE)
        .group_by(Membership.chosen_payer)
    ).all()
    return {
        rule: (own or 0)
        + sum(int(cents) for chosen, cents in rows if payer_of(rule, chosen) is Payer.ORGANIZATION)
        for rule in PayerRule
    }


def _plans_of_members(organization: Organization) -> ColumnElement[bool]:
    return Plan.account_id.in_(
        select(Membership.account_id).where(Membership.organization_id == organization.id)
    )


class _Affected(NamedTuple):
    """A member's plan that another person comes to pay."""

    reader: Reader
    chosen_payer: str | None
    plan_id: UUID
    plan_account_id: UUID
    plan_status: str


def _whose_payer_changes(
    session: Session, organization: Organization, former: Terms, terms: Terms
) -> list[_Affected]:
    """Members' plans that another person comes to pay."""
    rows = session.execute(
        select(
            Person.id,
            Person.account_id,
            Person.email,
            Person.email_verified_at,
            Membership.chosen_payer,
            Plan.id,
            Plan.account_id,
            Plan.status,
        )
        .join(Membership, Membership.person_id == Person.id)
        .join(Plan, Plan.account_id == Membership.account_id)
        .where(Membership.organization_id == organization.id, Plan.status != PlanStatus.ENDED)
    )
    plans = [_Affected(Reader(*row[:4]), *row[4:]) for row in rows]
    return [
        each
        for each in plans
        if payer_of(former.payer_rule, each.chosen_payer)
        is not payer_of(terms.payer_rule, each.chosen_payer)
    ]


def _pause_for_members(
    work: UnitOfWork, affected: list[_Affected], terms: Terms, person: Person, now: datetime
) -> None:
    """Pause what members come to pay: nobody pays an amount that they did not adopt to pay."""
    plans = {
        each.plan_id: each.plan_account_id
        for each in affected
        if each.plan_status == PlanStatus.ACTIVE
        and payer_of(terms.payer_rule, each.chosen_payer) is Payer.MEMBER
    }
    stop_many(work, plans, status=PlanStatus.PAUSED, person=person, now=now)


def _differences(former: Terms, terms: Terms) -> dict[str, Any]:
    """Each field that changed, as it was and as it is."""
    details: dict[str, Any] = {}
    for field in fields(Terms):
        old, new = getattr(former, field.name), getattr(terms, field.name)
        if old != new:
            details[f"{field.name}_before"] = old
            details[field.name] = new
    return details
