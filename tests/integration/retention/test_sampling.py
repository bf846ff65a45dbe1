"""Days that were purged are not read again, and no month rests on them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from flask_tokenoffset import hooks
from flask_tokenoffset.models import DailyUsage, SampleRun
from flask_tokenoffset.tasks.purging import purge_now

if TYPE_CHECKING:
    from tests.support.world import World


def oldest_day(world: World) -> Any:
    with world.app.app_context():
        return world.state.session.scalar(select(func.min(DailyUsage.day)))


@pytest.mark.promise("TS-010")
@pytest.mark.promise("TG-009")
def test_a_new_sample_brings_nothing_back_that_was_purged(world: World) -> None:
    source_id = world.ada.sample()
    assert oldest_day(world) < world.clock.today() - timedelta(days=60)
    with world.app.app_context():
        hooks.set_retention_plan("free", user_key=world.ada.user_key)
        purge_now(world.state, ["usage"])
    first_kept = world.clock.today() - timedelta(days=29)
    assert oldest_day(world) >= first_kept
    world.clock.move(minutes=11)
    world.ada.resample(source_id)
    assert oldest_day(world) >= first_kept
    with world.app.app_context():
        starts = world.state.session.scalars(
            select(SampleRun.window_start).order_by(SampleRun.requested_at)
        ).all()
    assert starts[-1] == first_kept
    assert starts[0] < first_kept
    # The four weeks of a month are kept still, and it rests on nothing before them.
    estimate = world.ada.newest_estimate(source_id)
    projection = estimate["projection"]
    assert estimate["quality"] == "measured_28_days"
    assert date.fromisoformat(projection["basis_start"]) >= first_kept
    assert date.fromisoformat(projection["first_use"]) >= first_kept


def test_where_too_few_days_are_kept_the_page_says_so(world: World) -> None:
    with world.app.app_context():
        hooks.set_retention_plan("starter", user_key=world.ada.user_key)
    source_id = world.ada.sample()
    assert oldest_day(world) >= world.clock.today() - timedelta(days=6)
    assert "a monthly value needs 14 days" in world.ada.get(f"/sources/{source_id}").text
