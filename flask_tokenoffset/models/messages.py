"""Mail on its way out, and the links that some of it carries."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import LONGEST_EMAIL, Account, Person
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.identities import DIGEST_LENGTH, LONGEST_PATH


class MessageStatus(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    #: A worker holds it under a lease.
    SENDING = "sending"
    SENT = "sent"
    #: Tried for as long as it could matter, or refused for good.
    FAILED = "failed"


class MessageKind(StrEnum):
    """What a message says; each has a text of its own."""

    #: A link that proves an address, signs in, or confirms (see :class:`MagicLinkPurpose`).
    MAGIC_LINK = "magic-link"
    INVITATION = "invitation"
    #: Notices to the owner of an account, so that they learn of what they did not do.
    SIGNED_IN = "signed-in"
    #: Goes to the former address, where another one was proved in its place.
    ADDRESS_CHANGED = "address-changed"
    IDENTITY_LINKED = "identity-linked"
    IDENTITY_UNLINKED = "identity-unlinked"
    KEY_CONNECTED = "key-connected"
    KEY_REPLACED = "key-replaced"
    KEY_DISCONNECTED = "key-disconnected"
    MEMBERSHIP_ENDED = "membership-ended"
    ROLE_CHANGED = "role-changed"
    MEMBER_PLAN_CHANGED = "member-plan-changed"
    #: The deletion of one's account: asked for, soon due, done.
    DELETION_REQUESTED = "deletion-requested"
    DELETION_REMINDER = "deletion-reminder"
    ACCOUNT_FORGOTTEN = "account-forgotten"
    #: A material change to a legal text, told before it takes effect.
    DOCUMENT_CHANGED = "document-changed"
    #: What becomes of a request under one's rights.
    #: What was agreed to, withdrawn or objected to, and where the record of it is.
    CONSENT_RECEIPT = "consent-receipt"
    REQUEST_RECEIVED = "request-received"
    REQUEST_EXTENDED = "request-extended"
    REQUEST_CLOSED = "request-closed"
    #: A copy of everything held about a person can be fetched. It opens nothing by itself.
    EXPORT_READY = "export-ready"
    #: News about the product. The one kind that nobody needs, so it goes to those who want it.
    PRODUCT_UPDATE = "product-update"


class OutboundMessage(Base):
    """A message to a person: what kind, to which address, and what became of it.

    The text is not kept. It is written from the kind, ``details`` and what ``reference_id`` names
    at the moment of sending, so that no link that opens anything stands in the database.
    """

    __tablename__ = "tokenoffset_outbound_message"
    __table_args__ = (Index(None, "status", "next_attempt_at"),)

    id: Mapped[UUID] = primary_key()
    #: The account it is about, a person's or an organization's; none for a stranger's sign-in.
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id), index=True)
    #: Who gets it, where they have a row here.
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(Person.id), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    #: The magic link or invitation the message is about.
    reference_id: Mapped[UUID | None]
    to_address: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    #: What the text names: an organization, a provider, a time. Nothing that opens anything.
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    #: Raised by each claim; a worker with an older one writes nothing.
    fence: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime]
    failure_code: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]


class MagicLinkPurpose(StrEnum):
    """What following a link does."""

    #: Proves that an address is the person's.
    VERIFY_ADDRESS = "verify-address"
    #: Signs in, where the host has no login of its own.
    SIGN_IN = "sign-in"
    #: Proves again that it is they, before something that matters.
    CONFIRM = "confirm"


class MagicLink(Base):
    """A link by mail: used once, within minutes, in the browser that asked for it.

    The token is derived from ``salt`` under the application's secret when the mail is written; only
    its digest is kept.
    """

    __tablename__ = "tokenoffset_magic_link"

    id: Mapped[UUID] = primary_key()
    purpose: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(Person.id), index=True)
    email: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    browser_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    salt: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    token_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True)
    next_path: Mapped[str] = mapped_column(String(LONGEST_PATH))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
