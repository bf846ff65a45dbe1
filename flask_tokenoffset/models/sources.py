"""Estimate sources, vendor connections and the sealed credentials behind them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from flask_tokenoffset.models.accounts import Account, Person
from flask_tokenoffset.models.base import Base, primary_key


class SourceKind(StrEnum):
    """The ways of knowing how much AI an account uses."""

    BAND = "band"
    CUSTOM = "custom"
    SAMPLED = "sampled"
    #: All of an account's sampled sources added up.
    COMBINED = "combined"


class ConnectionStatus(StrEnum):
    """Where a connection stands."""

    #: Sampled weekly and on request.
    ACTIVE = "active"
    #: The key was refused or does not open any more; nothing is called until a person acts.
    PAUSED = "paused"
    #: Ended by a person; the credential is gone.
    DISCONNECTED = "disconnected"


class Source(Base):
    """One way of knowing an account's usage.

    An account has any number of sampled sources and at most one of each other kind.
    """

    __tablename__ = "tokenoffset_source"
    __table_args__ = (
        Index(
            "uq_tokenoffset_source_single",
            "account_id",
            "kind",
            unique=True,
            postgresql_where=text("kind <> 'sampled'"),
            sqlite_where=text("kind <> 'sampled'"),
        ),
    )

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    #: What the person sees; the vendor's name for the organization where the vendor tells it.
    label: Mapped[str] = mapped_column(String(120))
    created_by: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    created_at: Mapped[datetime]

    connection: Mapped[Connection | None] = relationship(back_populates="source", lazy="raise")


class Connection(Base):
    """A sampled source's link to a vendor. The credential stands in a row of its own."""

    __tablename__ = "tokenoffset_connection"

    source_id: Mapped[UUID] = mapped_column(ForeignKey(Source.id), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    provider: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20), index=True)
    #: Why the connection is paused: a stable code and a sentence for the person.
    paused_code: Mapped[str | None] = mapped_column(String(60))
    paused_reason: Mapped[str | None] = mapped_column(Text)
    #: The first six characters of the key, written once when it was submitted.
    key_prefix: Mapped[str] = mapped_column(String(6))
    #: What the vendor calls the organization, where a promised endpoint tells it.
    organization_id: Mapped[str | None] = mapped_column(String(200))
    organization_name: Mapped[str | None] = mapped_column(String(200))
    #: Seconds after Sunday 08:00 UTC at which this connection's weekly refresh starts.
    refresh_offset_seconds: Mapped[int] = mapped_column(Integer)
    connected_at: Mapped[datetime]
    disconnected_at: Mapped[datetime | None]

    source: Mapped[Source] = relationship(back_populates="connection", lazy="raise")


class Credential(Base):
    """A sealed vendor key (see :mod:`flask_tokenoffset.vault`). Disconnecting deletes the row."""

    __tablename__ = "tokenoffset_credential"

    source_id: Mapped[UUID] = mapped_column(ForeignKey(Connection.source_id), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    schema_version: Mapped[int] = mapped_column(Integer)
    #: The version of the master key that wraps the data key; rotation looks for old ones.
    key_version: Mapped[str] = mapped_column(String(100), index=True)
    data_key_id: Mapped[str] = mapped_column(String(64))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
