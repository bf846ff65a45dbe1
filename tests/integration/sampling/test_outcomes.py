"""What a complete sample leads to: an estimate, a sum of estimates, or a reason for none."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import SourceKind
from flask_tokenoffset.services.estimates.reading import newest_by_source, newest_of_kind
from tests.integration.sampling.books import estimates, runs, stored_usage, true_usage
from tests.integration.sampling.test_ledger import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.mark.parametrize(
    ("customer", "code"),
    [
        ({"history": 0}, "no-use"),
        ({"history": 5}, "too-few-days"),
        ({"history": 25, "profile": "quiet"}, "too-few-active-days"),
    ],
)
def test_too_little_use_completes_without_an_estimate_and_says_why(
    make_world: Callable[..., World], database_url: str, customer: dict[str, Any], code: str
) -> None:
    world = make_world(database_url, customer=customer)
    source_id = world.ada.sample()
    (run,) = runs(world)
    assert (run.status, run.reason_code) == ("complete", code)
    assert run.reason
    assert estimates(world) == []
    assert stored_usage(world, source_id) == true_usage(world.anthropic, *WINDOW)
    asked = world.ada.api("POST", "/estimates", {"kind": "sampled", "source_id": str(source_id)})
    assert (asked.status_code, asked.get_json()["detail"]) == (409, run.reason)


def test_a_short_history_is_said_and_becomes_a_measured_one(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url, customer={"history": 20, "profile": "new_customer"})
    source_id = world.ada.sample()
    assert world.ada.newest_estimate(source_id)["quality"] == "short_history"
    world.clock.move(days=14)
    world.ada.resample(source_id)
    assert world.ada.newest_estimate(source_id)["quality"] == "measured_30_days"


def test_two_connections_are_added_up(db_world: World) -> None:
    ada = db_world.ada
    parts = [ada.newest_estimate(ada.sample(name)) for name in ("anthropic", "openai")]
    (combined,) = [each for each in estimates(db_world) if each.source_kind == SourceKind.COMBINED]
    shown = ada.api("GET", f"/estimates/{combined.id}").get_json()
    tokens: Counter[str] = Counter()
    for part in parts:
        tokens.update(part["tokens_per_month"])
    assert shown["tokens_per_month"] == dict(tokens)
    models = {each["model"]: each["tokens_per_month"] for part in parts for each in part["models"]}
    assert {each["model"]: each["tokens_per_month"] for each in shown["models"]} == models
    cost = sum(Decimal(part["cost_usd_per_month"]) for part in parts)
    assert Decimal(shown["cost_usd_per_month"]) == cost
    assert (shown["quality"], shown["projection"]) == ("combined", None)


def test_every_new_sample_renews_the_sum_and_other_accounts_never_join_it(world: World) -> None:
    ada = world.ada
    sources = [ada.sample(name) for name in ("anthropic", "openai")]
    world.ben.sample("openai")
    world.clock.move(days=3)
    ada.resample(sources[0])
    newest = estimates(world)[-1]
    combined = [each for each in estimates(world) if each.source_kind == SourceKind.COMBINED]
    assert len(combined) == 2
    parts = [ada.newest_estimate(source)["tokens_per_month"]["total"] for source in sources]
    assert max(combined, key=lambda each: each.created_at).tokens_per_month == sum(parts)
    assert newest.account_id == ada.account_id


def test_three_samples_of_one_instant_have_a_sum_that_is_the_newest(world: World) -> None:
    ada = world.ada
    sources = []
    for name, label in (("anthropic", "first"), ("openai", "second"), ("anthropic", "third")):
        sources.append(ada.sample(name, label=label))
        world.change_organization()
    with world.app.app_context():
        newest = newest_of_kind(world.state.session, ada.account_id, SourceKind.COMBINED)
    assert newest is not None
    parts = [ada.newest_estimate(source)["tokens_per_month"]["total"] for source in sources]
    assert newest.tokens_per_month == sum(parts)


def test_a_source_that_was_disconnected_leaves_the_sum(world: World) -> None:
    ada = world.ada
    gone = ada.sample("anthropic")
    left = []
    for label in ("first", "second"):
        left.append(ada.sample("openai", label=label))
        world.change_organization()
    world.clock.move(minutes=1)
    ada.api("DELETE", f"/sources/{gone}")
    with world.app.app_context():
        shown = newest_by_source(world.state.session, ada.account_id)
    # The sum that it was part of is no longer offered.
    assert {each.source_id for each in shown} == set(left)
    world.clock.move(days=1)
    ada.resample(left[0])
    newest = max(
        (each for each in estimates(world) if each.source_kind == SourceKind.COMBINED),
        key=lambda each: each.created_at,
    )
    parts = [ada.newest_estimate(source)["tokens_per_month"]["total"] for source in left]
    assert newest.tokens_per_month == sum(parts)


def test_a_model_nobody_knows_is_counted_and_flagged(db_world: World) -> None:
    def rename(incoming: Any, answer_of: Any) -> Any:
        answer = answer_of(incoming)
        return replace(answer, body=answer.body.replace(b"gpt-6.1-sol", b"mystery-model-9"))

    source_id = db_world.ada.connect("openai")
    db_world.openai.faults.add(rename, times=None)
    db_world.work()
    stored = stored_usage(db_world, source_id)
    truth = true_usage(db_world.openai, *WINDOW)
    assert {
        (key[0], key[1].replace("mystery-model-9", "gpt-6.1-sol"), *key[2:]): counts
        for key, counts in stored.items()
    } == truth
    estimate = db_world.ada.newest_estimate(source_id)
    assert estimate["class_aware"]["unknown_models"] == ["mystery-model-9"]
    assert "mystery-model-9" in {each["model"] for each in estimate["models"]}
