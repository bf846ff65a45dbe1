"""The door to the schedule: one tick makes what is due and hands it to the queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flask_tokenoffset import signals
from flask_tokenoffset.services.documents import notices as document_notices
from flask_tokenoffset.services.erasures import (
    requests as erasures,
)
from flask_tokenoffset.services.erasures import (
    worker as erasure_worker,
)
from flask_tokenoffset.services.exports import exports
from flask_tokenoffset.services.mail import sending as mail_sending
from flask_tokenoffset.services.member_plans import bulk_worker
from flask_tokenoffset.services.plans import billing
from flask_tokenoffset.services.rights_requests import queue as request_queue
from flask_tokenoffset.services.sampling import (
    aggregates,
    weekly_schedule,
)
from flask_tokenoffset.tasks import purging
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask_tokenoffset.state import State

logger = logging.getLogger(__name__)

#: How often something should tick.
TICK_SECONDS: Final = 60
#: Batches of rows a step makes in one tick; what is left is made by the next.
MOST_BATCHES: Final = 40


@dataclass(slots=True, kw_only=True)
class TickReport:
    """What one tick did."""

    #: Runs taken back from workers that fell silent, to be started again.
    reclaimed: int = 0
    #: Runs that failed for good because their workers kept vanishing.
    given_up: int = 0
    weekly_runs_created: int = 0
    handed_to_queue: int = 0
    #: Messages that are due, new ones and those whose worker fell silent.
    messages_handed_to_queue: int = 0
    #: Changes to many plans with something left to do.
    bulk_changes_handed_to_queue: int = 0
    #: Material changes to documents of which somebody is still to be told.
    document_notices_handed_to_queue: int = 0
    #: Copies of everything held about a person that are still to be made.
    exports_handed_to_queue: int = 0
    #: Such copies that nobody fetched in time, and whose content was deleted.
    exports_expired: int = 0
    billing_records_created: int = 0
    #: Answers to repeated calls that were kept long enough.
    idempotency_records_forgotten: int = 0
    #: Addresses and user agents in the audit log that were kept long enough.
    audit_origins_forgotten: int = 0
    #: Mailed links that can be used no more.
    links_forgotten: int = 0
    #: Requests under somebody's rights that are due soon or overdue, of which the host was told.
    requests_warned_of: int = 0
    #: Accounts whose time to be erased has come, and hosts to be called about one that was.
    erasures_handed_to_queue: int = 0
    #: People told that their account is about to be deleted.
    deletion_reminders: int = 0
    #: Disconnected sources whose days a legal hold had kept until now.
    leavers_folded: int = 0
    #: Retention rule to how many of its rows were kept long enough and are gone.
    rows_purged: dict[str, int] = field(default_factory=dict)
    #: The steps that failed, by name; the log says why. The others were taken all the same.
    failed_steps: list[str] = field(default_factory=list)


def tick(state: State) -> TickReport:
    """Do what is due now. Any process may call it, any number of times, several at once.

    Needs an application context. Each step has transactions of its own, and one that fails does not
    keep the others from being taken.
    """
    report = TickReport()
    now = state.clock.now()
    steps: dict[str, Callable[[State, datetime, TickReport], None]] = {
        "reclaim lost runs": _reclaim,
        "create weekly runs": _create_weekly_runs,
        "hand runs to the queue": _hand_over,
        "hand messages to the queue": _hand_over_messages,
        "hand changes to many plans to the queue": _hand_over_bulk_changes,
        "hand copies of people's data to the queue": _hand_over_exports,
        "delete copies that nobody fetched": _expire_exports,
        "hand notices of documents to the queue": _hand_over_document_notices,
        "create billing records": _create_billing_records,
        "fold what a hold kept of leavers": _fold_leavers,
        "purge what was kept long enough": _purge,
        "remind of deletions": _remind_of_deletions,
        "hand erasures to the queue": _hand_over_erasures,
        "warn of requests that are due": _warn_of_requests,
    }
    for name, step in steps.items():
        try:
            step(state, now, report)
        except Exception:
            logger.exception("The schedule could not %s; the next tick tries again.", name)
            report.failed_steps.append(name)
    return report


def _reclaim(state: State, now: datetime, report: TickReport) -> None:
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


def _create_weekly_runs(state: State, now: datetime, report: TickReport) -> None:
    for _ in range(MOST_BATCHES):
        with state.unit_of_work() as work:
            created = weekly_schedule.create_weekly_runs(work.session, now, state.settings)
        report.weekly_runs_created += len(created)
        if len(created) < weekly_schedule.BATCH:
            return


def _hand_over(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        due = weekly_schedule.due_runs(work.session, now, state.settings)
        for run in due:
            work.enqueue(Task.SAMPLE, run.row_id, attempt=run.attempt)
    report.handed_to_queue = len(due)


def _hand_over_messages(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        due = mail_sending.MESSAGES.due(work.session, now)
        for message in due:
            work.enqueue(Task.MAIL, message.row_id, attempt=message.attempt)
    report.messages_handed_to_queue = len(due)


def _hand_over_bulk_changes(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        unfinished = bulk_worker.due_changes(work.session, now)
        for change in unfinished:
            work.enqueue(Task.BULK_CHANGE, change.row_id, attempt=change.attempt)
    report.bulk_changes_handed_to_queue = len(unfinished)


def _hand_over_document_notices(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        unfinished = document_notices.due_notices(work.session, now)
        for notice in unfinished:
            work.enqueue(Task.DOCUMENT_NOTICE, notice.row_id, attempt=notice.attempt)
    report.document_notices_handed_to_queue = len(unfinished)


def _remind_of_deletions(state: State, now: datetime, report: TickReport) -> None:
    for _ in range(MOST_BATCHES):
        with state.unit_of_work() as work:
            reminded = erasures.remind(work, now)
        report.deletion_reminders += reminded
        if reminded < erasures.BATCH:
            return


def _hand_over_erasures(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        due = erasure_worker.due_erasures(work.session, now)
        for erasure in due:
            work.enqueue(Task.ERASE, erasure.row_id, attempt=erasure.attempt)
    report.erasures_handed_to_queue = len(due)


def _hand_over_exports(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        due = exports.EXPORTS.due(work.session, now)
        for each in due:
            work.enqueue(Task.EXPORT, each.row_id, attempt=each.attempt)
    report.exports_handed_to_queue = len(due)


def _expire_exports(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        report.exports_expired = exports.expire_exports(work, now)


def _create_billing_records(state: State, now: datetime, report: TickReport) -> None:
    for _ in range(MOST_BATCHES):
        with state.unit_of_work() as work:
            created = len(billing.create_due_records(work, now))
        report.billing_records_created += created
        if not created:
            return


def _fold_leavers(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        for account_id, source_id in aggregates.held_leavers(work.session, now, MOST_BATCHES):
            aggregates.fold_source(work, account_id=account_id, source_id=source_id, now=now)
            report.leavers_folded += 1


def _purge(state: State, now: datetime, report: TickReport) -> None:  # noqa: ARG001 - as all steps
    report.rows_purged = purging.purge_what_is_due(state)
    report.idempotency_records_forgotten = report.rows_purged.get("idempotency", 0)
    report.audit_origins_forgotten = report.rows_purged.get("audit-origins", 0)
    report.links_forgotten = report.rows_purged.get("links", 0)


def _warn_of_requests(state: State, now: datetime, report: TickReport) -> None:
    with state.unit_of_work() as work:
        for request in request_queue.warn_of_due(work, now):
            logger.warning(
                "The privacy request %s (%s) is %s: it is to be answered by %s.",
                request.id,
                request.kind,
                "overdue" if request_queue.is_overdue(request, now) else "due soon",
                request.due_at.isoformat(timespec="minutes"),
            )
            report.requests_warned_of += 1
