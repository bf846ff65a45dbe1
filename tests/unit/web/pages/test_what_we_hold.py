"""The page on what is held says what the data map and the rules say, to anyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.data_map import load
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.rules import operator_days

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def tables(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for group in answer["tables"] for each in group["items"]}


def test_anyone_reads_on_the_page_what_is_held(world: World) -> None:
    text = world.nobody.page("/privacy/what-we-hold").text
    data_map = load()
    for table in data_map.tables.values():
        assert table.title in text
        assert " ".join(table.holds.split()) in text
        assert data_map.bases[table.basis] in text
    for entry in data_map.elsewhere:
        assert entry.name in text


@pytest.mark.promise("TO-043")
def test_the_page_states_the_periods_that_the_purge_goes_by(world: World) -> None:
    answer = world.nobody.api("GET", "/privacy/what-we-hold").get_json()
    said = {name: item["kept_for"] for name, item in tables(answer).items()}
    for rule in RULES:
        days = operator_days(rule, world.state.settings)
        for table in rule.tables:
            if days:
                assert f"{days:,} day" in said[table], table
            assert rule.begins in said[table], table


def test_a_shorter_period_of_the_operators_is_the_one_that_is_stated(
    make_world: Callable[..., World],
) -> None:
    shortened = make_world(TOKENOFFSET_RETENTION={"messages": 7})
    text = shortened.nobody.page("/privacy/what-we-hold").text
    assert "Until 7 days after it was written." in text


def test_the_api_says_the_same_and_names_every_value(world: World) -> None:
    answer = world.nobody.api("GET", "/privacy/what-we-hold").get_json()
    found = tables(answer)
    for table in load().tables.values():
        item = found[table.name]
        assert list(item["categories"]) == list(table.columns)
        kept_out = [value for each in item["kept_out"] for value in each["values"]]
        if table.about == "nobody":
            assert not item["copied"]
        else:
            assert sorted(item["copied"] + kept_out) == sorted(table.columns)
    assert "ciphertext" not in found["credential"]["copied"]
    assert "email" in found["person"]["copied"]


def test_the_page_is_the_same_for_anyone_who_has_something_and_for_a_stranger(world: World) -> None:
    world.ada.settle()
    for browser in (world.ada, world.stranger):
        page = browser.page("/privacy/what-we-hold").text
        assert "sk-ant" not in page
        assert "Acme" not in page
    answers = {
        browser.api("GET", "/privacy/what-we-hold").data for browser in (world.ada, world.nobody)
    }
    assert len(answers) == 1
