"""The plan that a member has in an organization: who pays it, who set the amount, and changing it.

It stands on the membership's own account, apart from the plan the member may have for themself.
Anyone who pays it says what it contributes: the member, or the organization through its
administrators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.host.programmes import in_words, to_json
from flask_tokenoffset.models import (
    Membership,
    MembershipStatus,
    MessageKind,
    Organization,
    Payer,
    PayerRule,
    Person,
    PlanStatus,
    SourceKind,
)
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.estimates.estimates import estimate_from_band
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.member_plans.offers import Offer, offer_of, plan_on_joining
from flask_tokenoffset.services.organizations.organizations import (
    OrganizationMembership,
    lock_membership,
    read_membership,
)
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.services.plans.charged import Charged, read_charged
from flask_tokenoffset.services.plans.payers import payer_of
from flask_tokenoffset.services.plans.shown_terms import refuse_other_terms

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.host.programmes import Programmes
    from flask_tokenoffset.models import Adoption, Plan
    from flask_tokenoffset.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlan:
    """A member's plan in an organization, and which part of it is set by whom.

    :param membership: whose it is.
    :param charged: the plan with what it contributes and why; none before one began.
    """

    organization: Organization
    membership: Membership
    charged: Charged | None

    @property
    def rule(self) -> PayerRule:
        """What the organization says of who pays."""
        return PayerRule(self.organization.payer_rule)

    @property
    def payer(self) -> Payer:
        """Who pays, by the rule and by what the member chose."""
        return payer_of(self.rule, self.membership.chosen_payer)

    @property
    def payer_is_chosen(self) -> bool:
        """Whether the member chose who pays, and the rule lets them."""
        return self.rule is PayerRule.MEMBER_CHOOSES and self.membership.chosen_payer is not None

    @property
    def adopted_by_member(self) -> bool:
        """Whether the member set the amount; or else an administrator did."""
        return (
            self.charged is not None
            and self.charged.adoption.adopted_by == self.membership.person_id
        )

    @property
    def runs(self) -> bool:
        """Whether there is a plan that has not ended."""
        return self.charged is not None and self.charged.plan.status != PlanStatus.ENDED


def begin_default_plan(
    work: UnitOfWork,
    organization: Organization,
    membership: Membership,
    person: Person,
    now: datetime,
    method_version: str,
    programmes: Programmes,
    *,
    expected_amount_cents: int | None = None,
    expected_terms: str | None = None,
) -> str | None:
    """Begin the plan that the organization's terms give a new member.

    :param organization: locked.
    :param person: who joins; they were shown the amount, and adopt it by joining.
    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :param programmes: what contributions are directed to (``TOKENOFFSET_PROGRAMMES``).
    :param expected_amount_cents: the amount they were shown, if one was.
    :param expected_terms: the digest of the method and the programmes it was shown with.
    :return: why none began although the terms name a band, or ``None``.
    :raises InvalidInput: the amount, the method or the programmes are no longer the ones shown.
    """
    joining = plan_on_joining(work.session, organization, method_version, programmes)
    if joining is None or joining.skipped is not None:
        return None if joining is None else joining.skipped
    refuse_other_terms(expected_terms, method_version, programmes)
    adopt_offer(work, membership, person, joining.offer, expected_amount_cents, now)
    return None


def read_own_plan(session: Session, current: OrganizationMembership) -> MemberPlan:
    """The plan of the person who asks, in the organization they are in."""
    return _member_plan(session, current.organization, current.membership)


def read_member_plan(
    session: Session, organization: Organization, membership_id: UUID
) -> MemberPlan:
    """The plan of a member.

    :param organization: the one whose member it is.
    :raises NotFound: it has no such member.
    """
    return _member_plan(
        session, organization, read_membership(session, organization.id, membership_id)
    )


def adopt(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    person: Person,
    membership_id: UUID | None = None,
    key: str,
    coverage_percent: int,
    expected_amount_cents: int | None,
    method_version: str,
    programmes: Programmes,
    now: datetime,
    expected_terms: str | None = None,
) -> Adoption:
    """Adopt a band for a plan in an organization. Anyone who pays it says what it contributes.

    :param person: who does.
    :param membership_id: whose plan it is, where an administrator adopts for a member, who is told
        by mail; without it, it is one's own.
    :param key: the band's.
    :param expected_amount_cents: the amount that was shown, if one was.
    :param programmes: what contributions are directed to (``TOKENOFFSET_PROGRAMMES``).
    :param expected_terms: the digest of the method and the programmes it was shown with.
    :raises NotFound: the organization has no such member.
    :raises NotPermitted: the person may not change members' plans.
    :raises Conflict: the other side pays, the member is suspended, or the cap would be passed.
    :raises InvalidInput: band, coverage or amount cannot be, or something else was shown.
    """
    refuse_other_terms(expected_terms, method_version, programmes)
    organization, membership = _lock_plan(work.session, organization_id, person, membership_id)
    offer = offer_of(key, coverage_percent, method_version, programmes)
    if membership_id is None:
        _refuse_unless_member_pays(organization, membership)
        before = None
    else:
        _refuse_unless_organization_pays(organization, membership)
        before = plans.read_plan(work.session, membership.account_id)
    adoption = adopt_offer(work, membership, person, offer, expected_amount_cents, now)
    if before is None or before.adoption.id != adoption.id:
        _tell_member(work, organization, membership, person, now, in_words(programmes))
    return adoption


def change_status(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    person: Person,
    membership_id: UUID | None = None,
    status: PlanStatus,
    now: datetime,
) -> Plan:
    """Pause, resume or end a plan in an organization, as its payer may.

    :param person: who does.
    :param membership_id: whose plan it is, as for :func:`adopt`.
    :raises NotFound: the organization has no such member.
    :raises NotPermitted: the person may not change members' plans.
    :raises Conflict: the other side pays, or the plan does not stand where this change starts.
    """
    organization, membership = _lock_plan(work.session, organization_id, person, membership_id)
    if membership_id is None:
        _refuse_unless_member_pays(organization, membership)
    else:
        _refuse_unless_organization_pays(organization, membership)
    plan = plans.change_status(
        work, account_id=membership.account_id, person=person, status=status, now=now
    )
    _tell_member(work, organization, membership, person, now)
    return plan


def adopt_offer(
    work: UnitOfWork,
    membership: Membership,
    person: Person,
    offer: Offer,
    expected_amount_cents: int | None,
    now: datetime,
) -> Adoption:
    """Adopt a band for a member's plan, no matter who pays it; the caller has looked at that.

    What the plan contributes for already is not adopted twice.

    :param person: who adopts.
    """
    session = work.session
    charged = read_charged(session, membership.account_id)
    if charged is not None and _says_the_same(charged, offer):
        return charged.adoption
    estimate = estimate_from_band(
        session, account_id=membership.account_id, person=person, key=offer.band, now=now
    )
    return plans.adopt(
        work,
        account_id=membership.account_id,
        person=person,
        estimate_id=estimate.id,
        coverage_percent=offer.coverage_percent,
        expected_amount_cents=expected_amount_cents,
        method_version=offer.method_version,
        programmes=offer.programmes,
        now=now,
    )


def _says_the_same(charged: Charged, offer: Offer) -> bool:
    """Whether a plan contributes for exactly this band and coverage already, to the same."""
    return (
        charged.plan.status != PlanStatus.ENDED
        and charged.estimate.source_kind == SourceKind.BAND
        and charged.estimate.band == offer.band
        and charged.adoption.coverage_percent == offer.coverage_percent
        and charged.adoption.method_version == offer.method_version
        and charged.adoption.programmes == to_json(offer.programmes)
        and charged.adoption.amount_cents == offer.amount_cents
    )


def _refuse_unless_member_pays(organization: Organization, membership: Membership) -> None:
    if payer_of(organization.payer_rule, membership.chosen_payer) is not Payer.MEMBER:
        raise Conflict(
            "The organization pays this plan, so its administrators say what it contributes, and"
            " nothing was changed."
        )


def _refuse_unless_organization_pays(organization: Organization, membership: Membership) -> None:
    if payer_of(organization.payer_rule, membership.chosen_payer) is not Payer.ORGANIZATION:
        raise Conflict(
            "This member pays the plan, so only they can change it, and nothing was changed."
        )
    if membership.status != MembershipStatus.ACTIVE:
        raise Conflict("This member is suspended. Restore them before their plan is changed.")


def _lock_plan(
    session: Session, organization_id: UUID, person: Person, membership_id: UUID | None
) -> tuple[Organization, Membership]:
    """Lock an organization, and find whose plan in it is meant."""
    if membership_id is None:
        current = lock_membership(session, organization_id, person, Permission.CHANGE_MEMBERSHIP)
        return current.organization, current.membership
    current = lock_membership(session, organization_id, person, Permission.CHANGE_MEMBER_PLANS)
    return current.organization, read_membership(session, current.organization.id, membership_id)


def _member_plan(
    session: Session, organization: Organization, membership: Membership
) -> MemberPlan:
    return MemberPlan(
        organization=organization,
        membership=membership,
        charged=read_charged(session, membership.account_id),
    )


def _tell_member(
    work: UnitOfWork,
    organization: Organization,
    membership: Membership,
    person: Person,
    now: datetime,
    programmes: str = "",
) -> None:
    if membership.person_id == person.id:  # They know.
        return
    member = work.session.get_one(Person, membership.person_id)
    notify(
        work,
        member,
        MessageKind.MEMBER_PLAN_CHANGED,
        now,
        organization=organization.name,
        programmes=programmes,
    )
