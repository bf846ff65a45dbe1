from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.blueprints.methodology import pages
from flask_tokenoffset.methodology import (
    Constant,
    ModelUsage,
    Range,
    band_for,
    bands,
    class_aware,
    class_aware_amount_cents,
    comparisons,
    describe,
    describe_range,
    estimate_environment,
    projection,
    published,
    published_amount_cents,
)
from flask_tokenoffset.methodology.descriptions import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.methodology import RangedConstant, Source
    from tests.support.html_page import HtmlPage
    from tests.support.world import World

TABLES = {
    "published": ["published-constants"],
    "class-aware": ["energy-constants", "other-constants", "suggestion-constants"],
}
CONSTANTS = [*published().constants, *class_aware().constants]


def rows_of(page: HtmlPage, *table_ids: str) -> dict[str, list[str]]:
    """The rows of some tables by their first cell, citations left out."""
    rows: list[list[str]] = []
    inside = False
    for element in page.elements:
        if element.tag == "table":
            inside = element.attributes["id"] in table_ids
        elif inside and element.tag == "tr":
            rows.append([])
        elif inside and element.tag in {"th", "td"}:
            rows[-1].append(element.text.partition(" [")[0])
    return {row[0]: row for row in rows}


def expected_cells(constant: Constant | RangedConstant) -> list[str]:
    if isinstance(constant, Constant):
        values = [f"{constant.value:,f}"]
    else:
        ends = constant.value
        values = [f"{end:,f}" for end in (ends.low, ends.central, ends.high)]
    return [constant.title, *values, constant.unit, constant.standing]


def every_source() -> list[Source]:
    cited = [*CONSTANTS, *class_aware().carbon_price_anchors, *bands()]
    return [source for each in cited for source in each.sources]


@pytest.mark.promise("TO-038")
@pytest.mark.parametrize("constant", CONSTANTS, ids=lambda constant: constant.id)
def test_every_constant_is_printed_as_the_code_has_it(
    world: World, constant: Constant | RangedConstant
) -> None:
    page = world.nobody.page("/methodology")
    method = "published" if constant in published().constants else "class-aware"
    assert rows_of(page, *TABLES[method])[constant.title] == expected_cells(constant)
    assert constant.note in page.text


@pytest.mark.promise("TO-038")
def test_another_constant_is_another_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = world.nobody.page("/methodology")
    flat, ranged = published(), class_aware()
    changed_flat = replace(
        flat,
        energy_wh_per_1000_tokens=replace(flat.energy_wh_per_1000_tokens, value=Decimal("0.81")),
        contribution_cents_per_million_tokens=replace(
            flat.contribution_cents_per_million_tokens, value=Decimal(31)
        ),
    )
    changed_ranged = replace(
        ranged,
        grid_co2e_g_per_kwh=replace(
            ranged.grid_co2e_g_per_kwh, value=Range(Decimal(501), Decimal(602), Decimal(703))
        ),
    )
    monkeypatch.setattr(pages, "published", lambda: changed_flat)
    monkeypatch.setattr(pages, "class_aware", lambda: changed_ranged)
    after = world.nobody.page("/methodology")

    assert rows_of(before, *TABLES["published"])["Energy"][1] == "0.50"
    assert rows_of(after, *TABLES["published"])["Energy"][1] == "0.81"
    grid = rows_of(after, *TABLES["class-aware"])["Carbon of electricity"]
    assert grid[1:4] == ["501", "602", "703"]
    # The example follows: 12,345,678 x 31 / 1,000,000 cents.
    assert "382.716018 cents, rounded up: $3.83" in after.text
    example = rows_of(before, "example-table"), rows_of(after, "example-table")
    for row in ("Energy", "Carbon", "Contribution"):
        assert example[0][row][1:] != example[1][row][1:]
    assert example[0]["Water"] == example[1]["Water"]


@pytest.mark.promise("TO-038")
def test_the_example_is_what_the_arithmetic_says(world: World) -> None:
    band = band_for(pages.EXAMPLE_TOKENS)
    usage = ModelUsage.of_class(band.model_class, band.split(pages.EXAMPLE_TOKENS))
    environment = estimate_environment([usage])
    rows = rows_of(world.nobody.page("/methodology"), "example-table")
    assert rows["Energy"][1:] == [
        describe(environment.published.energy_wh, Quantity.ENERGY),
        describe_range(environment.class_aware.energy_wh, Quantity.ENERGY),
    ]
    assert rows["Contribution"][1:] == ["$3.09", "$1.00"]
    assert published_amount_cents(pages.EXAMPLE_TOKENS, 100, published()) == 309
    carbon = environment.class_aware.co2e_g
    assert class_aware_amount_cents(carbon, 100, class_aware()) == 100


@pytest.mark.promise("TO-038")
def test_the_bands_are_printed_with_what_they_cost(world: World) -> None:
    page = world.nobody.page("/methodology")
    rows = rows_of(page, "bands-table")
    assert rows["Casual"][1:] == ["0 to 2 million", "300,000", "medium", "$0.08", "$1.00"]
    assert rows["Extreme"][1:3] == ["more than 500 million", "1.5 billion"]
    for band in bands():
        cents = published_amount_cents(band.midpoint_tokens, 100, published())
        assert rows[band.name][4] == f"${cents / 100:,.2f}"
        assert band.note in page.text
        for share in band.mix_percent.values():
            assert not share or f"{share} % " in page.text


