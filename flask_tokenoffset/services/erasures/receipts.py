"""The receipt of an erasure: what went, and what stays until when and why. It names nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import Erasure, LegalHold
from flask_tokenoffset.services.retention.retained_records import BASES, ends_of
from flask_tokenoffset.services.shared.tokens import digest_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.data_map.personal_rows import Kept

#: Which layout a receipt has.
SCHEMA_VERSION: Final = 1
#: What the tokens of receipts open, in the words of :func:`.derive_token`.
RECEIPT_TOKEN: Final = "erasure"  # noqa: S105 - a word, not a secret

HELD: Final = "legal-hold"
#: What stays beside the retained records, of everyone.
_ALWAYS: Final = (
    {
        "what": "what belongs to an organization, with a number in the place of a name",
        "basis": "organization",
        "why": "It is the organization's own record of its sources, plans and contributions.",
        "until": None,
    },
    {
        "what": "a mark that recognizes you only to whoever has your key on the platform",
        "basis": "tombstone",
        "why": "Should an older copy of the database ever be brought back, you are deleted again.",
        "until": None,
    },
)


def write_receipt(session: Session, erasure: Erasure, *, kept: Kept, erased_at: datetime) -> None:
    """Turn what was counted on the way into the receipt.

    :param erasure: its ``receipt`` holds rows by table so far.
    :param kept: what a legal hold keeps, by table.
    :param erased_at: when the account was erased.
    """
    tally: dict[str, int] = dict(erasure.receipt or {})
    tables = load().tables
    gone: list[dict[str, Any]] = [
        {
            "what": tables[name].title,
            "table": name,
            "outcome": tables[name].erasure,
            "rows": tally[name],
        }
        for name in tables
        if name in tally
    ]
    erasure.receipt = {
        "schema_version": SCHEMA_VERSION,
        "requested_at": _instant(erasure.requested_at),
        "erased_at": _instant(erased_at),
        "gone": gone,
        "stays": [
            *_retained(session, erasure),
            *_held(session, erasure, kept),
            *_ALWAYS,
        ],
    }


def find_receipt(session: Session, token: str) -> Erasure | None:
    """The erasure that a link leads to, once it is done.

    :param token: as it stands in the address.
    """
    erasure = session.scalar(select(Erasure).where(Erasure.token_digest == digest_of(token)))
    return None if erasure is None or erasure.finished_at is None else erasure


def _retained(session: Session, erasure: Erasure) -> list[dict[str, Any]]:
    return [
        {
            "what": BASES[basis].what,
            "basis": basis,
            "why": BASES[basis].why,
            "until": _instant(until),
        }
        for basis, (_, until) in sorted(ends_of(session, erasure.account_id).items())
    ]


def _held(session: Session, erasure: Erasure, kept: Kept) -> list[dict[str, Any]]:
    if not kept:
        return []
    ends = session.scalars(
        select(LegalHold.held_until).where(
            LegalHold.account_id == erasure.account_id, LegalHold.lifted_at.is_(None)
        )
    ).all()
    titles = [table.title for name, table in load().tables.items() if name in kept]
    return [
        {
            "what": "records that are held, in: " + ", ".join(titles),
            "basis": HELD,
            "why": "They are needed to establish, exercise or defend legal claims.",
            "until": _instant(max(ends)) if ends else None,
        }
    ]


def _instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
