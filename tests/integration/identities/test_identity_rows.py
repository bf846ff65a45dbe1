"""What stands in the database: one owner, sealed tokens, rotation, and many at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from flask_tokenoffset.cli import tokenoffset as command
from flask_tokenoffset.errors import Conflict, NotPermitted, SealBroken
from flask_tokenoffset.models import Identity, IdentityAttempt, IdentityCredential, Person
from flask_tokenoffset.oidc import ProvedIdentity
from flask_tokenoffset.services.identities import links as identities
from flask_tokenoffset.services.identities.refresh_tokens import identity_context, sealed_token_of
from flask_tokenoffset.services.identities.required import check_required
from flask_tokenoffset.services.people.profiles import find_person, lock_person
from flask_tokenoffset.services.sign_in import logins
from flask_tokenoffset.state import EXTENSION_KEY
from flask_tokenoffset.vault import LocalKeyStore, Secret, Vault, generate_key, parse_key_ring
from tests.support.linking import OWN_LOGIN, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.databases import MakeDatabase
    from tests.support.world import Browser, World


def stored_token(scene: Scene) -> str:
    with scene.world.app.app_context():
        session = scene.world.state.session
        (row,) = session.query(IdentityCredential).all()
        provider = session.query(Identity).one().provider
        opened = scene.world.state.vault.open(sealed_token_of(row), identity_context(row, provider))
        return opened.reveal()


def person_of(scene: Scene, browser: Browser) -> Person:
    person = find_person(scene.world.state.session, browser.user_key)
    assert person is not None
    return person


def test_the_newest_refresh_token_is_sealed_and_no_other(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    first = stored_token(scene)
    assert first in scene.acme.refresh_tokens
    identity_id = scene.only_identity()
    assert ada.submit("/identities", f"/identities/{identity_id}/check").status_code == 303
    assert stored_token(scene) != first
    # Linked again, which is no second identity.
    scene.link(ada, "ada-there")
    assert scene.only_identity() == identity_id


def test_a_provider_without_a_new_token_leaves_the_old_one(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    first = stored_token(scene)
    scene.acme.lies.left_out = frozenset({"refresh_token", "id_token"})
    ada.submit("/identities", f"/identities/{scene.only_identity()}/check")
    assert stored_token(scene) == first


@pytest.mark.parametrize("status", [500, 503, 302])
def test_a_provider_that_is_down_costs_no_token(scene: Scene, status: int) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    first = stored_token(scene)
    scene.acme.lies.status = status
    identity_id = scene.only_identity()
    assert ada.submit("/identities", f"/identities/{identity_id}/check").status_code == 503
    assert stored_token(scene) == first


def test_a_provider_that_vouches_for_another_person_is_not_believed(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    scene.acme.lies.claims = {"sub": "mallory-there", "email": "mallory@example.com"}
    identity_id = scene.only_identity()
    assert ada.submit("/identities", f"/identities/{identity_id}/check").status_code == 403
    (identity,) = scene.identities()
    assert (identity.subject, identity.email) == ("ada-there", None)


def test_unlinking_gives_the_token_back_and_leaves_nothing(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    token = stored_token(scene)
    assert ada.api("DELETE", f"/identities/{scene.only_identity()}").status_code == 204
    assert scene.acme.revoked == [token]
    assert scene.identities() == []
    assert scene.world.rows(IdentityCredential, IdentityAttempt) == {
        "tokenoffset_identity_credential": [],
        "tokenoffset_identity_attempt": [],
    }


def test_unlinking_works_where_the_provider_is_down_and_says_so(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    scene.acme.lies.status = 503
    unlink = f"/identities/{scene.only_identity()}/unlink"
    answer = ada.submit(unlink, unlink)
    assert answer.headers["Location"] == "/tokenoffset/identities?done=unlinked-here"
    assert "End it there as well" in ada.get("/identities?done=unlinked-here").text
    assert scene.identities() == []


def test_what_one_row_holds_opens_in_no_other(scene: Scene) -> None:
    """Two rows, swapped by anyone who can write to the database."""
    for name in ("ada", "ben"):
        scene.link(scene.world.browser(name), f"{name}-there")
    with scene.world.app.app_context():
        session = scene.world.state.session
        first, second = session.query(IdentityCredential).all()
        swapped = sealed_token_of(first)
        with pytest.raises(SealBroken):
            scene.world.state.vault.open(swapped, identity_context(second, "acme"))


def test_rotating_the_master_key_rotates_refresh_tokens_as_well(
    make_world: Callable[..., World],
) -> None:
    old, new = generate_key("2026-11"), generate_key("2027-01")
    scene = Scene(make_world, TOKENOFFSET_KEYS=old)
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    ada.connect()
    token = stored_token(scene)
    both = Vault(LocalKeyStore(parse_key_ring([new, old])))
    scene.world.app.extensions[EXTENSION_KEY] = replace(scene.world.state, vault=both)
    result = scene.world.app.test_cli_runner().invoke(command, ["keys", "rotate"])
    assert result.exit_code == 0, result.output
    assert "2 keys are now under 2027-01, 0 to go." in result.output
    scene.world.app.extensions[EXTENSION_KEY] = replace(
        scene.world.state, vault=Vault(LocalKeyStore(parse_key_ring([new])))
    )
    assert stored_token(scene) == token
    identity_id = scene.only_identity()
    assert ada.submit("/identities", f"/identities/{identity_id}/check").status_code == 303


def test_an_identity_can_be_unlinked_while_the_vault_is_shut(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    shut = Vault(LocalKeyStore(parse_key_ring([generate_key("2027-01")])), shut_because="a test")
    scene.world.app.extensions[EXTENSION_KEY] = replace(scene.world.state, vault=shut)
    identity_id = scene.only_identity()
    assert ada.submit("/identities", f"/identities/{identity_id}/check").status_code == 503
    assert len(scene.world.rows(IdentityCredential)["tokenoffset_identity_credential"]) == 1
    assert ada.api("DELETE", f"/identities/{identity_id}").status_code == 204
    assert scene.identities() == []


def test_a_token_that_no_master_key_opens_can_be_unlinked_all_the_same(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    lost = Vault(LocalKeyStore(parse_key_ring([generate_key("2027-01")])))
    scene.world.app.extensions[EXTENSION_KEY] = replace(scene.world.state, vault=lost)
    unlink = f"/identities/{scene.only_identity()}/unlink"
    answer = ada.submit(unlink, unlink)
    assert answer.headers["Location"].endswith("done=unlinked-here")
    assert scene.identities() == []


# --- who may join an organization -----------------------------------------------------------------


def required(scene: Scene, browser: Browser) -> str:
    """Why a person may not join, or an empty text where they may."""
    state = scene.world.state
    with scene.world.app.app_context():
        try:
            check_required(state.session, person_of(scene, browser), state.settings)
        except NotPermitted as refusal:
            return refusal.message
    return ""


def test_a_required_identity_is_of_that_provider_and_domain(
    make_world: Callable[..., World],
) -> None:
    entries = {"acme": {"allowed_domains": ["acme.test"]}}
    scene = Scene(make_world, entries=entries, TOKENOFFSET_REQUIRED_IDENTITY="acme")
    ada, ben = scene.world.ada, scene.world.ben
    ben.connect()
    assert "an account at Acme with a verified address at acme.test" in required(scene, ben)
    scene.link(ben, "ben-there", "globex", email="ben@acme.test")
    assert required(scene, ben) != ""
    assert scene.link(ben, "ben-there", "acme", email="ben@acme.test").status_code == 303
    assert required(scene, ben) == ""
    assert scene.link(ada, "ada-there", "acme", email="ada@acme.test").status_code == 303
    # The provider says by now that the address is another one, and she is out.
    scene.acme.lies.claims = {"email": "ada@globex.test"}
    assert scene.link(ada, "ada-there", "acme").status_code == 403
    assert required(scene, ada) == ""  # What it refused to take over, it does not count.
    assert ada.api("DELETE", f"/identities/{_of(scene, 'ada-there')}").status_code == 204
    assert required(scene, ada) != ""


def test_nothing_is_required_where_nothing_is_said(scene: Scene) -> None:
    scene.world.ada.connect()
    assert required(scene, scene.world.ada) == ""


def _of(scene: Scene, subject: str) -> Any:
    return next(each.id for each in scene.identities() if each.subject == subject)


# --- many at once, on PostgreSQL ------------------------------------------------------------------


def proved(subject: str) -> ProvedIdentity:
    return ProvedIdentity(
        provider="acme",
        title="Acme",
        issuer="https://acme.example",
        subject=subject,
        email=None,
        email_verified=False,
        refresh_token=Secret(f"refresh token of {subject}"),
    )


def at_once(scene: Scene, count: int, do: Callable[[int], Any]) -> list[Any]:
    """Do something several times at the same moment; what each returned or raised."""
    barrier = threading.Barrier(count)

    def one(number: int) -> Any:
        with scene.world.app.app_context():
            barrier.wait()
            try:
                return do(number)
            except Conflict as refusal:
                return refusal

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def on_postgres(make_world: Callable[..., World], postgres_database: MakeDatabase) -> Scene:
    url = postgres_database()
    return Scene(lambda **settings: make_world(url, **settings), **OWN_LOGIN)


def test_the_first_sign_in_in_two_browsers_at_once_makes_one_person(on_postgres: Scene) -> None:
    scene = on_postgres
    state = scene.world.state

    def sign_in(number: int) -> Any:
        with state.unit_of_work() as work:
            return logins.sign_in_by_identity(
                work,
                proved("ada-there"),
                browser_digest=f"{number:064x}",
                vault=state.vault,
                settings=state.settings,
                now=scene.world.clock.now(),
            ).id

    for _ in range(5):
        assert len(set(at_once(scene, 4, sign_in))) == 1
    assert len(scene.identities()) == 1


def test_an_answer_that_comes_back_twice_at_once_ends_one_flow(on_postgres: Scene) -> None:
    scene = on_postgres
    for number in range(5):
        browser = scene.new_browser()
        back = scene.acme.go(scene.begin_sign_in(browser), f"person {number}")
        second = scene.new_browser()
        for cookie in ("session", "tokenoffset_browser"):
            path = "/" if cookie == "session" else "/tokenoffset"
            found = browser.client.get_cookie(cookie, path=path)
            assert found is not None
            second.client.set_cookie(cookie, found.value, path=path)
        barrier = threading.Barrier(2)

        def come(which: Browser, back: str = back, barrier: threading.Barrier = barrier) -> int:
            barrier.wait()
            return scene.complete_flow(which, back).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(come, (browser, second))) == [303, 403]


def test_two_unlinkings_at_once_leave_one_way_in(on_postgres: Scene) -> None:
    scene = on_postgres
    state = scene.world.state
    for number in range(5):
        browser = scene.signed_in(f"person {number}")
        assert scene.link(browser, f"person {number}", "globex").status_code == 303
        user_key = key_of(scene, browser)
        ids = [each.id for each in scene.identities() if each.subject == f"person {number}"]
        assert len(ids) == 2

        def unlink(which: int, ids: list[UUID] = ids, user_key: str = user_key) -> str:
            with state.unit_of_work() as work:
                person = lock_person(work.session, user_key)
                assert person is not None
                identities.unlink(
                    work,
                    person,
                    ids[which],
                    vault=state.vault,
                    settings=state.settings,
                    now=scene.world.clock.now(),
                )
                return "unlinked"

        outcomes = at_once(scene, 2, unlink)
        assert outcomes.count("unlinked") == 1
        assert [isinstance(each, Conflict) for each in outcomes].count(True) == 1
    assert len(scene.identities()) == 5


def test_a_refresh_token_is_used_by_one_of_many(on_postgres: Scene) -> None:
    scene = on_postgres
    state = scene.world.state
    user_key = key_of(scene, scene.signed_in("ada-there"))
    identity_id = scene.only_identity()

    def take(_number: int) -> identities.TakenToken:
        with state.unit_of_work() as work:
            person = find_person(work.session, user_key)
            assert person is not None
            return identities.take_token(work, person, identity_id, vault=state.vault)

    outcomes = at_once(scene, 4, take)
    assert [isinstance(each, Conflict) for each in outcomes].count(True) == 3


def key_of(scene: Scene, browser: Browser) -> str:
    """The key of the current user, where the host gives none."""
    person_id = UUID(browser.api("GET", "/me").get_json()["id"])
    with scene.world.app.app_context():
        return scene.world.state.session.get_one(Person, person_id).user_key
