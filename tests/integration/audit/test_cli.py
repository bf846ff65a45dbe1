"""``flask tokenoffset audit``: what it says of a whole log, of a broken one, and of noted heads."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert, update

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.services.audit import verification as audit_verification
from flask_tokenoffset.services.audit.chain import GENESIS, Signed
from tests.support.audit_log import CHAIN, EVENT, ORIGIN, drop_triggers, events_of, record

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from click.testing import Result

    from tests.support.world import World


@pytest.fixture
def kept(world: World) -> World:
    """Ada and Ben, each with events in their log."""
    for browser in (world.ada, world.ben):
        browser.adopt(browser.pick_band())
        browser.post("/plan/pause")
    return world


def run(world: World, *arguments: str, typed: str = "") -> Result:
    return world.app.test_cli_runner().invoke(
        tokenoffset, ["audit", *arguments], input=typed, catch_exceptions=False
    )


def alter(world: World, account_id: UUID, **values: Any) -> None:
    """Change the first event of an account past the product."""
    with world.app.app_context(), world.state.engine.begin() as connection:
        drop_triggers(connection)
        connection.execute(
            update(EVENT)
            .where(EVENT.c.account_id == account_id, EVENT.c.sequence == 1)
            .values(**values)
        )


@pytest.mark.promise("TO-045")
def test_a_whole_log_is_said_to_be_whole(kept: World) -> None:
    result = run(kept, "verify")
    assert result.exit_code == 0
    assert result.output == "All is as it was written: 4 events in 2 chains.\n"
    one = run(kept, "verify", "--account", str(kept.ada.account_id))
    assert one.output == "All is as it was written: 2 events in 1 chain.\n"


@pytest.mark.promise("TO-045")
def test_a_fault_is_said_in_a_sentence_and_fails_the_command(kept: World) -> None:
    account_id = kept.ada.account_id
    alter(kept, account_id, action="plan.status-changed")
    result = run(kept, "verify")
    assert result.exit_code == 1
    assert result.stdout == f"{account_id}: Event 1 was altered, put in or moved here.\n"
    assert result.stderr == "Error: 1 fault found in 4 events in 2 chains.\n"
    assert run(kept, "verify", "--account", str(kept.ben.account_id)).exit_code == 0
    assert run(kept, "verify", "--account", str(account_id)).exit_code == 1


def test_an_account_without_a_chain_is_told(kept: World) -> None:
    result = run(kept, "verify", "--account", str(uuid4()))
    assert result.exit_code == 1
    assert "The row that says where the chain ends is missing." in result.stdout


@pytest.mark.promise("TO-045")
def test_noted_heads_are_an_anchor_outside(kept: World, tmp_path: Path) -> None:
    noted = run(kept, "heads")
    assert noted.exit_code == 0
    heads = [json.loads(line) for line in noted.stdout.splitlines()]
    assert {each["account_id"]: each["length"] for each in heads} == {
        str(kept.ada.account_id): 2,
        str(kept.ben.account_id): 2,
    }
    file = tmp_path / "heads.jsonl"
    file.write_text(noted.stdout)
    record(kept, kept.ada.account_id, 3)
    good = run(kept, "verify", "--heads", str(file))
    assert good.exit_code == 0
    assert good.output.endswith("7 events in 2 chains, 2 noted heads.\n")
    gone = kept.ben.account_id
    with kept.app.app_context(), kept.state.engine.begin() as connection:
        drop_triggers(connection)
        for table in (ORIGIN, EVENT, CHAIN):
            connection.execute(delete(table).where(table.c.account_id == gone))
    assert run(kept, "verify").exit_code == 0
    bad = run(kept, "verify", "--heads", "-", typed=noted.stdout)
    assert bad.exit_code == 1
    assert "event 2 is not there any more" in bad.stdout
    mine = run(kept, "verify", "--heads", str(file), "--account", str(kept.ada.account_id))
    assert mine.exit_code == 0
    assert mine.output.endswith("1 noted head.\n")


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        '{"account_id": "x", "length": 1, "head_digest": ""}',
        '{"account_id": "00000000-0000-0000-0000-000000000000", "length": 0, "head_digest": ""}',
        f'{{"account_id": "{uuid4()}", "length": {2**63}, "head_digest": ""}}',
    ],
)
def test_a_line_that_is_no_head_is_refused(kept: World, line: str) -> None:
    result = run(kept, "verify", "--heads", "-", typed=f"\n{line}\n")
    assert result.exit_code == 1
    assert "Line 2 is not what «audit heads» prints" in result.stderr


def test_a_former_secret_can_be_kept_apart(kept: World, tmp_path: Path) -> None:
    former = kept.app.config["SECRET_KEY"]
    kept.app.config.update(SECRET_KEY="the next one", SECRET_KEY_FALLBACKS=[former])
    sealed = run(kept, "reseal")
    assert sealed.output == "2 chains sealed anew.\n"
    assert run(kept, "reseal").output == "0 chains sealed anew.\n"
    kept.app.config["SECRET_KEY_FALLBACKS"] = []
    alone = run(kept, "verify")
    assert alone.exit_code == 1
    assert former not in alone.output
    file = tmp_path / "former"
    file.write_text(f"{former}\n\n")
    assert run(kept, "verify", "--former-secrets", str(file)).exit_code == 0


def test_a_seal_that_does_not_fit_is_named_and_made_good_only_on_request(kept: World) -> None:
    account_id = kept.ada.account_id
    kept.app.config.update(SECRET_KEY="the next one", SECRET_KEY_FALLBACKS=[])
    left = run(kept, "reseal")
    assert left.exit_code == 1
    assert str(account_id) in left.stdout
    assert "Not sealed anew: 2 chains." in left.stderr
    accepted = run(kept, "reseal", "--accept", str(account_id))
    assert accepted.exit_code == 1
    assert "1 chain sealed anew." in accepted.stdout
    assert str(account_id) not in accepted.stdout


def lengthen(world: World, account_id: UUID, count: int) -> None:
    """Append many events as the product would, only faster."""
    with world.app.app_context(), world.state.engine.begin() as connection:
        key = world.state.audit_keys.present
        rows, previous = [], GENESIS
        for sequence in range(1, count + 1):
            row: dict[str, Any] = {
                "id": uuid4(),
                "account_id": account_id,
                "sequence": sequence,
                "occurred_at": world.clock.now(),
                "action": "plan.adopted",
                "actor_id": None,
                "subject_type": "plan",
                "subject_id": None,
                "details": {"amount_cents": sequence},
                "origin_digest": None,
                "previous_digest": previous,
                "key_id": key.id,
            }
            row["digest"] = previous = key.sign(Signed.EVENT, row)
            rows.append(row)
        connection.execute(insert(EVENT), rows)
        head = {
            "account_id": account_id,
            "length": count,
            "head_digest": previous,
            "key_id": key.id,
        }
        connection.execute(insert(CHAIN), head | {"head_seal": key.sign(Signed.HEAD, head)})


def test_a_long_chain_is_verified_in_the_memory_of_a_short_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_verification, "BATCH", 100)
    peaks = []
    for browser, count in ((world.ada, 300), (world.ben, 6_000)):
        browser.pick_band()
        lengthen(world, browser.account_id, count)
        assert len(events_of(world, browser.account_id)) == count
        run(world, "verify", "--account", str(browser.account_id))  # Whatever is cached, is now.
        tracemalloc.start()
        result = run(world, "verify", "--account", str(browser.account_id))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert result.exit_code == 0, result.output
    assert peaks[1] < 1.5 * peaks[0]
