"""The form that adopts an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from flask_tokenoffset.blueprints.estimates.forms import read_coverage
from flask_tokenoffset.blueprints.html.shown_terms import shown_terms_of
from flask_tokenoffset.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longer than any amount, and short enough to be read without a thought.
_LONGEST_AMOUNT: Final = 18


@dataclass(frozen=True, slots=True)
class AdoptForm:
    """Which estimate, at which coverage, and the amount that stood on the button.

    :param estimate_id: it exists and belongs to the sender, or the service refuses.
    :param coverage: percent, as text.
    :param amount: US cents, as text.
    :param shown_terms: the digest of the method and the programmes that stood beside it.
    """

    estimate_id: UUID
    coverage: str
    amount: str
    shown_terms: str

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent.

        :raises NotFound: no estimate is named.
        """
        try:
            estimate_id = UUID(sent.get("estimate_id", ""))
        except ValueError:
            raise NotFound("There is no such estimate.") from None
        return cls(
            estimate_id,
            sent.get("coverage", ""),
            sent.get("amount_cents", ""),
            shown_terms_of(sent),
        )

    def coverage_percent(self) -> int:
        """The coverage.

        :raises InvalidInput: it cannot be read.
        """
        return read_coverage(self.coverage)

    def expected_amount_cents(self) -> int:
        """The amount that was shown. Nobody adopts one without having been shown it.

        :raises InvalidInput: it is missing or no amount.
        """
        if not self.amount.isdecimal() or len(self.amount) > _LONGEST_AMOUNT:
            raise InvalidInput(
                {
                    "amount_cents": "The form did not say which amount was shown, so nothing was"
                    " adopted. Look at the amount below and adopt it if it is right."
                }
            )
        return int(self.amount)
