"""The page on which a person decides about each purpose, and the receipts of what they decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access import gpc
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.consents import deciding
from flask_tokenoffset.blueprints.consents.labels import (
    DECISIONS,
    EVENTS,
    METHODS,
    STATES,
    place_label,
)
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_sequence_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.consents.ledger import Decision

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue

#: Where a person decides, in the ledger.
PLACE: Final = "consents-page"
EVENTS_PER_PAGE: Final = 50


@requires(Permission.READ_SELF)
def list_consents() -> ResponseReturnValue:
    """Every purpose: what it is for, how it stands, and a button for what can be decided."""
    return _page()


@requires(Permission.CHANGE_SELF)
def decide_consent(purpose: str) -> ResponseReturnValue:
    """Take one decision about one purpose.

    :param purpose: which one.
    """
    chosen = deciding.purpose_of(purpose)
    try:
        decision = Decision(request.form.get("decision", ""))
    except ValueError:
        raise InvalidInput(
            {"decision": "It is not said what was decided, so nothing was changed. Use a button."}
        ) from None
    try:
        deciding.decide(chosen, decision, place=PLACE, method=ConsentMethod.FORM)
    except Conflict as refusal:
        return _page(refusal), refusal.status
    return see_other(".list_consents", done=purpose)


@requires(Permission.READ_SELF)
def consent_receipt(event_id: UUID) -> ResponseReturnValue:
    """Everything that is kept of one decision."""
    return render(
        "consents/receipt.html",
        receipt=deciding.receipt(event_id),
        events=EVENTS,
        states=STATES,
        methods=METHODS,
        place_label=place_label,
    )


register = page_routes(
    ("/privacy/consents", list_consents),
    ("/privacy/consents/<purpose>", decide_consent, "POST"),
    ("/privacy/consents/<uuid:event_id>/receipt", consent_receipt),
)


def _page(refusal: Conflict | None = None) -> str:
    before = read_sequence_cursor(request.args.get("cursor"))
    found = page_of(
        deciding.entries(before, EVENTS_PER_PAGE + 1),
        EVENTS_PER_PAGE,
        lambda entry: (entry.event.sequence,),
    )
    standings = deciding.standings()
    done = request.args.get("done")
    return render(
        "consents/consents.html",
        standings=standings,
        entries=found.shown,
        older_url=found.next_cursor and url_for(".list_consents", cursor=found.next_cursor),
        signal=gpc.sends_signal(),
        refusal=refusal,
        done=next((each for each in standings if each.purpose == done and each.since), None),
        states=STATES,
        decisions=DECISIONS,
        events=EVENTS,
    )
