from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.html import charts
from flask_tokenoffset.methodology import Range, TokenCounts, TokenKind
from flask_tokenoffset.services.sources.model_usage import ModelDays
from flask_tokenoffset.services.sources.usage import DayTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

FIRST = date(2026, 8, 22)
COUNTS = st.builds(TokenCounts, *[st.integers(0, 10**12)] * 4)


def days_of(counts: Sequence[TokenCounts], cost_nano_usd: int = 0) -> list[DayTotals]:
    return [
        DayTotals(FIRST + timedelta(days=at), each, cost_nano_usd) for at, each in enumerate(counts)
    ]


def parsed(markup: Markup) -> ET.Element:
    """The drawing, read as strict XML."""
    return ET.fromstring(str(markup))


def bars_of(drawing: ET.Element) -> list[ET.Element]:
    return [each for each in drawing.iter("g") if each.get("class") == "to-chart-day"]


def pieces_of(bar: ET.Element) -> list[ET.Element]:
    return [each for each in bar.iter("rect") if each.get("class") != "to-chart-hatched"]


def heights_of(bar: ET.Element) -> list[Decimal]:
    return [Decimal(each.get("height", "")) for each in pieces_of(bar)]


def texts_of(drawing: ET.Element) -> list[str]:
    return [each.text or "" for each in drawing.iter("text")]


def test_heights_add_up_and_are_in_proportion() -> None:
    days = days_of([TokenCounts(20, 60, 10, 10), TokenCounts(10, 30, 5, 5)])
    first, second = bars_of(parsed(charts.daily_usage_chart(days)))
    # A hundred tokens reach the top of the axis, which has steps of fifty.
    assert sum(heights_of(first)) == charts.PLOT_HEIGHT_PX
    assert sum(heights_of(second)) == Decimal(charts.PLOT_HEIGHT_PX) / 2
    assert heights_of(first) == [Decimal(132), Decimal(44), Decimal(22), Decimal(22)]


@given(st.lists(COUNTS, min_size=1, max_size=95))
def test_the_pieces_of_every_bar_stand_on_each_other(counts: list[TokenCounts]) -> None:
    drawing = parsed(charts.daily_usage_chart(days_of(counts)))
    bars = bars_of(drawing)
    assert len(bars) == sum(1 for each in counts if each.total)
    for bar in bars:
        bottom = Decimal(10 + charts.PLOT_HEIGHT_PX)
        for piece in pieces_of(bar):
            assert Decimal(piece.get("y", "")) + Decimal(piece.get("height", "")) == bottom
            bottom = Decimal(piece.get("y", ""))
        assert bottom >= 10
        assert sum(heights_of(bar)) >= 1
    for rect in drawing.iter("rect"):
        assert Decimal(rect.get("x", "").rstrip("%")) + Decimal(
            rect.get("width", "").rstrip("%")
        ) <= Decimal(100)


@pytest.mark.parametrize("draw", [charts.daily_usage_chart, charts.cost_chart])
@pytest.mark.parametrize("count", [0, 1, 90])
def test_a_drawing_is_named_for_screen_readers_and_has_no_inline_style(
    draw: object, count: int
) -> None:
    assert callable(draw)
    drawing = parsed(draw(days_of([TokenCounts(1, 2, 3, 4)] * count, 5), id_prefix="here"))
    assert drawing.tag == "svg"
    assert (
        drawing.get("role") == "group"
    )  # Its days can be reached, which those of an image cannot.
    names = (drawing.get("aria-labelledby") or "").split()
    ids = {each.get("id"): each for each in drawing.iter() if each.get("id")}
    assert names
    assert all(ids[name].text for name in names)
    assert all(key.startswith("here-") for key in ids if key)
    for each in drawing.iter():
        assert "style" not in each.attrib
        assert each.tag not in {"style", "script", "image", "foreignObject"}
        assert not any(name.startswith("on") or "href" in name for name in each.attrib)


def test_the_words_name_the_window_the_sum_and_the_largest_day() -> None:
    days = days_of([TokenCounts(1_000_000), TokenCounts(2_500_000), TokenCounts()])
    drawing = parsed(charts.daily_usage_chart(days))
    assert drawing.findtext("title") == "Tokens a day, 22 August 2026 to 24 August 2026"
    words = (drawing.findtext("desc") or "").replace("\N{NO-BREAK SPACE}", " ")
    assert "3.5 million tokens over 3 days" in words
    assert "23 August 2026: 2.5 million tokens" in words


