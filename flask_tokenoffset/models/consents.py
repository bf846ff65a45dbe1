"""Who agreed to what, when and how: acceptances of documents and consents to purposes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account, Person
from flask_tokenoffset.models.append_only import make_append_only
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.documents import LONGEST_LANGUAGE, DocumentVersion
from flask_tokenoffset.models.identities import DIGEST_LENGTH

#: Characters of a purpose: a word of ours, or ``agent:`` and the agent's id.
LONGEST_PURPOSE: Final = 60
#: Characters of the place in the product where a person decided.
LONGEST_PLACE: Final = 80


class ConsentEventType(StrEnum):
    """What happened."""

    #: A text or a question was put before the person.
    SHOWN = "shown"
    GIVEN = "given"
    #: Asked and answered with no. Costs nothing else.
    REFUSED = "refused"
    #: Given once, and taken back.
    WITHDRAWN = "withdrawn"
    #: Never asked, or whatever the answer was: the person objects to the use.
    OBJECTED = "objected"


class ConsentMethod(StrEnum):
    """How the person said it."""

    FORM = "form"
    API = "api"
    #: The browser's Global Privacy Control.
    GLOBAL_PRIVACY_CONTROL = "global-privacy-control"
    #: A link in a mail.
    LINK = "link"
    #: The host recorded it, for what was said on its own pages.
    HOST = "host"


class ConsentNotice(Base):
    """Everything a person was told about a purpose at the moment of deciding, by its digest.

    Controller, data kinds, storage place and the rest may change later; the record keeps saying
    what they were. It is about the purpose and names no person.
    """

    __tablename__ = "tokenoffset_consent_notice"

    #: SHA-256 over the canonical particulars.
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    particulars: Mapped[dict[str, Any]] = mapped_column(JSON)
    recorded_at: Mapped[datetime]


class ConsentEvent(Base):
    """One act upon one document version or one purpose. Appended, never changed.

    It names the person by ids alone. Its digest stands in the audit log of the account, which is
    the chain that shows whether events were edited, taken out, put in or reordered; where the act
    came from (address, browser) stands beside the audit event and is forgotten in time.
    """

    __tablename__ = "tokenoffset_consent_event"
    __table_args__ = (
        CheckConstraint(
            "(document_version_id IS NULL) <> (purpose IS NULL)", name="one_of_the_two"
        ),
        UniqueConstraint("account_id", "sequence"),
        Index(None, "purpose", "account_id", "sequence"),
    )

    id: Mapped[UUID] = primary_key()
    #: Which layout the record has.
    schema_version: Mapped[int] = mapped_column(Integer)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    #: From 1 on within the account, without gaps.
    sequence: Mapped[int]
    event_type: Mapped[str] = mapped_column(String(20))
    document_version_id: Mapped[UUID | None] = mapped_column(ForeignKey(DocumentVersion.id))
    purpose: Mapped[str | None] = mapped_column(String(LONGEST_PURPOSE))
    #: What the person was told; of an acceptance, beside the document, the particulars of the
    #: service.
    notice_digest: Mapped[str | None] = mapped_column(ForeignKey(ConsentNotice.digest))
    language: Mapped[str] = mapped_column(String(LONGEST_LANGUAGE))
    #: Where in the product, for example ``privacy-page`` or ``host:checkout``.
    place: Mapped[str] = mapped_column(String(LONGEST_PLACE))
    method: Mapped[str] = mapped_column(String(40))
    #: Who did it: the person themselves, or another person for them.
    actor_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    #: Until when it holds; without an end as long as it is not withdrawn.
    valid_until: Mapped[datetime | None]
    #: Over everything above.
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))


CONSENTS_APPEND_ONLY: Final = (
    make_append_only(ConsentNotice.__table__, "What people were told never changes."),
    make_append_only(
        ConsentEvent.__table__, "The consent ledger is append-only.", until_released=True
    ),
)
