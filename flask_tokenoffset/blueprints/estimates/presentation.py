"""An estimate in words, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from flask_tokenoffset import formatting
from flask_tokenoffset.methodology import (
    PublishedMethod,
    QualityTier,
    band,
    method,
    outlook,
    percent,
)
from flask_tokenoffset.models import SourceKind
from flask_tokenoffset.services.estimates.estimates import (
    QUALITY_BAND,
    QUALITY_COMBINED,
    QUALITY_TYPED,
)
from flask_tokenoffset.services.estimates.figures import Figures, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.methodology import TokenCounts
    from flask_tokenoffset.models import Estimate

_QUALITY: Final[Mapping[str, str]] = {
    QUALITY_BAND: "A rough answer: the middle of a published band.",
    QUALITY_TYPED: "A typed amount, split into kinds of token as is typical of that much use.",
    QUALITY_COMBINED: "The newest samples of all connections, added up.",
    QualityTier.MEASURED_30_DAYS: "Measured: what was used in the last 30 complete days.",
    QualityTier.SHORT_HISTORY: "Measured over a short history, so it may still change much.",
}
_NANO_USD_PER_CENT: Final = 10_000_000


class KindShare(NamedTuple):
    """How many tokens a month are of one kind."""

    title: str
    tokens: int
    share: str


@dataclass(frozen=True, slots=True)
class EstimateView:
    """What a page says of an estimate.

    :param estimate: the stored row.
    :param origin: what it came from, in a few words.
    :param figures: its figures, typed.
    """

    estimate: Estimate
    origin: str
    figures: Figures

    @classmethod
    def of(cls, estimate: Estimate, source_label: str | None) -> EstimateView:
        """Show an estimate.

        :param source_label: what the person calls the connection, for a sampled estimate.
        """
        return cls(
            estimate,
            origin_of(estimate.source_kind, band_key=estimate.band, source_label=source_label),
            from_json(estimate.figures),
        )

    @property
    def quality(self) -> str:
        """How the number was come by, in a sentence."""
        return _QUALITY[self.estimate.quality]

    @property
    def kinds(self) -> list[KindShare]:
        """The tokens a month, kind by kind."""
        estimate = self.estimate
        counts = {
            "uncached_input": estimate.uncached_input_tokens_per_month,
            "cached_input": estimate.cached_input_tokens_per_month,
            "cache_creation": estimate.cache_creation_tokens_per_month,
            "output": estimate.output_tokens_per_month,
        }
        return _shares(counts)

    @property
    def window(self) -> str | None:
        """The days it rests on, in words."""
        projection = self.figures.projection
        if projection is not None:
            return span_of(projection.basis_start, projection.basis_end)
        if self.estimate.window_start is None or self.estimate.window_end is None:
            return None
        return span_of(self.estimate.window_start, self.estimate.window_end)

    @property
    def cost(self) -> str | None:
        """What the vendor charged, as a month, in words."""
        cost = self.estimate.cost_nano_usd_per_month
        return None if cost is None else formatting.nano_usd(cost)

    @property
    def outlook(self) -> str | None:
        """How far next month may be from this one, for what was measured."""
        if self.figures.projection is None:
            return None
        return outlook(self.estimate.tokens_per_month).sentence

    def share_of_cost(self, amount_cents: int) -> str | None:
        """An amount as a share of what the vendor charges a month.

        :param amount_cents: a monthly contribution.
        """
        cost = self.estimate.cost_nano_usd_per_month
        if not cost or cost < 0:
            return None
        return percent(Decimal(amount_cents * _NANO_USD_PER_CENT) / cost)


def origin_of(
    source_kind: str, *, band_key: str | None = None, source_label: str | None = None
) -> str:
    """What an estimate came from, in a few words.

    :param source_kind: a :class:`~flask_tokenoffset.models.SourceKind`.
    :param band_key: the band that was picked, where it is known.
    :param source_label: what the person calls the connection, where it is known.
    """
    match SourceKind(source_kind):
        case SourceKind.BAND:
            return f"The {band(band_key).name} band" if band_key else "A band"
        case SourceKind.CUSTOM:
            return "A typed amount"
        case SourceKind.SAMPLED:
            return f"Sampled: {source_label}" if source_label else "A sampled connection"
        case SourceKind.COMBINED:
            return "All connections together"


def shares_of(tokens: TokenCounts) -> list[KindShare]:
    """A number of tokens, kind by kind.

    :param tokens: of a month.
    """
    return _shares({kind: tokens.of(kind) for kind in formatting.KIND_TITLES})


def price_sentence(method_version: str) -> str:
    """How a method comes from an estimate to an amount, in a sentence.

    :param method_version: ``TOKENOFFSET_METHOD``.
    """
    chosen = method(method_version)
    if isinstance(chosen, PublishedMethod):
        cents = chosen.contribution_cents_per_million_tokens.value
        return (
            f"The published rate: {formatting.money_cents(int(cents))} per million tokens at the"
            " 1x rate, rounded up to the cent."
        )
    price = chosen.carbon_price_usd_per_tonne.value
    return (
        f"The high end of the carbon range at ${price} a tonne, rounded up to an amount people"
        " would name. The high end is a deliberate margin."
    )


def cents_per_million_tokens(method_version: str) -> int | None:
    """The rate from which a browser may compute the amount by itself, in whole numbers.

    :param method_version: ``TOKENOFFSET_METHOD``.
    :return: ``None`` where the amount takes more than a rate, so that only the server knows it.
    """
    chosen = method(method_version)
    if not isinstance(chosen, PublishedMethod):
        return None
    cents = chosen.contribution_cents_per_million_tokens.value
    return int(cents) if cents == int(cents) else None


def span_of(start: date, end: date) -> str:
    """Days in words.

    :param start: the first one.
    :param end: the day after the last one.
    """
    return f"{formatting.date(start)} to {formatting.date(end - timedelta(days=1))}"


def _shares(counts: Mapping[str, int]) -> list[KindShare]:
    total = sum(counts.values())
    return [
        KindShare(
            title,
            counts[kind],
            percent(Decimal(counts[kind]) / total) if total else percent(Decimal(0)),
        )
        for kind, title in formatting.KIND_TITLES.items()
    ]
