"""The example host as the browser tests need it: served twice, with vendors to meddle with."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from example_host_app import create_app
from example_host_app.database import db
from example_host_app.demo import address_of, listen, prepare, serving
from example_host_app.people import Someone, find_or_add
from flask_tokenoffset.state import EXTENSION_KEY, state_of
from flask_tokenoffset.testing import AnthropicSimulator, OpenAISimulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

OUR_OWN_BASE = "tokenoffset/base.html"


@dataclass(frozen=True)
class Fernhill:
    """What is served, and the vendors behind it.

    :param address: where our pages stand in Fernhill's layout.
    :param plain_address: where the same pages stand in our own base template.
    """

    address: str
    plain_address: str
    app: Flask
    anthropic: AnthropicSimulator
    openai: OpenAISimulator

    def newcomer(self, name: str) -> Someone:
        """A person whom Fernhill knows and the extension does not.

        :param name: makes the address to sign in with.
        """
        someone = Someone(f"{name}@fernhill.example", name.title(), f"{name}-came-in-today")
        with self.app.app_context():
            find_or_add(someone)
            db.session.commit()
        return someone


@contextmanager
def served_fernhill() -> Iterator[Fernhill]:
    """Serve it while the context lasts, from the folder that ``EXAMPLE_DATA_FOLDER`` names."""
    anthropic = AnthropicSimulator(organization="Harbour Almanac")
    openai = OpenAISimulator(organization="Harbour Almanac")
    settings: dict[str, Any] = {
        "TOKENOFFSET_HTTP_TRANSPORTS": {
            each.name: each.transport() for each in (anthropic, openai)
        },
        "TOKENOFFSET_RESAMPLE_INTERVAL_MINUTES": 0,
    }
    with listen(0) as listener, listen(0) as plain_listener:
        address, plain_address = address_of(listener), address_of(plain_listener)
        # Either may send what is due, so both name the same address in mail.
        settings["TOKENOFFSET_PUBLIC_URL"] = address
        app, plain = create_app(settings), create_app(settings)
        _without_layout(plain)
        prepare(app)
        with _closed_at_the_end(app, plain), serving(app, listener), serving(plain, plain_listener):
            yield Fernhill(address, plain_address, app, anthropic, openai)


@contextmanager
def _closed_at_the_end(*apps: Flask) -> Iterator[None]:
    try:
        yield
    finally:
        for each in apps:
            queue: Any = state_of(each).queue
            queue.close()
            with each.app_context():
                db.engine.dispose()


def _without_layout(app: Flask) -> None:
    state = state_of(app)
    app.extensions[EXTENSION_KEY] = replace(
        state, settings=replace(state.settings, base_template=OUR_OWN_BASE)
    )
