"""What vendors said happened on one UTC day.

The dimensions a vendor groups by change rarely and repeat every day, so they stand once in a
*series* (or *line*, for cost) and each day is a narrow row of integers. Tenancy: the daily tables
carry no ``account_id`` of their own because they are reached only through their series or line,
which does, and a day's row would double in size. They have no foreign key to it either: one service
writes and deletes both in one transaction, and checking the key of every row would take PostgreSQL
longer than writing it.

Dimensions are texts and ``""`` where the vendor says null, so that they can take part in a unique
constraint. There is no column that could hold a prompt or an answer.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import Account
from flask_tokenoffset.models.base import ROW_NUMBER, Base
from flask_tokenoffset.models.samples import SampleRun
from flask_tokenoffset.models.sources import Source

#: Characters of the longest dimension value that is kept; longer ones are cut.
LONGEST_DIMENSION: Final = 200


class Report(StrEnum):
    """The two reports that are read."""

    USAGE = "usage"
    COST = "cost"


class UsageSeries(Base):
    """One combination of dimensions under which a source's tokens are counted."""

    __tablename__ = "tokenoffset_usage_series"
    __table_args__ = (
        UniqueConstraint("source_id", "model", "service_tier", "context_window", "batch"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey(Source.id))
    model: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    service_tier: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    context_window: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    batch: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))


class DailyUsage(Base):
    """The tokens of one series on one day, by kind. The kinds are disjoint."""

    __tablename__ = "tokenoffset_daily_usage"

    #: The id of a :class:`UsageSeries`.
    series_id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    uncached_input_tokens: Mapped[int]
    cached_input_tokens: Mapped[int]
    cache_creation_tokens: Mapped[int]
    output_tokens: Mapped[int]
    request_count: Mapped[int]


class CostLine(Base):
    """One kind of charge on a source's bill, in the vendor's own words."""

    __tablename__ = "tokenoffset_cost_line"
    __table_args__ = (
        UniqueConstraint(
            "source_id", "description", "cost_type", "model", "service_tier", "token_type"
        ),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey(Source.id))
    description: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    cost_type: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    model: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    service_tier: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    token_type: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))


class DailyCost(Base):
    """What the vendor charged for one line on one day, in billionths of a US dollar."""

    __tablename__ = "tokenoffset_daily_cost"

    #: The id of a :class:`CostLine`.
    line_id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    cost_nano_usd: Mapped[int]


class KeptDay(Base):
    """A day whose rows a later reading no longer showed.

    "No row" is not "zero": what was known is kept, and this row marks it so that the page can say
    so.
    """

    __tablename__ = "tokenoffset_kept_day"

    source_id: Mapped[UUID] = mapped_column(ForeignKey(Source.id), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    report: Mapped[str] = mapped_column(String(10), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), index=True)
    #: The run that no longer saw the day's rows.
    run_id: Mapped[UUID] = mapped_column(ForeignKey(SampleRun.id), index=True)
