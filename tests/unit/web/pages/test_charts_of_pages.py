"""What the charts of the dashboard and of a source show, as links choose it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.blueprints.html.chart_choices import ChartChoice

if TYPE_CHECKING:
    from tests.support.html_page import HtmlPage
    from tests.support.world import World

PAGES = pytest.mark.parametrize("page", ["dashboard", "source"])


@pytest.fixture
def paths(world: World) -> dict[str, str]:
    source_id = world.ada.sample()
    return {"dashboard": "/", "source": f"/sources/{source_id}"}


def days_in(page: HtmlPage) -> int:
    """The rows of the table behind the chart of tokens."""
    text = page.by_id("daily-usage-table").text
    return text.count(" 2026")


@PAGES
@pytest.mark.parametrize("days", [7, 30, 90])
def test_the_range_is_a_link_and_the_charts_follow(
    world: World, paths: dict[str, str], page: str, days: int
) -> None:
    path = paths[page]
    shown = world.ada.page(f"{path}?days={days}&by=kind")
    assert days_in(shown) == days
    newest = world.clock.today() - timedelta(days=1)
    assert f"{newest.day} November 2026" in shown.by_id("daily-usage-table").text
    links = [each for each in shown.links() if each.startswith("?days=")]
    assert [each.partition("#")[0] for each in links] == [
        "?days=7&by=kind",
        "?days=30&by=kind",
        "?days=90&by=kind",
        f"?days={days}&by=kind",
        f"?days={days}&by=model",
    ]
    current = [e.text for e in shown.elements if e.attributes.get("aria-current") == "true"]
    assert [f"{days} days", "By kind"] == [
        each for each in current if "day" in each or "By" in each
    ]


@PAGES
def test_bars_tell_models_apart_where_that_is_chosen(
    world: World, paths: dict[str, str], page: str
) -> None:
    path = paths[page]
    by_kind = world.ada.page(path)
    assert "Cached input" in by_kind.by_id("daily-usage-table").text
    by_model = world.ada.page(f"{path}?days=30&by=model")
    table = by_model.by_id("daily-usage-table").text
    assert "claude" in table
    assert "Cached input" not in table
    assert days_in(by_model) == 30
    assert by_model.by_class("to-model-1")


@PAGES
@pytest.mark.parametrize("query", ["days=0", "days=91", "days=seven", "by=person", "days=&by="])
def test_what_cannot_be_chosen_shows_what_is_shown_without(
    world: World, paths: dict[str, str], page: str, query: str
) -> None:
    path = paths[page]
    assert world.ada.page(f"{path}?{query}").text == world.ada.page(path).text


def test_a_chart_by_model_is_of_ones_own_sources_only(world: World, paths: dict[str, str]) -> None:
    del paths
    assert world.ada.page("/?by=model").by_class("to-model-1")
    for browser in (world.ben, world.stranger):
        assert not browser.page("/?by=model").by_class("to-model-1")


def test_choices_are_read_strictly() -> None:
    assert ChartChoice.read({"days": "7", "by": "model"}) == ChartChoice(7, "model")
    assert ChartChoice.read({"days": " 7", "by": "Model"}) == ChartChoice(90, "kind")
