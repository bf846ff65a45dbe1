"""Who pays a plan, what an organization pays in all, and the cap over that.

A person pays the plan of their own account, and an organization its own. Who pays the plan that a
member has in an organization follows from the organization's rule and, where the rule leaves it to
members, from what the member chose. Until a member chooses, the organization pays: nobody comes to
pay by having done nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import (
    Account,
    AccountKind,
    Membership,
    Organization,
    Payer,
    PayerRule,
    Plan,
    PlanStatus,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


def payer_of(rule: str, chosen: str | None) -> Payer:
    """Who pays the plan of a member.

    :param rule: the organization's :class:`~flask_tokenoffset.models.PayerRule`.
    :param chosen: what the member chose, which counts only where the rule says so.
    """
    if rule == PayerRule.MEMBER_CHOOSES:
        return Payer.MEMBER if chosen == Payer.MEMBER else Payer.ORGANIZATION
    return Payer.MEMBER if rule == PayerRule.MEMBER else Payer.ORGANIZATION


def organization_pays() -> ColumnElement[bool]:
    """The same rule in SQL, over an organization and a membership in it."""
    return or_(
        Organization.payer_rule == PayerRule.ORGANIZATION,
        and_(
            Organization.payer_rule == PayerRule.MEMBER_CHOOSES,
            func.coalesce(Membership.chosen_payer, Payer.ORGANIZATION) != Payer.MEMBER,
        ),
    )


def payers_of_plans(session: Session, plans: Sequence[UUID]) -> dict[UUID, Payer]:
    """Who pays each of some plans now, in one query.

    :param plans: ids of plans.
    """
    if not plans:
        return {}
    rows = session.execute(
        select(Plan.id, Account.kind, Organization.payer_rule, Membership.chosen_payer)
        .join(Account, Account.id == Plan.account_id)
        .outerjoin(Membership, Membership.account_id == Plan.account_id)
        .outerjoin(Organization, Organization.id == Membership.organization_id)
        .where(Plan.id.in_(plans))
    )
    return {plan_id: _payer(kind, rule, chosen) for plan_id, kind, rule, chosen in rows}


def _payer(kind: str, rule: str | None, chosen: str | None) -> Payer:
    if kind == AccountKind.PERSON:
        return Payer.PERSON
    if kind == AccountKind.ORGANIZATION or rule is None:
        return Payer.ORGANIZATION
    return payer_of(rule, chosen)


def lock_organization(session: Session, organization_id: UUID) -> Organization:
    """Keep everyone else from changing what an organization pays until the transaction ends.

    :param organization_id: an organization that there is.
    """
    return session.scalars(
        # Members may still join: their rows only refer to the organization's key.
        select(Organization)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def cents_per_month(session: Session, organization: Organization, *, without: UUID | None) -> int:
    """What an organization pays a month: its own active plan and those of members it pays for.

    :param without: an account to leave out.
    """
    own = select(Plan.amount_cents).where(
        Plan.account_id == organization.account_id, Plan.status == PlanStatus.ACTIVE
    )
    members = (
        select(func.sum(Plan.amount_cents))
        .join(Membership, Membership.account_id == Plan.account_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(
            Membership.organization_id == organization.id,
            Plan.status == PlanStatus.ACTIVE,
            organization_pays(),
        )
    )
    if without is not None:
        own = own.where(Plan.account_id != without)
        members = members.where(Plan.account_id != without)
    total = session.scalar(
        select(
            func.coalesce(own.scalar_subquery(), 0) + func.coalesce(members.scalar_subquery(), 0)
        )
    )
    return int(total or 0)


def hold_payer(session: Session, account_id: UUID) -> Organization | None:
    """The organization in which an account has its plan, locked before the plan changes.

    Of two changes at once the second sees the first. A change to many plans waits as well.

    :param account_id: an organization's own account, or a membership's.
    :return: ``None`` for a person's own account.
    """
    organization_id = session.scalar(
        select(Organization.id).where(
            or_(
                Organization.account_id == account_id,
                Organization.id.in_(
                    select(Membership.organization_id).where(Membership.account_id == account_id)
                ),
            )
        )
    )
    return None if organization_id is None else lock_organization(session, organization_id)


def refuse_over_cap(
    session: Session, organization: Organization | None, account_id: UUID, amount_cents: int
) -> None:
    """Refuse a plan that would make an organization pay more a month than its cap.

    What is paid already stays allowed, even where a cap was set below it.

    :param organization: from :func:`hold_payer`; nobody's own plan has a cap.
    :param account_id: whose plan is about to change.
    :param amount_cents: what the plan contributes a month afterwards.
    :raises Conflict: the cap would be passed.
    """
    cap = None if organization is None else organization.cap_cents_per_month
    if organization is None or cap is None or not _organization_pays(session, account_id):
        return
    now = cents_per_month(session, organization, without=None)
    afterwards = cents_per_month(session, organization, without=account_id) + amount_cents
    if afterwards > max(cap, now):
        raise Conflict(over_cap(afterwards, cap))


def refuse_growth(session: Session, organization: Organization, paid_before_cents: int) -> None:
    """Refuse a change that was just made if the organization now pays more than its cap.

    :param organization: locked before the change.
    :param paid_before_cents: what it paid a month before.
    :raises Conflict: it pays more than before, and more than the cap.
    """
    cap = organization.cap_cents_per_month
    paid = cents_per_month(session, organization, without=None)
    if cap is not None and paid > max(cap, paid_before_cents):
        raise Conflict(over_cap(paid, cap))


def over_cap(cents: int, cap: int) -> str:
    """What to say of an amount beyond the cap.

    :param cents: what the organization would pay a month.
    :param cap: the most it pays.
    """
    return (
        f"The organization would pay ${cents / 100:,.2f} a month, which is more than its cap of"
        f" ${cap / 100:,.2f}, so nothing was changed. Choose less, or have an administrator raise"
        " the cap."
    )


def _organization_pays(session: Session, account_id: UUID) -> bool:
    """Whether an organization pays the plan of its own, or of its member's, account."""
    row = session.execute(
        select(Organization.payer_rule, Membership.chosen_payer)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.account_id == account_id)
    ).one_or_none()
    return row is None or payer_of(row[0], row[1]) is Payer.ORGANIZATION
