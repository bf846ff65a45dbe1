"""How the charts are drawn: bars, an axis, labels, swatches and ranges as SVG elements.

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

from flask_tokenoffset import formatting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

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
_MARK_RADIUS_PX: Final = Decimal("2.5")
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

    :param words: what it is, said in words.
    :param parts: its pieces from the bottom up.
    :param marked: whether a dot stands over it.
    """

    day: date
    words: str
    parts: tuple[Part, ...]
    marked: bool = False

    @property
    def amount(self) -> int:
        """How much the whole bar stands for."""
        return sum(part.amount for part in self.parts)


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart says to whoever does not see it, and on its axis.

    :param nothing: what stands in the chart where there is nothing to draw.
    :param axis: writes an amount beside a line.
    """

    title: str
    description: str
    nothing: str
    axis: Callable[[int], str]


def draw_bars(
    bars: Sequence[Bar],
    words: Words,
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
    largest = max((bar.amount for bar in bars), default=0)
    if not largest:
        plot_height = _EMPTY_PLOT_HEIGHT_PX
    drawn: list[svg.Element] = [
        svg.Title(id=f"{id_prefix}-title", text=svg.escape(words.title)),
        svg.Desc(id=f"{id_prefix}-desc", text=svg.escape(words.description)),
    ]
    if hatched:
        drawn.append(svg.Defs(elements=[_hatching_pattern(id_prefix)]))
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


def draw_swatch(css_class: str, fill: str | None) -> Markup:
    """A small square of a part's colour.

    :param fill: the pattern over it, if any.
    """
    layers: list[svg.Element] = [svg.Rect(width=14, height=14, rx=3, class_=[css_class])]
    if fill:
        layers.append(svg.Rect(width=14, height=14, rx=3, fill=fill))
    return _small(layers)


def draw_mark() -> Markup:
    """The dot that stands over a marked bar."""
    return _small([svg.Circle(cx=7, cy=7, r=_MARK_RADIUS_PX, class_=["to-chart-mark"])])


def draw_range(low: Decimal, central: Decimal, high: Decimal) -> Markup:
    """A band with a mark in it.

    :param low: where the band begins, in percent of the width; the others alike.
    """
    low, central, high = _pixels(low), _pixels(central), _pixels(high)
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


def hatching_id(id_prefix: str) -> str:
    """The id of a chart's pattern of stripes.

    :param id_prefix: that of the chart.
    """
    return f"{id_prefix}-hatching"


def _bars(bars: Sequence[Bar], top: int, plot_height: int) -> list[svg.Element]:
    drawn: list[svg.Element] = []
    for at, bar in enumerate(bars):
        x, width = _place(at, len(bars))
        height = Decimal(0)
        if bar.amount:
            height = max(Decimal(bar.amount) * plot_height / top, _LEAST_BAR_PX)
        if bar.marked:
            drawn.append(_mark(x + width / 2, _TOP_PX + plot_height - height - _MARK_GAP_PX))
        if not bar.amount:
            continue
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


def _month_labels(bars: Sequence[Bar], plot_height: int) -> list[svg.Element]:
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


def _peak_label(bars: Sequence[Bar], label: Callable[[int], str]) -> list[svg.Element]:
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


def _hatching_pattern(id_prefix: str) -> svg.Element:
    return svg.Pattern(
        id=hatching_id(id_prefix),
        width=4,
        height=4,
        patternUnits="userSpaceOnUse",
        elements=[svg.Path(class_=["to-chart-stripes"], extra={"d": "M-1 1 1-1M0 4 4 0M3 5 5 3"})],
    )


def _mark(x: Decimal, y: Decimal) -> svg.Element:
    return svg.Circle(
        cx=_length(f"{_pixels(x)}%"), cy=_pixels(y), r=_MARK_RADIUS_PX, class_=["to-chart-mark"]
    )


def _small(elements: list[svg.Element]) -> Markup:
    return _markup(
        svg.SVG(
            xmlns=None,
            width=14,
            height=14,
            class_=["to-swatch"],
            elements=elements,
            extra={"aria-hidden": "true", "focusable": "false"},
        )
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


def _pixels(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def _markup(drawing: svg.SVG) -> Markup:
    # Every text that goes in was escaped, and every attribute is ours.
    return Markup(drawing.as_str())  # noqa: S704 - see the line above
