"""What an account may not connect or sample: too many, the same organization twice, too soon."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from flask_tokenoffset.errors import Conflict, TooManyAttempts
from flask_tokenoffset.models import (
    Account,
    Connection,
    ConnectionStatus,
    RunStatus,
    SampleRun,
    Source,
)

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.providers import VendorOrganization
    from flask_tokenoffset.settings import Settings

#: Connections an account may have at once.
MOST_CONNECTIONS: Final = 20
#: How soon after a failed sample a person may ask for the next.
RETRY_INTERVAL: Final = timedelta(minutes=1)


def refuse_too_many(session: Session, account_id: UUID) -> None:
    """Refuse one connection more than an account may have.

    :raises Conflict: it has as many already.
    """
    # Two that are made at once are counted one after the other.
    session.execute(
        select(Account.id).where(Account.id == account_id).with_for_update(key_share=True)
    )
    connected = session.scalar(
        select(func.count(Connection.source_id)).where(
            Connection.account_id == account_id,
            Connection.status != ConnectionStatus.DISCONNECTED,
        )
    )
    if (connected or 0) >= MOST_CONNECTIONS:
        raise Conflict(
            f"There are {MOST_CONNECTIONS} connections already, which is the most an account may"
            " have. Disconnect one first."
        )


def refuse_connected_organization(
    session: Session, account_id: UUID, provider: str, organization: VendorOrganization
) -> None:
    """Keep an organization from being counted twice, as far as its vendor tells which one it is.

    :raises Conflict: the account has it connected already.
    """
    if organization.id is None:
        return
    label = session.scalar(
        select(Source.label)
        .join(Connection, Connection.source_id == Source.id)
        .where(
            Connection.account_id == account_id,
            Connection.provider == provider,
            Connection.organization_id == organization.id,
            Connection.status != ConnectionStatus.DISCONNECTED,
        )
        .limit(1)
    )
    if label is not None:
        raise Conflict(
            f"This key belongs to an organization that is connected already, as «{label}», and its"
            " use would count twice. To use this key instead of the old one, open that source and"
            " replace its key."
        )


def refuse_too_soon(newest: SampleRun, now: datetime, settings: Settings) -> None:
    """Refuse another sample a moment after one was asked for.

    :param newest: the newest run that a person asked for.
    :raises TooManyAttempts: it is too early.
    """
    interval = timedelta(minutes=settings.resample_interval_minutes)
    if newest.status != RunStatus.COMPLETE:
        # After a failure a person may want to try again soon, but not in a loop.
        interval = min(interval, RETRY_INTERVAL)
    wait_seconds = math.ceil((newest.requested_at + interval - now).total_seconds())
    if wait_seconds > 0:
        minutes = math.ceil(wait_seconds / 60)
        raise TooManyAttempts(
            "This source was sampled a moment ago. Try again in"
            f" {minutes} {'minute' if minutes == 1 else 'minutes'}.",
            retry_after_seconds=wait_seconds,
        )
