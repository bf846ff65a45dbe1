"""Pages about oneself: the welcome, what is held and its correction, and the deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import redirect, request, url_for

from flask_tokenoffset.blueprints.context import acting_person, current_visitor
from flask_tokenoffset.blueprints.fresh import require_fresh_sign_in
from flask_tokenoffset.blueprints.people.account import forget_oneself, known_of
from flask_tokenoffset.blueprints.people.forms import HEARD_FROM, OTHER, PersonForm
from flask_tokenoffset.blueprints.places import home_of
from flask_tokenoffset.blueprints.rendering import render
from flask_tokenoffset.errors import InvalidInput, LastOwner
from flask_tokenoffset.models import LONGEST_NAME
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services import people
from flask_tokenoffset.services.owners import owned_alone
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Blueprint
    from flask.typing import ResponseReturnValue

_SEE_OTHER: Final = 303


@requires(Permission.CHANGE_SELF, before_acceptance=False)
def welcome() -> ResponseReturnValue:
    """Ask a newcomer what to call them; everything else may stay empty."""
    if request.method != "POST":
        return _page("people/welcome.html")
    if (refused := _save()) is not None:
        return _page("people/welcome.html", refused), refused.status
    return redirect(url_for(".dashboard", done="welcomed"), code=_SEE_OTHER)


@requires(Permission.READ_SELF)
def me() -> ResponseReturnValue:
    """Everything that is held about oneself, and the form to correct it."""
    return _page("people/me.html")


@requires(Permission.CHANGE_SELF)
def save_me() -> ResponseReturnValue:
    """Correct it."""
    if (refused := _save()) is not None:
        return _page("people/me.html", refused), refused.status
    return redirect(url_for(".me", done="saved"), code=_SEE_OTHER)


@requires(Permission.CHANGE_SELF)
def delete_me() -> ResponseReturnValue:
    """Say what goes and what stays; then delete it."""
    require_fresh_sign_in(strict=False)
    refused = None
    if request.method == "POST":
        try:
            forget_oneself()
        except LastOwner as error:
            refused = error
        else:
            return redirect(url_for(".dashboard", done="deleted"), code=_SEE_OTHER)
    visitor = current_visitor()
    person = visitor.person
    page = render(
        "people/delete.html",
        places=visitor.places,
        owned_alone=owned_alone(current_state().session, person.id) if person else [],
        email=known_of(visitor).email,
        refused=refused,
    )
    return page, refused.status if refused else 200


def register(pages: Blueprint) -> None:
    """Add the pages."""
    both = ["GET", "POST"]
    pages.add_url_rule("/welcome", view_func=welcome, methods=both)
    pages.add_url_rule("/me", view_func=me)
    pages.add_url_rule("/me", view_func=save_me, methods=["POST"])
    pages.add_url_rule("/me/delete", view_func=delete_me, methods=both)


def _save() -> InvalidInput | None:
    """Take down what was typed; gives back the refusal, if it is one."""
    state = current_state()
    said = PersonForm.read(request.form).said()
    try:
        with state.unit_of_work() as work:
            people.introduce(work, acting_person(work), said, state.clock.now())
    except InvalidInput as error:
        return error
    return None


def _page(template: str, refused: InvalidInput | None = None) -> str:
    visitor = current_visitor()
    held = known_of(visitor)
    form = PersonForm.read(request.form) if refused else PersonForm.of(visitor.person, held)
    return render(
        template,
        form=form,
        errors=refused.errors if refused else {},
        held=held,
        person=visitor.person,
        places=[(place, home_of(place)) for place in visitor.places],
        saved=request.args.get("done") == "saved" and visitor.person is not None,
        heard_from=HEARD_FROM,
        other=OTHER,
        longest_name=LONGEST_NAME,
    )
