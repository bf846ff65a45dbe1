"""A12: of codes, states, nonces, verifiers and tokens nothing is found, wherever one looks."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import request_finished

from flask_tokenoffset.blueprints.identities import flows
from flask_tokenoffset.errors import TokenOffsetError
from tests.support.canaries import Canary, Sinks, logs_in, signals_to, tables_of
from tests.support.linking import OWN_LOGIN, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask, Response

    from tests.support.databases import MakeDatabase
    from tests.support.world import Browser, World

#: What the tail of a secret is searched for: long enough to be telling, short enough to be quick.
_MARKED = 30


def canary(name: str, secret: str) -> Canary:
    return Canary(name, secret[:-_MARKED], secret[-_MARKED:])


def canaries_of(scene: Scene, addresses: list[str]) -> tuple[list[Canary], list[Canary]]:
    """What nobody may see, and what only the browser may see that is sent to a provider."""
    kept = [
        canary(f"secret {number} of {provider.name}", secret)
        for provider in scene.providers.values()
        for number, secret in enumerate(sorted(provider.secrets))
    ]
    shown = [
        canary(f"{name} of flow {number}", parse_qs(urlsplit(address).query)[name][0])
        for number, address in enumerate(addresses)
        for name in ("state", "nonce")
    ]
    return kept, shown


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'canaries.sqlite'}"
    make: MakeDatabase = request.getfixturevalue("postgres_database")
    return make()


def dump(scene: Scene, url: str) -> str:
    """Everything in the database, as text."""
    if not url.startswith("sqlite"):
        return tables_of(url)
    with scene.world.app.app_context():
        connection: Any = scene.world.state.engine.raw_connection().driver_connection
        return "\n".join(connection.iterdump())


def live(scene: Scene, addresses: list[str]) -> None:
    """Link, confirm, check, unlink, be refused in several ways, sign in and out."""
    browser = scene.new_browser()

    def go(address: str, subject: str, provider: str = "acme") -> int:
        addresses.append(address)
        back = scene.providers[provider].go(address, subject, email="ada@example.com")
        return scene.complete_flow(browser, back).status_code

    assert go(scene.begin_sign_in(browser), "ada-there") == 303
    assert go(scene.begin_flow(browser, "globex"), "ada-at-globex", "globex") == 303
    scene.world.clock.move(minutes=20)
    form = browser.page("/confirm").form("/identities/acme/confirm")
    address = browser.client.post(form.action, data=form.values).headers["Location"]
    assert go(address, "ada-there") == 303
    globex = next(each.id for each in scene.identities() if each.provider == "globex")
    assert browser.submit("/identities", f"/identities/{globex}/check").status_code == 303
    scene.acme.lies.claims = {"nonce": "wrong"}
    assert go(scene.begin_flow(browser), "another") == 403
    scene.acme.lies.claims = {}
    scene.acme.lies.left_out = frozenset({"id_token"})
    assert go(scene.begin_flow(browser), "another") == 403
    scene.acme.lies.left_out = frozenset()
    scene.acme.lies.status = 500
    assert go(scene.begin_flow(browser), "another") == 503
    scene.acme.lies.status = None
    assert browser.api("DELETE", f"/identities/{globex}").status_code == 204
    assert browser.submit("/sign-out", "/sign-out").status_code == 303


def test_nothing_of_a_flow_is_found_in_rows_logs_answers_signals_or_mail(
    make_world: Callable[..., World], url: str, tmp_path: Path
) -> None:
    scene = Scene(lambda **settings: make_world(url, **settings), **OWN_LOGIN)
    sinks = Sinks()
    addresses: list[str] = []
    log = tmp_path / "everything.log"
    to_provider: list[bytes] = []

    def note(_sender: Flask, response: Response, **_more: Any) -> None:
        text = f"{response.status}\n{response.headers}\n".encode() + response.get_data()
        leaves = "example/authorize?" in response.headers.get("Location", "")
        (to_provider if leaves else sinks.contents.setdefault("answers", [])).append(text)

    with logs_in(log), signals_to(sinks), request_finished.connected_to(note, scene.world.app):
        live(scene, addresses)
        scene.world.work()
    sinks.add("logs", log.read_bytes())
    sinks.add("rows", dump(scene, url))
    for message in scene.world.mailbox:
        sinks.add("mail", repr(message) + message.text)
    kept, shown = canaries_of(scene, addresses)
    assert len(kept) >= 20
    assert len(shown) == 2 * len(addresses) == 12
    assert sinks.leaks(kept + shown) == []
    sinks.contents["answers"] += to_provider
    assert sinks.leaks(kept) == []
    # The search finds what is there: a state stands in the address of the provider.
    assert len(sinks.leaks(shown)) == len(shown)


def our_frames(error: BaseException) -> str:
    """A traceback with the local variables of our own frames."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    lines: list[str] = []
    part: traceback.TracebackException | None = told
    while part is not None:
        frames = [frame for frame in part.stack if "/flask_tokenoffset/" in frame.filename]
        part.stack = traceback.StackSummary.from_list(frames)
        lines += part.format(chain=False)
        part = part.__cause__ or part.__context__
    return "".join(lines)


def lies() -> Iterator[tuple[str, Callable[[Scene], None]]]:
    """Everything that may go wrong once a code has come back."""

    def claims(scene: Scene) -> None:
        scene.acme.lies.claims = {"aud": "another"}

    def signature(scene: Scene) -> None:
        scene.acme.lies.sign = lambda _claims: "a.b.c"

    def no_token(scene: Scene) -> None:
        scene.acme.lies.left_out = frozenset({"id_token"})

    def status(scene: Scene) -> None:
        scene.acme.lies.status = 500

    def issuer(scene: Scene) -> None:
        scene.acme.lies.answer = {"iss": "https://evil.example"}

    def verifier(scene: Scene) -> None:
        scene.acme.grants.clear()

    yield from {
        "claims": claims,
        "signature": signature,
        "no token": no_token,
        "status": status,
        "issuer": issuer,
        "code": verifier,
    }.items()


@pytest.mark.parametrize(("name", "lie"), list(lies()), ids=[name for name, _ in lies()])
def test_nothing_of_a_flow_is_found_in_a_traceback_with_local_variables(
    scene: Scene, name: str, lie: Callable[[Scene], None]
) -> None:
    ada: Browser = scene.world.ada
    address = scene.begin_flow(ada)
    if name == "issuer":
        lie(scene)
    back = scene.acme.go(address, "ada-there")
    if name != "issuer":
        lie(scene)
    cookies = "; ".join(
        f"{cookie.key}={cookie.value}"
        for cookie in (
            ada.client.get_cookie("session"),
            ada.client.get_cookie("tokenoffset_browser", path="/tokenoffset"),
        )
        if cookie is not None
    )
    with (
        scene.world.app.test_request_context(back, headers={"Cookie": cookies}),
        pytest.raises(TokenOffsetError) as caught,
    ):
        flows.complete_flow("acme")
    assert "that belongs" not in str(caught.value)  # It got past the state.
    sinks = Sinks()
    sinks.add("traceback", our_frames(caught.value))
    kept, shown = canaries_of(scene, [address])
    assert sinks.contents["traceback"][0].count(b"flask_tokenoffset/") >= 3
    assert sinks.leaks(kept + shown) == []
