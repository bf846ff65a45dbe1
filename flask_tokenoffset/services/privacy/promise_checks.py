"""Checks whether the promises that show in the database are kept at this moment.

Each check counts what breaks its promise, so that nought is the one good answer. The questions
themselves stand in :mod:`.promise_questions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.models import NOTICE_DAYS, SMALLEST_GROUP
from flask_tokenoffset.services.privacy import promise_queries as questions
from flask_tokenoffset.services.privacy.promise_queries import Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.settings import Settings


@dataclass(frozen=True, slots=True)
class PromiseCheck:
    """A question whose one good answer is nought.

    :param name: in words with hyphens.
    :param promises: rows of the ledger, ``docs/promises.yaml``.
    :param counts: what is counted, in words.
    :param ask: counts it.
    """

    name: str
    promises: tuple[str, ...]
    counts: str
    ask: Callable[[Asking], int]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a check."""

    check: PromiseCheck
    violations: int


def ask_all(session: Session, settings: Settings, now: datetime) -> list[Answered]:
    """Ask every question.

    :param settings: the application's.
    :param now: the present instant, aware.
    """
    asking = Asking(session, settings, now)
    return [Answered(check, check.ask(asking)) for check in CHECKS]


#: Every question there is.
CHECKS: Final[Sequence[PromiseCheck]] = (
    PromiseCheck(
        "no-credential-outlives-its-connection",
        ("TO-042",),
        "sealed keys of connections that were disconnected",
        questions.credentials_of_the_disconnected,
    ),
    PromiseCheck(
        "no-usage-outlives-its-connection",
        ("TO-042",),
        "kinds of use and charge of connections that were disconnected",
        questions.usage_of_the_disconnected,
    ),
    PromiseCheck(
        "sums-are-large",
        ("TO-042",),
        f"sums over fewer than {SMALLEST_GROUP} contributors",
        questions.small_sums,
    ),
    PromiseCheck(
        "the-restricted-are-not-sampled",
        ("TO-050",),
        "readings that wait or run for somebody whose data is restricted",
        questions.runs_of_the_restricted,
    ),
    PromiseCheck(
        "news-goes-to-those-who-want-it",
        ("TO-041", "TO-052"),
        "news that waits to be sent to somebody who does not want it",
        questions.updates_to_the_unwilling,
    ),
    PromiseCheck(
        "accounts-go-on-their-day",
        ("TO-049", "TS-011", "TB-005"),
        "accounts that should have been deleted by now",
        questions.overdue_deletions,
    ),
    PromiseCheck(
        "nothing-is-left-of-the-erased",
        ("TO-049", "TG-011"),
        "rows and people of deleted accounts that should be gone or empty",
        questions.left_of_the_erased,
    ),
    PromiseCheck(
        "copies-do-not-lie-about",
        ("TO-047",),
        "pieces of copies that were fetched, have failed or are over",
        questions.exports_that_are_over,
    ),
    PromiseCheck(
        "requests-are-answered-in-time",
        ("TB-006",),
        "privacy requests that should have been answered by now",
        questions.overdue_requests,
    ),
    PromiseCheck(
        "legal-remains-end",
        ("TB-005", "TO-049"),
        "legal remains whose end was more than a day ago",
        questions.retained_records_that_are_over,
    ),
    PromiseCheck(
        "nothing-is-kept-too-long",
        ("TO-043", "TS-010", "TS-015", "TG-009", "TB-005"),
        "rows more than a day past their period, and rules that the purge is late with",
        questions.kept_too_long,
    ),
    PromiseCheck(
        "consents-have-a-witness",
        ("TO-014", "TO-052"),
        "consents and acceptances that the audit log does not bear witness to",
        questions.consents_without_witness,
    ),
    PromiseCheck(
        "changes-are-announced",
        ("TS-013", "TO-058"),
        f"material changes that took effect less than {NOTICE_DAYS} days after their notice",
        questions.changes_without_notice,
    ),
    PromiseCheck(
        "only-what-was-adopted-is-charged",
        ("TO-029",),
        "plans whose amount is not the one that was adopted last",
        questions.plans_nobody_adopted,
    ),
    PromiseCheck(
        "records-cannot-be-changed",
        ("TO-045", "TO-052", "TO-058"),
        "triggers missing that keep records from being changed",
        questions.missing_triggers,
    ),
)
