"""What stays of usage when nobody can be found in it any more."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.usage import LONGEST_DIMENSION

#: No group of fewer contributors is kept at all.
SMALLEST_GROUP: Final = 10


class UsageAggregate(Base):
    """The sums of one group: a vendor's model in one month, over at least ten contributors.

    Written once, when the first of its contributors leaves, and never again: two versions of it
    would tell what the one who left had used. There is no key in it that leads back to anyone.
    """

    __tablename__ = "tokenoffset_usage_aggregate"
    __table_args__ = (
        # PostgreSQL would cut the name that the convention gives.
        UniqueConstraint(
            "provider",
            "model",
            "service_tier",
            "month",
            name="uq_tokenoffset_usage_aggregate_group",
        ),
        CheckConstraint(f"contributors >= {SMALLEST_GROUP}", name="large_enough"),
    )

    id: Mapped[UUID] = primary_key()
    provider: Mapped[str] = mapped_column(String(20))
    model: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    service_tier: Mapped[str] = mapped_column(String(LONGEST_DIMENSION))
    month: Mapped[date]
    contributors: Mapped[int] = mapped_column(Integer)
    uncached_input_tokens: Mapped[int]
    cached_input_tokens: Mapped[int]
    cache_creation_tokens: Mapped[int]
    output_tokens: Mapped[int]
