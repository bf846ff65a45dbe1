"""What all tables share: their metadata, their naming, and the types that need care."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, TypeDecorator, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_tokenoffset.host.tables import METADATA

#: SQLite numbers rows by itself only in a column declared INTEGER.
ROW_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant, stored in UTC. A naive one is refused, on the way in and by the reader.

    SQLite gives back naive values where PostgreSQL gives aware ones; this type hides the
    difference.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into UTC for the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored; use an aware UTC datetime.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - the signature is the base class's
    ) -> datetime | None:
        """Give the stored instant back aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of our tables, with metadata of our own.

    The host's session reads and writes them, but the host's ``create_all`` and migrations never
    see them.
    """

    metadata = METADATA
    type_annotation_map = {
        datetime: UTCDateTime(),
        UUID: Uuid(),
        int: BigInteger(),
    }


def new_id() -> UUID:
    """A fresh opaque identifier."""
    return uuid4()


def primary_key() -> Mapped[Any]:
    """A column with an opaque identifier made by us."""
    return mapped_column(Uuid(), primary_key=True, default=new_id)
