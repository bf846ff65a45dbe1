"""What requests send to the database is built once, since building costs more than asking."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Select

import flask_tokenoffset
from flask_tokenoffset.models import PlanStatus
from flask_tokenoffset.services.people.current_users import find_known_person
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.plans.ledger import find_plan, read_plan
from tests.support.world import API, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.world import World

PACKAGE = str(Path(flask_tokenoffset.__file__).parent)


def callers() -> Iterator[str]:
    """The files of the processes at work, the innermost first."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename
        frame = frame.f_back  # type: ignore[assignment]  # the outermost has none


def is_built_by_us() -> bool:
    """Whether our code builds a statement, and not Flask-Login, which asks for the host's user."""
    for name in callers():
        if "flask_login" in name:
            return False
        if name.startswith(PACKAGE):
            return True
    return False


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/me",
        f"{API}/sources",
        f"{API}/plan",
        f"{API}/bands",
        f"{API}/billing-records",
        f"{PREFIX}/",
        f"{PREFIX}/bands",
        f"{PREFIX}/sources",
        f"{PREFIX}/plan",
        f"{PREFIX}/identities",
    ],
)
def test_a_second_request_builds_no_statement(
    world: World, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ada.settle()
    first = world.ada.client.get(path)
    assert first.status_code == 200
    built = []
    begin = Select.__init__

    def note(statement: Select[*tuple[Any, ...]], *columns: Any) -> None:
        if is_built_by_us():
            built.append([str(each) for each in columns])
        begin(statement, *columns)

    monkeypatch.setattr(Select, "__init__", note)
    with world.statements() as sent:
        assert world.ada.client.get(path).status_code == 200
    assert built == []
    assert sent or path.endswith("/api/v1/bands")


def test_what_is_shown_holds_what_its_transaction_has_not_written_yet(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url)
    world.ada.adopt(world.ada.pick_band())
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        plan = find_plan(work.session, person.account_id)
        assert plan is not None
        plan.status = PlanStatus.PAUSED
        person.company = "Analytical Engines"
        shown = read_plan(work.session, person.account_id)
        known = find_known_person(work.session, world.ada.user_key, world.clock.now())
        assert shown is not None
        assert known is not None
        assert shown.plan.status == PlanStatus.PAUSED
        assert known.person.company == "Analytical Engines"
        work.session.rollback()
        now = read_plan(work.session, person.account_id)
        assert now is not None
        assert now.plan.status == PlanStatus.ACTIVE
