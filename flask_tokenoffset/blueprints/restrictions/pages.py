"""The page on which somebody restricts the processing of their data, or lifts that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, request, url_for

from flask_tokenoffset.blueprints.access.context import acting_person, current_visitor
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.consents import restrictions
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Blueprint
    from flask.typing import ResponseReturnValue

_SEE_OTHER: Final = 303


@requires(Permission.READ_SELF)
def restriction() -> str:
    """Say what restricting does, and whether it is so now."""
    return render(
        "restrictions/restriction.html",
        person=current_visitor().person,
        done=request.args.get("done"),
    )


@requires(Permission.CHANGE_SELF)
def restrict() -> ResponseReturnValue:
    """Restrict from now on."""
    state = current_state()
    with state.unit_of_work() as work:
        restrictions.restrict(work, acting_person(work), state.clock.now())
    return redirect(url_for(".restriction", done="restricted"), code=_SEE_OTHER)


@requires(Permission.CHANGE_SELF)
def lift_restriction() -> ResponseReturnValue:
    """Go on as before."""
    with current_state().unit_of_work() as work:
        restrictions.lift(work, acting_person(work))
    return redirect(url_for(".restriction", done="lifted"), code=_SEE_OTHER)


def register(pages: Blueprint) -> None:
    """Add the pages."""
    pages.add_url_rule("/privacy/restriction", view_func=restriction)
    pages.add_url_rule("/privacy/restriction", view_func=restrict, methods=["POST"])
    pages.add_url_rule("/privacy/restriction/lift", view_func=lift_restriction, methods=["POST"])
