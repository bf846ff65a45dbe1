"""Accounts, and the people they belong to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Integer, String, false
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.host.users import LONGEST_USER_KEY
from flask_tokenoffset.models.base import Base, primary_key

#: Characters of the longest address; RFC 5321 section 4.5.3.1 allows 64 + 1 + 255.
LONGEST_EMAIL: Final = 320
#: Characters of the longest name of a person, a company or an organization.
LONGEST_NAME: Final = 120


class AccountKind(StrEnum):
    """Whose account it is."""

    PERSON = "person"
    ORGANIZATION = "organization"
    #: What an organization contributes for one of its members; kept apart from the member's own.
    MEMBERSHIP = "membership"


class Account(Base):
    """What a source, an estimate, a plan or a billing record belongs to; the tenant of each row."""

    __tablename__ = "tokenoffset_account"

    id: Mapped[UUID] = primary_key()
    kind: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    #: Which period of retention the operator gave it, by a name in TOKENOFFSET_RETENTION_PLANS.
    retention_plan: Mapped[str | None] = mapped_column(String(40))
    #: When the last retained record of an erased account came to its end. From then on the database
    #: lets its append-only rows be deleted.
    released_at: Mapped[datetime | None]


class Person(Base):
    """A human with an account here, known to the host by ``user_key``.

    There is no foreign key to the host's user table: the host's key is an opaque text to us. The
    row of a person who was forgotten stays, empty, because others' history names it.
    """

    __tablename__ = "tokenoffset_person"

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), unique=True)
    user_key: Mapped[str] = mapped_column(String(LONGEST_USER_KEY), unique=True)
    #: The address the host or the person names, and when a person proved that it is theirs.
    email: Mapped[str | None] = mapped_column(String(LONGEST_EMAIL))
    email_verified_at: Mapped[datetime | None]
    #: Whether it was the host who said so, and not a link that the person followed.
    email_verified_by_host: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false()
    )
    display_name: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    company: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    #: What the person does there, in their own words; it gives no right.
    job_role: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    heard_from: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    onboarded_at: Mapped[datetime | None]
    #: Raised by signing out everywhere; a login that names an older one is over.
    login_epoch: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    #: Since when nothing but storage is done with their data, because they asked for that.
    restricted_at: Mapped[datetime | None]
    #: When their account is erased, while they may still take that back.
    deletion_due_at: Mapped[datetime | None] = mapped_column(index=True)
    forgotten_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
