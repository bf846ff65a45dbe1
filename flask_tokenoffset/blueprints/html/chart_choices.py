"""What the charts of a page show, as its address says: how many days, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The ranges that can be chosen, in days.
RANGES: Final = (7, 30, 90)
BY_KIND: Final = "kind"
BY_MODEL: Final = "model"


class ChoiceLink(NamedTuple):
    """A choice to follow.

    :param query: what stands in the address after the question mark.
    :param current: whether it is what is shown.
    """

    title: str
    query: str
    current: bool


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """What the charts show.

    :param days: the newest so many days.
    :param by: :data:`BY_KIND` of token, or :data:`BY_MODEL`.
    """

    days: int = RANGES[-1]
    by: str = BY_KIND

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what an address says; whatever it does not say, or says wrongly, is as before.

        :param sent: its query.
        """
        days, by = sent.get("days", ""), sent.get("by", "")
        return cls(
            days=int(days) if days in set(map(str, RANGES)) else RANGES[-1],
            by=by if by in {BY_KIND, BY_MODEL} else BY_KIND,
        )

    @property
    def by_model(self) -> bool:
        """Whether bars tell models apart, and not kinds of token."""
        return self.by == BY_MODEL

    @property
    def ranges(self) -> list[ChoiceLink]:
        """The ranges to choose from."""
        return [
            ChoiceLink(f"{days} days", _query(days, self.by), days == self.days) for days in RANGES
        ]

    @property
    def groups(self) -> list[ChoiceLink]:
        """What bars may tell apart."""
        return [
            ChoiceLink(f"By {by}", _query(self.days, by), by == self.by)
            for by in (BY_KIND, BY_MODEL)
        ]


def _query(days: int, by: str) -> str:
    return f"days={days}&by={by}"
