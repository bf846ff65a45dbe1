"""Charts as SVG, drawn on the server: pure functions from figures to markup.

Colours come from classes, so the theme and the dark are the style sheet's business; nothing carries
a ``style`` attribute, so the strictest Content-Security-Policy lets it pass.

What a chart shows and says is decided here, how it is drawn in
:mod:`~flask_tokenoffset.blueprints.html.chart_drawing`. Templates find these functions as
``tokenoffset.charts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.html import chart_drawing
from flask_tokenoffset.blueprints.html.chart_drawing import Bar, Labels, Part
from flask_tokenoffset.methodology import TokenKind
from flask_tokenoffset.services.sources.usage import known_totals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import date

    from markupsafe import Markup

    from flask_tokenoffset.methodology import Range
    from flask_tokenoffset.services.sources.model_usage import ModelDays
    from flask_tokenoffset.services.sources.usage import DayTotals

#: The kinds from the bottom of a bar to its top, with their names. The bulk of most people's use
#: is read from a cache, so it is the calm base.
KINDS: Final = formatting.KIND_TITLES
PLOT_HEIGHT_PX: Final = 220
COST_PLOT_HEIGHT_PX: Final = 120
_UNREAD: Final = ("not read",) * len(KINDS)


#: What all models together are that are not told apart.
_OTHER_MODELS: Final = "others"


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """What one colour stands for, and how many tokens it shows in all."""

    kind: str
    title: str
    tokens: int


def daily_usage_chart(
    days: Sequence[DayTotals],
    *,
    kept_days: Collection[date] = (),
    id_prefix: str = "daily-usage",
) -> Markup:
    """Tokens a day, stacked by kind.

    :param days: in order, one for each day of the window.
    :param kept_days: those the vendor no longer reports, whose former figures were kept.
    :param id_prefix: unique on the page; letters, digits and hyphens.
    """
    looks = [(kind, _kind_class(kind), _hatching(kind, id_prefix)) for kind in KINDS]
    bars = [
        Bar(
            each.day,
            f"{_named(each.day, kept_days)}: {_tokens_in_words(each)}",
            tuple(
                Part(css_class, each.tokens.of(kind) if each.tokens else 0, fill)
                for kind, css_class, fill in looks
            ),
            marked=each.day in kept_days,
            unread=each.tokens is None,
        )
        for each in days
    ]
    kept = sum(bar.marked for bar in bars)
    unread = sum(each.tokens is None for each in days)
    labels = Labels(
        title=f"Tokens a day{_span(days)}",
        description=_describe(bars, formatting.tokens, "tokens")
        + " Bars are stacked by kind of token."
        + (f" Days kept from an earlier sample, marked with a dot: {kept}." if kept else "")
        + (
            f" Days that were not read, and are not known to be without use: {unread}."
            * bool(unread)
        ),
        nothing="No tokens on any of these days" if days else "Nothing was sampled yet",
        axis=formatting.tokens_short,
    )
    return chart_drawing.draw_bars(
        bars, labels, id_prefix=id_prefix, plot_height=PLOT_HEIGHT_PX, hatched=bool(bars)
    )


def daily_model_chart(
    days: Sequence[DayTotals],
    models: ModelDays,
    *,
    kept_days: Collection[date] = (),
    id_prefix: str = "daily-usage",
) -> Markup:
    """Tokens a day, stacked by model: the most used at the bottom, all others on top.

    :param days: in order, one for each day of the window.
    :param models: of the same days.
    :param kept_days: as of :func:`daily_usage_chart`.
    :param id_prefix: unique on the page; letters, digits and hyphens.
    """
    looks = [_model_class(entry.kind) for entry in reversed(model_legend(models))]
    bars = []
    for each in days:
        counts = models.tokens.get(each.day, ())
        bars.append(
            Bar(
                each.day,
                f"{_named(each.day, kept_days)}: {_tokens_in_words(each)}",
                tuple(Part(look, count) for look, count in zip(looks, counts, strict=False)),
                marked=each.day in kept_days,
                unread=each.tokens is None,
            )
        )
    labels = Labels(
        title=f"Tokens a day by model{_span(days)}",
        description=_describe(bars, formatting.tokens, "tokens") + " Bars are stacked by model.",
        nothing="No tokens on any of these days" if days else "Nothing was sampled yet",
        axis=formatting.tokens_short,
    )
    return chart_drawing.draw_bars(bars, labels, id_prefix=id_prefix, plot_height=PLOT_HEIGHT_PX)


def model_legend(models: ModelDays) -> list[LegendEntry]:
    """What the colours of :func:`daily_model_chart` stand for, from the top of a bar down.

    :param models: the same.
    """
    sums = [sum(counts) for counts in zip(*models.tokens.values(), strict=True)] or [0]
    names = [formatting.model_name(name) for name in models.models]
    entries = [
        LegendEntry(str(at), name, tokens)
        for at, (name, tokens) in enumerate(zip(names, sums, strict=False), 1)
    ]
    if sums[-1]:
        entries.append(LegendEntry(_OTHER_MODELS, "Others", sums[-1]))
    return entries[::-1]


def model_rows(
    days: Sequence[DayTotals], models: ModelDays, *, kept_days: Collection[date] = ()
) -> list[list[str]]:
    """The table behind :func:`daily_model_chart`, newest first: day, then each model.

    :param days: the same days.
    :param models: the same.
    :param kept_days: the same ones.
    """
    count = len(model_legend(models))
    nothing = (0,) * count
    return [
        [
            _named(each.day, kept_days),
            *(
                map(formatting.integer, models.tokens.get(each.day, nothing)[:count])
                if each.tokens
                else ("not read",) * count
            ),
        ]
        for each in reversed(days)
    ]


def model_swatch(which: str) -> Markup:
    """The colour of a model, to stand beside its name in the legend.

    :param which: ``kind`` of its :class:`LegendEntry`.
    """
    return chart_drawing.draw_swatch(_model_class(which), None)


def cost_chart(days: Sequence[DayTotals], *, id_prefix: str = "daily-cost") -> Markup:
    """What a vendor charged a day. A day of credits shows as no cost.

    :param days: in order, one for each day of the window.
    :param id_prefix: unique on the page; letters, digits and hyphens.
    """
    bars = [
        Bar(
            each.day,
            f"{formatting.date(each.day)}: {formatting.nano_usd_if_known(each.cost_nano_usd)}",
            (Part("to-chart-cost", max(each.cost_nano_usd or 0, 0)),),
            unread=each.cost_nano_usd is None,
        )
        for each in days
    ]
    labels = Labels(
        title=f"The vendor's cost a day{_span(days)}",
        description=_describe(bars, formatting.nano_usd, ""),
        nothing="No cost on any of these days" if days else "Nothing was sampled yet",
        axis=_axis_dollars,
    )
    return chart_drawing.draw_bars(
        bars, labels, id_prefix=id_prefix, plot_height=COST_PLOT_HEIGHT_PX
    )


def legend(days: Sequence[DayTotals]) -> list[LegendEntry]:
    """What the colours of :func:`daily_usage_chart` stand for, from the top of a bar down.

    :param days: the same days.
    """
    totals = known_totals(days)
    return [LegendEntry(kind, title, totals.of(kind)) for kind, title in reversed(KINDS.items())]


def usage_rows(days: Sequence[DayTotals], *, kept_days: Collection[date] = ()) -> list[list[str]]:
    """The table behind :func:`daily_usage_chart`, newest first: day, the four kinds, cost.

    :param days: the same days.
    :param kept_days: the same ones.
    """
    return [
        [
            _named(each.day, kept_days),
            *(map(formatting.integer, each.tokens.counts()) if each.tokens else _UNREAD),
            formatting.nano_usd_if_known(each.cost_nano_usd),
        ]
        for each in reversed(days)
    ]


def swatch(kind: str, *, id_prefix: str = "daily-usage") -> Markup:
    """The colour of a kind, to stand beside its name in the legend.

    :param kind: a :class:`~flask_tokenoffset.methodology.TokenKind` or its text.
    :param id_prefix: that of the chart, whose hatching it borrows.
    """
    chosen = TokenKind(kind)
    return chart_drawing.draw_swatch(_kind_class(chosen), _hatching(chosen, id_prefix))


def kept_mark() -> Markup:
    """The dot over a day that was kept, to stand in the legend."""
    return chart_drawing.draw_mark()


def unread_swatch() -> Markup:
    """How a day is drawn of which nothing is known, to stand in the legend."""
    return chart_drawing.draw_swatch("to-chart-unread", None)


def range_bar(value: Range) -> Markup:
    """How wide a range is: a band from low to high with a mark at the central value.

    The scale begins at nothing, so that a narrow range looks narrow. The words beside it say the
    same, so screen readers skip it.

    :param value: of whatever unit, not negative.
    """
    whole = value.high * Decimal("1.08") or Decimal(1)
    low, central, high = (end * 100 / whole for end in (value.low, value.central, value.high))
    return chart_drawing.draw_range(low, central, high)


def amount_bar(cents: int, most_cents: int) -> Markup:
    """How large an amount is beside the largest one on the same axis, which begins at nothing.

    The words beside it say the same, so screen readers skip it.

    :param cents: not negative.
    :param most_cents: what the whole width stands for.
    """
    return chart_drawing.draw_amount(Decimal(cents) * 100 / max(most_cents, 1))


def _tokens_in_words(each: DayTotals) -> str:
    if each.tokens is None:
        return "not read"
    return f"{formatting.tokens(each.tokens.total)} tokens"


def _named(day: date, kept_days: Collection[date]) -> str:
    return formatting.date(day) + (" (kept)" if day in kept_days else "")


def _describe(bars: Sequence[Bar], formatted: Callable[[int], str], unit: str) -> str:
    total = sum(bar.amount for bar in bars)
    if not total:
        return "There is nothing to show."
    peak = max(bars, key=lambda bar: bar.amount)
    whole = f"{formatted(total)} {unit}".strip()
    return f"{whole} over {len(bars)} days. The largest day is {peak.label}."


def _span(days: Sequence[DayTotals]) -> str:
    if not days:
        return ""
    return f", {formatting.date(days[0].day)} to {formatting.date(days[-1].day)}"


def _axis_dollars(amount_nano_usd: int) -> str:
    dollars = Decimal(amount_nano_usd) / 1_000_000_000
    if dollars and dollars < 1:
        return formatting.nano_usd(amount_nano_usd).replace("less than ", "<")
    return f"${formatting.tokens_short(int(dollars))}"


def _kind_class(kind: TokenKind) -> str:
    return f"to-kind-{kind.replace('_', '-')}"


def _model_class(which: str) -> str:
    return f"to-model-{which}"


def _hatching(kind: TokenKind, id_prefix: str) -> str | None:
    """Stripes tell cache creation from both its neighbours, without any colour."""
    if kind is not TokenKind.CACHE_CREATION:
        return None
    return f"url(#{chart_drawing.hatching_id(id_prefix)})"
