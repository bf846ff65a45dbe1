"""What law requires to be kept of an erased account: each with its basis and its end.

Two things stay, and neither names a person. The figures of billing records, for the books; and the
proof of what was agreed to and of what was changed, which are the consent ledger and the audit log
under their ids. Once the last of an account's retained records has come to its end, the daily
purge deletes those two as well (:mod:`.account_ends`).

Nothing but the report for bookkeeping reads the retained records; a test looks
for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, delete, select

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import BillingRecord, RetainedRecord, new_id
from flask_tokenoffset.services.retention.legal_holds import not_held
from flask_tokenoffset.services.retention.rule_types import DAYS_OF_A_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session


#: Days from the day on which a billing record fell due for which its figures are kept at most. The
#: strictest of the sources says twelve months.
BOOKKEEPING_DAYS: Final = DAYS_OF_A_YEAR
#: Retained records read at a time for the report.
BATCH: Final = 500

BOOKKEEPING: Final = "bookkeeping"
PROOF: Final = "proof"
#: What kinds of retained records there are.
BILLING_RECORD: Final = "billing-record"
LEDGERS: Final = "ledgers"


@dataclass(frozen=True, slots=True)
class Basis:
    """Why something is kept.

    :param what: what it is, as a receipt says it.
    :param why: the reason, in a sentence.
    """

    what: str
    why: str


BASES: Final[Mapping[str, Basis]] = {
    BOOKKEEPING: Basis(
        "month and amount of your contributions, under a number that leads to nobody",
        "Books have to be shown to whoever may ask for them by law; twelve months at most.",
    ),
    PROOF: Basis(
        "what was agreed to and what was changed in the account, and when, under the same number",
        "Whoever runs this has to be able to show that consent was asked for and given"
        " (GDPR, Article 7(1)) and that the account was deleted.",
    ),
}


def proof_until(erased_at: datetime, proof_years: int) -> datetime:
    """Until when the proof of an account is kept.

    :param erased_at: when it was erased.
    :param proof_years: TOKENOFFSET_PROOF_YEARS.
    """
    return erased_at + timedelta(days=DAYS_OF_A_YEAR * proof_years)


def retain_records(
    session: Session, account_id: UUID, *, erased_at: datetime, now: datetime, proof_years: int
) -> None:
    """Note what is kept of an account that is about to be erased. Its own rows go.

    :param account_id: a person's account.
    :param erased_at: when it was erased; what is replayed after a restore was so earlier.
    :param now: the present instant, aware.
    :param proof_years: TOKENOFFSET_PROOF_YEARS.
    """
    session.execute(delete(RetainedRecord).where(RetainedRecord.account_id == account_id))
    records = session.scalars(select(BillingRecord).where(BillingRecord.account_id == account_id))
    for record in records:
        kept_until = record.due_at + timedelta(days=BOOKKEEPING_DAYS)
        if kept_until > now:
            session.add(
                RetainedRecord(
                    id=new_id(),
                    account_id=account_id,
                    kind=BILLING_RECORD,
                    basis=BOOKKEEPING,
                    month=record.month,
                    amount_cents=record.amount_cents,
                    payer=record.payer,
                    method_version=record.method_version,
                    programmes=record.programmes,
                    kept_until=kept_until,
                    created_at=now,
                )
            )
    session.add(
        RetainedRecord(
            id=new_id(),
            account_id=account_id,
            kind=LEDGERS,
            basis=PROOF,
            kept_until=proof_until(erased_at, proof_years),
            created_at=now,
        )
    )
    session.flush()


def ends_of(session: Session, account_id: UUID) -> dict[str, tuple[int, datetime]]:
    """How many retained records an account leaves on each basis, and when the last of them goes.

    For the receipt, which is written in the transaction that makes them.

    :param account_id: the account.
    """
    ends: dict[str, tuple[int, datetime]] = {}
    for basis, kept_until in session.execute(
        select(RetainedRecord.basis, RetainedRecord.kept_until).where(
            RetainedRecord.account_id == account_id
        )
    ):
        count, last = ends.get(basis, (0, kept_until))
        ends[basis] = (count + 1, max(last, kept_until))
    return ends


@enforces("legal-remains-end", "TB-005", "TO-049", off=0)
def end_retained_records(session: Session, now: datetime, limit: int) -> int:
    """Delete retained records whose time is over, but for those that a legal hold keeps.

    One batch; called again until it answers with less than the limit.

    :param now: the present instant, aware.
    :param limit: rows that one call deletes at most.
    :return: how many it deleted.
    """
    over = (
        select(RetainedRecord.id)
        .where(RetainedRecord.kept_until <= now, *not_held(RetainedRecord, now))
        .order_by(RetainedRecord.kept_until)
        .limit(limit)
    )
    result = cast(
        "CursorResult[Any]",
        session.execute(
            delete(RetainedRecord)
            .where(RetainedRecord.id.in_(over.scalar_subquery()))
            .execution_options(synchronize_session=False)
        ),
    )
    return result.rowcount


def read_retained_records(session: Session) -> Iterator[RetainedRecord]:
    """Everything that is kept, by account: the report for bookkeeping."""
    last: UUID | None = None
    while True:
        conditions = [] if last is None else [RetainedRecord.id > last]
        records = session.scalars(
            select(RetainedRecord).where(*conditions).order_by(RetainedRecord.id).limit(BATCH)
        ).all()
        yield from records
        if len(records) < BATCH:
            return
        last = records[-1].id
