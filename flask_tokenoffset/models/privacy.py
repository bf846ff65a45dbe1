"""What people ask for under their rights, and what becomes of it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.host.users import LONGEST_USER_KEY
from flask_tokenoffset.models.accounts import Account, Person
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.identities import DIGEST_LENGTH

#: Characters of what a person may write to the operator who handles their request, and of the
#: answer.
LONGEST_STATEMENT: Final = 500


class RightsRequestKind(StrEnum):
    """What is asked for."""

    ACCESS = "access"
    CORRECTION = "correction"
    DELETION = "deletion"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    #: Something that only a human can answer.
    QUESTION = "question"


class RightsRequestStatus(StrEnum):
    """Where it stands."""

    #: Waits for the product itself, or for a human where :attr:`RightsRequest.needs_human`.
    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    #: The person took it back.
    CANCELLED = "cancelled"


class RightsRequest(Base):
    """A person's request, with its clock: one month or 45 days, whichever ends first."""

    __tablename__ = "tokenoffset_rights_request"
    __table_args__ = (Index(None, "status", "due_at"),)

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    needs_human: Mapped[bool]
    #: What the person wrote, and what they were answered.
    statement: Mapped[str | None] = mapped_column(String(LONGEST_STATEMENT))
    reply: Mapped[str | None] = mapped_column(String(LONGEST_STATEMENT))
    received_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime]
    due_at: Mapped[datetime]
    extended_at: Mapped[datetime | None]
    extension_reason: Mapped[str | None] = mapped_column(String(LONGEST_STATEMENT))
    #: When the operator was warned that it is due soon, and that it is overdue.
    due_soon_warned_at: Mapped[datetime | None]
    overdue_warned_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    #: The operator's person who closed it, where a human did.
    closed_by: Mapped[UUID | None]


class ExportStatus(StrEnum):
    """Where an archive stands."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    #: Fetched once; its content is gone.
    FETCHED = "fetched"
    #: Nobody fetched it in time; its content is gone.
    EXPIRED = "expired"
    FAILED = "failed"


class Export(Base):
    """An archive of everything held about a person, made by a worker under a fence and a lease."""

    __tablename__ = "tokenoffset_export"
    __table_args__ = (Index(None, "status", "next_attempt_at"),)

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey(RightsRequest.id), index=True)
    status: Mapped[str] = mapped_column(String(20))
    tables_done: Mapped[int] = mapped_column(Integer, default=0)
    tables_expected: Mapped[int] = mapped_column(Integer, default=0)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    #: Raised by each claim; a worker with an older one writes nothing.
    fence: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime]
    failure_code: Mapped[str | None] = mapped_column(String(60))
    #: The link that fetches it, as everywhere: derived from the salt, kept as a digest.
    salt: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    token_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True)
    size_bytes: Mapped[int | None]
    requested_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    fetched_at: Mapped[datetime | None]


class ExportPart(Base):
    """A piece of an archive, sealed by the vault, so that a copy of the database opens none."""

    __tablename__ = "tokenoffset_export_part"

    export_id: Mapped[UUID] = mapped_column(ForeignKey(Export.id), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    schema_version: Mapped[int] = mapped_column(Integer)
    key_version: Mapped[str] = mapped_column(String(100))
    data_key_id: Mapped[str] = mapped_column(String(64))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)


class ErasureStatus(StrEnum):
    """Where the deletion of an account stands."""

    #: In the time in which it can be taken back.
    WAITING = "waiting"
    #: A worker is at it, or will be again.
    RUNNING = "running"
    #: Nothing of the person is left but what the receipt names; the host may have to answer yet.
    DONE = "done"
    UNDONE = "undone"


class HostOutcome(StrEnum):
    """What the host's own hook said to an erasure."""

    #: The host registered no hook.
    NOT_ASKED = "not-asked"
    PENDING = "pending"
    DONE = "done"
    #: It failed for as long as it was tried; the operator's queue shows it.
    FAILED = "failed"


class Erasure(Base):
    """The deletion of an account: when it was asked for, when it is due, and what was done."""

    __tablename__ = "tokenoffset_erasure"
    __table_args__ = (Index(None, "status", "next_attempt_at"),)

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    status: Mapped[str] = mapped_column(String(20))
    #: The last step that was finished; see services/erasures/requests.py.
    step: Mapped[str | None] = mapped_column(String(40))
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    fence: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime]
    requested_at: Mapped[datetime]
    due_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    #: Whom to name to the host's hook; taken out as soon as the host has answered.
    user_key: Mapped[str | None] = mapped_column(String(LONGEST_USER_KEY))
    host_outcome: Mapped[str] = mapped_column(String(20))
    host_code: Mapped[str | None] = mapped_column(String(60))
    host_attempts: Mapped[int] = mapped_column(Integer, default=0)
    host_next_attempt_at: Mapped[datetime | None]
    host_replied_at: Mapped[datetime | None]
    #: What went and what stays until when: words, figures and dates.
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    #: The link to the receipt in the last mail.
    salt: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    token_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True)


class Tombstone(Base):
    """Says that a person was erased, to anyone who holds the key and the host's user key alone.

    After an older copy of the database was restored, erasures are done again by these.
    """

    __tablename__ = "tokenoffset_tombstone"

    #: A keyed digest over the host's key of the user.
    user_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16))
    erased_at: Mapped[datetime] = mapped_column(index=True)


class RetainedRecord(Base):
    """What law requires to be kept of an erased account: a figure, its basis and its end.

    It is read by nothing but the report for bookkeeping.
    """

    __tablename__ = "tokenoffset_legal_remain"

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    #: What it was, for example ``billing-record``.
    kind: Mapped[str] = mapped_column(String(40))
    #: Why it is kept, a word of the table in services/retention/retained_records.py.
    basis: Mapped[str] = mapped_column(String(40))
    month: Mapped[date | None]
    amount_cents: Mapped[int | None]
    payer: Mapped[str | None] = mapped_column(String(20))
    method_version: Mapped[str | None] = mapped_column(String(20))
    #: What a billing record was directed to.
    programmes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    kept_until: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
