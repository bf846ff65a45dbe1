"""A debugger shows local variables and runs code, so no key is opened or taken while one is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import Credential, RunStatus, SampleRun
from tests.support.world import KEYS, PREFIX, World, make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["make_world", "world"]

DEBUGGER = {"environ_overrides": {"werkzeug.debug.preserve_context": lambda _context: None}}


def ways_to_connect(world: World, **options: Any) -> list[int]:
    """The status of connecting by page and by API, with a key the vendor would accept."""
    client, token = world.ada.client, world.ada.token_field
    page = f"{PREFIX}/sources/connect/openai"
    body = {"provider": "openai", "key": KEYS["openai"]}
    by_page = client.post(page, data={**token, "key": KEYS["openai"]}, **options)
    world.change_organization()
    by_api = client.post(f"{PREFIX}/api/v1/sources", json=body, **options)
    assert KEYS["openai"][9:] not in by_page.text + by_api.text
    return [by_page.status_code, by_api.status_code]


@pytest.mark.parametrize("how", ["debug mode", "the Werkzeug debugger"])
def test_no_key_is_taken_or_sent_anywhere_while_a_debugger_is_on(world: World, how: str) -> None:
    assert world.ada.token_field
    world.app.debug = how == "debug mode"
    options = {} if world.app.debug else DEBUGGER
    assert ways_to_connect(world, **options) == [503, 503]
    assert world.openai.calls == []
    assert world.rows(Credential) == {"tokenoffset_credential": []}


def test_without_a_debugger_the_same_key_is_taken(world: World) -> None:
    assert ways_to_connect(world) == [303, 201]


def test_a_host_may_allow_it_for_its_tests(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_ALLOW_VAULT_IN_DEBUG=True)
    world.app.debug = True
    assert ways_to_connect(world) == [303, 201]


def test_a_stored_key_stays_shut_as_well(world: World) -> None:
    world.ada.connect("openai")
    calls_before = len(world.openai.calls)
    world.app.debug = True
    world.work()
    assert len(world.openai.calls) == calls_before
    with world.app.app_context():
        (run,) = world.state.session.query(SampleRun)
        assert run.status == RunStatus.FAILED
        assert run.reason_code == "vault-shut"
