"""The plan's ledger as a list that reads from the newest event down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.blueprints.estimates.presentation import origin_of
from flask_tokenoffset.models import PlanStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.services.plans.ledger import PlanHistory

_STATUS_LABELS: Final[Mapping[PlanStatus, str]] = {
    PlanStatus.ACTIVE: "Resumed",
    PlanStatus.PAUSED: "Paused",
    PlanStatus.ENDED: "Ended",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEvent:
    """One thing that happened to a plan. Figures belong to adoptions only."""

    at: datetime
    what: str
    origin: str | None = None
    tokens_per_month: int | None = None
    coverage_percent: int | None = None
    amount_cents: int | None = None
    method_version: str | None = None
    programmes: Mapping[str, Any] | None = None
    estimate_id: UUID | None = None


def events_of(history: PlanHistory) -> list[PlanEvent]:
    """Adoptions and changes of status in one list, newest first."""
    adoptions = [
        PlanEvent(
            at=adoption.adopted_at,
            what="Adopted",
            origin=origin_of(adoption.source_kind),
            tokens_per_month=adoption.tokens_per_month,
            coverage_percent=adoption.coverage_percent,
            amount_cents=adoption.amount_cents,
            method_version=adoption.method_version,
            programmes=adoption.programmes,
            estimate_id=adoption.estimate_id,
        )
        for adoption in history.adoptions
    ]
    # An adoption after the end begins the plan anew; that change comes with it and says no more.
    begun_anew = {event.at for event in adoptions}
    changes = [
        PlanEvent(at=change.changed_at, what=_STATUS_LABELS[PlanStatus(change.status)])
        for change in history.status_changes
        if not (change.status == PlanStatus.ACTIVE and change.changed_at in begun_anew)
    ]
    return sorted([*adoptions, *changes], key=lambda event: event.at, reverse=True)
