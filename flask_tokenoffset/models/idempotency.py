"""Answers of calls that may be repeated: what an ``Idempotency-Key`` was first used for."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.host.users import LONGEST_USER_KEY
from flask_tokenoffset.models.base import Base, primary_key

#: Characters of the longest key a caller may send.
LONGEST_IDEMPOTENCY_KEY: Final = 255


class IdempotencyRecord(Base):
    """One call that was begun under a key, and its answer once it was done. Kept for a day.

    It belongs to one of the host's users by ``user_key`` and not to an account, because it is there
    before the call that may make the account, and a call that is refused must make none.
    """

    __tablename__ = "tokenoffset_idempotency_record"
    __table_args__ = (UniqueConstraint("user_key", "route", "key"),)

    id: Mapped[UUID] = primary_key()
    user_key: Mapped[str] = mapped_column(String(LONGEST_USER_KEY))
    #: Method and path with the ids in it, below the prefix.
    route: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(LONGEST_IDEMPOTENCY_KEY))
    #: What was sent, as a keyed digest: it may have held a vendor key.
    request_digest: Mapped[str] = mapped_column(String(64))
    #: None while the call is under way.
    status: Mapped[int | None] = mapped_column(Integer)
    #: The body that was answered; answers hold no secret.
    answer: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
