"""Whatever happens to a report: the right figures, a note that names what is missing, or a refusal.

Faults in the cost report never change the tokens of an estimate.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_tokenoffset.testing.simulators.http import Answer
from tests.integration.sampling.books import runs
from tests.integration.sampling.test_vendor_reports import PROVIDERS, command, worth
from tests.support.vendor_reports import (
    COST_NANO_USD_A_MONTH,
    DAYS,
    TOKENS_A_MONTH,
    Reports,
    plant,
)

if TYPE_CHECKING:
    from datetime import date

    from tests.support.world import World

#: What a value is retyped to. Another number that is a figure, such as a fraction of a dollar,
#: would be another report, and no damage.
NO_FIGURES: list[Any] = [
    None,
    True,
    "",
    "many",
    "1,000",
    [],
    {},
    [7],
    {"a": 1},
    "x" * 500,
    "\u202e",
]
RETYPED = {
    "usage": st.sampled_from([*NO_FIGURES, -1, 0.5, 10**30]),
    "costs": st.sampled_from([*NO_FIGURES, 10**30]),
}
NAMES = (
    *("model", "service_tier", "context_window", "batch", "line_item", "description"),
    *("cost_type", "token_type"),
)
ABOUT_USE = {"unknown_days", "basis_ends_early", "cost_without_use", "no_recent_use"}
ABOUT_COST = {"cost_unknown", "cost_incomplete"}
NO_FIGURE = {"unknown-days", "no-use", "too-few-days", "too-few-active-days"}


@dataclass(frozen=True)
class Damage:
    """One damaged report, as the body that is sent.

    ``kind`` and ``days`` are of a damage that misleads, which comes alone.
    """

    report: str
    body: bytes
    kind: str | None = None
    days: tuple[date, ...] = ()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place below a value."""
    found = [path] if path else []
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in children:
        found += places(child, (*path, key))
    return found


