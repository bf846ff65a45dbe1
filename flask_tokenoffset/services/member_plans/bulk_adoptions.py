"""One band adopted for many members' plans at once, in a handful of statements.

What :func:`.plans.adopt` does for one plan is done here for a thousand, each with an estimate, an
adoption and a ledger of its own. The caller holds the organization's lock, under which nobody else
changes any of these plans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, update

from flask_tokenoffset import signals
from flask_tokenoffset.host.programmes import to_json
from flask_tokenoffset.models import (
    Adoption,
    Plan,
    PlanStatus,
    PlanStatusChange,
    SourceKind,
    new_id,
)
from flask_tokenoffset.services.estimates.estimates import estimate_many_from_band
from flask_tokenoffset.services.shared.many_rows import insert_many

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
    plans = _plans_of(work, adopters, offer, now)
    _begin_anew(work, adopters, person_id, now)
    adoptions = {account_id: new_id() for account_id in plans}
    insert_many(
        session,
        Adoption,
        {
            "source_kind": SourceKind.BAND,
            "tokens_per_month": offer.tokens_per_month,
            "coverage_percent": offer.coverage_percent,
            "method_version": offer.method_version,
            "programmes": to_json(offer.programmes),
            "amount_cents": offer.amount_cents,
            "adopted_by": person_id,
            "adopted_at": now,
        },
        {
            "id": adoptions.values(),
            "account_id": adoptions,
            "plan_id": plans.values(),
            "sequence": [each.adoptions + 1 for each in adopters],
            "estimate_id": [estimates[account_id] for account_id in plans],
        },
    )
    for account_id, adoption_id in adoptions.items():
        work.tell(
            signals.estimate_adopted,
            plan_id=plans[account_id],
            account_id=account_id,
            adoption_id=adoption_id,
            amount_cents=offer.amount_cents,
        )


def _plans_of(
    work: UnitOfWork, adopters: Sequence[Adopter], offer: Offer, now: datetime
) -> dict[UUID, UUID]:
    """Each account's plan, which contributes the offer's amount from now on; made if need be."""
    plans = {each.account_id: each.plan_id or new_id() for each in adopters}
    new = [each.account_id for each in adopters if each.plan_id is None]
    if new:
        insert_many(
            work.session,
            Plan,
            {
                "status": PlanStatus.ACTIVE,
                "amount_cents": offer.amount_cents,
                "version": 1,
                "created_at": now,
            },
            {"id": [plans[account_id] for account_id in new], "account_id": new},
        )
    kept = [each.plan_id for each in adopters if each.plan_id is not None]
    if kept:
        _update_plans(work, kept, offer)
    return plans


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
    insert_many(
        work.session,
        PlanStatusChange,
        {"status": PlanStatus.ACTIVE, "changed_by": person_id, "changed_at": now},
        {
            "id": [new_id() for _ in ended],
            "account_id": [each.account_id for each in ended],
            "plan_id": [each.plan_id for each in ended],
            "sequence": [each.status_changes + 1 for each in ended],
        },
    )
    for each in ended:
        work.tell(
            signals.plan_changed,
            plan_id=each.plan_id,
            account_id=each.account_id,
            status=str(PlanStatus.ACTIVE),
        )
