"""The host's own hook: called after our purge, until it has answered once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from flask_tokenoffset import forget_person
from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.services.erasures import host_hook as erasure_hook
from flask_tokenoffset.services.erasures.host_hook import unanswered
from tests.support.erasing import ask_for_deletion, let_time_pass, only_erasure, token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask_tokenoffset.services.erasures.host_hook import Unanswered
    from tests.support.world import World


class Host:
    """What a host does when it is told that a person was erased."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.down = False
        self.answer: str | None = "user-deleted"
        self.asked: list[str] = []
        self.saw_sources: list[int] = []

    def __call__(self, user_key: str) -> str | None:
        """Be the hook."""
        self.asked.append(user_key)
        if self.world is not None:
            self.saw_sources.append(len(self.world.rows()["tokenoffset_source"]))
        if self.down:
            raise RuntimeError(f"no database for {user_key}: password=hunter2")
        return self.answer


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def hooked(make_world: Callable[..., World], host: Host) -> World:
    """Ada with an account, in a host that has a hook."""
    world = make_world(TOKENOFFSET_ERASURE_HOOK=host)
    host.world = world
    world.ada.settle()
    return world


def open_matters(world: World) -> Sequence[Unanswered]:
    with world.app.app_context():
        return unanswered(world.state.session)


@pytest.mark.promise("TO-049")
def test_it_is_called_once_after_the_purge_and_its_answer_is_kept(
    hooked: World, host: Host
) -> None:
    user_key = hooked.ada.user_key
    ask_for_deletion(hooked.ada)
    let_time_pass(hooked, days=29)
    assert host.asked == []
    let_time_pass(hooked, days=1)
    assert host.asked == [user_key]
    assert host.saw_sources == [0]
    erasure = only_erasure(hooked)
    assert (erasure.host_outcome, erasure.host_code) == ("done", "user-deleted")
    assert erasure.host_replied_at == hooked.clock.now()
    assert erasure.user_key is None
    for _ in range(3):
        let_time_pass(hooked, days=1)
    assert host.asked == [user_key]
    assert open_matters(hooked) == []
    assert hooked.mail.kinds_to(hooked.ada.address)[-1] == "account-forgotten"
    answer = hooked.nobody.api("GET", f"/erasures/{token_of(hooked)}").get_json()
    assert (answer["host"], answer["host_replied_at"]) == ("done", "2026-12-20T10:00:00Z")


def test_a_hook_that_is_down_for_a_day_is_called_until_it_answers_once(
    hooked: World, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.down = True
    ask_for_deletion(hooked.ada)
    let_time_pass(hooked, days=30)
    assert not hooked.ada.has_account, "what is ours is gone whatever the host does"
    for _ in range(24):
        let_time_pass(hooked, hours=1)
    tries = len(host.asked)
    assert 5 <= tries <= 15
    (open_matter,) = open_matters(hooked)
    assert (open_matter.what, open_matter.attempts) == ("host", tries)
    assert (open_matter.code, open_matter.given_up) == ("RuntimeError", False)
    assert only_erasure(hooked).host_outcome == "pending"
    report = hooked.app.test_cli_runner().invoke(tokenoffset, ["privacy", "report"]).output
    assert "Deletions: 1 open matter" in report
    assert f"the host's hook has not answered after {tries} attempts" in report
    token = token_of(hooked)
    assert "it has not answered yet" in hooked.nobody.page(f"/erasures/{token}").text
    host.down = False
    let_time_pass(hooked, hours=7)
    assert len(host.asked) == tries + 1
    let_time_pass(hooked, days=1)
    assert len(host.asked) == tries + 1
    erasure = only_erasure(hooked)
    assert (erasure.host_outcome, erasure.user_key) == ("done", None)
    assert open_matters(hooked) == []
    assert hooked.mail.messages
    # What a hook raises may hold anything.
    assert "hunter2" not in caplog.text
    assert "hunter2" not in repr(hooked.rows())


def test_after_two_weeks_it_is_given_up_and_stays_visible(hooked: World, host: Host) -> None:
    host.down = True
    ask_for_deletion(hooked.ada)
    let_time_pass(hooked, days=30)
    for _ in range(15 * 4):
        let_time_pass(hooked, hours=6)
    tries = len(host.asked)
    let_time_pass(hooked, days=1)
    assert len(host.asked) == tries
    erasure = only_erasure(hooked)
    assert erasure.host_outcome == "failed"
    (open_matter,) = open_matters(hooked)
    assert open_matter.given_up
    assert hooked.mail.messages


def test_what_it_answers_is_kept_as_a_short_word(hooked: World, host: Host) -> None:
    host.answer = "Deleted <b>everything</b> of ada@example.com " + "x" * 100
    ask_for_deletion(hooked.ada)
    let_time_pass(hooked, days=30)
    code = only_erasure(hooked).host_code
    assert code is not None
    assert len(code) == erasure_hook.LONGEST_CODE
    assert not set("<>@ ") & set(code)
    assert hooked.mail.messages


def test_a_host_that_deletes_its_user_itself_is_not_called(hooked: World, host: Host) -> None:
    with hooked.app.app_context():
        assert forget_person(hooked.ada.user_key).known
    let_time_pass(hooked, hours=1)
    assert host.asked == []
    assert only_erasure(hooked).host_outcome == "not-asked"
    assert hooked.mail.messages


def test_a_host_that_deletes_its_user_while_it_is_called_is_called_no_more(
    hooked: World, host: Host
) -> None:
    host.down = True
    user_key = hooked.ada.user_key
    ask_for_deletion(hooked.ada)
    let_time_pass(hooked, days=30)
    assert only_erasure(hooked).user_key == user_key
    with hooked.app.app_context():
        forget_person(user_key)
    tries = len(host.asked)
    let_time_pass(hooked, days=1)
    assert len(host.asked) == tries
    assert only_erasure(hooked).user_key is None
    assert hooked.mail.messages


def test_what_a_hook_leaves_in_the_session_is_not_written(
    make_world: Callable[..., World],
) -> None:
    """Whatever it wants kept it commits itself; half of something is nobody's wish."""
    worlds: list[World] = []

    def careless(user_key: str) -> None:
        session = worlds[0].state.session
        session.execute(text("UPDATE tokenoffset_account SET kind = 'ruined'"))
        assert user_key

    world = make_world(TOKENOFFSET_ERASURE_HOOK=careless)
    worlds.append(world)
    world.ada.pick_band()
    ask_for_deletion(world.ada)
    let_time_pass(world, days=30)
    assert only_erasure(world).host_outcome == "done"
    assert "ruined" not in repr(world.rows())
    assert world.mail.messages


def test_without_a_hook_nobody_is_named_anywhere(world: World) -> None:
    world.ada.pick_band()
    ask_for_deletion(world.ada)
    let_time_pass(world, days=30)
    erasure = only_erasure(world)
    assert (erasure.host_outcome, erasure.user_key) == ("not-asked", None)
    assert timedelta(days=29) < erasure.due_at - erasure.requested_at
    assert world.mail.messages
