"""The witness of the consent ledger: each event's digest stands in the audit log of its account.

That log is a keyed chain, so whatever is done to the ledger afterwards shows
(:mod:`flask_tokenoffset.services.consents.verification`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import (
    AuditAction,
    ConsentEvent,
    ConsentEventType,
    DocumentVersion,
)
from flask_tokenoffset.services.audit.chain import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: What the digest of an event covers, in order: every column but the digest itself.
SIGNED: Final = (
    "id",
    "schema_version",
    "account_id",
    "person_id",
    "sequence",
    "event_type",
    "document_version_id",
    "purpose",
    "notice_digest",
    "language",
    "place",
    "method",
    "actor_id",
    "occurred_at",
    "valid_until",
)
#: The action under which each kind of event stands in the audit log.
ACTIONS: Final[Mapping[ConsentEventType, AuditAction]] = {
    ConsentEventType.SHOWN: AuditAction.CONSENT_SHOWN,
    ConsentEventType.GIVEN: AuditAction.CONSENT_GIVEN,
    ConsentEventType.REFUSED: AuditAction.CONSENT_REFUSED,
    ConsentEventType.WITHDRAWN: AuditAction.CONSENT_WITHDRAWN,
    ConsentEventType.OBJECTED: AuditAction.CONSENT_OBJECTED,
}
#: What the audit log calls an event of the ledger.
SUBJECT: Final = "consent"


def digest_of_event(values: Mapping[str, Any]) -> str:
    """SHA-256 over everything an event says.

    :param values: its columns by name; the digest itself and others are passed over.
    """
    said = [str(each) if isinstance(each, str) else each for each in map(values.get, SIGNED)]
    text = canonical(["flask-tokenoffset consent event v1", *said])
    return hashlib.sha256(text).hexdigest()


@enforces("a-consent-has-its-witness", "TO-014", "TO-052", off=None)
def witness(work: UnitOfWork, event: ConsentEvent) -> None:
    """Have the audit log of the account say that this event was written, and what it says.

    :param work: the transaction the event belongs to.
    :param event: one that was flushed.
    """
    about: dict[str, str | None] = {"purpose": event.purpose}
    if event.document_version_id is not None:
        about = {
            "document_digest": work.session.scalar(
                select(DocumentVersion.digest).where(
                    DocumentVersion.id == event.document_version_id
                )
            )
        }
    work.record(
        ACTIONS[ConsentEventType(event.event_type)],
        account_id=event.account_id,
        subject_type=SUBJECT,
        subject_id=event.id,
        actor_id=event.actor_id,
        sequence=event.sequence,
        digest=event.digest,
        **about,
    )
