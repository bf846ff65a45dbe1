"""Fernhill's second configuration: a product that has no login of its own.

With ``EXAMPLE_LOGIN=0`` Fernhill has no accounts and no workspaces, and whoever signs in at the
extension, by a mailed link or with an account of the company's provider, is signed in here too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, render_template
from flask_login import login_required

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

#: The provider's settings, and the variables of the environment they come from.
_PROVIDER: Final = {
    "issuer": "EXAMPLE_OIDC_ISSUER",
    "client_id": "EXAMPLE_OIDC_CLIENT_ID",
    "client_secret": "EXAMPLE_OIDC_CLIENT_SECRET",
}

open_house = Blueprint("open_house", __name__)


def configure(app: Flask) -> None:
    """Have people sign in at the extension, also with a provider that the environment names."""
    app.config["TOKENOFFSET_SIGN_IN"] = "identity"
    provider: dict[str, Any] = {
        name: os.environ[variable]
        for name, variable in _PROVIDER.items()
        if os.environ.get(variable)
    }
    if "issuer" in provider:
        app.config["TOKENOFFSET_OAUTH_PROVIDERS"] = {"company": {"title": "Company", **provider}}
        issuer = urlsplit(provider["issuer"])
        # A browser holds the way to the provider, which begins with a form, to this as well.
        app.config["FORM_ACTION"] = (f"{issuer.scheme}://{issuer.netloc}",)


def init_app(app: Flask) -> None:
    """Add the pages to the application."""
    app.register_blueprint(open_house)


@open_house.get("/")
def welcome() -> ResponseReturnValue:
    """What anybody sees."""
    return render_template("welcome.html")


@open_house.get("/desk")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def desk() -> ResponseReturnValue:
    """What only somebody who is signed in sees: a page behind the extension's login."""
    return render_template("desk.html")
