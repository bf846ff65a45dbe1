"""What periods and choices look like in the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from flask_tokenoffset.blueprints.schemas.base import Answer, Body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flask_tokenoffset.services.retention.choices import Kept
    from flask_tokenoffset.services.retention.table import Period

#: Longer than any period, so that too long a one is answered with the longest that is allowed.
_MOST_DAYS = 36_500


class PeriodAnswer(Answer):
    """How long one kind of records is kept."""

    rule: str = Field(description="The name of the rule.")
    title: str = Field(description="What it is about.")
    days: int | None = Field(
        description="The period in days; null where it is kept for as long as something else."
    )
    kept: str = Field(description="The same in words.")
    then: str = Field(description="What is done at the end.")
    why: str = Field(description="Why it is kept at all.")


class PeriodList(Answer):
    """How long everything is kept on this site."""

    items: list[PeriodAnswer]
    plans: dict[str, int] = Field(description="Retention plan to the days it keeps usage.")

    @classmethod
    def of(cls, periods: Iterable[Period], plans: Mapping[str, int]) -> PeriodList:
        """Show every rule, in the table's order."""
        return cls(
            items=[PeriodAnswer.of(each, each.rule, rule=each.rule.name) for each in periods],
            plans=dict(plans),
        )


class ChoiceAnswer(Answer):
    """A period that an account may shorten, and how it stands."""

    rule: str
    title: str = Field(description="What it is about.")
    days: int = Field(description="The period that counts now.")
    chosen_days: int | None = Field(description="What was chosen; null where nothing was.")
    shortest_days: int = Field(description="The shortest that may be chosen.")
    longest_days: int = Field(description="The longest that plan and rule allow.")


class ChoiceList(Answer):
    """What an account may shorten."""

    items: list[ChoiceAnswer]

    @classmethod
    def of(cls, kept: Iterable[Kept]) -> ChoiceList:
        """Show each period of an account."""
        return cls(items=[ChoiceAnswer.of(each, each.rule, rule=each.rule.name) for each in kept])


class ChoiceBody(Body):
    """A period to keep an account's records for."""

    rule: Annotated[str, Field(max_length=60)] = Field(description="One that may be shortened.")
    days: Annotated[int, Field(ge=1, le=_MOST_DAYS)]
    confirmed: bool = Field(
        default=False,
        description="That the caller knows what goes. Without it, a shorter period is refused with"
        " what would go.",
    )
