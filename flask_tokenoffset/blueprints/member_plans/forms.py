"""What is typed about members' plans, kept as it was typed and read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Self

from flask_tokenoffset.blueprints.estimates.forms import WHOLE_COVERAGE, read_coverage
from flask_tokenoffset.blueprints.members.forms import SearchForm
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import bands
from flask_tokenoffset.models import PayerRule
from flask_tokenoffset.services.member_plans.bulk_previews import NO_PLAN, PlanFilter
from flask_tokenoffset.services.member_plans.offers import Offer, offer_of
from flask_tokenoffset.services.member_plans.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.settings import Settings

#: What is chosen before anyone has chosen.
FIRST_BAND: Final = "worker"
_LONGEST_TEXT: Final = 40
#: An amount in dollars: commas between thousands, at most two decimals.
_DOLLARS: Final = re.compile(r"\$?\s*(\d{1,3}(?:,\d{3})+|\d{1,12})(\.\d{1,2})?")


def read_cents(sent: Mapping[str, str], name: str) -> int:
    """A hidden amount that was shown, in cents.

    :param name: the field's.
    :raises InvalidInput: it is missing or no amount.
    """
    text = sent.get(name, "")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > _LONGEST_TEXT // 3:
        raise InvalidInput(
            {
                name: "The form did not say which amount was shown, so nothing was changed. Look"
                " at the amount below and go on if it is right."
            }
        )
    return int(text)


def _text(sent: Mapping[str, str], name: str, default: str = "") -> str:
    return sent.get(name, default).strip()[:_LONGEST_TEXT]


@dataclass(frozen=True, slots=True)
class PlanForm:
    """A band and a coverage.

    :param band: a band's key.
    :param coverage: percent, as text.
    """

    band: str
    coverage: str

    @classmethod
    def read(cls, sent: Mapping[str, str], now: Offer | None = None) -> Self:
        """Take what was sent.

        :param now: what is shown where nothing was sent.
        """
        band = now.band if now else FIRST_BAND
        coverage = str(now.coverage_percent) if now else WHOLE_COVERAGE
        return cls(_text(sent, "band") or band, _text(sent, "coverage") or coverage)

    def offer(self, settings: Settings) -> Offer:
        """What it would contribute, and to what.

        :param settings: say the method that prices plans, and the programmes.
        :raises InvalidInput: with a sentence for ``band`` or ``coverage_percent``.
        """
        errors: dict[str, str] = {}
        coverage_percent = 0
        try:
            coverage_percent = read_coverage(self.coverage)
        except InvalidInput as error:
            errors.update(error.errors)
        try:
            offer = offer_of(self.band, coverage_percent, settings.method, settings.programmes)
        except InvalidInput as error:
            raise InvalidInput(errors | error.errors) from None
        if errors:
            raise InvalidInput(errors)
        return offer


@dataclass(frozen=True, slots=True)
class TermsForm:
    """The terms of an organization, as texts.

    :param band: a band's key; empty for none.
    :param coverage: percent.
    :param cap: dollars a month; empty for none.
    """

    payer_rule: str
    band: str
    coverage: str
    cap: str

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        return cls(
            _text(sent, "payer_rule"),
            _text(sent, "default_band"),
            _text(sent, "default_coverage"),
            _text(sent, "cap"),
        )

    @classmethod
    def of(cls, terms: Terms) -> Self:
        """The terms as they stand."""
        cap = terms.cap_cents_per_month
        return cls(
            terms.payer_rule,
            terms.default_band or "",
            str(terms.default_coverage_percent),
            "" if cap is None else f"{cap / 100:,.2f}",
        )

    def terms(self) -> Terms:
        """What was typed.

        :raises InvalidInput: with a sentence for each field that cannot be read.
        """
        errors: dict[str, str] = {}
        if self.payer_rule not in set(PayerRule):
            errors["payer_rule"] = "Choose who pays."
        coverage_percent, cap = 0, None
        try:
            coverage_percent = read_coverage(self.coverage)
        except InvalidInput as error:
            errors["default_coverage_percent"] = error.message
        try:
            cap = _read_dollars(self.cap)
        except InvalidInput as error:
            errors.update(error.errors)
        terms = Terms(
            payer_rule=PayerRule.ORGANIZATION if errors else PayerRule(self.payer_rule),
            default_band=self.band or None,
            default_coverage_percent=coverage_percent,
            cap_cents_per_month=cap,
        )
        try:
            terms.check()
        except InvalidInput as error:
            errors = error.errors | errors
        if errors:
            raise InvalidInput(errors)
        return terms


def _read_dollars(text: str) -> int | None:
    if not text:
        return None
    match = _DOLLARS.fullmatch(text)
    if match is None:
        raise InvalidInput(
            {
                "cap_cents_per_month": "Type an amount in dollars, such as 250 or 1,250.50, or"
                " leave the field empty for no cap."
            }
        )
    return int(Decimal(match[1].replace(",", "") + (match[2] or "")) * 100)


@dataclass(frozen=True, slots=True)
class ManyForm:
    """Which members' plans to change, and to what.

    :param members: as the list of members is searched.
    :param current_band: a band's key, or “none”; empty for any.
    :param plan: the band and coverage to adopt.
    :param asked: whether a person asked what it would do.
    """

    members: SearchForm
    current_band: str
    plan: PlanForm
    asked: bool

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent. A band that there is not looks for any."""
        current = _text(sent, "current_band")
        known = {NO_PLAN, *(band.key for band in bands())}
        return cls(
            SearchForm.read(sent),
            current if current in known else "",
            PlanForm.read(sent),
            "band" in sent,
        )

    def wanted(self) -> PlanFilter:
        """The same for the service."""
        return PlanFilter(members=self.members.wanted(), current_band=self.current_band or None)

    def fields(self) -> dict[str, Any]:
        """Everything it holds, to be sent along hidden or in an address."""
        return {
            **self.members.query(),
            **({"current_band": self.current_band} if self.current_band else {}),
            "band": self.plan.band,
            "coverage": self.plan.coverage,
        }
