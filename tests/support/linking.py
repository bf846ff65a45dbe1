"""A world with two identity providers, and people on their way to them and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.models import Identity, new_id
from flask_tokenoffset.services.people.profiles import find_person
from tests.support.hostile_provider import NAMES, HostileProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

#: What makes linked identities the login.
OWN_LOGIN: Final[dict[str, Any]] = {"TOKENOFFSET_SIGN_IN": "identity"}


class Scene:
    """A world and its two providers.

    :param make_world: makes the world.
    :param entries: what the settings say of each provider besides, by name.
    :param settings: more settings of the host.
    """

    def __init__(
        self,
        make_world: Callable[..., World],
        *,
        entries: Mapping[str, dict[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        self.providers = {name: HostileProvider(name, self._now) for name in NAMES}
        more = entries or {}
        self.world = make_world(
            TOKENOFFSET_OAUTH_PROVIDERS={
                name: provider.entry(**more.get(name, {}))
                for name, provider in self.providers.items()
            },
            **settings,
        )

    def _now(self) -> datetime:
        return self.world.clock.now()

    @property
    def acme(self) -> HostileProvider:
        """The first provider."""
        return self.providers["acme"]

    @property
    def globex(self) -> HostileProvider:
        """The second one."""
        return self.providers["globex"]

    def new_browser(self) -> Browser:
        """A new browser in which nobody is signed in."""
        return self.world.browser(None)

    def begin_flow(self, browser: Browser, provider: str = "acme") -> str:
        """Begin to link an account; gives where the browser is sent."""
        return sent_to(browser.submit("/identities", f"/identities/{provider}/link"))

    def begin_sign_in(
        self, browser: Browser, provider: str = "acme", next_path: str | None = None
    ) -> str:
        """Begin to sign in; gives where the browser is sent."""
        fields = {} if next_path is None else {"next": next_path}
        return sent_to(browser.submit("/sign-in", f"/sign-in/with/{provider}", **fields))

    def complete_flow(self, browser: Browser, address: str) -> TestResponse:
        """Follow the provider's redirect."""
        return browser.client.get(address)

    def link(
        self, browser: Browser, subject: str, provider: str = "acme", **said: Any
    ) -> TestResponse:
        """Link an account, from the page to the callback's answer."""
        address = self.begin_flow(browser, provider)
        return self.complete_flow(browser, self.providers[provider].go(address, subject, **said))

    def sign_in(
        self, browser: Browser, subject: str, provider: str = "acme", **said: Any
    ) -> TestResponse:
        """Sign in, from the page to the callback's answer."""
        address = self.begin_sign_in(browser, provider)
        return self.complete_flow(browser, self.providers[provider].go(address, subject, **said))

    def signed_in(self, subject: str, provider: str = "acme", **said: Any) -> Browser:
        """A new browser in which a person has signed in."""
        browser = self.new_browser()
        response = self.sign_in(browser, subject, provider, **said)
        assert response.status_code == 303, response.text
        return browser

    def subjects_of(self, browser: Browser) -> set[tuple[str, str]]:
        """Provider and subject of each identity of the current user."""
        ids = {each["id"] for each in browser.api("GET", "/identities").get_json()["items"]}
        return {(row.provider, row.subject) for row in self.identities() if str(row.id) in ids}

    def identities(self) -> list[Identity]:
        """Every linked identity of anyone."""
        with self.world.app.app_context():
            found = self.world.state.session.query(Identity).all()
            self.world.state.session.expunge_all()
            return found

    def only_identity(self) -> UUID:
        """The id of the one identity there is."""
        (identity,) = self.identities()
        return identity.id


def linked_identity(world: World, person: Browser) -> UUID:
    """The id of an identity that is linked to a person, as after an authorization flow."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        owner = find_person(work.session, person.user_key)
        assert owner is not None, f"{person.name} has no account yet"
        identity = Identity(
            id=new_id(),
            account_id=owner.account_id,
            person_id=owner.id,
            provider="elsewhere",
            issuer="https://elsewhere.example",
            subject=str(new_id()),
            email=person.address,
            email_verified=True,
            linked_at=world.clock.now(),
        )
        work.session.add(identity)
        work.session.flush()
        return identity.id


def sent_to(response: TestResponse) -> str:
    """Where a browser is sent."""
    assert response.status_code == 303, response.text
    return response.headers["Location"]
