"""Accounts, and the people they belong to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.host import LONGEST_USER_KEY
from flask_tokenoffset.models.base import Base, primary_key


class AccountKind(StrEnum):
    """Whose account it is."""

    PERSON = "person"


class Account(Base):
    """What a source, an estimate, a plan or a billing record belongs to; the tenant of each row."""

    __tablename__ = "tokenoffset_account"

    id: Mapped[UUID] = primary_key()
    kind: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]


class Person(Base):
    """A human with an account here, known to the host by ``user_key``.

    There is no foreign key to the host's user table: the host's key is an opaque text to us.
    """

    __tablename__ = "tokenoffset_person"

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), unique=True)
    user_key: Mapped[str] = mapped_column(String(LONGEST_USER_KEY), unique=True)
    created_at: Mapped[datetime]
