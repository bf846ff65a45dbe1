"""The view behind the pieces in a host's own pages. It has no page: it redirects to the host's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request, url_for

from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.blueprints.access.urls import see_other_at
from flask_tokenoffset.blueprints.components.consent import anchor, is_host_place
from flask_tokenoffset.blueprints.consents import deciding
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.consents.ledger import Decision

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.CHANGE_SELF)
def decide_consent_here(purpose: str) -> ResponseReturnValue:
    """Take one decision about one purpose, and go back to the page it was taken on.

    :param purpose: which one.
    """
    chosen = deciding.purpose_of(purpose)
    decision, place = request.form.get("decision", ""), request.form.get("place", "")
    if decision not in set(Decision) or not is_host_place(place):
        raise InvalidInput(
            {"decision": "It is not said what was decided, so nothing was changed. Use a button."}
        )
    deciding.decide(chosen, Decision(decision), place=place, method=ConsentMethod.FORM)
    back = local_path(request.form.get("next"), url_for(".list_consents"))
    return see_other_at(f"{back.partition('#')[0]}#{anchor(chosen)}")


register = page_routes(
    ("/privacy/consents/<purpose>/here", decide_consent_here, "POST"),
)
