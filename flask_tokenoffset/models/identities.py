"""OAuth identities linked to people, the attempts to link them, and proofs of reauthentication."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import LONGEST_EMAIL, Account, Person
from flask_tokenoffset.models.base import Base, primary_key

#: Characters of the longest local path to go back to.
LONGEST_PATH: Final = 500
#: A SHA-256 digest in hexadecimal.
DIGEST_LENGTH: Final = 64


class AttemptPurpose(StrEnum):
    """What an authorization flow is for."""

    #: A signed-in person adds an identity to their account.
    LINK = "link"
    #: A person signs in, where the linked identity is the login.
    SIGN_IN = "sign-in"
    #: A person proves again that it is they, before something that matters.
    CONFIRM = "confirm"


class Identity(Base):
    """An account at an identity provider that belongs to a person: (issuer, subject), for ever.

    Never found by an e-mail address: addresses move from one person to the next.
    """

    __tablename__ = "tokenoffset_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    #: The name of the provider in ``TOKENOFFSET_OAUTH_PROVIDERS``.
    provider: Mapped[str] = mapped_column(String(40))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    #: What the provider said when it was linked or used last, to tell identities apart on a page.
    email: Mapped[str | None] = mapped_column(String(LONGEST_EMAIL))
    email_verified: Mapped[bool] = mapped_column(Boolean)
    linked_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class IdentityCredential(Base):
    """The sealed refresh token of an identity. Unlinking deletes the row."""

    __tablename__ = "tokenoffset_identity_credential"

    identity_id: Mapped[UUID] = mapped_column(ForeignKey(Identity.id), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    schema_version: Mapped[int] = mapped_column(Integer)
    key_version: Mapped[str] = mapped_column(String(100), index=True)
    data_key_id: Mapped[str] = mapped_column(String(64))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class IdentityAttempt(Base):
    """One sign-in attempt: used once, soon, by the browser and person who began it.

    The state is kept as a digest, and neither nonce nor code verifier is kept at all: both are
    derived again from the state and the browser's own secret.
    """

    __tablename__ = "tokenoffset_identity_attempt"

    id: Mapped[UUID] = primary_key()
    state_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True)
    browser_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    purpose: Mapped[str] = mapped_column(String(20))
    provider: Mapped[str] = mapped_column(String(40))
    #: Who began it; nobody where a person signs in.
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(Person.id), index=True)
    next_path: Mapped[str] = mapped_column(String(LONGEST_PATH))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class ReauthenticationProof(Base):
    """A person has just proved, in one browser, that it is they. Holds for a few minutes."""

    __tablename__ = "tokenoffset_fresh_proof"
    __table_args__ = (UniqueConstraint("person_id", "browser_digest"),)

    id: Mapped[UUID] = primary_key()
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    browser_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    #: How: ``magic-link``, or the name of an identity provider.
    method: Mapped[str] = mapped_column(String(40))
    proved_at: Mapped[datetime] = mapped_column(index=True)


class SignInAddress(Base):
    """An address that signs its owner in by magic link, where the host has no login of its own."""

    __tablename__ = "tokenoffset_sign_in_address"

    id: Mapped[UUID] = primary_key()
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    #: Compared in this form: lower case in the domain, nothing else changed but white space.
    email: Mapped[str] = mapped_column(String(LONGEST_EMAIL), unique=True)
    verified_at: Mapped[datetime]
