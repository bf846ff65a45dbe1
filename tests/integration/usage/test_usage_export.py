"""Sampled usage can be taken away at any time, as CSV and as JSON, by those who may see it."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from flask_tokenoffset.models import CostLine, DailyCost, DailyUsage, UsageSeries
from flask_tokenoffset.permissions import Role
from tests.support.organizations import join

if TYPE_CHECKING:
    from tests.support.world import Browser, World

KINDS = (
    "uncached_input_tokens",
    "cached_input_tokens",
    "cache_creation_tokens",
    "output_tokens",
    "request_count",
)


def as_json(person: Browser) -> list[dict[str, Any]]:
    answer = person.get("/usage/export?format=json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def as_csv(person: Browser) -> list[dict[str, str]]:
    answer = person.get("/usage/export?format=csv")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


@pytest.mark.promise("TG-010")
def test_everything_that_was_sampled_is_in_the_file(db_world: World) -> None:
    db_world.ada.sample("anthropic")
    db_world.ada.sample("openai")
    db_world.ben.sample()
    account_id = db_world.ada.account_id
    rows = as_json(db_world.ada)
    with db_world.app.app_context():
        session = db_world.state.session
        for kind in KINDS:
            total = session.scalar(
                select(func.sum(getattr(DailyUsage, kind)))
                .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
                .where(UsageSeries.account_id == account_id)
            )
            assert sum(row[kind] or 0 for row in rows) == total, kind
        cost = session.scalar(
            select(func.sum(DailyCost.cost_nano_usd))
            .join(CostLine, CostLine.id == DailyCost.line_id)
            .where(CostLine.account_id == account_id)
        )
    assert cost is not None
    assert sum(Decimal(row["cost_usd"] or 0) for row in rows) == Decimal(int(cost)).scaleb(-9)
    # A row that one report alone holds says nothing of the other, and no zero.
    assert all(row["cost_usd"] is not None or row["output_tokens"] is not None for row in rows)
    assert {row["provider"] for row in rows} == {"anthropic", "openai"}
    keys = [(row["day"], row["source_id"], row["model"], row["service_tier"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)
    assert len({row["day"] for row in rows}) > 80


@pytest.mark.promise("TG-010")
def test_both_files_and_the_operation_say_the_same(world: World) -> None:
    world.ada.sample(label="=Ours")
    rows = as_json(world.ada)
    operation = world.ada.api("GET", "/usage/export")
    assert operation.get_json()["items"] == rows
    table = as_csv(world.ada)
    assert [list(row) for row in table] == [list(row) for row in rows]
    assert {row["source"] for row in rows} == {"=Ours"}
    # What a spreadsheet would compute stands behind an apostrophe there.
    assert {row["source"] for row in table} == {"'=Ours"}
    for line, row in zip(table, rows, strict=True):
        written = {name: "" if row[name] is None else str(row[name]) for name in row}
        assert {**line, "source": row["source"]} == written
    as_text = world.ada.api("GET", "/usage/export?format=csv")
    assert as_text.text == world.ada.get("/usage/export").text
    assert world.ada.page("/sources").link("CSV").endswith("/usage/export?format=csv")


def test_who_sampled_nothing_gets_an_empty_file(world: World) -> None:
    assert as_json(world.stranger) == []
    assert as_csv(world.stranger) == []
    assert not world.stranger.has_account


@pytest.mark.promise("TG-010", "TG-014")
def test_an_organizations_usage_goes_to_those_who_may_see_its_sources(world: World) -> None:
    organization_id = world.ada.create_organization()
    join(world, organization_id, world.ben, Role.MEMBER)
    auditor = world.browser("auditor")
    join(world, organization_id, auditor, Role.AUDITOR)
    inside = world.ada.within(organization_id)
    inside.sample()
    world.ada.sample("openai")
    assert {row["provider"] for row in as_json(auditor.within(organization_id))} == {"anthropic"}
    assert as_json(inside) == as_json(auditor.within(organization_id))
    assert {row["provider"] for row in as_json(world.ada)} == {"openai"}
    assert world.ben.within(organization_id).get("/usage/export").status_code == 403
    assert world.stranger.within(organization_id).get("/usage/export").status_code == 404
    assert world.ben.within(organization_id).api("GET", "/usage/export").status_code == 403
    assert world.nobody.api("GET", "/usage/export").status_code == 401


def test_no_other_format_is_made_up(world: World) -> None:
    assert world.ada.get("/usage/export?format=xlsx").status_code == 422
    assert world.ada.api("GET", "/usage/export?format=xlsx").status_code == 422


@pytest.mark.promise("TG-010")
def test_usage_is_read_a_month_at_a_time(world: World) -> None:
    world.ada.sample()
    with world.statements() as sent:
        as_json(world.ada)
    reading = [each for each in sent if "UNION ALL" in each]
    assert len(reading) == 3  # 90 days.
