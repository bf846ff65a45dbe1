"""Pages about oneself: the welcome, what is held, and its correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.urls import home_of, see_other
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.people.account import known_of
from flask_tokenoffset.blueprints.people.forms import HEARD_FROM, OTHER, PersonForm
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import LONGEST_NAME
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.people import profiles as people

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.CHANGE_SELF, before_acceptance=False)
def welcome() -> ResponseReturnValue:
    """Ask a newcomer what to call them; everything else may stay empty."""
    if request.method != "POST":
        return _page("people/welcome.html")
    if (refused := _save()) is not None:
        return _page("people/welcome.html", refused), refused.status
    return see_other(".dashboard", done="welcomed")


@requires(Permission.READ_SELF)
def me() -> ResponseReturnValue:
    """Everything that is held about oneself, and the form to correct it."""
    return _page("people/me.html")


@requires(Permission.CHANGE_SELF)
def save_me() -> ResponseReturnValue:
    """Correct it."""
    if (refused := _save()) is not None:
        return _page("people/me.html", refused), refused.status
    return see_other(".me", done="saved")


register = page_routes(
    ("/welcome", welcome, "GET", "POST"),
    ("/me", me),
    ("/me", save_me, "POST"),
)


def _save() -> InvalidInput | None:
    """Record what was typed; gives back the refusal, if it is one."""
    said = PersonForm.read(request.form).said()
    try:
        with changing() as (work, person, now):
            people.introduce(work, person, said, now)
    except InvalidInput as error:
        return error
    return None


def _page(template: str, refused: InvalidInput | None = None) -> str:
    user = current_user()
    held = known_of(user)
    form = PersonForm.read(request.form) if refused else PersonForm.of(user.person, held)
    return render(
        template,
        form=form,
        errors=refused.errors if refused else {},
        held=held,
        person=user.person,
        memberships=[(each, home_of(each)) for each in user.memberships],
        saved=request.args.get("done") == "saved" and user.person is not None,
        kept=request.args.get("done") == "kept" and user.person is not None,
        heard_from=HEARD_FROM,
        other=OTHER,
        longest_name=LONGEST_NAME,
    )
