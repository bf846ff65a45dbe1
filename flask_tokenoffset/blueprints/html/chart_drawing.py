"""How the charts are drawn: bars, an axis, labels, swatches and ranges as SVG elements.

A chart is as wide as its place: horizontal positions are percentages, heights are pixels. A
``viewBox`` would scale the lettering along, down to nothing on a phone. The labels of the vertical
axis stand left of the drawing, in the margin the style sheet keeps for them.

Everything is written as text straight away: a chart of ninety days has seven hundred elements, and
as many objects took longer than the rest of the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from flask_tokenoffset import formatting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

_LABEL_HEIGHT_PX: Final = 26
#: Keeps the topmost label from being cut off.
_TOP_PX: Final = 10
#: A day with any use at all shows, however large the largest one is.
_LEAST_BAR_PX: Final = Decimal(1)
_HUNDREDTH: Final = Decimal("0.01")
_BAR_SHARE: Final = Decimal("0.76")
#: Few days do not make wall-wide bars.
_LEAST_PLACES: Final = 14
_MOST_STEPS: Final = 4
#: A month's name needs this much of the width before the right edge.
_LABEL_WIDTH_PERCENT: Final = 9
#: How many median days make a day that is named on the chart.
_OUTLIER_FACTOR: Final = 5
_EMPTY_PLOT_HEIGHT_PX: Final = 96
_MARK_RADIUS_PX: Final = Decimal("2.5")
#: One bar in so many is cut at most.
_CUT_AT_MOST: Final = 20
#: What the label of a day may take of the width, on a phone.
_PEAK_WIDTH_PERCENT: Final = 34
_PEAK_LINE_PX: Final = 16
#: From the top of the plot to the gap in a bar that is cut.
_CUT_BELOW_PX: Final = 12
#: A day can be reached by keyboard; its title is its name.
_FOCUSABLE: Final = 'tabindex="0" role="img"'
#: Said beside it in words, or nothing by itself.
_SILENT: Final = 'aria-hidden="true" focusable="false"'
#: From the top of a bar to the middle of the mark over it.
_MARK_GAP_PX: Final = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a bar.

    :param css_class: what gives it its colour.
    :param amount: how much it stands for.
    :param fill: a pattern drawn over the colour, if any.
    """

    css_class: str
    amount: int
    fill: str | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One day.

    :param label: what it is, for people who do not see it.
    :param parts: its pieces from the bottom up.
    :param marked: whether a dot stands over it.
    :param unread: whether nothing is known of the day, which is drawn unlike a day without use.
    """

    day: date
    label: str
    parts: tuple[Part, ...]
    marked: bool = False
    unread: bool = False
    #: How much the whole bar stands for.
    amount: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", sum(part.amount for part in self.parts))


@dataclass(frozen=True, slots=True)
class Labels:
    """What a chart says to people who do not see it, and on its axis.

    :param nothing: what stands in the chart where there is nothing to draw.
    :param axis: writes an amount beside a line.
    """

    title: str
    description: str
    nothing: str
    axis: Callable[[int], str]


def draw_bars(
    bars: Sequence[Bar],
    labels: Labels,
    *,
    id_prefix: str,
    plot_height: int,
    hatched: bool = False,
) -> Markup:
    """A bar a day over a vertical axis.

    :param bars: in order, one for each day.
    :param id_prefix: unique on the page; letters, digits and hyphens.
    :param plot_height: in pixels, without the labels.
    :param hatched: whether any part is filled with the pattern of :func:`hatching_id`.
    """
    largest, cut = _scale(bars)
    if not largest:
        plot_height = _EMPTY_PLOT_HEIGHT_PX
    drawn = [
        _svg(
            f'height="{_TOP_PX + plot_height + _LABEL_HEIGHT_PX}" class="to-chart" width="100%"',
            f'role="group" aria-labelledby="{id_prefix}-title {id_prefix}-desc" overflow="visible"',
        ),
        f'<title id="{id_prefix}-title">{_escaped(labels.title)}</title>',
        f'<desc id="{id_prefix}-desc">{_escaped(labels.description + _cut_in_words(cut))}</desc>',
    ]
    if hatched:
        drawn.append(_hatching_pattern(id_prefix))
    step = _step(largest)
    top = step * -(-largest // step)
    drawn += _axis(top, step, plot_height, labels.axis)
    drawn += _unread_days(bars, plot_height)
    if largest:
        drawn += _bars(bars, top, plot_height)
        drawn += _peak_labels(bars, cut, labels.axis)
    else:
        drawn.append(_text("50%", _TOP_PX + plot_height // 2, labels.nothing, "middle"))
    drawn += _month_labels(bars, plot_height)
    return _markup(drawn)


def draw_swatch(css_class: str, fill: str | None) -> Markup:
    """A small square of a part's colour.

    :param fill: the pattern over it, if any.
    """
    square = 'width="14" height="14" rx="3"'
    over = f'<rect {square} fill="{fill}"/>' if fill else ""
    return _small(f'<rect class="{css_class}" {square}/>{over}')


def draw_mark() -> Markup:
    """The dot that stands over a marked bar."""
    return _small(_dot("to-chart-mark", "7", 7, _MARK_RADIUS_PX))


def draw_range(low: Decimal, central: Decimal, high: Decimal) -> Markup:
    """A band with a mark in it.

    :param low: where the band begins, in percent of the width; the others alike.
    """
    low, central, high = _pixels(low), _pixels(central), _pixels(high)
    return _markup(
        [
            _svg('height="12" class="to-range-bar" width="100%"', _SILENT),
            '<rect class="to-range-bar-track" x="0%" y="4" width="100%" height="4"/>',
            f'<rect class="to-range-bar-band" x="{low}%" y="4" width="{high - low}%" height="4"/>',
            _dot("to-range-bar-central", f"{central}%", 6, 5),
        ]
    )


def draw_amount(share: Decimal) -> Markup:
    """A bar that begins at the left.

    :param share: how long it is, in percent of the width.
    """
    return _markup(
        [
            _svg('height="14" class="to-amount-bar" width="100%"', _SILENT),
            '<rect class="to-amount-bar-track" width="100%" height="14"/>',
            f'<rect class="to-amount-bar-part" width="{_pixels(share)}%" height="14"/>',
        ]
    )


def hatching_id(id_prefix: str) -> str:
    """The id of a chart's pattern of stripes.

    :param id_prefix: that of the chart.
    """
    return f"{id_prefix}-hatching"


def _bars(bars: Sequence[Bar], top: int, plot_height: int) -> list[str]:
    drawn = []
    bottom = _TOP_PX + plot_height
    for at, bar in enumerate(bars):
        x, width = _place(at, len(bars))
        height = Decimal(0)
        if bar.amount:
            height = max(Decimal(min(bar.amount, top)) * plot_height / top, _LEAST_BAR_PX)
        if bar.marked:
            middle, over = _pixels(x + width / 2), _pixels(bottom - height - _MARK_GAP_PX)
            drawn.append(_dot("to-chart-mark", f"{middle}%", over, _MARK_RADIUS_PX))
        if not bar.amount:
            continue
        drawn.append(f'<g class="to-chart-day" {_FOCUSABLE}><title>{_escaped(bar.label)}</title>')
        # Edges are rounded, not heights, so that the pieces always add up to the bar.
        edge = Decimal(0)
        below = 0
        for part in bar.parts:
            if not part.amount:
                continue
            below += part.amount
            lower, edge = edge, _pixels(height * below / bar.amount)
            if edge == lower:
                continue
            where = f'x="{x}%" y="{bottom - edge}" width="{width}%" height="{edge - lower}"'
            drawn.append(f'<rect class="{part.css_class}" {where}/>')
            if part.fill:
                drawn.append(f'<rect class="to-chart-hatched" {where} fill="{part.fill}"/>')
        drawn.append("</g>")
        if bar.amount > top:
            where = f'x="{x}%" y="{_TOP_PX + _CUT_BELOW_PX}" width="{width}%" height="4"'
            drawn.append(f'<rect class="to-chart-cut" {where}/>')
    return drawn


def _scale(bars: Sequence[Bar]) -> tuple[int, list[Bar]]:
    """What the axis has to reach, and the few bars that are cut there.

    A bar is cut where it towers over nearly all others, and is half as large again as the next one,
    because to its scale the others would be flat.
    """
    used = sorted((bar.amount for bar in bars if bar.amount), reverse=True)
    if not used:
        return 0, []
    largest = used[0]
    if len(used) >= _LEAST_PLACES:
        least = _OUTLIER_FACTOR * median_low(used)
        for above, below in pairwise(used[: len(used) // _CUT_AT_MOST + 2]):
            if above >= least and 2 * above >= 3 * below:
                largest = below
    return largest, [bar for bar in bars if bar.amount > largest]


def _cut_in_words(cut: Sequence[Bar]) -> str:
    if not cut:
        return ""
    return " Cut at the top, so that the others can be compared: " + "; ".join(
        bar.label for bar in cut
    )


def _unread_days(bars: Sequence[Bar], plot_height: int) -> list[str]:
    """A striped column as high as the plot: nothing is known, which is not the same as nothing."""
    drawn = []
    for at, bar in enumerate(bars):
        if bar.unread:
            x, width = _place(at, len(bars))
            drawn.append(
                f'<g class="to-chart-day" {_FOCUSABLE}><title>{_escaped(bar.label)}</title>'
                f'<rect class="to-chart-unread" x="{x}%" y="{_TOP_PX}" width="{width}%"'
                f' height="{plot_height}"/></g>'
            )
    return drawn


def _axis(top: int, step: int, plot_height: int, label: Callable[[int], str]) -> list[str]:
    drawn = []
    for amount in range(0, top + 1, step):
        y = _pixels(_TOP_PX + plot_height - Decimal(amount) * plot_height / (top or 1))
        css_class = "to-chart-line" if amount else "to-chart-base"
        drawn += [
            f'<line class="{css_class}" x1="0%" y1="{y}" x2="100%" y2="{y}"/>',
            _text("0px", y + 4, label(amount), "end", dx=-8),
        ]
    return drawn


def _month_labels(bars: Sequence[Bar], plot_height: int) -> list[str]:
    """The first of each month; where the window holds none, its first day."""
    starts = [at for at, bar in enumerate(bars) if bar.day.day == 1] or ([0] if bars else [])
    drawn = []
    for at in starts:
        x, _ = _place(at, len(bars))
        if x > 100 - _LABEL_WIDTH_PERCENT:
            continue
        bottom = _TOP_PX + plot_height
        drawn += [
            f'<line class="to-chart-base" x1="{x}%" y1="{bottom}" x2="{x}%" y2="{bottom + 6}"/>',
            _text(f"{x}%", bottom + 20, formatting.short_date(bars[at].day), "start"),
        ]
    return drawn


def _peak_labels(bars: Sequence[Bar], cut: list[Bar], label: Callable[[int], str]) -> list[str]:
    """Name every day that is cut, or else the largest one where it flattens the others.

    A label that would stand on another one stands a line lower.
    """
    used, largest = (
        [bar.amount for bar in bars if bar.amount],
        max(bars, key=lambda bar: bar.amount),
    )
    towers = len(used) >= _LEAST_PLACES and largest.amount >= _OUTLIER_FACTOR * median_low(used)
    drawn, ends = list[str](), list[Decimal]()
    for at, bar in enumerate(bars):
        if bar not in (cut or [largest][:towers]):
            continue
        x, width = _place(at, len(bars))
        in_left_half = x < 50  # noqa: PLR2004 - half of the width in percent
        begins = x if in_left_half else x - _PEAK_WIDTH_PERCENT
        line = next((line for line, end in enumerate(ends) if end <= begins), len(ends))
        ends[line : line + 1] = [begins + width + _PEAK_WIDTH_PERCENT]
        edge, anchor, dx = (x + width, "start", 6) if in_left_half else (x, "end", -6)
        words = f"{formatting.short_date(bar.day)}: {label(bar.amount)}"
        y = _TOP_PX + 14 + line * _PEAK_LINE_PX
        drawn.append(_text(f"{edge}%", y, words, anchor, dx=dx, css_class="to-chart-peak"))
    return drawn


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
    width = Decimal(100) / max(count, _LEAST_PLACES)
    margin = width * (1 - _BAR_SHARE) / 2
    return _pixels(width * at + margin), _pixels(width * _BAR_SHARE)


def _hatching_pattern(id_prefix: str) -> str:
    return (
        f'<defs><pattern id="{hatching_id(id_prefix)}" patternUnits="userSpaceOnUse" width="4"'
        ' height="4"><path class="to-chart-stripes" d="M-1 1 1-1M0 4 4 0M3 5 5 3"/></pattern>'
        "</defs>"
    )


def _dot(css_class: str, x: str, y: Decimal | int, radius: Decimal | int) -> str:
    return f'<circle class="{css_class}" cx="{x}" cy="{y}" r="{radius}"/>'


def _small(drawn: str) -> Markup:
    return _markup([_svg('width="14" height="14" class="to-swatch"', _SILENT), drawn])


def _svg(*attributes: str) -> str:
    return f"<svg {' '.join(attributes)}>"


def _text(
    x: str,
    y: Decimal | int,
    label: str,
    anchor: str,
    *,
    dx: int = 0,
    css_class: str | None = None,
) -> str:
    named = f' class="{css_class}"' if css_class else ""
    moved = f' dx="{dx}"' if dx else ""
    return f'<text text-anchor="{anchor}"{named} x="{x}" y="{y}"{moved}>{_escaped(label)}</text>'


def _escaped(text: str) -> str:
    """A text to stand between tags."""
    return escape(text, quote=False)


def _pixels(value: Decimal) -> Decimal:
    return value.quantize(_HUNDREDTH)


def _markup(drawn: Sequence[str]) -> Markup:
    # Every text that goes in was escaped, and every attribute is ours.
    return Markup("".join(drawn) + "</svg>")  # noqa: S704 - see the line above
