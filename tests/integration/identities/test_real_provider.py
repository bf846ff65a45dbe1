"""The whole way with an identity provider that nobody here wrote: npm's ``oidc-provider``.

Through its own login and consent pages, over real sockets.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pytest

from flask_tokenoffset.models import IdentityCredential
from flask_tokenoffset.services.identities.refresh_tokens import identity_context, sealed_token_of
from tests.support.identity_provider import running_provider
from tests.support.linking import OWN_LOGIN, sent_to
from tests.support.world import make_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.identity_provider import ProviderBrowser, RunningProvider
    from tests.support.world import Browser, World

__all__ = ["make_world"]

SECRET: Final = "a client secret of forty characters, at least"
CALLBACK: Final = "http://localhost/tokenoffset/identities/acme/callback"


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    registered = {
        "redirect_uris": [CALLBACK],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
    }
    clients: dict[str, dict[str, Any]] = {
        "fernhill": {"client_secret": SECRET, **registered},
        "public": {"token_endpoint_auth_method": "none", **registered},
    }
    with running_provider(clients) as running:
        yield running


@pytest.fixture
def at_provider(provider: RunningProvider) -> Iterator[ProviderBrowser]:
    """A browser in front of the provider's pages, in which nobody is logged in."""
    browser = provider.browser()
    yield browser
    browser.close()


@pytest.fixture
def world(make_world: Callable[..., World], provider: RunningProvider) -> World:
    return make_linked_world(make_world, provider)


def make_linked_world(
    make_world: Callable[..., World], provider: RunningProvider, **settings: Any
) -> World:
    entry = {
        "issuer": provider.issuer,
        "client_id": "fernhill",
        "client_secret": SECRET,
        "scopes": ["openid", "email", "offline_access"],
        **settings.pop("entry", {}),
    }
    made = make_world(TOKENOFFSET_OAUTH_PROVIDERS={"acme": entry}, **settings)
    made.clock.move_to(datetime.now(UTC))  # The provider's tokens are of the present.
    return made


def begin_flow(browser: Browser) -> str:
    return sent_to(browser.submit("/identities", "/identities/acme/link"))


def refresh_token(world: World) -> str:
    """What is sealed in the one credential there is."""
    with world.app.app_context():
        session = world.state.session
        (row,) = session.query(IdentityCredential).all()
        opened = world.state.vault.open(sealed_token_of(row), identity_context(row, "acme"))
        return opened.reveal()


def ask_with(provider: RunningProvider, token: str) -> httpx.Response:
    """Use a refresh token at the provider, past everything of ours."""
    return httpx.post(
        f"{provider.issuer}/token",
        data={"grant_type": "refresh_token", "refresh_token": token},
        auth=("fernhill", SECRET.replace(" ", "+").replace(",", "%2C")),
        trust_env=False,
    )


