"""The second configuration: a product without users, where a linked identity is the login.

    python -m example_host_app.own_login       serve until Ctrl-C

It runs the identity provider of the tests beside it, at which anybody may sign in as anybody, and
prints the mail it would send. ``EXAMPLE_ISSUER``, ``EXAMPLE_CLIENT_ID`` and
``EXAMPLE_CLIENT_SECRET`` name another provider.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click
from flask import Flask, render_template
from flask_login import login_required
from werkzeug.serving import run_simple

from example_host_app import config, database
from example_host_app.database import db
from flask_tokenoffset import TokenOffset
from flask_tokenoffset.migrations import runner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.mail import OutgoingMail

PORT = 5041
#: «localhost», because browsers keep cookies by host and not by port: those of the provider, which
#: is at 127.0.0.1, must not meet ours.
ADDRESS = f"http://localhost:{PORT}"
PREFIX = "/footprint"
PROVIDER = "example"
CLIENT_ID = "fernhill"


def create_app(settings: Mapping[str, Any]) -> Flask:
    """Make the application.

    :param settings: come before what is made up; ``TOKENOFFSET_OAUTH_PROVIDERS`` among them.
    """
    app = Flask(__name__, instance_path=str(config.data_folder() / "own-login"))
    config.configure(
        app,
        {"TOKENOFFSET_SIGN_IN": "identity", "TOKENOFFSET_PUBLIC_URL": ADDRESS, **settings},
    )
    database.init_app(app)
    TokenOffset(app, db=db, url_prefix=PREFIX)

    @app.get("/")
    @login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
    def home() -> str:
        """A page of the product's own, for whoever signed in through the extension."""
        return render_template("own_login.html")

    with app.app_context():
        runner.upgrade(db.engine)
    return app


def redirect_address() -> str:
    """What the provider has to know of us."""
    return f"{ADDRESS}{PREFIX}/identities/{PROVIDER}/callback"


def print_mail(mail: OutgoingMail) -> None:
    """Show a message in the terminal instead of sending it."""
    click.echo(f"\n  To {mail.to_address}: {mail.subject}\n\n{mail.text}")


@click.command()
def main() -> None:
    """Serve a product whose login is an identity provider."""
    with ExitStack() as stack:
        entry = _provider_of_the_environment() or _provider_of_the_tests(stack)
        app = create_app(
            {"TOKENOFFSET_OAUTH_PROVIDERS": {PROVIDER: entry}, "TOKENOFFSET_MAILER": print_mail}
        )
        click.echo(f"\n  {ADDRESS}\n\n  Sign in with {entry['title']} as whom you like.\n")
        run_simple("localhost", PORT, app, threaded=True)


def _provider_of_the_environment() -> dict[str, Any] | None:
    issuer = os.environ.get("EXAMPLE_ISSUER")
    if not issuer:
        return None
    return {
        "title": "your provider",
        "issuer": issuer,
        "client_id": os.environ["EXAMPLE_CLIENT_ID"],
        "client_secret": os.environ.get("EXAMPLE_CLIENT_SECRET"),
    }


def _provider_of_the_tests(stack: ExitStack) -> dict[str, Any]:
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
