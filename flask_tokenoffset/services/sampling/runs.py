"""One sample run, from claim to completion.

A run is claimed by compare-and-set, which raises its fence and sets a lease. No transaction is open
while a vendor is called. Between pages the lease is renewed, progress is published, and the run
stops if the connection was disconnected or another worker holds the fence. When the whole window is
read, one transaction writes the days, makes the estimate and marks the run complete; it is refused
if the fence has moved on. A failure leaves the former sample untouched and keeps its reason.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from flask_tokenoffset import signals
from flask_tokenoffset.clock import DayRange
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
from flask_tokenoffset.methodology import NoProjection
from flask_tokenoffset.models import (
    Account,
    Connection,
    ConnectionStatus,
    Credential,
    RunStatus,
    SampleRun,
)
from flask_tokenoffset.services.consents.restrictions import may_sample
from flask_tokenoffset.services.retention.choices import days_for
from flask_tokenoffset.services.sampling.estimates import estimate_from_sample, series_of_sample
from flask_tokenoffset.services.sampling.weekly_schedule import MOST_ATTEMPTS
from flask_tokenoffset.services.shared.leases import Held, LeaseLost, Leases
from flask_tokenoffset.services.sources.credentials import credential_context, sealed_of
from flask_tokenoffset.services.sources.daily_rows import store_reading
from flask_tokenoffset.services.sources.readings import Reading
from flask_tokenoffset.services.sources.windows import first_kept_day

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.methodology import DailySeries
    from flask_tokenoffset.providers import Gateway
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork, Units
    from flask_tokenoffset.vault import SealedSecret, SecretContext, Vault

logger = logging.getLogger(__name__)

#: How workers take sample runs. The lease is longer than the 120 seconds one vendor call may take,
#: retries included. The last attempt ends by its lease, which gives the failure its reason.
RUNS: Final = Leases(
    model=SampleRun,
    waiting=RunStatus.QUEUED,
    running=RunStatus.RUNNING,
    due_at="available_at",
    lease_end="lease_expires_at",
    lease=timedelta(seconds=150),
    most_attempts=MOST_ATTEMPTS,
)
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


@dataclass(frozen=True, slots=True)
class _Claim:
    """A run this worker holds, with what it needs to read the vendor."""

    held: Held
    source_id: UUID
    account_id: UUID
    provider: str
    window: DayRange
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
        with RUNS.working(units, claim.held, clock, enqueued_at=None):
            return _read_and_keep(units, claim, gateway=gateway, vault=vault, clock=clock)
    except LeaseLost:
        logger.info("Sample run %s was ended or taken over; this worker leaves it.", run_id)
        return None


def _read_and_keep(
    units: Units, claim: _Claim, *, gateway: Gateway, vault: Vault, clock: Clock
) -> RunStatus:
    """Do what a run was claimed for; the status it is left in.

    :raises LeaseLost: the run was cancelled, or another worker holds it.
    """
    try:
        key = vault.open(claim.sealed, claim.context)
        lease = _Lease(units, claim, clock)
        with gateway.open(claim.provider, key, should_continue=lease.keep) as client:
            reading = Reading.of_vendor(
                client,
                claim.window,
                lease.publish,
                may_wait_for_costs=claim.held.attempt < MOST_ATTEMPTS,
            )
        with units() as work:
            _complete(work, claim, reading, lease.progress, clock)
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
        run = RUNS.claim(
            session,
            run_id,
            now,
            started_at=now,
            pages_done=0,
            reason_code=None,
            reason=None,
        )
        if run is None:
            return None
        connection, credential = session.execute(
            select(Connection, Credential)
            .outerjoin(Credential, Credential.source_id == Connection.source_id)
            .where(Connection.source_id == run.source_id)
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
            held=Held.of(run),
            source_id=run.source_id,
            account_id=run.account_id,
            provider=run.provider,
            window=DayRange(run.window_start, run.window_end),
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

        :raises LeaseLost: the run was cancelled, or another worker holds it.
        """
        self.progress = {"pages_done": pages_done, "pages_expected": pages_expected}
        if pages_done < pages_expected:
            self._renew()

    def keep(self) -> None:
        """Renew the lease before an attempt at a call, unless that was done a moment ago.

        :raises LeaseLost: the run was cancelled, or another worker holds it.
        """
        if self._clock.now() - self._renewed_at >= RENEWAL_INTERVAL:
            self._renew()

    def _renew(self) -> None:
        now = self._clock.now()
        with self._units() as work:
            RUNS.renew(work.session, self._claim.held, now, **self.progress)
        self._renewed_at = now


