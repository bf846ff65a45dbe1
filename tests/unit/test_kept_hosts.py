"""Worlds take turns in a host, and none notices that another was there before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from flask.sessions import SecureCookieSessionInterface
from jinja2 import DictLoader

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.models import Account, AccountKind
from flask_tokenoffset.signals import sample_failed
from flask_tokenoffset.state import EXTENSION_KEY
from tests.support.kept_hosts import give_back, take_host
from tests.support.linking import OWN_LOGIN
from tests.support.world import START, World

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS: list[dict[str, Any]] = [{}, OWN_LOGIN]


def do_nothing(*_arguments: Any, **_named: Any) -> None:
    pass


#: Where something is to be called, whatever it is.
nothing: Any = do_nothing


CHANGES: dict[str, Callable[[World], object]] = {
    "a route": lambda world: world.app.add_url_rule("/more", view_func=nothing),
    "a view": lambda world: world.app.view_functions.update(sign_in=nothing),
    "what every request begins with": lambda world: world.app.before_request(nothing),
    "an error page": lambda world: world.app.register_error_handler(404, nothing),
    "the template loader": lambda world: setattr(world.app, "jinja_loader", DictLoader({})),
    "a template's name": lambda world: world.app.jinja_env.globals.update(more=1),
    "debug mode": lambda world: setattr(world.app, "debug", True),
    "sessions": lambda world: setattr(
        world.app, "session_interface", SecureCookieSessionInterface()
    ),
    "middleware": lambda world: setattr(world.app, "wsgi_app", nothing),
    "the sign-in page": lambda world: setattr(
        world.app.login_manager,  # type: ignore[attr-defined]  # Flask-Login's
        "login_view",
        None,
    ),
    "an extension": lambda world: world.app.extensions.update(more=nothing),
    "a receiver": lambda world: sample_failed.connect(nothing, world.app),
}


@pytest.mark.parametrize("settings", SETTINGS, ids=["host", "identity"])
def test_the_next_world_has_the_host_and_nothing_else_of_the_last(settings: dict[str, Any]) -> None:
    first = World(**settings, TOKENOFFSET_EXPORT_HOURS=2)
    app = first.app
    app.config["SECRET_KEY"] = "another secret"
    app.extensions[EXTENSION_KEY] = replace(first.state, user_loader=nothing)
    first.nobody.page("/methodology")
    with app.app_context():
        session = first.state.session
        session.add(Account(kind=AccountKind.PERSON, created_at=START))
        session.commit()
    states = first.state
    first.close()

    second = World(**settings)
    assert second.app is app
    assert second.app.config["SECRET_KEY"] == "the host's secret"
    assert second.app.config.get("TOKENOFFSET_EXPORT_HOURS") is None
    assert second.state.settings.export_hours != states.settings.export_hours
    assert second.state.user_loader is not nothing
    for name in ("vault", "gateway", "attempts", "identities", "mailer", "queue", "clock"):
        assert getattr(second.state, name) is not getattr(states, name), name
    assert second.rows(Account) == {"tokenoffset_account": []}
    second.nobody.page("/methodology")
    second.close()


@pytest.mark.parametrize("change", CHANGES)
def test_a_host_that_a_test_changed_goes_to_nobody_else(change: str) -> None:
    first = World()
    CHANGES[change](first)
    first.close()
    second = World()
    assert second.app is not first.app
    second.close()


def test_two_worlds_at_once_have_two_hosts() -> None:
    first, second = World(), World()
    assert first.app is not second.app
    for world in (first, second):
        world.close()


def test_a_host_is_new_where_a_test_wants_it_or_its_settings_are_read_only_once() -> None:
    usual = World()
    usual.close()
    for options in ({"new_host": True}, {"MAX_CONTENT_LENGTH": 10**6}):
        other = World(**options)
        assert other.app is not usual.app
        other.close()


def test_settings_are_checked_for_every_world() -> None:
    World().close()
    with pytest.raises(ConfigurationError):
        World(TOKENOFFSET_EXPORT_HOURS=-1)
    World().close()


def test_the_statements_of_one_world_are_compiled_for_the_next() -> None:
    first = World()
    first.ada.page("/")
    with first.app.app_context():
        compiled = len(first.state.engine._compiled_cache or ())
    first.close()
    second = World()
    with second.app.app_context():
        assert len(second.state.engine._compiled_cache or ()) >= compiled > 0
    second.close()


def test_a_host_given_back_holds_no_connection() -> None:
    world = World()
    config = dict(world.app.config)
    world.close()
    host = take_host(config)
    host.create_tables()
    with host.app.app_context():
        pool = host.db.engine.pool
    give_back(host)
    with host.app.app_context():
        assert host.db.engine.pool is not pool
