"""Charts as SVG, drawn on the server: pure functions from figures to markup.

``svg.py`` writes the elements, because it is typed and small and needs no browser. Colours come
from classes, so the theme and the dark are the style sheet's business; nothing carries a ``style``
attribute, so the strictest Content-Security-Policy lets it pass.

A chart is as wide as its place: horizontal positions are percentages, heights are pixels. A
``viewBox`` would scale the lettering along, down to nothing on a phone. The labels of the vertical
axis stand left of the drawing, in the margin the style sheet keeps for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from statistics import median_low
from typing import TYPE_CHECKING, Any, Final

import svg
from markupsafe import Markup

from flask_tokenoffset.blueprints import formatting
from flask_tokenoffset.methodology import TokenCounts, TokenKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from flask_tokenoffset.methodology import Range
    from flask_tokenoffset.services.usage import DayTotals

#: The kinds from the bottom of a bar to its top, with their names. The bulk of most people's use
#: is read from a cache, so it is the calm base.
KINDS: Final = {
    TokenKind.CACHED_INPUT: "Cached input",
    TokenKind.UNCACHED_INPUT: "Uncached input",
    TokenKind.CACHE_CREATION: "Cache creation",
    TokenKind.OUTPUT: "Output",
}
PLOT_HEIGHT_PX: Final = 220
COST_PLOT_HEIGHT_PX: Final = 120

_LABEL_ROOM_PX: Final = 26
#: Keeps the topmost label from being cut off.
_TOP_PX: Final = 10
#: A day with any use at all shows, however large the largest one is.
_LEAST_BAR_PX: Final = Decimal(1)
_BAR_SHARE: Final = Decimal("0.76")
#: Few days do not make wall-wide bars.
_LEAST_PLACES: Final = 14
_MOST_STEPS: Final = 4
#: A month's name needs this much of the width before the right edge.
_LABEL_WIDTH_PERCENT: Final = 9
#: How many median days make a day that is named on the chart.
_OUTLIER_FACTOR: Final = 5
_EMPTY_PLOT_HEIGHT_PX: Final = 96


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """What one colour stands for, and how many tokens it shows in all."""

    kind: str
    title: str
    tokens: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One piece of a bar: its class, and how much it stands for."""

    css_class: str
    amount: int
    fill: str | None = None


