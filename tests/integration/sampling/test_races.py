"""What happens at the same moment, on a database where it really does."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from flask_tokenoffset.models import ConnectionStatus, Credential, Estimate, SourceKind
from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.state import EXTENSION_KEY
from tests.integration.sampling.books import (
    connection_of,
    estimates,
    runs,
    stored_costs,
    stored_usage,
    true_costs,
    true_usage,
)
from tests.integration.sampling.test_failures import NEXT_KEY
from tests.integration.sampling.test_ledger import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import pytest

    from tests.support.world import World


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each action gave or raised, all begun together."""
    gate = threading.Barrier(len(actions), timeout=20)
    results: list[Any] = [None] * len(actions)

    def run(number: int, action: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[number] = action()
        except Exception as error:  # noqa: BLE001 - the test looks at whatever it was
            results[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def deliver(world: World, run_id: UUID) -> Any:
    with world.app.app_context():
        return sampling.run_sample(
            world.state.unit_of_work,
            run_id=run_id,
            gateway=world.state.gateway,
            vault=world.state.vault,
            clock=world.clock,
            settings=world.state.settings,
        )


def test_a_run_delivered_twenty_times_at_once_has_one_result(pg_world: World) -> None:
    source_id = pg_world.ada.connect()
    (run_id,) = pg_world.queue.run_ids
    results = at_once(*[lambda: deliver(pg_world, run_id)] * 20)
    assert sorted(results, key=str) == [None] * 19 + ["complete"]
    (run,) = runs(pg_world)
    assert (run.status, run.attempt, run.fence) == ("complete", 1, 1)
    assert len(estimates(pg_world)) == 1
    assert stored_usage(pg_world, source_id) == true_usage(pg_world.anthropic, *WINDOW)
    assert stored_costs(pg_world, source_id) == true_costs(pg_world.anthropic, *WINDOW)
    reports = [call for call in pg_world.anthropic.calls if "report" in call.path]
    assert len(reports) == 2 + 6  # When the key was checked, and one reading.


def test_samples_that_complete_at_once_are_all_in_the_newest_sum(
    pg_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [pg_world.ada.connect("anthropic"), pg_world.ada.connect("openai")]
    complete = sampling._complete
    gate = threading.Barrier(2, timeout=20)

    def meet_first(*arguments: Any) -> None:
        gate.wait()
        complete(*arguments)

    monkeypatch.setattr(sampling, "_complete", meet_first)
    first, second = pg_world.queue.run_ids
    results = at_once(lambda: deliver(pg_world, first), lambda: deliver(pg_world, second))
    assert results == ["complete", "complete"]
    parts = [pg_world.ada.newest_estimate(each)["tokens_per_month"]["total"] for each in sources]
    (combined,) = [each for each in estimates(pg_world) if each.source_kind == SourceKind.COMBINED]
    assert combined.tokens_per_month == sum(parts)


def test_two_wishes_for_a_sample_at_once_make_one_run(pg_world: World) -> None:
    source_id = pg_world.ada.sample()
    pg_world.clock.move(minutes=11)
    path = f"/sources/{source_id}/samples"
    browsers = [pg_world.browser("ada") for _ in range(4)]
    answers = at_once(*[lambda b=browser: b.api("POST", path) for browser in browsers])
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert [run.status for run in runs(pg_world)] == ["complete", "queued"]


def test_a_key_replaced_while_its_source_is_disconnected_does_not_stay_behind(
    pg_world: World,
) -> None:
    source_id = pg_world.ada.sample()
    pg_world.anthropic.set_key(NEXT_KEY, "active")
    other = pg_world.browser("ada")
    other_thread: list[threading.Thread] = []
    vault = pg_world.state.vault

    class SlowVault:
        """Seals while another person disconnects, or waits to."""

        def __getattr__(self, name: str) -> Any:
            return getattr(vault, name)

        def seal(self, *arguments: Any) -> Any:
            thread = threading.Thread(target=lambda: other.api("DELETE", f"/sources/{source_id}"))
            other_thread.append(thread)
            thread.start()
            thread.join(1)
            return vault.seal(*arguments)

    pg_world.app.extensions[EXTENSION_KEY] = replace(
        pg_world.state,
        vault=SlowVault(),  # type: ignore[arg-type]  # it stands before a real one
    )
    pg_world.ada.api("PUT", f"/sources/{source_id}/key", {"key": NEXT_KEY})
    other_thread[0].join(20)
    assert connection_of(pg_world, source_id).status == ConnectionStatus.DISCONNECTED
    with pg_world.app.app_context():
        assert pg_world.state.session.scalar(select(func.count()).select_from(Credential)) == 0
    pg_world.work()
    assert {run.status for run in runs(pg_world)} == {"complete", "cancelled"}


def test_first_changes_of_one_person_at_once_make_one_account(pg_world: World) -> None:
    names = [pg_world.browser("ada") for _ in range(6)]
    body = {"kind": "band", "band": "worker"}
    answers = at_once(*[lambda b=browser: b.api("POST", "/estimates", body) for browser in names])
    assert [answer.status_code for answer in answers] == [201] * 6
    rows = pg_world.rows()
    assert (len(rows["tokenoffset_account"]), len(rows["tokenoffset_person"])) == (1, 1)
    assert len(rows[Estimate.__tablename__]) == 6
    assert len(rows["tokenoffset_source"]) == 1
