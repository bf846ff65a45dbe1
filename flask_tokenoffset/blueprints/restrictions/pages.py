"""The page on which a person restricts the processing of their data, or lifts that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.consents import restrictions

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.READ_SELF)
def restriction() -> str:
    """Say what restricting does, and whether it is so now."""
    return render(
        "restrictions/restriction.html",
        person=current_user().person,
        done=request.args.get("done"),
    )


@requires(Permission.CHANGE_SELF)
def restrict() -> ResponseReturnValue:
    """Restrict from now on."""
    with changing() as (work, person, now):
        restrictions.restrict(work, person, now)
    return see_other(".restriction", done="restricted")


@requires(Permission.CHANGE_SELF)
def lift_restriction() -> ResponseReturnValue:
    """Go on as before."""
    with changing() as (work, person, _):
        restrictions.lift(work, person)
    return see_other(".restriction", done="lifted")


register = page_routes(
    ("/privacy/restriction", restriction),
    ("/privacy/restriction", restrict, "POST"),
    ("/privacy/restriction/lift", lift_restriction, "POST"),
)