def test_every_kind_has_a_class_and_one_is_striped() -> None:
    bar = bars_of(
        parsed(charts.daily_usage_chart(days_of([TokenCounts(1, 1, 1, 1)]), id_prefix="a"))
    )[0]
    classes = [each.get("class") for each in pieces_of(bar)]
    assert classes == [f"to-kind-{kind.replace('_', '-')}" for kind in charts.KINDS]
    assert set(charts.KINDS) == set(TokenKind)
    stripes = [each for each in bar.iter("rect") if each.get("class") == "to-chart-hatched"]
    assert [each.get("fill") for each in stripes] == ["url(#a-hatching)"]


def test_idle_days_and_no_days_say_so() -> None:
    idle = parsed(charts.daily_usage_chart(days_of([TokenCounts()] * 90)))
    assert "No tokens on any of these days" in texts_of(idle)
    assert bars_of(idle) == []
    assert "Nothing was sampled yet" in texts_of(parsed(charts.daily_usage_chart([])))


def test_a_giant_day_is_named_and_ordinary_days_still_show() -> None:
    counts = [TokenCounts(100)] * 89 + [TokenCounts(10_000_000)]
    drawing = parsed(charts.daily_usage_chart(days_of(counts)))
    assert "19 Nov: 10M" in texts_of(drawing)
    assert all(sum(heights_of(bar)) >= 1 for bar in bars_of(drawing))
    ordinary = parsed(charts.daily_usage_chart(days_of([TokenCounts(100)] * 90)))
    assert "to-chart-peak" not in {each.get("class") for each in ordinary.iter("text")}


def test_months_are_labelled_where_they_begin() -> None:
    drawing = parsed(charts.daily_usage_chart(days_of([TokenCounts(5)] * 90)))
    assert texts_of(drawing)[-3:] == ["1 Sep", "1 Oct", "1 Nov"]
    short = parsed(charts.daily_usage_chart(days_of([TokenCounts(5)] * 7)))
    assert texts_of(short)[-1] == "22 Aug"


@given(st.integers(1, 10**15))
def test_the_axis_has_few_round_steps_and_reaches_the_largest_day(largest: int) -> None:
    drawing = parsed(charts.daily_usage_chart(days_of([TokenCounts(largest)])))
    lines = [each for each in drawing.iter("line") if each.get("class") == "to-chart-line"]
    assert 1 <= len(lines) <= 4
    assert sum(heights_of(bars_of(drawing)[0])) > charts.PLOT_HEIGHT_PX * Decimal("0.4")


def test_costs_are_drawn_and_credits_are_not() -> None:
    days = [
        DayTotals(FIRST, TokenCounts(), 2_000_000_000),
        DayTotals(FIRST + timedelta(days=1), TokenCounts(), -1_000_000_000),
        DayTotals(FIRST + timedelta(days=2), TokenCounts(), 5_000_000),
    ]
    drawing = parsed(charts.cost_chart(days))
    assert [bar.findtext("title") for bar in bars_of(drawing)] == [
        "22 August 2026: $2.00",
        "24 August 2026: less than $0.01",
    ]
    assert "$2" in texts_of(drawing)


def test_cheap_days_have_cents_on_the_axis() -> None:
    drawing = parsed(charts.cost_chart(days_of([TokenCounts()], 400_000_000)))
    assert texts_of(drawing)[:3] == ["$0", "$0.10", "$0.20"]


def test_the_legend_and_the_table_show_the_same_tokens() -> None:
    days = days_of([TokenCounts(1, 2, 3, 4), TokenCounts(10, 20, 30, 40)], 10_000_000)
    assert [(each.title, each.tokens) for each in charts.legend(days)] == [
        ("Output", 44),
        ("Cache creation", 33),
        ("Uncached input", 11),
        ("Cached input", 22),
    ]
    assert charts.usage_rows(days) == [
        ["23 August 2026", "10", "20", "30", "40", "$0.01"],
        ["22 August 2026", "1", "2", "3", "4", "$0.01"],
    ]


