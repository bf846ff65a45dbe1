"""The forms around an estimate: what was sent, kept as it was typed, and read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import check_coverage
from flask_tokenoffset.services.estimates.estimates import (
    Preview,
    parse_tokens,
    preview_amount,
    preview_band,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The choice beside the bands: an amount of one's own.
OWN_AMOUNT: Final = "own"
#: What is shown before anyone has chosen.
FIRST_BAND: Final = "worker"
WHOLE_COVERAGE: Final = "100"
#: Pages keep what was typed; nobody needs more of it than this back.
_LONGEST_TEXT: Final = 60
_LONGEST_COVERAGE: Final = 6


def read_coverage(text: str) -> int:
    """Read a coverage in percent.

    :param text: what was sent.
    :raises InvalidInput: it is no whole number from 0 to 1,000; the field is ``coverage_percent``.
    """
    digits = text.strip()
    is_number = digits.isdecimal() and len(digits) <= _LONGEST_COVERAGE
    # What is no number at all is refused with the same sentence as a number out of range.
    coverage_percent = int(digits) if is_number else -1
    check_coverage(coverage_percent)
    return coverage_percent


def _text(sent: Mapping[str, str], name: str, default: str = "") -> str:
    return sent.get(name, default).strip()[:_LONGEST_TEXT]


@dataclass(frozen=True, slots=True)
class ChooserForm:
    """The band chooser as a person filled it in.

    :param band: a band's key, or :data:`OWN_AMOUNT`.
    :param tokens: the typed amount.
    :param coverage: percent, as text.
    """

    band: str
    tokens: str
    coverage: str

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent; an amount without a choice chooses itself.

        :param sent: the fields of a form or of an address.
        """
        tokens = _text(sent, "tokens")
        return cls(
            band=_text(sent, "band") or (OWN_AMOUNT if tokens else FIRST_BAND),
            tokens=tokens,
            coverage=_text(sent, "coverage") or WHOLE_COVERAGE,
        )

    def tokens_per_month(self) -> int | None:
        """The typed amount, or ``None`` if a band was chosen.

        :raises InvalidInput: the amount cannot be read, or was typed beside another choice.
        """
        if self.band == OWN_AMOUNT:
            return parse_tokens(self.tokens)
        if self.tokens:
            raise InvalidInput(
                {
                    "tokens_per_month": "An amount was typed, but a band is chosen. Choose «My own"
                    " amount» to use it, or clear the field."
                }
            )
        return None

    def preview(self) -> Preview:
        """What the choice says, before anything is stored.

        :raises InvalidInput: the choice cannot be read.
        """
        tokens_per_month = self.tokens_per_month()
        if tokens_per_month is None:
            return preview_band(self.band)
        return preview_amount(tokens_per_month)

    def check(self) -> tuple[Preview, int]:
        """Everything that was chosen: what it says, and the coverage in percent.

        :raises InvalidInput: with a sentence for each field that cannot be read.
        """
        errors: dict[str, str] = {}
        preview, coverage_percent = None, -1
        try:
            preview = self.preview()
        except InvalidInput as error:
            errors.update(error.errors)
        try:
            coverage_percent = read_coverage(self.coverage)
        except InvalidInput as error:
            errors.update(error.errors)
        if errors or preview is None:
            raise InvalidInput(errors)
        return preview, coverage_percent
