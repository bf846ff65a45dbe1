"""One sample run, from claim to completion.

A run is claimed by compare-and-set, which raises its fence and sets a lease. No transaction is open
while a vendor is called. Between pages the lease is renewed, progress is published, and the run
stops if the connection was disconnected or somebody else holds the fence. When the whole window is
read, one transaction writes the days, makes the estimate and marks the run complete; it is refused
if the fence has moved on. A failure leaves the former sample untouched and keeps its reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import CursorResult, and_, bindparam, or_, select, update

from flask_tokenoffset import signals
from flask_tokenoffset.errors import (
    InvalidInput,
    KeyRefused,
    KeyStoreUnavailable,
    KeyVersionUnknown,
    ProviderError,
    RateLimited,
    SealBroken,
    TokenOffsetError,
    VaultError,
)
from flask_tokenoffset.methodology import NoProjection, Stretch
from flask_tokenoffset.models import (
    Account,
    Connection,
    ConnectionStatus,
    Credential,
    RunStatus,
    SampleRun,
)
from flask_tokenoffset.providers import Window
from flask_tokenoffset.services.consents.restrictions import may_sample
from flask_tokenoffset.services.retention.choices import days_for
from flask_tokenoffset.services.sampling.estimates import estimate_from_sample
from flask_tokenoffset.services.sampling.weekly_schedule import MOST_ATTEMPTS
from flask_tokenoffset.services.sources.credentials import (
    credential_context,
    sealed_of,
)
from flask_tokenoffset.services.sources.daily_rows import store_reading
from flask_tokenoffset.services.sources.readings import Reading
from flask_tokenoffset.services.sources.windows import first_kept_day

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Table

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.providers import Gateway
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import SealedSecret, SecretContext, Vault

logger = logging.getLogger(__name__)

Units = Callable[[], AbstractContextManager["UnitOfWork"]]

#: How long a worker may be silent before its run is given to another. Longer than the 120 seconds
#: one vendor call may take, retries included.
LEASE: Final = timedelta(seconds=150)
#: Retries of one call renew the lease no more often than this.
RENEWAL_INTERVAL: Final = timedelta(seconds=5)
#: Waits before the next attempt after a vendor's failure, by attempt.
BACK_OFF: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=20),
    timedelta(hours=1),
)
#: The longest wait a vendor may ask for.
LONGEST_WAIT: Final = timedelta(days=1)
#: A key that failed like this works again only when a person acts.
_KEY_IS_USELESS: Final = (KeyRefused, SealBroken, KeyVersionUnknown)

_RUNS: Final = cast("Table", SampleRun.__table__)
#: Made once, because it runs before every page; the columns to change come with the values.
_CHANGE_IF_HELD: Final = update(_RUNS).where(
    _RUNS.c.id == bindparam("held_run_id"),
    _RUNS.c.fence == bindparam("held_fence"),
    _RUNS.c.status == RunStatus.RUNNING,
)


class RunStopped(Exception):
    """The run is no longer ours: disconnected, cancelled, or claimed by another worker."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A run this worker holds, with what it needs to read the vendor."""

    run_id: UUID
    source_id: UUID
    account_id: UUID
    fence: int
    attempt: int
    provider: str
    window: Window
    sealed: SealedSecret
    context: SecretContext


def run_sample(
    units: Units,
    *,
    run_id: UUID,
    gateway: Gateway,
    vault: Vault,
    clock: Clock,
    settings: Settings,
) -> RunStatus | None:
    """Read a run's window from the vendor and store it.

    :param units: opens a unit of work; each one is committed when its block is left.
    :param run_id: the row to work on. Anything but a run that waits for a worker is left alone.
    :param settings: say how long usage is kept; days that are older are not read.
    :return: the status the run was left in, or ``None`` if there was nothing to do here.
    """
    claim = _claim(units, run_id, clock, settings)
    if claim is None:
        return None
    try:
        key = vault.open(claim.sealed, claim.context)
        lease = _Lease(units, claim, clock)
        with gateway.open(claim.provider, key, should_continue=lease.keep) as client:
            reading = Reading.of_vendor(client, claim.window, lease.publish)
        with units() as work:
            _complete(work, claim, reading, lease.progress, clock)
    except RunStopped:
        logger.info("Sample run %s was ended or taken over; this worker leaves it.", run_id)
        return None
    except (ProviderError, VaultError, InvalidInput) as error:
        # The input at fault is the provider's name, where the host no longer enables it.
        with units() as work:
            return _record_failure(work, claim, error, clock.now())
    return RunStatus.COMPLETE


