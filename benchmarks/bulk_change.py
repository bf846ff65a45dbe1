"""What a change to ten thousand members' plans costs: statements and seconds (run by hand).

One organization in a PostgreSQL database. Everyone's first plan is begun with one change, changed
with a second, and begun anew with a third after all of them have ended: the three kinds of change
there are. For each, the preview, the request and the worker are timed, the statements that the
worker sends are counted, and the tables are looked at: every ledger must be one row longer, and the
plans must add up to what the preview said.

Usage: ``python benchmarks/bulk_change.py [--members 10000]``
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import func, insert, select, update

from flask_tokenoffset.models import (
    Adoption,
    Membership,
    Plan,
    PlanStatus,
    PlanStatusChange,
    new_id,
)
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.unit_of_work import Task
from tests.support.clubs import Club, found
from tests.support.services import postgres_server
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

#: Statements for each thousand plans.
MOST_STATEMENTS = 20


def timed(action: Callable[[], Any]) -> tuple[Any, float]:
    """What an action gives, and the seconds it takes."""
    began = time.perf_counter()
    result = action()
    return result, time.perf_counter() - began


def change_all(club: Club, title: str, band: str, coverage: int) -> bool:
    """Change everyone's plan; gives whether the bar is kept and the tables agree."""
    world, owner = club.world, club.owner
    world.clock.move(days=1)
    asked = f"/member-plans/preview?band={band}&coverage_percent={coverage}"
    shown, preview_seconds = timed(lambda: club.api(owner, "GET", asked).get_json())
    body = {
        "band": band,
        "coverage_percent": coverage,
        "plans_to_change": shown["plans_to_change"],
        "difference_cents": shown["difference_cents"],
    }
    ledgers_before = ledger_rows(world)
    answer, request_seconds = timed(lambda: club.api(owner, "POST", "/member-plans/changes", body))
    assert answer.status_code == 202, answer.text
    # The mail of the notices is sent by other jobs.
    world.queue.jobs = [job for job in world.queue.jobs if job[0] is Task.BULK_CHANGE]
    with world.statements() as sent:
        _, worker_seconds = timed(world.work)
    done = club.api(owner, "GET", f"/member-plans/changes/{answer.get_json()['id']}").get_json()
    plans = done["plans_changed"]
    per_thousand = len(sent) * 1000 / plans
    print(
        f"{title:22} {plans:6,} plans: preview {preview_seconds:.2f} s, request"
        f" {request_seconds:.2f} s, worker {worker_seconds:.1f} s; {len(sent)} statements,"
        f" {per_thousand:.1f} for each thousand plans (at most {MOST_STATEMENTS})"
    )
    totals = club.api(owner, "GET", "/member-plans").get_json()
    whole = (
        done["status"] == "complete"
        and plans == shown["plans_to_change"]
        and ledger_rows(world) == ledgers_before + plans
        and totals["organization_cents_per_month"]
        == shown["organization_cents_per_month_afterwards"]
    )
    if not whole:
        print(f"  The tables do not agree with the preview: {done}, {totals}")
    return bool(whole) and per_thousand < MOST_STATEMENTS


def ledger_rows(world: World) -> int:
    """Adoptions in the database."""
    with world.app.app_context():
        return world.state.session.scalar(select(func.count(Adoption.id))) or 0


def end_all(club: Club) -> None:
    """End every member's plan, as closing an organization does."""
    world = club.world
    with world.app.app_context(), world.state.unit_of_work() as work:
        session = work.session
        person = find_person(session, club.owner.user_key)
        assert person is not None
        plans = session.execute(
            select(Plan.id, Plan.account_id)
            .join(Membership, Membership.account_id == Plan.account_id)
            .where(Membership.organization_id == club.id)
        ).all()
        session.execute(
            insert(PlanStatusChange),
            [
                {
                    "id": new_id(),
                    "account_id": account_id,
                    "plan_id": plan_id,
                    "sequence": 1,
                    "status": PlanStatus.ENDED,
                    "changed_by": person.id,
                    "changed_at": world.clock.now(),
                }
                for plan_id, account_id in plans
            ],
        )
        session.execute(
            update(Plan)
            .where(Plan.id.in_([plan_id for plan_id, _ in plans]))
            .values(status=PlanStatus.ENDED)
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=10_000)
    arguments = parser.parse_args()
    with postgres_server() as database_url:
        world = World(database_url)
        club = found(world, world.ada)
        club.fill(arguments.members - 1)
        kept = [
            change_all(club, "Plans that begin", "worker", 100),
            change_all(club, "Plans that change", "casual", 50),
        ]
        world.clock.move(days=1)
        end_all(club)
        kept.append(change_all(club, "Plans that begin anew", "agentic", 100))
        world.close()
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