def retell(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The same row again, in another order and notation, with a null."""
    again: dict[str, Any] = {"new": None, **dict(reversed(row.items()))}
    if isinstance(row.get("amount"), str):
        again["amount"] = f"{row['amount']}0"
    elif "amount" in row:
        again["amount"] = {"currency": "usd", "value": f"{row['amount']['value']}0"}
    return [row, again]


def total(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The sum of all rows, which names nothing; there is one row."""
    return [row, {**row, **dict.fromkeys(NAMES)}]


def unit(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The amount is in something else than it seems."""
    if isinstance(row["amount"], str):
        return [{**row, "unit": "dollars"}]
    return [{**row, "amount": {**row["amount"], "unit": "cents"}}]


def free(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The row is there already, and its amount is not."""
    return [worth("0")(row)]


def credit(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Something is given back on the line of the charge."""
    return [row, worth("-25" if isinstance(row["amount"], str) else "-0.25")(row)]


#: What looks like a sound row, on some days.
MISLEADS = {
    "usage": (retell, total),
    "costs": (retell, total, unit, free, credit),
}


@st.composite
def damages(draw: st.DrawFn, provider: str, report: str) -> Damage:
    page = Reports(provider).page(report)
    if draw(st.integers(0, 2)) == 0:
        mislead = draw(st.sampled_from(MISLEADS[report]))
        misled = sorted(draw(st.sets(st.sampled_from(range(len(DAYS))), min_size=1, max_size=20)))
        for at in misled:
            page["data"][at]["results"] = mislead(page["data"][at]["results"][0])
        body = json.dumps(page).encode()
        return Damage(report, body, mislead.__name__, tuple(DAYS[at] for at in misled))
    kinds = draw(
        st.lists(
            st.sampled_from(["delay", "drop", "double", "cut", "retype"]), min_size=1, max_size=3
        )
    )
    # Late comes before broken: it takes whole days.
    for kind in sorted(kinds, key=lambda each: each != "delay"):
        if kind == "delay":
            days = draw(st.integers(1, 20))
            if draw(st.booleans()):
                page["data"] = page["data"][:-days]
            for bucket in page["data"][-days:]:
                bucket["results"] = []
            continue
        if kind == "cut" and draw(st.booleans()):
            body = json.dumps(page).encode()
            return Damage(report, body[: draw(st.integers(0, len(body) - 1))])
        _damage(draw, page, kind, report)
    return Damage(report, json.dumps(page).encode())


def _damage(draw: st.DrawFn, page: dict[str, Any], kind: str, report: str) -> None:
    # Mostly in the newest month, which a figure rests on; and at any depth alike.
    depth = draw(st.integers(1, 6))
    found = [path for path in places(page) if len(path) == depth]
    if not found:
        return
    path = draw(st.sampled_from(found))
    parent = page
    for step in path[:-1]:
        parent = parent[step]
    place: Any = path[-1]
    if kind == "retype":
        # A copy, because a further damage may go into it.
        parent[place] = deepcopy(draw(RETYPED[report]))
    elif kind == "drop":
        del parent[place]
    elif isinstance(parent, list) and kind == "double":
        parent.insert(draw(st.integers(0, len(parent))), parent[place])
    elif isinstance(parent[place], list | str) and place not in ("amount", "value"):
        # (An amount that is cut is an amount all the same.)
        parent[place] = parent[place][: draw(st.integers(0, len(parent[place])))]


def outcome(world: World, provider: str, damage: Damage) -> dict[str, Any] | None:
    """What the command says; nothing where it refuses, in a whole sentence."""
    vendor = world.vendors[provider]
    vendor.faults.clear()
    plant(vendor, damage.report, Answer(200, damage.body, {}))
    Reports(provider).answer_from(vendor)
    result = command(world, provider, "--json")
    if result.exit_code:
        assert result.exit_code == 1
        assert result.stderr.strip().endswith(".")
        assert not result.stdout
        return None
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def codes_in(document: dict[str, Any]) -> set[str]:
    return {note["code"] for note in document["projection"]["notes"]}


def assert_cost_is_right_or_said(document: dict[str, Any], damage: Damage) -> None:
    cost = document["projection"]["cost_nano_usd_per_month"]
    if damage.kind in {"free", "credit"}:
        less_a_day = 2_500_000_000 if damage.kind == "free" else 250_000_000
        assert document["cost_nano_usd"] == 225_000_000_000 - len(damage.days) * less_a_day
        [note] = document["projection"]["notes"]
        assert note["code"] == ("cost_incomplete" if damage.kind == "free" else "credits")
        if damage.kind == "free":
            many = "1 day" if len(damage.days) == 1 else f"{len(damage.days)} days"
            assert note["sentence"].startswith(f"On {many} (")
        assert cost == COST_NANO_USD_A_MONTH or damage.kind == "free"
        return
    if damage.kind is not None:
        assert document["window"]["unknown_cost_days"] == [day.isoformat() for day in damage.days]
    about_cost = codes_in(document) & ABOUT_COST
    assert cost == COST_NANO_USD_A_MONTH or (cost is None and about_cost), document["projection"]
    whole = document["cost_nano_usd"]
    assert whole in (225_000_000_000, None)
    assert (whole is None) == bool(document["window"]["unknown_cost_days"])
    if document["window"]["unknown_cost_days"]:
        assert about_cost


#: The world is the same for all examples: each asks about a report of its own.
_OFTEN = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("provider", PROVIDERS)
@_OFTEN
@given(data=st.data())
def test_damage_to_the_cost_report_never_changes_the_use(
    world: World, provider: str, data: st.DataObject
) -> None:
    damage = data.draw(damages(provider, "costs"))
    document = outcome(world, provider, damage)
    assert document is not None, "The use was whole, and was refused."
    assert document["projection"]["tokens_per_month"]["total"] == TOKENS_A_MONTH
    assert document["window"]["unknown_usage_days"] == []
    assert codes_in(document) <= ABOUT_COST | {"credits"}
    assert_cost_is_right_or_said(document, damage)


@pytest.mark.parametrize("provider", PROVIDERS)
@_OFTEN
@given(data=st.data())
def test_damage_to_the_usage_report_ends_in_no_other_figure_without_a_word(
    world: World, provider: str, data: st.DataObject
) -> None:
    damage = data.draw(damages(provider, "usage"))
    document = outcome(world, provider, damage)
    if document is None:
        return
    assert damage.kind is None, "A row told twice, or a total, was counted."
    if document["projection"] is None:
        assert document["no_projection"]["code"] in NO_FIGURE
        return
    tokens = document["projection"]["tokens_per_month"]
    about_use = codes_in(document) & ABOUT_USE
    assert tokens["total"] == TOKENS_A_MONTH or about_use, document["projection"]
    if not about_use:
        assert document["window"]["unknown_usage_days"] == []
        assert document["tokens"]["total"] == len(DAYS) * 1_100_000
    assert document["projection"]["cost_nano_usd_per_month"] == COST_NANO_USD_A_MONTH or about_use


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_connected_sample_says_the_same(
    db_world: World, provider: str, data: st.DataObject
) -> None:
    damage = data.draw(damages(provider, "costs"))
    vendor = db_world.vendors[provider]
    vendor.faults.clear()
    source_id = db_world.ada.connect(provider)
    plant(vendor, damage.report, Answer(200, damage.body, {}))
    Reports(provider).answer_from(vendor)
    db_world.work()
    assert runs(db_world)[-1].status == "complete"
    estimate = db_world.ada.newest_estimate(source_id)
    assert estimate["tokens_per_month"]["total"] == TOKENS_A_MONTH
    said = {note["code"] for note in estimate["notes"]}
    cost = estimate["cost_usd_per_month"]
    assert cost == "76.100000000" or ((cost is None or damage.kind == "free") and said & ABOUT_COST)
    assert db_world.ada.api("DELETE", f"/sources/{source_id}").status_code == 204
    vendor.faults.clear()
