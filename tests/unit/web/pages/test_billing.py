from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.blueprints.billing.pages import RECORDS_PER_PAGE

if TYPE_CHECKING:
    from tests.support.html_page import HtmlPage
    from tests.support.world import World


def rows_of(page: HtmlPage) -> list[str]:
    return [each.text for each in page.elements if each.tag == "tr"][1:]


def test_without_a_plan_there_are_no_records(world: World) -> None:
    page = world.stranger.page("/billing-records")
    assert "There are no records yet" in page.text
    assert rows_of(page) == []
    assert not world.stranger.has_account


@pytest.mark.promise("TO-008")
def test_each_month_yields_one_simulated_record(world: World) -> None:
    world.ada.adopt(world.ada.pick_band("worker"), 150)
    world.bill()
    assert len(rows_of(world.ada.page("/billing-records"))) == 1
    for year, month in ((2026, 12), (2027, 1)):
        for hour in (0, 1, 12):
            world.clock.move_to(datetime(year, month, 1, hour, tzinfo=UTC))
            world.bill()
    page = world.ada.page("/billing-records")
    rows = rows_of(page)
    assert [row.split(" $")[0] for row in rows] == [
        "January 2027",
        "December 2026",
        "November 2026",
    ]
    for row in rows:
        assert "$1.88 5,000,000 1.5x rate 2026-05" in row
        assert row.endswith("Simulated")
    assert "no payment is ever taken" in page.text


def test_a_month_keeps_the_amount_that_was_in_force(world: World) -> None:
    world.ada.adopt(world.ada.pick_band("worker"))
    world.bill()
    world.clock.move_to(datetime(2026, 12, 15, tzinfo=UTC))
    world.ada.adopt(world.ada.pick_band("agentic"))
    world.bill()
    world.clock.move_to(datetime(2027, 1, 2, tzinfo=UTC))
    world.bill()
    rows = rows_of(world.ada.page("/billing-records"))
    assert ["$35.00" in row for row in rows] == [True, False, False]


def test_a_paused_month_has_no_record(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    world.bill()
    world.ada.post("/plan/pause")
    world.clock.move_to(datetime(2026, 12, 20, tzinfo=UTC))
    world.bill()
    assert len(rows_of(world.ada.page("/billing-records"))) == 1


def test_older_records_are_a_page_away(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    world.clock.move_to(datetime(2029, 3, 1, tzinfo=UTC))
    world.bill()
    page = world.ada.page("/billing-records")
    newest = rows_of(page)
    assert len(newest) == RECORDS_PER_PAGE
    older_page = world.ada.page(page.link("Older records").removeprefix("/tokenoffset"))
    older = rows_of(older_page)
    # Older ones than twelve months are not kept, so they are not made up for either.
    assert len(newest) + len(older) == 12
    assert not set(newest) & set(older)
    assert "Older records" not in older_page.text
    assert older_page.link("Newest records").endswith("/billing-records")


@pytest.mark.parametrize("cursor", ["nonsense", "", "WyJub3QgYSBkYXRlIl0", "%00"])
def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    answer = world.ada.get(f"/billing-records?cursor={cursor}")
    assert answer.status_code == 422
    assert "not a cursor of this list" in answer.text


def test_accounts_see_their_own_records_only(settled_world: World) -> None:
    world = settled_world
    for browser in (world.ada, world.ben):
        assert len(rows_of(browser.page("/billing-records"))) == 1
    assert rows_of(world.stranger.page("/billing-records")) == []


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    assert world.nobody.get("/billing-records").location.startswith("/sign-in")
