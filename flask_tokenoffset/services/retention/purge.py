"""The purge: what was kept for as long as its rule says is deleted, once a day and in batches.

Each batch is a short transaction of its own and leaves a note of where it stopped
(:class:`~flask_tokenoffset.models.PurgeProgress`), so that a run which is broken off goes on where
it was. The note is locked meanwhile: any number of workers may purge at once, and each rule is
worked on by one of them. A run that cannot keep up says so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset import signals
from flask_tokenoffset.models import (
    Adoption,
    AuditOrigin,
    BillingRecord,
    BulkChange,
    BulkChangeTarget,
    CostLine,
    DailyCost,
    DailyUsage,
    Erasure,
    Estimate,
    Export,
    ExportPart,
    IdempotencyRecord,
    IdentityAttempt,
    Invitation,
    KeptDay,
    LegalHold,
    MagicLink,
    MessageStatus,
    OutboundMessage,
    PurgeProgress,
    ReauthenticationProof,
    RightsRequest,
    SampleRun,
    Tombstone,
    UsageSeries,
)
from flask_tokenoffset.services.retention import retained_records
from flask_tokenoffset.services.retention.ended_accounts import empty_organizations, end_chains
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.purge_steps import (
    ROWS_PER_BATCH,
    Batch,
    Days,
    Done,
    ShorterChoices,
    Step,
    Sweep,
    delete_kept_days,
    newer_of,
)
from flask_tokenoffset.services.retention.rules import find_rule, operator_days
from flask_tokenoffset.services.shared.periods import period_end

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.retention.rule_types import RetentionRule
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

#: A record kept so much longer than its period is worth an alarm.
LONGEST_LAG: Final = timedelta(hours=24)
#: Of a run: the first step, before any row.
_BEGINNING: Final = "0:"


@dataclass(frozen=True, slots=True)
class Purged:
    """What one batch of a rule did.

    :param rows: how many rows went.
    :param finished: whether nothing is left to do for the rule at present.
    """

    rows: int
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the purge stands with one rule.

    :param days: the operator's period.
    :param progress: the note of the last run; ``None`` before the first.
    """

    rule: RetentionRule
    days: int
    progress: PurgeProgress | None

    @property
    def is_late(self) -> bool:
        """Whether something was kept longer than allowed by more than a day."""
        return (
            self.progress is not None and timedelta(seconds=self.progress.lag_seconds) > LONGEST_LAG
        )


def _end_retained_records(batch: Batch) -> Done:
    """Have whatever law required end, by the end that each record names."""
    rows = retained_records.end_retained_records(batch.session, batch.now, ROWS_PER_BATCH)
    return Done(rows=rows, position="" if rows == ROWS_PER_BATCH else None)


@cache
def steps() -> Mapping[str, tuple[Step, ...]]:
    """What is done for each rule, in order."""
    return {**_steps_of_figures(), **_steps_of_dealings(), **_steps_of_proofs()}


def _steps_of_figures() -> Mapping[str, tuple[Step, ...]]:
    """What is read, estimated and charged; an estimate names its run, so it goes first."""
    estimates = Sweep(
        model=Estimate,
        clock=Estimate.created_at,
        conditions=(
            ~select(Adoption.id).where(Adoption.estimate_id == Estimate.id).exists(),
            newer_of(Estimate),
        ),
    )
    billing = Sweep(model=BillingRecord, clock=BillingRecord.due_at)
    named: Any = (
        ~select(Estimate.id).where(Estimate.run_id == SampleRun.id).exists(),
        ~select(KeptDay.source_id).where(KeptDay.run_id == SampleRun.id).exists(),
    )
    return {
        "usage": (
            Days(parent=UsageSeries, daily=DailyUsage, column=DailyUsage.series_id),
            Days(parent=CostLine, daily=DailyCost, column=DailyCost.line_id),
            delete_kept_days,
        ),
        "estimates": (estimates, ShorterChoices(sweep=estimates)),
        "sample-runs": (Sweep(model=SampleRun, clock=SampleRun.finished_at, conditions=named),),
        "billing": (billing, ShorterChoices(sweep=billing)),
    }