@pytest.mark.promise("TO-038")
def test_the_projections_rules_are_those_of_the_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = world.nobody.page("/methodology").text
    assert "measured in the last 28 days \N{MULTIPLICATION SIGN} 30.44/28" in text
    assert "less than 90 % of the window known" in text
    assert "fewer than 14 days since the first use, or fewer than 3 days with any" in text
    for name, value in {
        "BASIS_DAYS": 31,
        "MIN_DAYS": 15,
        "MIN_ACTIVE_DAYS": 4,
        "MAX_BASIS_AGE_DAYS": 29,
        "DAYS_PER_MONTH": Fraction("30.5"),
        "MIN_KNOWN_SHARE": Fraction(4, 5),
    }.items():
        monkeypatch.setattr(projection, name, value)
    text = world.nobody.page("/methodology").text
    assert "measured in the last 31 days \N{MULTIPLICATION SIGN} 30.5/31" in text
    assert "end at most 29 days before the window does" in text
    assert "less than 80 % of the window known" in text
    assert "fewer than 15 days since the first use, or fewer than 4 days with any" in text


def test_the_window_is_that_of_the_settings(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_SAMPLE_DAYS=60, TOKENOFFSET_SETTLING_HOURS=9)
    text = world.nobody.page("/methodology").text
    assert "A sample reads 60 UTC days and ends with the last settled one: 9 hours after" in text


def test_the_page_says_which_method_prices_plans_here(make_world: Callable[..., World]) -> None:
    text = make_world().nobody.page("/methodology").text
    assert "priced by the published rate, version 2026-05" in text
    text = make_world(TOKENOFFSET_METHOD="2026.11").nobody.page("/methodology").text
    assert "priced by the class-aware estimate, version 2026.11" in text


def test_versions_and_dates_are_named(world: World) -> None:
    text = world.nobody.page("/methodology").text
    assert "Version 2026-05, effective 28 May 2026." in text
    assert "Version 2026.12, effective 1 December 2026" in text
    assert "looked at again by 31 May 2027" in text


def test_every_source_is_listed_once_and_cited(world: World) -> None:
    page = world.nobody.page("/methodology")
    links = page.links()
    for source in every_source():
        (item,) = [each for each in page.elements if each.tag == "li" and each.text == source.text]
        assert f"#{item.attributes['id']}" in links
        assert not source.url or source.url in links
    for element in page.elements:
        if element.tag == "a" and element.attributes["href"].startswith("http"):
            assert "noopener" in element.attributes["rel"]


def test_it_makes_no_claim_of_having_undone_anything(world: World) -> None:
    text = world.nobody.page("/methodology").text.lower()
    assert "does not undo an emission" in text
    assert "neutral" not in text
    assert "offset" not in text.replace("token offset", "")


def test_anyone_may_read_it_and_nobody_change_it(world: World) -> None:
    assert world.nobody.get("/methodology").status_code == 200
    assert world.ada.get("/methodology").status_code == 200
    assert not world.ada.has_account
    assert world.ada.post("/methodology").status_code == 405


@pytest.mark.promise("TO-038")
def test_every_published_figure_stands_there_with_its_verdicts(world: World) -> None:
    page = world.nobody.page("/methodology")
    rows = [[cell.partition(" [")[0] for cell in row] for row in table_of(page, "checks-table")]
    said = {
        "inside": "inside",
        "outside_below": "outside, below",
        "outside_above": "outside, above",
        "not_compared": "not compared",
    }
    former, now = comparisons("2026.11"), comparisons("2026.12")
    assert len(rows) == len(now)
    for row, before, after in zip(rows, former, now, strict=True):
        assert row[0] == after.figure.what
        assert row[-2:] == [said[before.verdict], said[after.verdict]]
        assert after.figure.note in page.text
    assert {"outside, below", "outside, above", "inside"} <= {row[-2] for row in rows}


@pytest.mark.promise("TO-038")
def test_the_json_says_inside_or_outside_of_every_published_figure(world: World) -> None:
    answer = world.nobody.api("GET", "/methodology").json
    assert answer is not None
    checks = answer["published_elsewhere"]
    assert [check["id"] for check in checks] == [each.figure.id for each in comparisons()]
    for check, computed in zip(checks, comparisons(), strict=True):
        newest = check["verdicts"][-1]
        assert newest["method_version"] == "2026.12"
        assert newest["inside"] is computed.is_inside
    assert answer["outlook_of_one"]["covered_percent"] >= 80


def table_of(page: HtmlPage, table_id: str) -> list[list[str]]:
    """The rows of one table, its head left out."""
    rows: list[list[str]] = []
    inside = False
    for element in page.elements:
        if element.tag == "table":
            inside = element.attributes["id"] == table_id
        elif inside and element.tag == "tr":
            rows.append([])
        elif inside and element.tag in {"th", "td"}:
            rows[-1].append(element.text)
    return rows[1:]


@pytest.mark.parametrize("version", ["2026.11", "2026.12"])
def test_the_constants_and_ranges_are_of_the_version_that_plans_are_priced_by(
    make_world: Callable[..., World], version: str
) -> None:
    world = make_world(TOKENOFFSET_METHOD=version)
    page = world.ada.page("/methodology")
    assert f"Version {version}, effective" in page.text
    rows = rows_of(page, "energy-constants")
    for energy in class_aware(version).energy.values():
        assert rows[energy.output.title] == expected_cells(energy.output)
    checks = rows_of(page, "checks-table")
    (one,) = [each for each in comparisons(version) if each.figure.id == "deepseek_output"]
    assert one.ours is not None
    assert checks[one.figure.what][2].startswith(f"{pages.in_short(one.ours.low)} / ")
    api = world.ada.api("GET", "/methodology").get_json()
    assert api["class_aware"]["version"] == version
