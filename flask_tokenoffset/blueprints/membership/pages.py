"""Pages of one's own membership: what it is, and leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.html.outcomes import with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.member_plans.plan_pages import shown_own_plan
from flask_tokenoffset.blueprints.members.forms import ROLE_SENTENCES, ROLE_TITLES
from flask_tokenoffset.blueprints.organizations.pages import left
from flask_tokenoffset.errors import LastOwner, Refusal
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.organizations import members

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.READ_MEMBERSHIP, before_acceptance=True)
def membership() -> ResponseReturnValue:
    """One's own membership of the organization; the page that every member may open."""
    return _membership_page(done=request.args.get("done", ""))


@requires(Permission.CHANGE_MEMBERSHIP, before_acceptance=True)
def leave() -> ResponseReturnValue:
    """Ask once more, then end one's own membership."""
    organization = current_membership().organization
    if request.method != "POST":
        return render("members/leave.html", organization=organization)
    try:
        with changing_organization() as (work, who):
            members.leave(work, **who)
    except LastOwner as refused:
        return _membership_page(refused=refused)
    return left()


register_in_organization = page_routes(
    ("/membership", membership),
    ("/leave", leave, "GET", "POST"),
)


def _membership_page(*, done: str = "", refused: Refusal | None = None) -> ResponseReturnValue:
    current = current_membership()
    page = render(
        "members/membership.html",
        organization=current.organization,
        membership=current.membership,
        role=current.role,
        role_titles=ROLE_TITLES,
        role_sentences=ROLE_SENTENCES,
        done=done,
        own_plan=shown_own_plan(),
        refused=refused,
    )
    return with_status(page, refused)