def test_days_that_were_kept_are_marked_in_the_chart_and_its_table() -> None:
    days = days_of([TokenCounts(10), TokenCounts(20), TokenCounts(0)])
    kept = [days[1].day, days[2].day]
    drawing = parsed(charts.daily_usage_chart(days, kept_days=kept))
    marks = [each for each in drawing.iter("circle") if each.get("class") == "to-chart-mark"]
    # Over the largest bar, and where the bar of an idle day would begin.
    assert [Decimal(each.get("cy", "")) for each in marks] == [4, 224]
    assert bars_of(drawing)[1].findtext("title") == "23 August 2026 (kept): 20 tokens"
    assert "marked with a dot: 2." in (drawing.findtext("desc") or "")
    assert [row[0] for row in charts.usage_rows(days, kept_days=kept)] == [
        "24 August 2026 (kept)",
        "23 August 2026 (kept)",
        "22 August 2026",
    ]
    unmarked = parsed(charts.daily_usage_chart(days))
    assert list(unmarked.iter("circle")) == []
    assert "kept" not in (unmarked.findtext("desc") or "")


def test_a_swatch_looks_like_its_bars() -> None:
    plain = parsed(charts.swatch("output"))
    assert [each.get("class") for each in plain.iter("rect")] == ["to-kind-output"]
    striped = parsed(charts.swatch(TokenKind.CACHE_CREATION, id_prefix="a"))
    assert [each.get("fill") for each in striped.iter("rect")] == [None, "url(#a-hatching)"]
    with pytest.raises(ValueError, match="dreams"):
        charts.swatch("dreams")


def test_a_range_bar_begins_at_nothing() -> None:
    drawing = parsed(charts.range_bar(Range(Decimal(25), Decimal(50), Decimal(100))))
    track, band = drawing.iter("rect")
    mark = next(drawing.iter("circle"))
    assert (track.get("x"), track.get("width")) == ("0%", "100%")
    left, width = (Decimal((band.get(name) or "").rstrip("%")) for name in ("x", "width"))
    assert abs(left * 4 - (left + width)) < Decimal("0.1")
    assert abs(left * 2 - Decimal((mark.get("cx") or "").rstrip("%"))) < Decimal("0.1")
    assert drawing.get("aria-hidden") == "true"


def test_a_range_of_nothing_can_be_drawn() -> None:
    drawing = parsed(charts.range_bar(Range.exactly(Decimal(0))))
    assert next(drawing.iter("circle")).get("cx") == "0.00%"


def test_text_from_elsewhere_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "date", lambda day: "<script>&</script>")
    markup = charts.daily_usage_chart(days_of([TokenCounts(1)]))
    assert "<script" not in markup
    assert "<script>&</script>" in (parsed(markup).findtext("title") or "")


def test_a_day_can_be_reached_by_keyboard_and_says_what_it_is() -> None:
    (bar,) = bars_of(parsed(charts.daily_usage_chart(days_of([TokenCounts(1_500_000)]))))
    assert (bar.get("tabindex"), bar.get("role")) == ("0", "img")
    words = (bar.findtext("title") or "").replace("\N{NO-BREAK SPACE}", " ")
    assert words == "22 August 2026: 1.5 million tokens"


def cuts_of(drawing: ET.Element) -> list[ET.Element]:
    return [each for each in drawing.iter("rect") if each.get("class") == "to-chart-cut"]


def test_a_giant_day_is_cut_and_marked_and_the_others_keep_their_height() -> None:
    counts = [TokenCounts(80), TokenCounts(100)] * 44 + [TokenCounts(10_000_000), TokenCounts(50)]
    drawing = parsed(charts.daily_usage_chart(days_of(counts)))
    bars = bars_of(drawing)
    # The axis ends at the largest of the others.
    assert sum(heights_of(bars[1])) == charts.PLOT_HEIGHT_PX
    assert sum(heights_of(bars[-2])) == charts.PLOT_HEIGHT_PX
    (cut,) = cuts_of(drawing)
    assert cut.get("x") == pieces_of(bars[-2])[0].get("x")
    words = (drawing.findtext("desc") or "").replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "Cut at the top, so that the others can be compared: 18 November 2026: 10 million" in words
    )
    assert "18 Nov: 10M" in texts_of(drawing)


def test_every_day_that_is_cut_is_named_and_no_name_stands_on_another() -> None:
    counts = [100] * 90
    giants = {10: 4_000_000, 12: 9_000_000, 60: 2_000_000, 85: 20_000_000}
    for at, count in giants.items():
        counts[at] = count
    drawing = parsed(charts.daily_usage_chart(days_of([TokenCounts(each) for each in counts])))
    assert len(cuts_of(drawing)) == len(giants)
    names = [each for each in drawing.iter("text") if each.get("class") == "to-chart-peak"]
    said = [each.text for each in names]
    assert said == ["1 Sep: 4M", "3 Sep: 9M", "21 Oct: 2M", "15 Nov: 20M"]
    # The third one begins left of where the first two end on a phone; the last one has the room.
    lines = [Decimal(each.get("y") or 0) for each in names]
    assert lines[0] < lines[1] < lines[2]
    assert lines[3] == lines[0]


