"""The page on which a person accepts the documents in force, each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from flask import request, url_for

from flask_tokenoffset.blueprints.access.acceptance import home_url
from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import missing_documents
from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.blueprints.access.urls import see_other_at
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.documents import acceptances
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.services.documents.acceptances import Asked

#: What the ledger calls this page.
PLACE: Final = "acceptance-page"
#: The name of every box.
_FIELD: Final = "accept"


@requires(Permission.READ_SELF)
def acceptance() -> str:
    """Ask for each document in force that was not accepted yet."""
    return _page(missing_documents())


@requires(Permission.CHANGE_SELF)
def accept_documents() -> ResponseReturnValue:
    """Record what was ticked, and go on once nothing is missing."""
    state = current_state()
    try:
        ticked = _ticked()
        with changing() as (work, person, now):
            acceptances.accept(
                work,
                person,
                ticked,
                place=PLACE,
                method=ConsentMethod.FORM,
                now=now,
                settings=state.settings,
            )
    except (InvalidInput, Conflict) as refusal:
        return _page(missing_documents(), refusal), refusal.status
    if missing_documents():
        here = url_for(".acceptance", next=_next_path(), done="some")
        return see_other_at(here)
    return see_other_at(_next_path())


register = page_routes(
    ("/privacy/acceptance", acceptance),
    ("/privacy/acceptance", accept_documents, "POST"),
)


def _ticked() -> list[UUID]:
    """The versions whose boxes were ticked.

    :raises InvalidInput: none was, or one names no version.
    """
    try:
        ticked = [UUID(each) for each in request.form.getlist(_FIELD)]
    except ValueError:
        ticked = []
    if not ticked:
        raise InvalidInput(
            {_FIELD: "No box was ticked, so nothing was accepted. Tick each text that you accept."}
        )
    return ticked


def _next_path() -> str:
    return local_path(request.values.get("next"), home_url())


def _page(missing: Sequence[Asked], refusal: Conflict | InvalidInput | None = None) -> str:
    return render(
        "acceptances/acceptance.html",
        missing=missing,
        next_path=_next_path(),
        refusal=refusal,
        some_accepted=request.args.get("done") == "some",
    )
