"""What pages and operations do to a plan in an organization, its member's or an administrator's.

Each takes the membership whose plan an administrator means; without one it is one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.services.member_plans import member_choices, plans
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.models import Payer, PlanStatus
    from flask_tokenoffset.services.member_plans.plans import MemberPlan


def read_plan(membership_id: UUID | None = None) -> MemberPlan:
    """A plan in the organization that the request names.

    :raises NotFound: the organization has no such member.
    """
    session, current = current_state().session, current_membership()
    if membership_id is None:
        return plans.read_own_plan(session, current)
    return plans.read_member_plan(session, current.organization, membership_id)


def adopt(
    band: str,
    coverage_percent: int,
    expected_amount_cents: int | None,
    membership_id: UUID | None = None,
    *,
    expected_terms: str | None = None,
) -> None:
    """Adopt a band for a plan; as :func:`.plans.adopt`."""
    with changing_organization() as (work, who):
        plans.adopt(
            work,
            **who,
            membership_id=membership_id,
            key=band,
            coverage_percent=coverage_percent,
            expected_amount_cents=expected_amount_cents,
            expected_terms=expected_terms,
            method_version=current_state().settings.method,
            programmes=current_state().settings.programmes,
        )


def change_status(status: PlanStatus, membership_id: UUID | None = None) -> None:
    """Pause, resume or end a plan; as :func:`.plans.change_status`."""
    with changing_organization() as (work, who):
        plans.change_status(work, **who, membership_id=membership_id, status=status)


def choose_payer(
    payer: Payer, expected_amount_cents: int | None, *, expected_terms: str | None = None
) -> None:
    """Choose who pays one's own plan; as :func:`.member_choices.choose_payer`."""
    with changing_organization() as (work, who):
        member_choices.choose_payer(
            work,
            **who,
            payer=payer,
            expected_amount_cents=expected_amount_cents,
            expected_terms=expected_terms,
            method_version=current_state().settings.method,
            programmes=current_state().settings.programmes,
        )
