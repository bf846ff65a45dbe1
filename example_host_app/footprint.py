"""All that Fernhill does to have flask-tokenoffset in it."""

import os

from flask import Flask

from example_host_app.database import db
from example_host_app.security import csp_nonce
from flask_tokenoffset import TokenOffset


def mount_footprint(app: Flask) -> None:
    """Mount the pages and the API below ``/footprint``."""
    for name in ("TOKENOFFSET_KEYS", "TOKENOFFSET_REDIS_URL", "TOKENOFFSET_PUBLIC_URL"):
        app.config.setdefault(name, os.environ.get(name))
    app.config["TOKENOFFSET_BASE_TEMPLATE"] = "base.html"
    app.config["TOKENOFFSET_CSP_NONCE"] = csp_nonce
    TokenOffset(app, db=db, url_prefix="/footprint")
