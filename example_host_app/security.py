"""Fernhill's own fences: CSRF tokens on every form, and a strict Content-Security-Policy."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast

from flask import current_app, g
from flask_wtf import CSRFProtect

if TYPE_CHECKING:
    from flask import Flask, Response

csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Guard every answer of the application."""
    csrf.init_app(app)
    app.after_request(_add_headers)


def csp_nonce() -> str:
    """The nonce that lets a script of the present page run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return cast("str", g.csp_nonce)


def _add_headers(response: Response) -> Response:
    form_action = " ".join(["'self'", *current_app.config["FORM_ACTION"]])
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{csp_nonce()}'; style-src 'self'; img-src 'self';"
        f" font-src 'self'; connect-src 'self'; form-action {form_action}; frame-ancestors 'none';"
        " base-uri 'none'"
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response