@pytest.mark.parametrize(
    "counts",
    [
        [100] * 90,
        [100] * 80 + [400] * 10,  # Not far enough beyond the others.
        [100] * 80 + [10_000 + at for at in range(10)],  # Too many to be exceptions.
        [100] * 12 + [10_000],  # Too few days to say what is ordinary.
    ],
)
def test_nothing_else_is_cut(counts: list[int]) -> None:
    drawing = parsed(charts.daily_usage_chart(days_of([TokenCounts(each) for each in counts])))
    assert cuts_of(drawing) == []
    assert "Cut at the top" not in (drawing.findtext("desc") or "")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=95))
def test_no_more_than_one_day_in_twenty_is_cut(amounts: list[int]) -> None:
    drawing = parsed(charts.daily_usage_chart(days_of([TokenCounts(each) for each in amounts])))
    assert len(cuts_of(drawing)) <= len(amounts) // 20 + 1


MODELS = ModelDays(
    ("claude-opus", ""),
    {FIRST: (70, 20, 10), FIRST + timedelta(days=2): (0, 5, 0)},
)


def test_bars_can_tell_models_apart() -> None:
    days = days_of([TokenCounts(100), TokenCounts(), TokenCounts(5)])
    drawing = parsed(charts.daily_model_chart(days, MODELS))
    first, last = bars_of(drawing)
    assert [each.get("class") for each in pieces_of(first)] == [
        "to-model-1",
        "to-model-2",
        "to-model-others",
    ]
    assert heights_of(first) == [Decimal(154), Decimal(44), Decimal(22)]
    assert [each.get("class") for each in pieces_of(last)] == ["to-model-2"]
    assert [(each.title, each.tokens) for each in charts.model_legend(MODELS)] == [
        ("Others", 10),
        ("no model named", 25),
        ("claude-opus", 70),
    ]
    assert charts.model_rows(days, MODELS) == [
        ["24 August 2026", "0", "5", "0"],
        ["23 August 2026", "0", "0", "0"],
        ["22 August 2026", "70", "20", "10"],
    ]


def test_where_no_model_is_left_over_there_are_no_others() -> None:
    models = ModelDays(("a",), {FIRST: (3, 0)})
    assert [each.title for each in charts.model_legend(models)] == ["a"]
    assert charts.model_rows(days_of([TokenCounts(3)]), models) == [["22 August 2026", "3"]]
    assert charts.model_legend(ModelDays((), {})) == []


def test_a_name_from_a_vendor_is_escaped_in_the_chart_by_model() -> None:
    models = ModelDays(("<b>x",), {FIRST: (3, 0)})
    assert "<b>" not in charts.daily_model_chart(days_of([TokenCounts(3)]), models)


def unread_in(drawing: ET.Element) -> list[str]:
    """The names of the days that are drawn as not read."""
    return [
        (bar.findtext("title") or "")
        for bar in bars_of(drawing)
        if any(each.get("class") == "to-chart-unread" for each in bar.iter("rect"))
    ]


def test_a_day_that_was_not_read_is_drawn_unlike_one_without_use() -> None:
    used, unread = TokenCounts(100), None
    days = [
        DayTotals(FIRST, used, 1),
        DayTotals(FIRST + timedelta(days=1), TokenCounts(), 0),
        DayTotals(FIRST + timedelta(days=2), unread, None),
    ]
    models = ModelDays(("a",), {FIRST: (100, 0)})
    for drawn in (charts.daily_usage_chart(days), charts.daily_model_chart(days, models)):
        assert unread_in(parsed(drawn)) == ["24 August 2026: not read"]
        assert len(bars_of(parsed(drawn))) == 2  # Nothing is drawn of a day without use.
    assert unread_in(parsed(charts.cost_chart(days))) == ["24 August 2026: not known"]
    assert charts.model_rows(days, models)[0] == ["24 August 2026", "not read"]
    assert charts.model_rows(days, models)[1] == ["23 August 2026", "0"]
    # Where nothing was read at all there is nothing to compare, and it is told apart all the same.
    assert len(unread_in(parsed(charts.daily_usage_chart(days[2:])))) == 1
