"""An estimate in words, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.estimates.side_by_side import BothMethods, Meaning
from flask_tokenoffset.methodology import (
    QualityTier,
    RecentUse,
    TokenKind,
    band,
    outlook,
    percent,
    percents,
)
from flask_tokenoffset.models import SourceKind
from flask_tokenoffset.services.estimates.estimates import (
    QUALITY_BAND,
    QUALITY_COMBINED,
    QUALITY_TYPED,
)
from flask_tokenoffset.services.estimates.figures import Figures, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask_tokenoffset.methodology import Outlook, TokenCounts
    from flask_tokenoffset.models import Estimate

_QUALITY: Final[Mapping[str, str]] = {
    QUALITY_BAND: "A rough answer: the middle of a published band.",
    QUALITY_TYPED: "A typed amount, split into kinds of token as is typical of that much use.",
    QUALITY_COMBINED: "The newest samples of all connections, added up.",
    QualityTier.MEASURED_28_DAYS: "Measured: what was used in the last four complete weeks.",
    QualityTier.MEASURED_30_DAYS: "Measured: what was used in the last 30 complete days.",
    QualityTier.SHORT_HISTORY: "Measured over a short history, so it may still change much.",
}
#: How a sentence says the kinds of token, by their titles.
_ASSUMED: Final[Mapping[str, str]] = {
    formatting.KIND_TITLES[TokenKind.CACHED_INPUT]: "from cache",
    formatting.KIND_TITLES[TokenKind.UNCACHED_INPUT]: "fresh input",
    formatting.KIND_TITLES[TokenKind.CACHE_CREATION]: "written to a cache",
    formatting.KIND_TITLES[TokenKind.OUTPUT]: "output",
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
    :param figures: its figures, typed, with the ranges that belong beside the amount.
    :param method_version: what sets the amount, a version of either method.
    :param active_seats: how many people use the account; None for one person or where unknown.
    """

    estimate: Estimate
    origin: str
    figures: Figures
    method_version: str
    active_seats: int | None = None

    @classmethod
    def of(
        cls,
        estimate: Estimate,
        source_label: str | None,
        method_version: str,
        active_seats: int | None = None,
    ) -> EstimateView:
        """Show an estimate.

        :param source_label: what the person calls the connection, for a sampled estimate.
        :param method_version: that of the adoption, of what is adopted already; or else
            ``TOKENOFFSET_METHOD``.
        """
        return cls(
            estimate,
            origin_of(estimate.source_kind, band_key=estimate.band, source_label=source_label),
            from_json(estimate.figures).shown_by(method_version),
            method_version,
            active_seats,
        )

    @property
    def quality(self) -> str:
        """How the number was come by, in a sentence."""
        return _QUALITY[self.estimate.quality]

    @property
    def split_is_assumed(self) -> bool:
        """Whether nobody counted the kinds of token: a band or a typed amount says none."""
        return self.estimate.source_kind in {SourceKind.BAND, SourceKind.CUSTOM}

    @property
    def assumption(self) -> str | None:
        """The split into kinds in words, where nobody counted it."""
        return assumption_of(self.kinds) if self.split_is_assumed else None

    @property
    def meaning(self) -> Meaning:
        """What it means, by both methods."""
        return Meaning.of(self.figures, self.method_version, assumed=self.split_is_assumed)

    def both_methods(self, coverage_percent: int) -> BothMethods:
        """What it contributes by either method.

        :raises InvalidInput: the coverage is out of range.
        """
        return BothMethods.of(
            self.estimate.tokens_per_month,
            self.figures,
            coverage_percent,
            self.method_version,
            assumed=self.split_is_assumed,
        )

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
        stated = outlook_of(self.estimate, self.figures, self.active_seats)
        return None if stated is None else stated.sentence

    def share_of_cost(self, amount_cents: int) -> str | None:
        """An amount as a share of what the vendor charges a month.

        :param amount_cents: a monthly contribution.
        """
        cost = self.estimate.cost_nano_usd_per_month
        if not cost or cost < 0:
            return None
        return percent(Decimal(amount_cents * _NANO_USD_PER_CENT) / cost)


def outlook_of(estimate: Estimate, figures: Figures, active_seats: int | None) -> Outlook | None:
    """How far next month may be from a measured one; None for what nobody measured.

    :param figures: of the estimate.
    :param active_seats: how many people use the account; None for one person or where unknown.
    """
    if estimate.source_kind not in {SourceKind.SAMPLED, SourceKind.COMBINED}:
        return None
    projection = figures.projection
    recent = None
    if projection is not None and projection.last_week_tokens is not None:
        recent = RecentUse.of_window(
            projection.last_week_tokens,
            projection.rolling,
            basis_days=(projection.basis_end - projection.basis_start).days,
        )
    return outlook(estimate.tokens_per_month, active_seats, recent)


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


def assumption_of(kinds: Sequence[KindShare]) -> str:
    """A split that nobody counted, in a sentence that says so.

    :param kinds: of the tokens a month.
    """
    said = ", ".join(f"{each.share} {_ASSUMED[each.title]}" for each in kinds if each.tokens)
    return (
        f"Nobody counted the kinds of token. From what is typical of so much use we assume {said}."
    )


def span_of(start: date, end: date) -> str:
    """Days in words.

    :param start: the first one.
    :param end: the day after the last one.
    """
    return f"{formatting.date(start)} to {formatting.date(end - timedelta(days=1))}"


def _shares(counts: Mapping[str, int]) -> list[KindShare]:
    """Kind by kind, with shares that add up to 100."""
    ordered = {title: counts[kind] for kind, title in formatting.KIND_TITLES.items()}
    return [
        KindShare(title, tokens, share)
        for (title, tokens), share in zip(
            ordered.items(), percents(list(ordered.values())), strict=True
        )
    ]
