"""``flask tokenoffset requests``: the operator's queue without a page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from flask_tokenoffset.cli import tokenoffset
from tests.support.asking import ask

if TYPE_CHECKING:
    from click.testing import Result

    from tests.support.world import World

WISH = "Xylophone Ltd is not my company"


def run(world: World, *arguments: str) -> Result:
    return world.app.test_cli_runner().invoke(
        tokenoffset, ["requests", *arguments], catch_exceptions=False
    )


def actors_in_log(world: World) -> list[tuple[str, str]]:
    page = world.ada.page("/audit-events")
    text = page.text
    return [
        (sentence, "An operator of this site")
        for sentence in (
            "Looked at a request",
            "Took more time for a request",
            "Answered a request",
        )
        if sentence in text and "An operator of this site" in text
    ]


def test_the_list_names_nobody_and_fails_while_something_is_overdue(world: World) -> None:
    assert run(world, "list").output == "Nothing waits for an answer.\n"
    request_id = ask(world.ada, WISH)
    listed = run(world, "list")
    assert listed.exit_code == 0
    assert request_id in listed.output
    assert "2026-12-20 10:00" in listed.output
    for told in ("Xylophone", world.ada.address):
        assert told not in listed.output
    world.clock.move(days=31)
    late = run(world, "list")
    assert late.exit_code == 1
    assert "Overdue: 1 of 1" in late.output


def test_a_request_is_looked_at_extended_and_answered(world: World) -> None:
    request_id = ask(world.ada, WISH)
    shown = run(world, "show", request_id)
    assert WISH in shown.output
    assert world.ada.address in shown.output
    extended = run(world, "extend", request_id, "--days", "20", "--reason", "Illness")
    assert "due by 2027-01-09 10:00 UTC" in extended.output
    world.clock.move(hours=1)
    closed = run(world, "close", request_id, "--reply", "Corrected.")
    assert closed.exit_code == 0
    answered = world.ada.api("GET", f"/privacy/requests/{request_id}").get_json()
    assert (answered["status"], answered["reply"]) == ("done", "Corrected.")
    assert answered["extension_reason"] == "Illness"
    assert len(actors_in_log(world)) == 3
    assert "Corrected." in run(world, "show", request_id).output


def test_a_refusal_and_what_cannot_be_done_say_why(world: World) -> None:
    request_id = ask(world.ada)
    assert run(world, "close", request_id, "--reply", " ").exit_code == 1
    refused = run(world, "close", request_id, "--refuse", "--reply", "The law forbids it.")
    assert refused.exit_code == 0
    again = run(world, "close", request_id, "--reply", "Done after all.")
    assert again.exit_code == 1
    assert "closed already" in again.output
    commands = (["show"], ["close", "--reply", "x"], ["extend", "--days", "1", "--reason", "x"])
    for arguments in commands:
        unknown = run(world, arguments[0], str(uuid4()), *arguments[1:])
        assert unknown.exit_code == 1
        assert "There is no such thing here" in unknown.output
