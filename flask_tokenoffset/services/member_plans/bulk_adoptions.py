"""One band adopted for many members' plans at once, in a handful of statements.

What :func:`.plans.adopt` does for one plan is done here for a thousand, each with an estimate, an
adoption and a ledger of its own. The caller holds the organization's lock, under which nobody else
changes any of these plans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, insert, update

from flask_tokenoffset import signals
from flask_tokenoffset.models import (
    Adoption,
    Plan,
    PlanStatus,
    PlanStatusChange,
    SourceKind,
    new_id,
)
from flask_tokenoffset.services.estimates.estimates import estimate_many_from_band

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.services.member_plans.offers import Offer
    from flask_tokenoffset.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopter:
    """An account whose plan is to change, and where its plan stands.

    :param source_id: the source of its bands, if it has one.
    :param plan_id: its plan, if it has one.
    :param plan_status: where that stands.
    :param adoptions: how many adoptions its ledger holds.
    :param status_changes: how often it was paused, resumed or ended.
    """

    account_id: UUID
    source_id: UUID | None
    plan_id: UUID | None
    plan_status: str | None
    adoptions: int
    status_changes: int


def adopt_for_many(
    work: UnitOfWork,
    adopters: Sequence[Adopter],
    *,
    offer: Offer,
    person_id: UUID,
    method_version: str,
    now: datetime,
) -> None:
    """Adopt an offer for many accounts. A plan that has ended begins anew; a paused one stays so.

    :param adopters: none of them contributes for exactly this already.
    :param person_id: who adopts.
    """
    if not adopters:
        return
    session = work.session
    estimates = estimate_many_from_band(
        session,
        sources={each.account_id: each.source_id for each in adopters},
        person_id=person_id,
        key=offer.band,
        now=now,
    )
    plans = {each.account_id: each.plan_id or new_id() for each in adopters}
    new = [
        {
            "id": plans[each.account_id],
            "account_id": each.account_id,
            "status": PlanStatus.ACTIVE,
            "amount_cents": offer.amount_cents,
            "version": 1,
            "created_at": now,
        }
        for each in adopters
        if each.plan_id is None
    ]
    if new:
        # What is returned is not needed; asking for it makes it one statement instead of many.
        session.execute(insert(Plan).returning(Plan.id), new)
    kept = [each.plan_id for each in adopters if each.plan_id is not None]
    if kept:
        _update_plans(work, kept, offer)
    _begin_anew(work, adopters, person_id, now)
    adoptions = [
        {
            "id": new_id(),
            "account_id": each.account_id,
            "plan_id": plans[each.account_id],
            "sequence": each.adoptions + 1,
            "estimate_id": estimates[each.account_id],
            "source_kind": SourceKind.BAND,
            "tokens_per_month": offer.tokens_per_month,
            "coverage_percent": offer.coverage_percent,
            "method_version": method_version,
            "amount_cents": offer.amount_cents,
            "adopted_by": person_id,
            "adopted_at": now,
        }
        for each in adopters
    ]
    session.execute(insert(Adoption).returning(Adoption.id), adoptions)
    for adoption in adoptions:
        work.tell(
            signals.estimate_adopted,
            plan_id=adoption["plan_id"],
            account_id=adoption["account_id"],
            adoption_id=adoption["id"],
            amount_cents=offer.amount_cents,
        )


def _update_plans(work: UnitOfWork, plans: Sequence[UUID], offer: Offer) -> None:
    work.session.execute(
        update(Plan)
        .where(Plan.id.in_(plans))
        .values(
            amount_cents=offer.amount_cents,
            status=case((Plan.status == PlanStatus.ENDED, PlanStatus.ACTIVE), else_=Plan.status),
            version=Plan.version + 1,
        )
        .execution_options(synchronize_session=False)
    )


def _begin_anew(
    work: UnitOfWork, adopters: Sequence[Adopter], person_id: UUID, now: datetime
) -> None:
    """Note that plans which had ended go on."""
    ended = [each for each in adopters if each.plan_status == PlanStatus.ENDED]
    if not ended:
        return
    work.session.execute(
        insert(PlanStatusChange).returning(PlanStatusChange.id),
        [
            {
                "id": new_id(),
                "account_id": each.account_id,
                "plan_id": each.plan_id,
                "sequence": each.status_changes + 1,
                "status": PlanStatus.ACTIVE,
                "changed_by": person_id,
                "changed_at": now,
            }
            for each in ended
        ],
    )
    for each in ended:
        work.tell(
            signals.plan_changed,
            plan_id=each.plan_id,
            account_id=each.account_id,
            status=str(PlanStatus.ACTIVE),
        )
