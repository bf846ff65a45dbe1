"""The second configuration with an identity provider at hand: that of the tests.

    python -m example_host_app.own_login       serve until Ctrl-C

Anyone may sign in there as anyone. ``python -m example_host_app.demo --without-login`` needs no
provider, and takes a real one from its environment.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click
from werkzeug.serving import run_simple

import example_host_app
from example_host_app.database import db
from example_host_app.without_login import PROVIDER
from flask_tokenoffset.migrations import runner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

PORT = 5041
#: “localhost”, because browsers keep cookies by host and not by port: those of the provider, which
#: is at 127.0.0.1, must not meet ours.
ADDRESS = f"http://localhost:{PORT}"
PREFIX = "/footprint"
CLIENT_ID = "fernhill"


def create_app(settings: Mapping[str, Any]) -> Flask:
    """Make the application, with its tables.

    :param settings: come before what is made up; ``TOKENOFFSET_OAUTH_PROVIDERS`` among them.
    """
    app = example_host_app.create_app(
        {"LOGIN": False, "TOKENOFFSET_PUBLIC_URL": ADDRESS, **settings}
    )
    with app.app_context():
        runner.upgrade(db.engine)
    return app


def redirect_address() -> str:
    """What the provider has to know of us."""
    return f"{ADDRESS}{PREFIX}/identities/{PROVIDER}/callback"


@click.command()
def main() -> None:
    """Serve a product whose login is an identity provider."""
    with ExitStack() as stack:
        app = create_app({"TOKENOFFSET_OAUTH_PROVIDERS": {PROVIDER: provider_of_the_tests(stack)}})
        click.echo(f"\n  {ADDRESS}\n\n  Sign in with the test provider as whom you like.\n")
        run_simple("localhost", PORT, app, threaded=True)


def provider_of_the_tests(stack: ExitStack) -> dict[str, Any]:
    """Start the provider; gives what the extension has to know of it.

    :param stack: ends it.
    """
    from tests.support.identity_provider import running_provider  # noqa: PLC0415 - not shipped

    secret = secrets.token_urlsafe()
    client = {
        "client_secret": secret,
        "redirect_uris": [redirect_address()],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
    }
    running = stack.enter_context(running_provider({CLIENT_ID: client}))
    return {
        "title": "the test provider",
        "issuer": running.issuer,
        "client_id": CLIENT_ID,
        "client_secret": secret,
        "scopes": ["openid", "email", "offline_access"],
    }


if __name__ == "__main__":
    main()
