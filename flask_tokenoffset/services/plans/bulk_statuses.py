"""Pausing or ending the plans of many at once, in a few statements a batch."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select, update

from flask_tokenoffset import signals
from flask_tokenoffset.models import Plan, PlanStatus, PlanStatusChange, new_id
from flask_tokenoffset.services.plans.billing import record_due_months

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Plans changed by one statement.
PLANS_PER_STATEMENT: Final = 500


def stop_many(
    work: UnitOfWork,
    plans: Mapping[UUID, UUID],
    *,
    status: PlanStatus,
    person: Person,
    now: datetime,
) -> None:
    """Stop some plans, as :func:`.plans.change_status` stops one.

    The caller writes the one event into the audit log that says why.

    :param plans: each with its account; all of them active, or paused where they are to end.
        Nobody else changes them before the commit.
    :param status: ``PAUSED`` or ``ENDED``.
    :param person: who does.
    :param now: the present instant, aware.
    """
    left = iter(plans.items())
    while batch := dict(islice(left, PLANS_PER_STATEMENT)):
        _stop(work, batch, status, person, now)


def _stop(
    work: UnitOfWork, plans: dict[UUID, UUID], status: PlanStatus, person: Person, now: datetime
) -> None:
    session = work.session
    newest = dict(
        session.execute(
            select(PlanStatusChange.plan_id, func.max(PlanStatusChange.sequence))
            .where(PlanStatusChange.plan_id.in_(plans))
            .group_by(PlanStatusChange.plan_id)
        ).all()
    )
    session.execute(
        insert(PlanStatusChange),
        [
            {
                "id": new_id(),
                "account_id": account_id,
                "plan_id": plan_id,
                "sequence": newest.get(plan_id, 0) + 1,
                "status": status,
                "changed_by": person.id,
                "changed_at": now,
            }
            for plan_id, account_id in plans.items()
        ],
    )
    session.execute(
        update(Plan).where(Plan.id.in_(plans)).values(status=status, version=Plan.version + 1)
    )
    # The schedule looks at active plans only, so what is owed up to here is recorded now.
    record_due_months(work, list(plans), now)
    for plan_id, account_id in plans.items():
        work.tell(signals.plan_changed, plan_id=plan_id, account_id=account_id, status=str(status))
