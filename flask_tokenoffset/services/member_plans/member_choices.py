"""What members choose for themselves: who pays their plan, and who may see their own usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import AuditAction, Payer, PayerRule, Plan
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.member_plans.offers import Offer, offer_of
from flask_tokenoffset.services.member_plans.plans import MemberPlan, adopt_offer, read_own_plan
from flask_tokenoffset.services.organizations.organizations import lock_membership
from flask_tokenoffset.services.plans.billing import record_owed
from flask_tokenoffset.services.plans.payers import cents_per_month, payer_of, refuse_growth
from flask_tokenoffset.services.plans.shown_terms import refuse_other_terms

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.host.programmes import Programmes
    from flask_tokenoffset.models import Membership, Person
    from flask_tokenoffset.unit_of_work import UnitOfWork


def choose_payer(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    person: Person,
    payer: Payer,
    expected_amount_cents: int | None,
    method_version: str,
    programmes: Programmes,
    now: datetime,
    expected_terms: str | None = None,
) -> Membership:
    """Choose who pays one's own plan, where the rule lets members. It counts from the next record.

    An organization takes over no amount that a member set: the plan goes on with what the
    organization offers new members instead.

    :param programmes: what contributions are directed to (``TOKENOFFSET_PROGRAMMES``).
    :param expected_amount_cents: what the plan is to contribute afterwards, if it was shown.
    :param expected_terms: the digest of the method and the programmes it was shown with.
    :raises Conflict: there is no choice, nothing to offer, or the cap would be passed.
    :raises InvalidInput: the payer is neither, or something else was shown.
    """
    if payer not in {Payer.ORGANIZATION, Payer.MEMBER}:
        raise InvalidInput({"payer": "Choose the organization or the member."})
    session = work.session
    current = lock_membership(session, organization_id, person, Permission.CHANGE_MEMBERSHIP)
    membership = current.membership
    if current.organization.payer_rule != PayerRule.MEMBER_CHOOSES:
        raise Conflict(
            "This organization says itself who pays, so there is nothing to choose and nothing was"
            " changed."
        )
    if membership.chosen_payer == payer:
        return membership
    before = payer_of(current.organization.payer_rule, membership.chosen_payer)
    plan = read_own_plan(session, current)
    paid_before = cents_per_month(session, current.organization, without=None)
    if payer is Payer.MEMBER and payer is not before:
        _refuse_unlike(plan, expected_amount_cents)
    if payer is not before:
        record_owed(work, Plan.account_id == membership.account_id, now)
    if payer is Payer.ORGANIZATION and before is Payer.MEMBER:
        offer = amount_when_organization_pays(plan, method_version, programmes)
        if offer is not None:
            refuse_other_terms(expected_terms, method_version, programmes)
            # While the member still pays: the cap is looked at once, at the end.
            adopt_offer(work, membership, person, offer, expected_amount_cents, now)
    membership.chosen_payer = payer
    session.flush()
    refuse_growth(session, current.organization, paid_before)
    work.record(
        AuditAction.PLAN_PAYER_CHANGED,
        account_id=current.account_id,
        subject_type="membership",
        subject_id=membership.id,
        payer=payer,
        former_payer=before,
    )
    return membership


def share_usage(
    work: UnitOfWork, *, organization_id: UUID, person: Person, shared: bool, now: datetime
) -> Membership:
    """Let the organization see the usage of one's own account by name, or no longer.

    :param shared: whether it may.
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_MEMBERSHIP)
    membership = current.membership
    if (membership.usage_shared_at is not None) == shared:
        return membership
    membership.usage_shared_at = now if shared else None
    work.session.flush()
    work.record(
        AuditAction.MEMBER_USAGE_SHARED if shared else AuditAction.MEMBER_USAGE_UNSHARED,
        account_id=current.account_id,
        subject_type="membership",
        subject_id=membership.id,
    )
    return membership


def _refuse_unlike(plan: MemberPlan, expected_amount_cents: int | None) -> None:
    """Refuse to let a member take over an amount that they were not shown."""
    if not plan.runs or plan.charged is None or expected_amount_cents is None:
        return
    amount = plan.charged.adoption.amount_cents
    if amount != expected_amount_cents:
        raise InvalidInput(
            {
                "amount_cents": "The amount is no longer the one that was shown. Look at the new"
                f" amount, ${amount / 100:,.2f}, and choose to pay it if it is right."
            }
        )


def amount_when_organization_pays(
    plan: MemberPlan, method_version: str, programmes: Programmes
) -> Offer | None:
    """What a plan goes on with when the organization takes over paying it from its member.

    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :param programmes: likewise, what contributions are directed to.
    :return: ``None`` where the plan stays as it is: it has ended or never began, or an
        administrator set its amount.
    :raises Conflict: the organization says of no amount that it pays it for members.
    """
    if not plan.runs or not plan.adopted_by_member:
        return None
    organization = plan.organization
    if organization.default_band is None:
        raise Conflict(
            "The organization has not said what it pays for members, so it cannot take over an"
            " amount that you set, and nothing was changed. End your plan first, or ask an"
            " administrator to set a default."
        )
    return offer_of(
        organization.default_band,
        organization.default_coverage_percent,
        method_version,
        programmes,
    )
