"""What our tokens are signed under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.errors import ConfigurationError

if TYPE_CHECKING:
    from flask import Flask


def require_secret_key(app: Flask) -> None:
    """Make sure that tokens can be signed.

    :raises ConfigurationError: if the application has no secret key.
    """
    if not app.secret_key:
        raise ConfigurationError(
            "SECRET_KEY",
            "it is missing, and without it neither the session nor our forms can be protected."
            " Set it before TokenOffset(app) or init_app is called.",
        )