def _steps_of_dealings() -> Mapping[str, tuple[Step, ...]]:
    """What passes between people and the site: invitations, mail, ways in, copies."""
    bulk = Sweep(
        model=BulkChange,
        clock=BulkChange.finished_at,
        first=((BulkChangeTarget, BulkChangeTarget.bulk_change_id),),
    )
    messages = Sweep(
        model=OutboundMessage,
        clock=OutboundMessage.created_at,
        conditions=(OutboundMessage.status.in_([MessageStatus.SENT, MessageStatus.FAILED]),),
    )
    exports = Sweep(
        model=Export, clock=Export.requested_at, first=((ExportPart, ExportPart.export_id),)
    )
    return {
        "organizations": (empty_organizations,),
        "invitations": (Sweep(model=Invitation, clock=Invitation.expires_at),),
        "bulk-changes": (bulk,),
        "messages": (messages,),
        "links": (Sweep(model=MagicLink, clock=MagicLink.expires_at),),
        "identity-attempts": (Sweep(model=IdentityAttempt, clock=IdentityAttempt.expires_at),),
        "fresh-proofs": (
            Sweep(model=ReauthenticationProof, clock=ReauthenticationProof.proved_at),
        ),
        "idempotency": (Sweep(model=IdempotencyRecord, clock=IdempotencyRecord.created_at),),
        "audit-origins": (Sweep(model=AuditOrigin, clock=AuditOrigin.recorded_at),),
        "exports": (exports,),
    }


def _steps_of_proofs() -> Mapping[str, tuple[Step, ...]]:
    """What shows afterwards that something was done, or why something was kept."""
    requests = Sweep(
        model=RightsRequest,
        clock=RightsRequest.closed_at,
        conditions=(~select(Export.id).where(Export.request_id == RightsRequest.id).exists(),),
    )
    closed_at = func.coalesce(Erasure.finished_at, Erasure.undone_at)
    over_at = func.coalesce(LegalHold.lifted_at, LegalHold.held_until)
    return {
        "legal-remains": (_end_retained_records,),
        "consents": (end_chains,),
        "audit-log": (end_chains,),
        "rights-requests": (requests,),
        "erasures": (Sweep(model=Erasure, clock=closed_at),),
        "tombstones": (Sweep(model=Tombstone, clock=Tombstone.erased_at),),
        "legal-holds": (Sweep(model=LegalHold, clock=over_at),),
    }


def purge_batch(
    work: UnitOfWork, rule_name: str, now: datetime, settings: Settings, *, anew: bool = False
) -> Purged:
    """Take the next batch of a rule, in the caller's transaction.

    :param rule_name: a rule that has steps.
    :param now: the present instant, aware.
    :param anew: whether to begin a run although one was finished today.
    """
    rule = find_rule(rule_name)
    progress = _claim(work.session, rule, now)
    if progress is None:
        return Purged(0, finished=True)  # Another worker is at it.
    if progress.position is None:
        if not (anew or rule.every_run or _is_due(progress, now)):
            return Purged(0, finished=True)
        _begin(progress, now)
    number, _, after = (progress.position or _BEGINNING).partition(":")
    done = steps()[rule_name][int(number)](
        Batch(
            work=work,
            rule=rule,
            days=operator_days(rule, settings) or 0,
            settings=settings,
            now=now,
            after=after or None,
        )
    )
    progress.rows_purged += done.rows
    _note_lag(work, progress, done.lag, now)
    if done.position is not None:
        progress.position = f"{number}:{done.position}"
    elif int(number) + 1 < len(steps()[rule_name]):
        progress.position = f"{int(number) + 1}:"
    else:
        progress.position, progress.finished_at, progress.lag_seconds = None, now, 0
    work.session.flush()
    return Purged(done.rows, finished=progress.position is None)