def identities(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = browser.api("GET", "/identities").get_json()["items"]
    return found


def test_link_refresh_and_unlink(
    world: World, provider: RunningProvider, at_provider: ProviderBrowser
) -> None:
    ada = world.ada
    address = begin_flow(ada)
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert set(asked) >= {"state", "nonce", "code_challenge"}

    back = at_provider.go(address, "ada-there")
    assert at_provider.pages == ["login", "consent"]
    answered = parse_qs(urlsplit(back).query)
    assert answered["iss"] == [provider.issuer]
    answer = ada.client.get(back)
    assert answer.headers["Location"] == "/tokenoffset/identities?done=linked"
    (linked,) = identities(ada)
    assert linked["email"] == "ada-there@provider.example"
    assert linked["email_verified"] is True
    assert linked["refreshable"] is True

    # The provider rotates: the first token is used up, the next one is sealed in its place.
    first = refresh_token(world)
    page = ada.submit("/identities", f"/identities/{linked['id']}/check")
    assert page.headers["Location"] == "/tokenoffset/identities?done=checked"
    second = refresh_token(world)
    assert second != first
    ada.submit("/identities", f"/identities/{linked['id']}/check")
    third = refresh_token(world)

    unlink = f"/identities/{linked['id']}/unlink"
    answer = ada.submit(unlink, unlink)
    assert answer.headers["Location"] == "/tokenoffset/identities?done=unlinked"
    assert identities(ada) == []
    # Given back to the provider, which takes it no longer.
    refused = ask_with(provider, third)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_replayed_refresh_token_voids_the_family_and_says_so(
    world: World, provider: RunningProvider, at_provider: ProviderBrowser
) -> None:
    """A person stole the first token. The provider finds out, and so do we."""
    ada = world.ada
    ada.client.get(at_provider.go(begin_flow(ada), "ada-there"))
    (linked,) = identities(ada)
    stolen = refresh_token(world)
    ada.submit("/identities", f"/identities/{linked['id']}/check")
    assert ask_with(provider, stolen).status_code == 400
    answer = ada.submit("/identities", f"/identities/{linked['id']}/check")
    assert answer.status_code == 403
    (linked,) = identities(ada)
    assert linked["refreshable"] is False


def test_a_link_without_consent_changes_nothing(world: World, at_provider: ProviderBrowser) -> None:
    ada = world.ada
    answer = ada.client.get(at_provider.go(begin_flow(ada), "ada-there", agree=False))
    assert answer.status_code == 403
    assert "You did not agree at Acme" in answer.text
    assert identities(ada) == []


def test_a_code_is_worth_nothing_with_another_verifier(
    world: World, provider: RunningProvider, at_provider: ProviderBrowser
) -> None:
    ada = world.ada
    stolen = parse_qs(urlsplit(at_provider.go(begin_flow(ada), "ada-there")).query)["code"][0]
    mallory = world.browser("mallory")
    asked = parse_qs(urlsplit(begin_flow(mallory)).query)
    (issuer,) = {
        each["issuer"] for each in world.app.config["TOKENOFFSET_OAUTH_PROVIDERS"].values()
    }
    injected = httpx.URL(
        CALLBACK, params={"code": stolen, "state": asked["state"][0], "iss": issuer}
    )
    answer = mallory.client.get(str(injected))
    assert answer.status_code == 403
    assert "did not accept the answer that came back" in answer.text
    assert identities(mallory) == []


def test_a_code_is_taken_once(world: World, at_provider: ProviderBrowser) -> None:
    ada = world.ada
    back = at_provider.go(begin_flow(ada), "ada-there")
    assert ada.client.get(back).status_code == 303
    assert ada.client.get(back).status_code == 403
    assert len(identities(ada)) == 1


def test_the_provider_refuses_a_flow_without_a_challenge_or_to_another_address(
    world: World, at_provider: ProviderBrowser
) -> None:
    """So that the tests above would notice if we left it out."""
    address = begin_flow(world.ada)
    parts = urlsplit(address)
    without = "&".join(
        each for each in parts.query.split("&") if not each.startswith("code_challenge")
    )
    back = at_provider.go(urlunsplit(parts._replace(query=without)), "ada-there")
    assert "error=invalid_request" in back
    elsewhere = parts.query.replace("acme%2Fcallback", "globex%2Fcallback")
    with pytest.raises(AssertionError, match="redirect_uri"):
        at_provider.go(urlunsplit(parts._replace(query=elsewhere)), "ada-there")


@pytest.mark.parametrize(
    "client",
    [
        {"client_id": "public", "client_secret": None},
        {"client_id": "fernhill", "scopes": ["openid", "email"]},
    ],
    ids=["a public client", "without a refresh token"],
)
def test_other_kinds_of_client_link_as_well(
    make_world: Callable[..., World],
    provider: RunningProvider,
    at_provider: ProviderBrowser,
    client: dict[str, Any],
) -> None:
    ada = make_linked_world(make_world, provider, entry=client).ada
    assert ada.client.get(at_provider.go(begin_flow(ada), "ada-there")).status_code == 303
    (linked,) = identities(ada)
    assert linked["refreshable"] is ("scopes" not in client)


def test_endpoints_from_the_settings_are_used_without_discovery(
    make_world: Callable[..., World], provider: RunningProvider, at_provider: ProviderBrowser
) -> None:
    endpoints = {
        "authorization": f"{provider.issuer}/auth",
        "token": f"{provider.issuer}/token",
        "jwks": f"{provider.issuer}/jwks",
        "revocation": f"{provider.issuer}/token/revocation",
    }
    ada = make_linked_world(make_world, provider, entry={"endpoints": endpoints}).ada
    assert ada.client.get(at_provider.go(begin_flow(ada), "ada-there")).status_code == 303
    (linked,) = identities(ada)
    assert ada.api("DELETE", f"/identities/{linked['id']}").status_code == 204


def test_sign_in_with_it_confirm_with_it_and_sign_out(
    make_world: Callable[..., World], provider: RunningProvider, at_provider: ProviderBrowser
) -> None:
    world = make_linked_world(make_world, provider, **OWN_LOGIN)
    browser = world.browser(None)
    address = sent_to(browser.submit("/sign-in", "/sign-in/with/acme"))
    answer = browser.client.get(at_provider.go(address, "ada-there"))
    assert answer.headers["Location"] == "/tokenoffset/"
    assert browser.get("/").status_code == 200
    first = browser.api("GET", "/me").get_json()["id"]

    # Logged in at the provider still; it asks again all the same, because reauthentication is
    # wanted.
    before = len(at_provider.pages)
    address = sent_to(browser.post("/identities/acme/confirm", next="/tokenoffset/identities"))
    answer = browser.client.get(at_provider.go(address, "ada-there"))
    assert answer.headers["Location"] == "/tokenoffset/identities"
    assert at_provider.pages[before] == "login"

    assert browser.submit("/sign-out", "/sign-out").status_code == 303
    assert browser.api("GET", "/me").status_code == 401
    address = sent_to(browser.submit("/sign-in", "/sign-in/with/acme"))
    assert browser.client.get(at_provider.go(address, "ada-there")).status_code == 303
    assert browser.api("GET", "/me").get_json()["id"] == first
