"""Pages of an organization's invitations: the list, inviting one or many, sending again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from flask import request, url_for

from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.outcomes import with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.invitations import steps
from flask_tokenoffset.blueprints.invitations.forms import CHECK, InviteForm, ListForm
from flask_tokenoffset.blueprints.invitations.labels import OUTCOMES, STANDINGS, sentence_of
from flask_tokenoffset.blueprints.invitations.own_pages import register
from flask_tokenoffset.blueprints.members.forms import ROLE_TITLES
from flask_tokenoffset.blueprints.schemas.body_limits import LONGEST_LIST, reads_up_to
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_time_cursor
from flask_tokenoffset.errors import (
    Conflict,
    InvalidInput,
    NoMailer,
    NotFound,
    NotPermitted,
    TooManyAttempts,
)
from flask_tokenoffset.models import LONGEST_EMAIL
from flask_tokenoffset.permissions import Permission, Role, may_grant, requires
from flask_tokenoffset.services.invitations.csv_rows import INVITED, Outcome
from flask_tokenoffset.services.invitations.invitations import (
    OPEN,
    Standing,
    list_invitations,
    read_invitation,
)
from flask_tokenoffset.services.invitations.sending import most_rows, preview
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.errors import Refusal
    from flask_tokenoffset.services.invitations.csv_rows import Result

__all__ = ["register", "register_in_organization"]

INVITATIONS_PER_PAGE: Final = 50
#: What the page can say itself. Anyone who does not belong there (any more) gets the common
#: answers.
_TOLD: Final = (Conflict, NotPermitted, TooManyAttempts, NoMailer)
#: Whose fault a row is that could not be sent.
_AT_FAULT: Final = {Outcome.UNKNOWN_ROLE: "role", Outcome.ROLE_NOT_ALLOWED: "role"}
#: By what was done and where the invitation stands then: an address alone can claim anything.
_NOTICES: Final[Mapping[tuple[str, Standing], tuple[str, str]]] = {
    ("sent", Standing.PENDING): ("Invited", "A mail with a link is on its way to {email}."),
    ("renewed", Standing.PENDING): (
        "Sent again",
        "A mail with a new link is on its way to {email}. The former link no longer works.",
    ),
    ("cancelled", Standing.CANCELLED): ("Cancelled", "The link sent to {email} no longer works."),
}


@requires(Permission.READ_MEMBERS)
def invitations() -> ResponseReturnValue:
    """The invitations, newest first, and the forms that send more."""
    return _page()


@requires(Permission.CHANGE_MEMBERS)
def invite() -> ResponseReturnValue:
    """Invite one address."""
    form = InviteForm.read(request.form)
    try:
        (result,) = steps.send([form.row()])
    except _TOLD as refused:
        return _page(form=form, refused=refused)
    if result.outcome not in INVITED:
        return _page(
            form=form, errors={_AT_FAULT.get(result.outcome, "email"): sentence_of(result)}
        )
    return _done(result.outcome, result.invitation_id)


@reads_up_to(LONGEST_LIST)
@requires(Permission.CHANGE_MEMBERS)
def invite_list() -> ResponseReturnValue:
    """Invite everyone on a list, or look what would become of it; either way, say it row by row.

    The report answers the form itself: it is kept nowhere.
    """
    state = current_state()
    form = ListForm()
    try:
        form = ListForm.read(request.form, request.files)
        rows = form.rows(most_rows(state.settings))
        if form.check_only:
            results = preview(state.session, current_membership(), rows, state.clock.now())
        else:
            results = steps.send(rows)
    except InvalidInput as error:
        return _page(list_form=form, errors=error.errors)
    except _TOLD as refused:
        return _page(list_form=form, refused=refused)
    return _report(form, results)


@requires(Permission.CHANGE_MEMBERS)
def resend_invitation(invitation_id: UUID) -> ResponseReturnValue:
    """Send an invitation again."""
    try:
        steps.resend(invitation_id)
    except _TOLD as refused:
        return _page(refused=refused)
    return _done("renewed", invitation_id)


@requires(Permission.CHANGE_MEMBERS)
def cancel_invitation(invitation_id: UUID) -> ResponseReturnValue:
    """Take an invitation back."""
    try:
        steps.cancel(invitation_id)
    except _TOLD as refused:
        return _page(refused=refused)
    return _done("cancelled", invitation_id)


_ONE: Final = "/invitations/<uuid:invitation_id>"
register_in_organization = page_routes(
    ("/invitations", invitations),
    ("/invitations", invite, "POST"),
    ("/invitations/list", invite_list, "POST"),
    (f"{_ONE}/resend", resend_invitation, "POST"),
    (f"{_ONE}/cancel", cancel_invitation, "POST"),
)


def _page(
    *,
    form: InviteForm | None = None,
    list_form: ListForm | None = None,
    errors: Mapping[str, str] | None = None,
    refused: Refusal | None = None,
) -> ResponseReturnValue:
    state = current_state()
    current = current_membership()
    before = read_time_cursor(request.args.get("cursor"))
    found = page_of(
        list_invitations(
            state.session,
            current.organization.id,
            now=state.clock.now(),
            before=before,
            limit=INVITATIONS_PER_PAGE + 1,
        ),
        INVITATIONS_PER_PAGE,
        lambda listed: (listed.invitation.created_at, listed.invitation.id),
    )
    grantable = [role for role in Role if may_grant(current.role, role)]
    page = render(
        "invitations/invitations.html",
        organization=current.organization,
        invitations=found.shown,
        standings=STANDINGS,
        open_standings=OPEN,
        grantable=grantable,
        role_titles=ROLE_TITLES,
        form=form or InviteForm(),
        list_form=list_form or ListForm(),
        errors=errors or {},
        refused=refused,
        notice=_notice(current.organization.id) if request.method == "GET" else None,
        check=CHECK,
        days=state.settings.invitation_days,
        most_rows=most_rows(state.settings),
        longest_email=LONGEST_EMAIL,
        is_first_page=before is None,
        older_url=found.next_cursor and url_for(".invitations", cursor=found.next_cursor),
    )
    if refused is not None:
        return with_status(page, refused)
    return page, InvalidInput.status if errors else 200


def _notice(organization_id: UUID) -> tuple[str, str] | None:
    done, about = request.args.get("done", ""), request.args.get("invitation", "")
    state = current_state()
    try:
        listed = read_invitation(state.session, organization_id, UUID(about), state.clock.now())
    except (ValueError, NotFound):
        return None
    words = _NOTICES.get((done, listed.standing))
    return words and (words[0], words[1].format(email=listed.invitation.email))


def _done(done: str, invitation_id: UUID | None) -> ResponseReturnValue:
    return see_other(".invitations", done=done, invitation=invitation_id)


def _report(form: ListForm, results: Sequence[Result]) -> str:
    return render(
        "invitations/report.html",
        organization=current_membership().organization,
        form=form,
        results=results,
        invited=sum(result.outcome in INVITED for result in results),
        outcomes=OUTCOMES,
        invited_outcomes=INVITED,
        sentence_of=sentence_of,
        role_titles=ROLE_TITLES,
    )
