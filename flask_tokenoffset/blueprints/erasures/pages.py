"""The page that deletes one's account, the way back, and the receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.reauthentication import require_reauthentication
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.erasures.deleting import (
    ask_for_deletion,
    find_done,
    take_deletion_back,
    waiting_deletion,
)
from flask_tokenoffset.blueprints.erasures.schemas import ReceiptAnswer
from flask_tokenoffset.blueprints.html.outcomes import UNTOLD
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.people.account import known_of
from flask_tokenoffset.errors import Conflict, LastOwner
from flask_tokenoffset.models import HostOutcome
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.erasures.owned_organizations import owned_alone
from flask_tokenoffset.services.erasures.requests import LONGEST, due_after
from flask_tokenoffset.services.retention.retained_records import BASES
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.errors import Refusal

#: What a receipt says of the host.
HOST_SENTENCES: Final[Mapping[HostOutcome, str]] = {
    HostOutcome.NOT_ASKED: "Your account on this site is another one. It was not asked to delete"
    " anything.",
    HostOutcome.PENDING: "This site is being told to delete what it holds itself; it has not"
    " answered yet.",
    HostOutcome.DONE: "This site was told to delete what it holds itself, and has answered.",
    HostOutcome.FAILED: "This site was told to delete what it holds itself, and did not answer."
    " Ask whoever runs it.",
}


@requires(Permission.CHANGE_SELF)
def deletion() -> ResponseReturnValue:
    """Say what goes and what stays, and have it deleted; or show when that is."""
    waiting = waiting_deletion()
    if waiting is not None and request.method != "POST":
        return render(
            "erasures/waiting.html",
            due_at=waiting.due_at,
            requested=request.args.get("done") == "requested",
        )
    require_reauthentication(strict=False)
    if request.method != "POST":
        return _confirm_page()
    try:
        erasure = ask_for_deletion()
    except LastOwner as refusal:
        return _confirm_page(refusal), refusal.status
    if erasure is None:
        return see_other(".dashboard", done="deleted")
    return see_other(".deletion", done="requested")


@requires(Permission.CHANGE_SELF)
def undo_deletion() -> ResponseReturnValue:
    """Take it back."""
    try:
        take_deletion_back()
    except Conflict as refusal:
        return _confirm_page(refusal), refusal.status
    return see_other(".me", done="kept")


@requires(Permission.SIGN_IN)
def erasure_receipt(receipt_token: str) -> ResponseReturnValue:
    """What went, and what stays until when and why."""
    receipt = ReceiptAnswer.of(find_done(receipt_token))
    page = render("erasures/receipt.html", receipt=receipt, host=HOST_SENTENCES[receipt.host])
    # The address is all that it takes to read it.
    return page, UNTOLD


register = page_routes(
    ("/privacy/deletion", deletion, "GET", "POST"),
    ("/privacy/deletion/undo", undo_deletion, "POST"),
    ("/erasures/<receipt_token>", erasure_receipt),
)


def _confirm_page(refusal: Refusal | None = None) -> str:
    state = current_state()
    user = current_user()
    person = user.person
    now = state.clock.now()
    return render(
        "erasures/deletion.html",
        memberships=user.memberships,
        owned_alone=owned_alone(state.session, person.id) if person else [],
        email=known_of(user).email,
        refused=refusal,
        due_at=due_after(now, state.settings.deletion_grace_days),
        at_once=state.settings.deletion_grace_days == 0,
        longest_days=LONGEST.days,
        retained=BASES.values(),
        proof_years=state.settings.proof_years,
    )
