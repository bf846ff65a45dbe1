"""What the data map looks like in the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer

if TYPE_CHECKING:
    from flask_tokenoffset.services.data_map.inventory import Held, HeldGroup, WhatIsHeld


class KeptOutAnswer(Answer):
    """Values that no copy contains, and why."""

    reason: str
    values: list[str]


class HeldAnswer(Answer):
    """One table, or one thing outside the database."""

    name: str
    title: str
    holds: str
    about: str = Field(description="Whom it is about.")
    purpose: str
    basis: str
    kept_for: str = Field(description="How long, with the period that counts here.")
    copied: list[str] = Field(description="Values that a copy of everything held contains.")
    kept_out: list[KeptOutAnswer]
    erased: str = Field(description="What becomes of it when an account is deleted.")
    categories: dict[str, str] = Field(description="What each value is, in a word.")

    @classmethod
    def of(cls, held: Held) -> Self:
        """Show one."""
        return super().of(
            held,
            kept_out=[
                KeptOutAnswer(reason=reason, values=list(values))
                for reason, values in held.kept_out.items()
            ],
        )


class HeldGroupAnswer(Answer):
    """What belongs together."""

    key: str
    title: str
    items: list[HeldAnswer]

    @classmethod
    def of(cls, group: HeldGroup) -> Self:
        """Show a group."""
        return super().of(group, items=[HeldAnswer.of(each) for each in group.items])


class WhatIsHeldAnswer(Answer):
    """Everything that is held."""

    tables: list[HeldGroupAnswer] = Field(description="What stands in the database.")
    elsewhere: list[HeldGroupAnswer] = Field(description="What stands, or passes, outside of it.")
    words: dict[str, str] = Field(description="What each category means.")

    @classmethod
    def of(cls, held: WhatIsHeld) -> Self:
        """Show it."""
        return super().of(
            held,
            tables=[HeldGroupAnswer.of(group) for group in held.tables],
            elsewhere=[HeldGroupAnswer.of(group) for group in held.elsewhere],
        )
