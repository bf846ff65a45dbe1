from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from flask_tokenoffset.models import DailyUsage, UsageSeries

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

#: Everything the page asks the database, the host's own look for its user included.
MOST_STATEMENTS = 8


def crowd(world: World, days: int, people: int, ending_days_ago: int) -> None:
    """Give other people sources, and Ada a long history of days."""
    for number in range(people):
        world.browser(f"crowd-{ending_days_ago}-{number}").connect()
    with world.app.app_context(), world.state.unit_of_work() as work:
        series_id = work.session.scalar(select(UsageSeries.id).limit(1))
        assert series_id is not None
        first = world.clock.today() - timedelta(days=days + ending_days_ago)
        work.session.execute(
            insert(DailyUsage),
            [
                {
                    "series_id": series_id,
                    "day": first + timedelta(days=number),
                    "uncached_input_tokens": 1,
                    "cached_input_tokens": 2,
                    "cache_creation_tokens": 3,
                    "output_tokens": 4,
                    "request_count": 1,
                }
                for number in range(days)
            ],
        )


def statements_of(world: World, path: str) -> list[str]:
    world.ada.page(path)
    with world.statements() as sent:
        world.ada.page(path)
    return sent


@pytest.mark.parametrize("plan_has_newer_estimate", [False, True])
def test_the_dashboard_asks_the_same_however_much_there_is(
    make_world: Callable[..., World], database_url: str, plan_has_newer_estimate: bool
) -> None:
    world = make_world(database_url)
    source_id = world.ada.settle()
    world.ada.sample("openai")
    if plan_has_newer_estimate:
        world.clock.move(days=1)
        world.ada.resample(source_id)
    crowd(world, days=10, people=1, ending_days_ago=200)
    with_little = statements_of(world, "/")
    crowd(world, days=10_000, people=5, ending_days_ago=300)
    with_much = statements_of(world, "/")

    assert len(with_little) == len(with_much)
    assert len(with_much) <= MOST_STATEMENTS


def test_more_connections_of_ones_own_ask_no_more(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url)
    world.ada.sample("anthropic")
    with_one = statements_of(world, "/")
    for _ in range(3):
        world.change_organization()
        world.ada.sample("openai")
    assert len(statements_of(world, "/")) == len(with_one) <= MOST_STATEMENTS


def test_a_newcomers_dashboard_asks_who_they_are_and_which_texts_count_and_no_more(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url)
    # Signing in belongs to the host; what remains is its user and our person, what they have to
    # accept, and what is about to change.
    world.stranger.page("/")
    with world.statements() as sent:
        world.stranger.page("/")
    assert len(sent) == 4