def _claim(units: Units, run_id: UUID, clock: Clock, settings: Settings) -> _Claim | None:
    """Take a waiting run, or one whose worker fell silent; ``None`` if it is not to be had."""
    now = clock.now()
    with units() as work:
        session = work.session
        claimed = cast(
            "CursorResult[None]",
            session.execute(
                update(SampleRun)
                .where(
                    SampleRun.id == run_id,
                    or_(
                        and_(
                            SampleRun.status == RunStatus.QUEUED,
                            SampleRun.available_at <= now,
                        ),
                        and_(
                            SampleRun.status == RunStatus.RUNNING,
                            SampleRun.lease_expires_at < now,
                        ),
                    ),
                )
                .values(
                    status=RunStatus.RUNNING,
                    fence=SampleRun.fence + 1,
                    attempt=SampleRun.attempt + 1,
                    lease_expires_at=now + LEASE,
                    started_at=now,
                    pages_done=0,
                    reason_code=None,
                    reason=None,
                )
                .execution_options(synchronize_session=False)
            ),
        )
        if claimed.rowcount != 1:
            return None
        run, connection, credential = session.execute(
            select(SampleRun, Connection, Credential)
            .join(Connection, Connection.source_id == SampleRun.source_id)
            .outerjoin(Credential, Credential.source_id == SampleRun.source_id)
            .where(SampleRun.id == run_id)
            .execution_options(populate_existing=True)
        ).one()
        if (
            connection.status != ConnectionStatus.ACTIVE
            or not may_sample(session, run.account_id)
            or credential is None
        ):
            run.status = RunStatus.CANCELLED
            run.finished_at = now
            return None
        kept_days = days_for(session, "usage", run.account_id, settings)
        run.window_start = max(run.window_start, first_kept_day(now, kept_days))
        return _Claim(
            run_id=run.id,
            source_id=run.source_id,
            account_id=run.account_id,
            fence=run.fence,
            attempt=run.attempt,
            provider=run.provider,
            window=Window(run.window_start, run.window_end),
            sealed=sealed_of(credential),
            context=credential_context(credential, connection.provider),
        )


class _Lease:
    """Says that the worker lives, and finds out whether it may go on.

    :param units: opens a unit of work.
    :param claim: the run this worker holds.
    """

    def __init__(self, units: Units, claim: _Claim, clock: Clock) -> None:
        self._units = units
        self._claim = claim
        self._clock = clock
        self._renewed_at = clock.now()
        #: How far the run has come, as columns of its row.
        self.progress: dict[str, int] = {}

    def publish(self, pages_done: int, pages_expected: int) -> None:
        """Renew the lease and show how far the run has come.

        After the last page there is nothing to ask: the transaction that completes the run is
        refused by the same condition.

        :raises RunStopped: the run was cancelled, or another worker holds it.
        """
        self.progress = {"pages_done": pages_done, "pages_expected": pages_expected}
        if pages_done < pages_expected:
            self._renew()

    def keep(self) -> None:
        """Renew the lease before an attempt at a call, unless that was done a moment ago.

        :raises RunStopped: the run was cancelled, or another worker holds it.
        """
        if self._clock.now() - self._renewed_at >= RENEWAL_INTERVAL:
            self._renew()

    def _renew(self) -> None:
        now = self._clock.now()
        with self._units() as work:
            _change(work, self._claim, lease_expires_at=now + LEASE, **self.progress)
        self._renewed_at = now


def _change(work: UnitOfWork, claim: _Claim, **values: object) -> None:
    """Change the run's row, if the run is still this worker's.

    :param values: the new values by column.
    :raises RunStopped: the run was cancelled, or another worker holds it.
    """
    # Below the mapper: this is asked before every page, and no object is at stake.
    connection = work.session.connection(bind_arguments={"mapper": SampleRun})
    held: dict[str, object] = {"held_run_id": claim.run_id, "held_fence": claim.fence}
    if connection.execute(_CHANGE_IF_HELD, held | values).rowcount != 1:
        raise RunStopped


