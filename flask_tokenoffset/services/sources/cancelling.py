"""Ending samples that are not wanted any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from flask_tokenoffset.models import UNFINISHED, RunStatus, SampleRun

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session


def stop_sampling(session: Session, account_id: UUID, now: datetime) -> None:
    """End the samples of an account that wait or are under way; the latter stop at their next step.

    :param account_id: whose sources.
    :param now: the present instant, aware.
    """
    session.execute(
        update(SampleRun)
        .where(SampleRun.account_id == account_id, SampleRun.status.in_(UNFINISHED))
        .values(status=RunStatus.CANCELLED, finished_at=now, lease_expires_at=None)
        .execution_options(synchronize_session=False)
    )
