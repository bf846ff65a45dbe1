"""The audit log: what was done, by whom, in an unbroken chain for each account."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account
from flask_tokenoffset.models.append_only import make_append_only
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.identities import DIGEST_LENGTH


class AuditAction(StrEnum):
    """Every change of consequence, as ``subject.verb``. The words stand in logs for ever."""

    PERSON_CHANGED = "person.changed"
    PERSON_DELETION_REQUESTED = "person.deletion-requested"
    PERSON_DELETION_UNDONE = "person.deletion-undone"
    PERSON_FORGOTTEN = "person.forgotten"
    PERSON_SIGNED_IN = "person.signed-in"
    PERSON_SIGNED_OUT = "person.signed-out"
    PERSON_CONFIRMED = "person.confirmed"
    ADDRESS_VERIFIED = "address.verified"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    SOURCE_CONNECTED = "source.connected"
    SOURCE_KEY_REPLACED = "source.key-replaced"
    SOURCE_RENAMED = "source.renamed"
    SOURCE_DISCONNECTED = "source.disconnected"
    PLAN_ADOPTED = "plan.adopted"
    PLAN_STATUS_CHANGED = "plan.status-changed"
    PLAN_PAYER_CHANGED = "plan.payer-changed"
    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_CHANGED = "organization.changed"
    ORGANIZATION_CLOSED = "organization.closed"
    OWNERSHIP_TRANSFERRED = "organization.ownership-transferred"
    MEMBER_JOINED = "member.joined"
    MEMBER_LEFT = "member.left"
    MEMBER_REMOVED = "member.removed"
    MEMBER_ROLE_CHANGED = "member.role-changed"
    MEMBER_SUSPENDED = "member.suspended"
    MEMBER_RESTORED = "member.restored"
    MEMBER_USAGE_SHARED = "member.usage-shared"
    MEMBER_USAGE_UNSHARED = "member.usage-unshared"
    INVITATION_SENT = "invitation.sent"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_CANCELLED = "invitation.cancelled"
    INVITATION_ACCEPTED = "invitation.accepted"
    BULK_CHANGE_REQUESTED = "bulk-change.requested"
    BULK_CHANGE_FINISHED = "bulk-change.finished"
    EXPORT_MADE = "export.made"
    EXPORT_REQUESTED = "export.requested"
    EXPORT_FETCHED = "export.fetched"
    #: What was agreed to, declined, taken back or objected to: a purpose or a document's version.
    CONSENT_SHOWN = "consent.shown"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REFUSED = "consent.refused"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONSENT_OBJECTED = "consent.objected"
    PROCESSING_RESTRICTED = "privacy.restricted"
    RESTRICTION_LIFTED = "privacy.restriction-lifted"
    REQUEST_RECEIVED = "request.received"
    REQUEST_CLOSED = "request.closed"
    #: An operator looked at it, extended its time or answered it.
    REQUEST_SEEN = "request.seen"
    REQUEST_EXTENDED = "request.extended"
    REQUEST_ANSWERED = "request.answered"
    RETENTION_SHORTENED = "retention.changed"
    RETENTION_PLAN_SET = "retention.plan-set"
    HOLD_PLACED = "legal-hold.placed"
    HOLD_LIFTED = "legal-hold.lifted"


#: What an event may be about.
AUDIT_SUBJECTS: Final = frozenset(
    {
        "audit-log",
        "bulk-change",
        "consent",
        "export",
        "identity",
        "invitation",
        "legal-hold",
        "membership",
        "organization",
        "person",
        "plan",
        "request",
        "retention",
        "source",
    }
)
#: What may be said of a change. There is no word here for a name, an address or a secret, because
#: nothing can ever be taken out of the log again; a new word is thought about here first.
AUDIT_DETAILS: Final = frozenset(
    {
        "actions",
        "actor",
        "amount_cents",
        "band",
        "cap_cents_per_month",
        "changed",
        "coverage_percent",
        "days",
        "declined",
        "default_band",
        "default_coverage_percent",
        "difference_cents",
        "digest",
        "document_digest",
        "fields",
        "format",
        "former_payer",
        "former_role",
        "former_status",
        "from_date",
        "invitations",
        "kind",
        "membership_id",
        "method",
        "method_version",
        "payer",
        "payer_rule",
        "person_id",
        "plans_changed",
        "plans_ended",
        "plans_to_change",
        "provider",
        "purpose",
        "reason",
        "retention_plan",
        "role",
        "rule",
        "sequence",
        "source_kind",
        "status",
        "subject",
        "table",
        "to_date",
        "tokens_per_month",
        "was_member",
    }
)


class AuditChain(Base):
    """Where an account's chain ends. Kept apart from the events, so that a cut tail shows."""

    __tablename__ = "tokenoffset_audit_chain"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    #: How many events the chain has.
    length: Mapped[int]
    head_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    #: A keyed digest over account, length and head, of another kind than the events' own.
    head_seal: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    key_id: Mapped[str] = mapped_column(String(16))


class AuditEvent(Base):
    """One change. Appended, never changed or deleted; the database itself refuses both.

    It names people by their id here alone, so that the chain stays whole when a person is
    forgotten.
    """

    __tablename__ = "tokenoffset_audit_event"
    __table_args__ = (
        UniqueConstraint("account_id", "sequence"),
        Index(None, "account_id", "action", "sequence"),
        Index(None, "account_id", "actor_id", "sequence"),
    )

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    #: From 1 on, without gaps.
    sequence: Mapped[int]
    occurred_at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(60))
    #: The person who did it; nobody where a job or a command of the operator did.
    actor_id: Mapped[UUID | None]
    #: What it was done to: the kind of thing and its id.
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID | None]
    #: The words and figures of the change. Never a name, an address or a secret.
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: A keyed digest over where it came from (:class:`AuditOrigin`), which outlives that row.
    origin_digest: Mapped[str | None] = mapped_column(String(DIGEST_LENGTH))
    previous_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    #: A keyed digest over everything above.
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    #: Which of the application's keys it was made with.
    key_id: Mapped[str] = mapped_column(String(16))


#: Characters kept of a network address (IPv6 with an IPv4 one in it) and of a user agent.
LONGEST_ADDRESS: Final = 45
LONGEST_USER_AGENT: Final = 300


class AuditOrigin(Base):
    """Where an event came from. Kept for a limited time, apart from the chain."""

    __tablename__ = "tokenoffset_audit_origin"

    event_id: Mapped[UUID] = mapped_column(ForeignKey(AuditEvent.id), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    address: Mapped[str | None] = mapped_column(String(LONGEST_ADDRESS))
    user_agent: Mapped[str | None] = mapped_column(String(LONGEST_USER_AGENT))
    #: Makes the digest in the event tell nothing once this row is gone.
    salt: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    recorded_at: Mapped[datetime] = mapped_column(index=True)


#: The database refuses to change or remove an event, no matter who asks, until its account is
#: released.
APPEND_ONLY: Final = make_append_only(
    AuditEvent.__table__, "The audit log is append-only.", until_released=True
)