@dataclass(frozen=True, slots=True)
class _Bar:
    """One day: what it is, said in words, and its pieces from the bottom up."""

    day: date
    words: str
    parts: tuple[_Part, ...]

    @property
    def amount(self) -> int:
        return sum(part.amount for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a chart says to whoever does not see it, and on its axis."""

    title: str
    description: str
    nothing: str
    axis: Callable[[int], str]


def daily_usage_chart(days: Sequence[DayTotals], *, id_prefix: str = "daily-usage") -> Markup:
    """Tokens a day, stacked by kind.

    :param days: in order, one for each day of the window.
    :param id_prefix: unique on the page; letters, digits and hyphens.
    """
    bars = [
        _Bar(
            each.day,
            f"{formatting.date(each.day)}: {formatting.tokens(each.tokens.total)} tokens",
            tuple(
                _Part(_kind_class(kind), each.tokens.of(kind), _hatching(kind, id_prefix))
                for kind in KINDS
            ),
        )
        for each in days
    ]
    words = _Words(
        title=f"Tokens a day{_span(days)}",
        description=_describe(bars, formatting.tokens, "tokens")
        + " Bars are stacked by kind of token.",
        nothing="No tokens on any of these days" if days else "Nothing was sampled yet",
        axis=formatting.tokens_short,
    )
    hatching = _hatching_pattern(id_prefix) if bars else None
    return _draw(bars, words, id_prefix, PLOT_HEIGHT_PX, hatching)


def cost_chart(days: Sequence[DayTotals], *, id_prefix: str = "daily-cost") -> Markup:
    """What a vendor charged a day. A day of credits shows as no cost.

    :param days: in order, one for each day of the window.
    :param id_prefix: unique on the page; letters, digits and hyphens.
    """
    bars = [
        _Bar(
            each.day,
            f"{formatting.date(each.day)}: {formatting.nano_usd(each.cost_nano_usd)}",
            (_Part("to-chart-cost", max(each.cost_nano_usd, 0)),),
        )
        for each in days
    ]
    words = _Words(
        title=f"The vendor's cost a day{_span(days)}",
        description=_describe(bars, formatting.nano_usd, ""),
        nothing="No cost on any of these days" if days else "Nothing was sampled yet",
        axis=_axis_dollars,
    )
    return _draw(bars, words, id_prefix, COST_PLOT_HEIGHT_PX, None)


def legend(days: Sequence[DayTotals]) -> list[LegendEntry]:
    """What the colours of :func:`daily_usage_chart` stand for, from the top of a bar down.

    :param days: the same days.
    """
    totals = TokenCounts.sum(each.tokens for each in days)
    return [LegendEntry(kind, title, totals.of(kind)) for kind, title in reversed(KINDS.items())]


def usage_rows(days: Sequence[DayTotals]) -> list[list[str]]:
    """The table behind :func:`daily_usage_chart`, newest first: day, the four kinds, cost.

    :param days: the same days.
    """
    return [
        [
            formatting.date(each.day),
            *(formatting.integer(each.tokens.of(kind)) for kind in TokenKind),
            formatting.nano_usd(each.cost_nano_usd),
        ]
        for each in reversed(days)
    ]


def swatch(kind: str, *, id_prefix: str = "daily-usage") -> Markup:
    """The colour of a kind, to stand beside its name in the legend.

    :param kind: a :class:`~flask_tokenoffset.methodology.TokenKind` or its text.
    :param id_prefix: that of the chart, whose hatching it borrows.
    """
    chosen = TokenKind(kind)
    box = svg.Rect(width=14, height=14, rx=3, class_=[_kind_class(chosen)])
    layers: list[svg.Element] = [box]
    hatching = _hatching(chosen, id_prefix)
    if hatching:
        layers.append(svg.Rect(width=14, height=14, rx=3, fill=hatching))
    return _markup(
        svg.SVG(
            xmlns=None,
            width=14,
            height=14,
            class_=["to-swatch"],
            elements=layers,
            extra={"aria-hidden": "true", "focusable": "false"},
        )
    )


def range_bar(value: Range) -> Markup:
    """How wide a range is: a band from low to high with a mark at the central value.

    The scale begins at nothing, so that a narrow range looks narrow. The words beside it say the
    same, so screen readers skip it.

    :param value: of whatever unit, not negative.
    """
    whole = value.high * Decimal("1.08") or Decimal(1)
    low, central, high = (_percent(end, whole) for end in (value.low, value.central, value.high))
    return _markup(
        svg.SVG(
            xmlns=None,
            height=12,
            class_=["to-range-bar"],
            elements=[
                _rect("to-range-bar-track", "0%", 4, "100%", 4),
                _rect("to-range-bar-band", f"{low}%", 4, f"{high - low}%", 4),
                svg.Circle(cx=_length(f"{central}%"), cy=6, r=5, class_=["to-range-bar-central"]),
            ],
            extra={"width": "100%", "aria-hidden": "true", "focusable": "false"},
        )
    )


def _draw(
    bars: Sequence[_Bar],
    words: _Words,
    id_prefix: str,
    plot_height: int,
    pattern: svg.Element | None,
) -> Markup:
    largest = max((bar.amount for bar in bars), default=0)
    if not largest:
        plot_height = _EMPTY_PLOT_HEIGHT_PX
    drawn: list[svg.Element] = [
        svg.Title(id=f"{id_prefix}-title", text=svg.escape(words.title)),
        svg.Desc(id=f"{id_prefix}-desc", text=svg.escape(words.description)),
    ]
    if pattern is not None:
        drawn.append(svg.Defs(elements=[pattern]))
    step = _step(largest)
    top = step * -(-largest // step)
    drawn += _axis(top, step, plot_height, words.axis)
    if largest:
        drawn += _bars(bars, top, plot_height)
        drawn += _peak_label(bars, words.axis)
    else:
        drawn.append(_text("50%", _TOP_PX + plot_height // 2, words.nothing, "middle"))
    drawn += _month_labels(bars, plot_height)
    return _markup(
        svg.SVG(
            xmlns=None,
            class_=["to-chart"],
            height=_TOP_PX + plot_height + _LABEL_ROOM_PX,
            elements=drawn,
            extra={
                "width": "100%",
                "role": "img",
                "aria-labelledby": f"{id_prefix}-title {id_prefix}-desc",
                "overflow": "visible",
            },
        )
    )


def _bars(bars: Sequence[_Bar], top: int, plot_height: int) -> list[svg.Element]:
    drawn: list[svg.Element] = []
    for at, bar in enumerate(bars):
        if not bar.amount:
            continue
        height = max(Decimal(bar.amount) * plot_height / top, _LEAST_BAR_PX)
        x, width = _place(at, len(bars))
        pieces: list[svg.Element] = [svg.Title(text=svg.escape(bar.words))]
        # Edges are rounded, not heights, so that the pieces always add up to the bar.
        edges = [Decimal(0)]
        below = 0
        for part in bar.parts:
            below += part.amount
            edges.append(_pixels(height * below / bar.amount))
            if edges[-1] == edges[-2]:
                continue
            y, tall = _TOP_PX + plot_height - edges[-1], edges[-1] - edges[-2]
            pieces.append(_rect(part.css_class, f"{x}%", y, f"{width}%", tall))
            if part.fill:
                hatched = _rect("to-chart-hatched", f"{x}%", y, f"{width}%", tall)
                hatched.fill = part.fill
                pieces.append(hatched)
        drawn.append(svg.G(class_=["to-chart-day"], elements=pieces))
    return drawn


def _axis(top: int, step: int, plot_height: int, label: Callable[[int], str]) -> list[svg.Element]:
    drawn: list[svg.Element] = []
    for amount in range(0, top + 1, step):
        y = _pixels(_TOP_PX + plot_height - Decimal(amount) * plot_height / (top or 1))
        css_class = "to-chart-line" if amount else "to-chart-base"
        drawn += [
            svg.Line(x1=_length("0%"), x2=_length("100%"), y1=y, y2=y, class_=[css_class]),
            _text("0", y + 4, label(amount), "end", dx=-8),
        ]
    return drawn


def _month_labels(bars: Sequence[_Bar], plot_height: int) -> list[svg.Element]:
    """The first of each month; where the window holds none, its first day."""
    starts = [at for at, bar in enumerate(bars) if bar.day.day == 1] or ([0] if bars else [])
    drawn: list[svg.Element] = []
    for at in starts:
        x, _ = _place(at, len(bars))
        if x > 100 - _LABEL_WIDTH_PERCENT:
            continue
        bottom = _TOP_PX + plot_height
        drawn += [
            svg.Line(
                x1=_length(f"{x}%"),
                x2=_length(f"{x}%"),
                y1=bottom,
                y2=bottom + 6,
                class_=["to-chart-base"],
            ),
            _text(f"{x}%", bottom + 20, formatting.short_date(bars[at].day), "start"),
        ]
    return drawn


def _peak_label(bars: Sequence[_Bar], label: Callable[[int], str]) -> list[svg.Element]:
    """Name a day that towers over the others, since it flattens them."""
    used = [bar.amount for bar in bars if bar.amount]
    at = max(range(len(bars)), key=lambda at: bars[at].amount)
    if len(used) < _LEAST_PLACES or bars[at].amount < _OUTLIER_FACTOR * median_low(used):
        return []
    x, width = _place(at, len(bars))
    in_left_half = x < 50  # noqa: PLR2004 - half of the width in percent
    return [
        _text(
            f"{x + width if in_left_half else x}%",
            _TOP_PX + 14,
            f"{formatting.short_date(bars[at].day)}: {label(bars[at].amount)}",
            "start" if in_left_half else "end",
            dx=6 if in_left_half else -6,
            css_class="to-chart-peak",
        )
    ]


def _step(largest: int) -> int:
    """The smallest round step (1, 2 or 5 and zeros) that reaches the largest in four."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step * _MOST_STEPS >= largest:
                return factor * step
        step *= 10


def _place(at: int, count: int) -> tuple[Decimal, Decimal]:
    """Where a day's bar begins and how wide it is, in percent of the width."""
    room = Decimal(100) / max(count, _LEAST_PLACES)
    margin = room * (1 - _BAR_SHARE) / 2
    return _pixels(room * at + margin), _pixels(room * _BAR_SHARE)


def _describe(bars: Sequence[_Bar], in_words: Callable[[int], str], unit: str) -> str:
    total = sum(bar.amount for bar in bars)
    if not total:
        return "There is nothing to show."
    peak = max(bars, key=lambda bar: bar.amount)
    whole = f"{in_words(total)} {unit}".strip()
    return f"{whole} over {len(bars)} days. The largest day is {peak.words}."


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


def _hatching(kind: TokenKind, id_prefix: str) -> str | None:
    """Stripes tell cache creation from both its neighbours, without any colour."""
    return f"url(#{id_prefix}-hatching)" if kind is TokenKind.CACHE_CREATION else None


def _hatching_pattern(id_prefix: str) -> svg.Element:
    return svg.Pattern(
        id=f"{id_prefix}-hatching",
        width=4,
        height=4,
        patternUnits="userSpaceOnUse",
        elements=[svg.Path(class_=["to-chart-stripes"], extra={"d": "M-1 1 1-1M0 4 4 0M3 5 5 3"})],
    )


def _rect(css_class: str, x: str, y: Decimal | int, width: str, height: Decimal | int) -> svg.Rect:
    return svg.Rect(x=_length(x), y=y, width=_length(width), height=height, class_=[css_class])


def _text(
    x: str, y: Decimal | int, words: str, anchor: Any, *, dx: int = 0, css_class: str | None = None
) -> svg.Text:
    return svg.Text(
        x=_length(x),
        y=y,
        dx=dx or None,
        text=svg.escape(words),
        text_anchor=anchor,
        class_=[css_class] if css_class else None,
    )


def _length(text: str) -> svg.Length:
    if text.endswith("%"):
        return svg.Length(value=Decimal(text[:-1]), unit="%")
    return svg.Length(value=Decimal(text), unit="px")


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return _pixels(part * 100 / whole)


def _pixels(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def _markup(drawing: svg.SVG) -> Markup:
    # Every text that goes in was escaped, and every attribute is ours.
    return Markup(drawing.as_str())  # noqa: S704 - see the line above