def _complete(
    work: UnitOfWork, claim: _Claim, reading: Reading, progress: dict[str, int], clock: Clock
) -> None:
    """Write the days, the estimate and the mark "complete" in one transaction.

    Samples of one account are completed one after the other, each at a later instant, so that the
    newest of the estimates that add them up has seen them all. Then the mark comes first: it locks
    the run's row, so that a worker which lost its lease meanwhile waits and then finds that the run
    is no longer its own.

    :raises LeaseLost: another worker holds the run, or it was cancelled.
    """
    work.session.execute(
        # The weaker lock, which does not keep others from adding rows that name the account.
        select(Account.id).where(Account.id == claim.account_id).with_for_update(key_share=True)
    )
    now = clock.now()
    RUNS.change(
        work.session,
        claim.held,
        status=RunStatus.COMPLETE,
        finished_at=now,
        lease_expires_at=None,
        **progress,
    )
    kept = store_reading(
        work.session,
        reading,
        account_id=claim.account_id,
        source_id=claim.source_id,
        run_id=claim.held.row_id,
        window=claim.window,
    )
    series = series_of_sample(
        work.session, reading, kept, claim.source_id, claim.provider, claim.window
    )
    result = estimate_from_sample(
        work.session, series, source_id=claim.source_id, run_id=claim.held.row_id, now=now
    )
    values: dict[str, Any] = {"gaps": _gaps_of(series)}
    if isinstance(result, NoProjection):
        # The sample is complete all the same; the page says why it yields no number.
        values |= {"reason_code": result.reason_code, "reason": result.sentence}
    work.session.execute(
        update(SampleRun)
        .where(SampleRun.id == claim.held.row_id, SampleRun.account_id == claim.account_id)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    work.tell(
        signals.sample_completed,
        run_id=claim.held.row_id,
        source_id=claim.source_id,
        account_id=claim.account_id,
        estimate_id=None if isinstance(result, NoProjection) else result.id,
    )


def _gaps_of(series: DailySeries) -> dict[str, Any]:
    """What is not known of a window, as its run keeps it."""
    return {
        "unknown_usage_days": list(map(date.isoformat, series.unknown)),
        "unknown_cost_days": list(map(date.isoformat, series.cost_unknown)),
        "cost_fault": " ".join(series.cost_faults[:1]) or None,
    }


def _record_failure(
    work: UnitOfWork, claim: _Claim, error: TokenOffsetError, now: datetime
) -> RunStatus:
    """Keep the reason, and decide between another attempt, failure and a pause.

    :raises LeaseLost: the run was cancelled, or another worker holds it.
    """
    if isinstance(error, VaultError):
        # Only the operator of the site can mend it, and these words are shown on no page.
        logger.error(
            "The key of source %s does not open (%s): %s",
            claim.source_id,
            error.code,
            error.message,
        )
    session, held = work.session, claim.held
    reason = {"reason_code": error.code, "reason": _told(error)}
    wait = _wait_before_next_attempt(error, held.attempt)
    if wait is not None:
        RUNS.hand_back(session, held, now + wait, enqueued_at=None, **reason)
        return RunStatus.QUEUED
    RUNS.change(
        session,
        held,
        status=RunStatus.FAILED,
        lease_expires_at=None,
        finished_at=now,
        **reason,
    )
    _pause_if_key_is_useless(work, claim, error)
    work.tell(
        signals.sample_failed,
        run_id=held.row_id,
        source_id=claim.source_id,
        account_id=claim.account_id,
        reason_code=error.code,
    )
    return RunStatus.FAILED


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
