"""The task of the schedule: one run makes what is due and enqueues it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flask_tokenoffset import signals
from flask_tokenoffset.services.documents.notices import due_notices
from flask_tokenoffset.services.erasures import requests as erasures
from flask_tokenoffset.services.erasures.worker import due_erasures
from flask_tokenoffset.services.exports.exports import EXPORTS, expire_exports
from flask_tokenoffset.services.mail.sending import MESSAGES
from flask_tokenoffset.services.member_plans.bulk_worker import due_changes
from flask_tokenoffset.services.plans import billing
from flask_tokenoffset.services.rights_requests import queue as request_queue
from flask_tokenoffset.services.sampling import aggregates, weekly_schedule
from flask_tokenoffset.tasks import purging
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.shared.leases import Due
    from flask_tokenoffset.state import State
    from flask_tokenoffset.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

#: How often the scheduler should run.
SCHEDULER_SECONDS: Final = 60
#: Batches of rows a step makes in one run; what is left is made by the next.
MOST_BATCHES: Final = 40


@dataclass(slots=True, kw_only=True)
class SchedulerReport:
    """What one scheduler run did."""

    #: Runs taken back from workers that fell silent, to be started again.
    reclaimed: int = 0
    #: Runs that failed for good because their workers kept vanishing.
    given_up: int = 0
    weekly_runs_created: int = 0
    enqueued: int = 0
    #: Messages that are due, new ones and those whose worker fell silent.
    messages_enqueued: int = 0
    #: Changes to many plans with something left to do.
    bulk_changes_enqueued: int = 0
    #: Material changes to documents of which a person is still to be told.
    document_notices_enqueued: int = 0
    #: Copies of everything held about a person that are still to be made.
    exports_enqueued: int = 0
    #: Such copies that nobody fetched in time, and whose content was deleted.
    exports_expired: int = 0
    billing_records_created: int = 0
    #: Answers to repeated calls that were kept long enough.
    idempotency_records_forgotten: int = 0
    #: Addresses and user agents in the audit log that were kept long enough.
    audit_origins_forgotten: int = 0
    #: Mailed links that can be used no more.
    links_forgotten: int = 0
    #: Requests under a person's rights that are due soon or overdue, of which the host was told.
    requests_warned_of: int = 0
    #: Accounts whose time to be erased has come, and hosts to be called about one that was.
    erasures_enqueued: int = 0
    #: People told that their account is about to be deleted.
    deletion_reminders: int = 0
    #: Disconnected sources whose days a legal hold had kept until now.
    leavers_folded: int = 0
    #: Retention rule to how many of its rows were kept long enough and are gone.
    rows_purged: dict[str, int] = field(default_factory=dict)
    #: The steps that failed, by name; the log says why. The others were taken all the same.
    failed_steps: list[str] = field(default_factory=list)


Step = Callable[["State", "datetime", SchedulerReport], None]


def _enqueues(task: Task, counter: str, due: Callable[[Session, datetime], Sequence[Due]]) -> Step:
    """Enqueues what is due.

    :param counter: the field of the report that says how many rows that were.
    """

    def take(state: State, now: datetime, report: SchedulerReport) -> None:
        with state.unit_of_work() as work:
            rows = due(work.session, now)
            for row in rows:
                work.enqueue(task, row.row_id, attempt=row.attempt)
        setattr(report, counter, len(rows))

    return take


def _does(
    counter: str, do: Callable[[UnitOfWork, datetime], int], *, batch: int | None = None
) -> Step:
    """Does what is due.

    :param counter: the field of the report that says how many rows that were.
    :param batch: it goes on, in another transaction, until it does fewer than this at once. With
        ``None`` the next scheduler run goes on.
    """

    def take(state: State, now: datetime, report: SchedulerReport) -> None:
        for _ in range(MOST_BATCHES):
            with state.unit_of_work() as work:
                done = do(work, now)
            setattr(report, counter, getattr(report, counter) + done)
            if batch is None or done < batch:
                return

    return take


def _reclaim(state: State, now: datetime, report: SchedulerReport) -> None:
    with state.unit_of_work() as work:
        reclaimed = weekly_schedule.reclaim_lost(work.session, now)
        for lost in reclaimed.failed:
            work.tell(
                signals.sample_failed,
                run_id=lost.run_id,
                source_id=lost.source_id,
                account_id=lost.account_id,
                reason_code=weekly_schedule.WORKER_LOST,
            )
    report.reclaimed, report.given_up = reclaimed.requeued, len(reclaimed.failed)


def _create_weekly_runs(state: State, now: datetime, report: SchedulerReport) -> None:
    def create(work: UnitOfWork, now: datetime) -> int:
        return len(weekly_schedule.create_weekly_runs(work.session, now, state.settings))

    _does("weekly_runs_created", create, batch=weekly_schedule.BATCH)(state, now, report)


def _enqueue_runs(state: State, now: datetime, report: SchedulerReport) -> None:
    def due(session: Session, now: datetime) -> Sequence[Due]:
        return weekly_schedule.due_runs(session, now, state.settings)

    _enqueues(Task.SAMPLE, "enqueued", due)(state, now, report)


def _fold_leavers(work: UnitOfWork, now: datetime) -> int:
    leavers = aggregates.held_leavers(work.session, now, MOST_BATCHES)
    for account_id, source_id in leavers:
        aggregates.fold_source(work, account_id=account_id, source_id=source_id, now=now)
    return len(leavers)


def _purge(state: State, _now: datetime, report: SchedulerReport) -> None:
    report.rows_purged = purging.purge_what_is_due(state)
    report.idempotency_records_forgotten = report.rows_purged.get("idempotency", 0)
    report.audit_origins_forgotten = report.rows_purged.get("audit-origins", 0)
    report.links_forgotten = report.rows_purged.get("links", 0)


def _warn_of_requests(work: UnitOfWork, now: datetime) -> int:
    warned_of = request_queue.warn_of_due(work, now)
    for request in warned_of:
        logger.warning(
            "The privacy request %s (%s) is %s: it is to be answered by %s.",
            request.id,
            request.kind,
            "overdue" if request_queue.is_overdue(request, now) else "due soon",
            request.due_at.isoformat(timespec="minutes"),
        )
    return len(warned_of)


#: What a scheduler run does, in this order. A name completes "The schedule could not ...".
STEPS: Final[Mapping[str, Step]] = {
    "reclaim lost runs": _reclaim,
    "create weekly runs": _create_weekly_runs,
    "hand runs to the queue": _enqueue_runs,
    "hand messages to the queue": _enqueues(Task.MAIL, "messages_enqueued", MESSAGES.due),
    "hand changes to many plans to the queue": _enqueues(
        Task.BULK_CHANGE, "bulk_changes_enqueued", due_changes
    ),
    "hand copies of people's data to the queue": _enqueues(
        Task.EXPORT, "exports_enqueued", EXPORTS.due
    ),
    "delete copies that nobody fetched": _does("exports_expired", expire_exports),
    "hand notices of documents to the queue": _enqueues(
        Task.DOCUMENT_NOTICE, "document_notices_enqueued", due_notices
    ),
    "create billing records": _does(
        "billing_records_created",
        lambda work, now: len(billing.create_due_records(work, now)),
        batch=1,
    ),
    "fold what a hold kept of leavers": _does("leavers_folded", _fold_leavers),
    "purge what was kept long enough": _purge,
    "remind of deletions": _does("deletion_reminders", erasures.remind, batch=erasures.BATCH),
    "hand erasures to the queue": _enqueues(Task.ERASE, "erasures_enqueued", due_erasures),
    "warn of requests that are due": _does("requests_warned_of", _warn_of_requests),
}


def run_scheduler(state: State) -> SchedulerReport:
    """Do what is due now. Any process may call it, any number of times, several at once.

    Needs an application context. Each step has transactions of its own, and one that fails does not
    keep the others from being taken.
    """
    report = SchedulerReport()
    now = state.clock.now()
    for name, step in STEPS.items():
        try:
            step(state, now, report)
        except Exception:
            logger.exception("The schedule could not %s; the next tick tries again.", name)
            report.failed_steps.append(name)
    return report
