"""Fernhill's second configuration: a product that has no login of its own.

With ``EXAMPLE_LOGIN=0`` Fernhill has no accounts and no workspaces, and anyone who signs in at the
extension, by a mailed link or with an account of the company's provider, is signed in here too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import Blueprint, render_template
from flask_login import login_required

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

#: The provider's name in addresses.
PROVIDER: Final = "company"
#: The provider's settings, and the variables of the environment they come from.
_VARIABLES: Final = {
    "issuer": "EXAMPLE_OIDC_ISSUER",
    "client_id": "EXAMPLE_OIDC_CLIENT_ID",
    "client_secret": "EXAMPLE_OIDC_CLIENT_SECRET",
}

open_house = Blueprint("open_house", __name__)


def configure(app: Flask) -> None:
    """Have people sign in at the extension, also with a provider that the environment names."""
    app.config["TOKENOFFSET_SIGN_IN"] = "identity"
    if os.environ.get(_VARIABLES["issuer"]):
        entry = {name: os.environ.get(variable) for name, variable in _VARIABLES.items()}
        app.config.setdefault(
            "TOKENOFFSET_OAUTH_PROVIDERS", {PROVIDER: {"title": "your company", **entry}}
        )
    # A browser holds the way to a provider, which begins with a form, to the policy for forms.
    issuers = [
        urlsplit(entry["issuer"])
        for entry in app.config.get("TOKENOFFSET_OAUTH_PROVIDERS", {}).values()
    ]
    app.config["FORM_ACTION"] = [f"{issuer.scheme}://{issuer.netloc}" for issuer in issuers]


def init_app(app: Flask) -> None:
    """Add the page to the application."""
    app.register_blueprint(open_house)


@open_house.get("/")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def desk() -> ResponseReturnValue:
    """A page of Fernhill's own, for anyone who signed in at the extension."""
    return render_template("desk.html")
