"""The log of requests says what was called and how it went, and nothing of who did what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(folder.iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


@pytest.mark.promise("TS-015")
def test_a_line_holds_address_agent_and_latency_and_nothing_of_what_was_asked(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(TOKENOFFSET_REQUEST_LOG=str(tmp_path / "made"))
    estimate_id = world.ada.pick_band()
    answer = world.ada.get(
        f"/estimates/{estimate_id}?secret=canary", headers={"User-Agent": "Browser\t1"}
    )
    assert answer.status_code == 200
    line = lines(tmp_path / "made")[-1]
    assert line.pop("latency_ms") >= 0
    assert len(line.pop("request_id")) >= 16
    assert line == {
        "time": "2026-11-20T10:00:00+00:00",
        "method": "GET",
        "route": "/tokenoffset/estimates/<uuid:estimate_id>",
        "status": 200,
        "address": "127.0.0.1",
        "user_agent": "Browser?1",
    }
    text = "".join(path.read_text() for path in (tmp_path / "made").iterdir())
    assert "canary" not in text
    assert estimate_id not in text
    assert world.ada.user_key not in [each["route"] for each in lines(tmp_path / "made")]


def test_refusals_and_what_is_not_there_are_noted_too(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(TOKENOFFSET_REQUEST_LOG=str(tmp_path))
    assert world.nobody.api("GET", "/me").status_code == 401
    assert world.nobody.api("GET", "/there-is-no-such-thing").status_code == 404
    noted = [(each["status"], each["route"]) for each in lines(tmp_path)]
    assert noted[0] == (401, "/tokenoffset/api/v1/me")
    assert noted[1][0] == 404
    assert "no-such-thing" not in str(noted)


def test_each_day_has_a_file_of_its_own(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(TOKENOFFSET_REQUEST_LOG=str(tmp_path))
    world.nobody.get("/bands")
    world.clock.move(days=1)
    world.nobody.get("/bands")
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "tokenoffset-requests-2026-11-20.jsonl",
        "tokenoffset-requests-2026-11-21.jsonl",
    ]


def test_no_origin_is_kept_where_the_operator_keeps_none(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(TOKENOFFSET_REQUEST_LOG=str(tmp_path), TOKENOFFSET_AUDIT_ORIGIN_DAYS=0)
    world.nobody.get("/bands")
    (line,) = lines(tmp_path)
    assert (line["address"], line["user_agent"]) == (None, None)


def test_nothing_is_written_unless_a_folder_is_named(world: World, tmp_path: Path) -> None:
    world.nobody.get("/bands")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_costs_no_request(
    make_world: Callable[..., World], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    world = make_world(TOKENOFFSET_REQUEST_LOG=str(tmp_path / "file"))
    assert world.nobody.get("/methodology").status_code == 200
    assert "The log of requests cannot be written" in caplog.text


def test_the_hosts_own_routes_are_not_noted(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(TOKENOFFSET_REQUEST_LOG=str(tmp_path))
    assert world.nobody.client.get("/sign-in").status_code == 200
    assert list(tmp_path.iterdir()) == []
