"""News about the product: what was sent, and to how many of those who want it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.identities import DIGEST_LENGTH

#: Characters of the longest subject of an update.
LONGEST_UPDATE_SUBJECT: Final = 200


class ProductUpdate(Base):
    """One update: the same text for everyone who wants it, and how far it has gone out."""

    __tablename__ = "tokenoffset_product_update"
    # The very same text is sent once, however often the command is given.
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[UUID] = primary_key()
    subject: Mapped[str] = mapped_column(String(LONGEST_UPDATE_SUBJECT))
    text: Mapped[str] = mapped_column(Text)
    #: SHA-256 over subject and text.
    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    created_at: Mapped[datetime]
    #: Everyone up to this id who wants it has a message in the outbox.
    last_person_id: Mapped[UUID | None]
    people_queued: Mapped[int] = mapped_column(default=0)
    #: When the last one was reached.
    completed_at: Mapped[datetime | None]