def _complete(
    work: UnitOfWork, claim: _Claim, reading: Reading, progress: dict[str, int], clock: Clock
) -> None:
    """Write the days, the estimate and the mark "complete" in one transaction.

    Samples of one account are completed one after the other, each at a later instant, so that the
    newest of the estimates that add them up has seen them all. Then the mark comes first: it locks
    the run's row, so that a worker which lost its lease meanwhile waits and then finds that the run
    is no longer its own.

    :raises RunStopped: another worker holds the run, or it was cancelled.
    """
    work.session.execute(
        # The weaker lock, which does not keep others from adding rows that name the account.
        select(Account.id).where(Account.id == claim.account_id).with_for_update(key_share=True)
    )
    now = clock.now()
    _change(
        work,
        claim,
        status=RunStatus.COMPLETE,
        finished_at=now,
        lease_expires_at=None,
        **progress,
    )
    window = Stretch(claim.window.start, claim.window.end)
    kept = store_reading(
        work.session,
        reading,
        account_id=claim.account_id,
        source_id=claim.source_id,
        run_id=claim.run_id,
        window=window,
    )
    result = estimate_from_sample(
        work.session,
        reading,
        kept=kept,
        source_id=claim.source_id,
        run_id=claim.run_id,
        window=window,
        now=now,
    )
    if isinstance(result, NoProjection):
        # The sample is complete all the same; the page says why it yields no number.
        work.session.execute(
            update(SampleRun)
            .where(SampleRun.id == claim.run_id, SampleRun.account_id == claim.account_id)
            .values(reason_code=result.reason_code, reason=result.sentence)
            .execution_options(synchronize_session=False)
        )
    work.tell(
        signals.sample_completed,
        run_id=claim.run_id,
        source_id=claim.source_id,
        account_id=claim.account_id,
        estimate_id=None if isinstance(result, NoProjection) else result.id,
    )


def _record_failure(
    work: UnitOfWork, claim: _Claim, error: TokenOffsetError, now: datetime
) -> RunStatus | None:
    """Keep the reason, and decide between another attempt, failure and a pause."""
    if isinstance(error, VaultError):
        # Only whoever runs the site can mend it, and these words are shown on no page.
        logger.error(
            "The key of source %s does not open (%s): %s",
            claim.source_id,
            error.code,
            error.message,
        )
    wait = _wait_before_next_attempt(error, claim.attempt)
    status = RunStatus.FAILED if wait is None else RunStatus.QUEUED
    values: dict[str, object] = {
        "status": status,
        "lease_expires_at": None,
        "reason_code": error.code,
        "reason": _told(error),
    }
    if wait is None:
        values |= {"finished_at": now}
    else:
        values |= {"available_at": now + wait, "enqueued_at": None}
    try:
        _change(work, claim, **values)
    except RunStopped:
        return None
    if status is RunStatus.FAILED:
        _pause_if_key_is_useless(work, claim, error)
        work.tell(
            signals.sample_failed,
            run_id=claim.run_id,
            source_id=claim.source_id,
            account_id=claim.account_id,
            reason_code=error.code,
        )
    return status


def _told(error: TokenOffsetError) -> str:
    """The reason as the person who connected the key is told it."""
    if not isinstance(error, VaultError):
        return error.message
    if isinstance(error, _KEY_IS_USELESS):
        return (
            "The stored key can no longer be opened here, so nothing was read. What was known"
            " before still stands. Paste the key again."
        )
    return (
        "Stored keys cannot be opened here at the moment, so nothing was read. What was known"
        " before still stands. If it stays like this, tell whoever runs this site."
    )


def _wait_before_next_attempt(error: TokenOffsetError, attempt: int) -> timedelta | None:
    """How long to wait before the run is tried again; ``None`` if it fails for good."""
    transient = isinstance(error, KeyStoreUnavailable) or (
        isinstance(error, ProviderError) and error.transient
    )
    if not transient or attempt >= MOST_ATTEMPTS:
        return None
    wait = BACK_OFF[min(attempt, len(BACK_OFF)) - 1]
    if isinstance(error, RateLimited) and error.retry_after_seconds is not None:
        asked = timedelta(seconds=min(error.retry_after_seconds, LONGEST_WAIT.total_seconds()))
        wait = max(wait, asked)
    return wait


def _pause_if_key_is_useless(work: UnitOfWork, claim: _Claim, error: TokenOffsetError) -> None:
    """Stop sampling with a key that is refused or does not open, until a person acts."""
    if not isinstance(error, _KEY_IS_USELESS):
        return
    work.session.execute(
        update(Connection)
        .where(
            Connection.source_id == claim.source_id,
            Connection.account_id == claim.account_id,
            Connection.status == ConnectionStatus.ACTIVE,
        )
        .values(status=ConnectionStatus.PAUSED, paused_code=error.code, paused_reason=_told(error))
        .execution_options(synchronize_session=False)
    )
    work.tell(
        signals.source_paused,
        source_id=claim.source_id,
        account_id=claim.account_id,
        reason_code=error.code,
    )