def _is_due(progress: PurgeProgress, now: datetime) -> bool:
    return progress.finished_at is None or progress.finished_at.date() < now.date()


def _claim(session: Session, rule: RetentionRule, now: datetime) -> PurgeProgress | None:
    """The note of a rule, locked; ``None`` where another worker holds it."""
    note = (
        select(PurgeProgress)
        .where(PurgeProgress.rule == rule.name)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    progress = session.scalar(note)
    if progress is not None or session.get(PurgeProgress, rule.name) is not None:
        return progress
    try:
        with session.begin_nested():
            session.add(
                PurgeProgress(
                    rule=rule.name,
                    started_at=now,
                    position=_BEGINNING,
                    rows_purged=0,
                    lag_seconds=0,
                )
            )
    except IntegrityError:
        return None
    return session.scalar(note)


def _begin(progress: PurgeProgress, now: datetime) -> None:
    progress.started_at, progress.position = now, _BEGINNING
    progress.rows_purged = progress.lag_seconds = 0


def _note_lag(work: UnitOfWork, progress: PurgeProgress, lag: timedelta, now: datetime) -> None:
    """Note how late the run is, and say so once in a run where that is too late.

    Whatever was over at the end of the run before went then. So no row is later than that, however
    old it is: its period may have been shortened meanwhile.
    """
    lag = min(lag, now - (progress.finished_at or progress.started_at))
    was_late = timedelta(seconds=progress.lag_seconds) > LONGEST_LAG
    progress.lag_seconds = max(progress.lag_seconds, int(lag.total_seconds()))
    if was_late or lag <= LONGEST_LAG:
        return
    logger.warning(
        "What the retention rule %s is about was kept %s hours longer than it may be. Let the"
        " schedule tick every minute, and see what keeps the purge.",
        progress.rule,
        int(lag.total_seconds()) // 3600,
    )
    work.tell(signals.retention_lagging, rule=progress.rule, lag_seconds=int(lag.total_seconds()))


def due_rules(session: Session, now: datetime, settings: Settings) -> list[str]:
    """The rules to look at now: not yet today, not through yet, or short ones with something over.

    :param now: the present instant, aware.
    """
    through_today = {
        each.rule
        for each in session.scalars(select(PurgeProgress))
        if each.position is None and not _is_due(each, now)
    }
    due = []
    for rule in RULES:
        if rule.name not in steps():
            continue
        if rule.every_run:
            if any(
                _has_something(session, step, rule, now, settings) for step in steps()[rule.name]
            ):
                due.append(rule.name)
        elif rule.name not in through_today:
            due.append(rule.name)
    return due


def _has_something(
    session: Session, step: Step, rule: RetentionRule, now: datetime, settings: Settings
) -> bool:
    """Whether a step has anything to do, so that a scheduler run without work writes nothing."""
    if not isinstance(step, Sweep):
        return True
    end = period_end(now, operator_days(rule, settings) or 0)
    oldest = session.scalar(select(func.min(step.clock)))
    return oldest is not None and oldest <= end


def standings(session: Session, settings: Settings) -> list[Standing]:
    """Where the purge stands with every rule that it works on."""
    progress = {each.rule: each for each in session.scalars(select(PurgeProgress))}
    return [
        Standing(
            rule=rule, days=operator_days(rule, settings) or 0, progress=progress.get(rule.name)
        )
        for rule in RULES
        if rule.name in steps()
    ]


#: Rules with a period that something else than a step keeps, and what.
KEPT_ELSEWHERE: Final[Mapping[str, str]] = {
    "account": "services/erasures/requests.py, which waits for the period itself",
    "request-log": "services/shared/request_log.py, which deletes files",
    "jobs": "Redis",
    "attempts": "Redis",
}
