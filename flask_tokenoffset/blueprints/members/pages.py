"""Pages of members: the list, and one member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.outcomes import Notice, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.members.forms import (
    ROLE_SENTENCES,
    ROLE_TITLES,
    STATUS_TITLES,
    SearchForm,
    read_role,
)
from flask_tokenoffset.blueprints.organizations.pages import left
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_name_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, LastOwner, NotPermitted, Refusal
from flask_tokenoffset.models import MembershipStatus
from flask_tokenoffset.permissions import Permission, Role, may_grant, requires
from flask_tokenoffset.services.organizations import members as services
from flask_tokenoffset.services.organizations.member_lists import (
    COUNTED_UP_TO,
    count_members,
    list_members,
    read_member,
)
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from flask.typing import ResponseReturnValue

MEMBERS_PER_PAGE: Final = 50
#: What a page can say itself. Anyone who does not belong there (any more) gets the common answers.
_TOLD: Final = (Conflict, LastOwner, NotPermitted)

#: By what was done and where the member stands then: an address alone can claim anything.
_NOTICES: Final[Mapping[tuple[str, str], Notice]] = {
    ("suspended", MembershipStatus.SUSPENDED): Notice(
        "Suspended", "This member sees and does nothing here until somebody restores them."
    ),
    ("restored", MembershipStatus.ACTIVE): Notice(
        "Restored", "This member may act again, in the role they have."
    ),
    ("role", MembershipStatus.ACTIVE): Notice(
        "Role changed", "It counts from their next request on. They are told by mail."
    ),
    ("role", MembershipStatus.SUSPENDED): Notice(
        "Role changed", "It counts once they are restored. They are told by mail."
    ),
    ("transferred", MembershipStatus.ACTIVE): Notice(
        "Handed over", "This member is an owner now, and you are an admin."
    ),
}


@requires(Permission.READ_MEMBERS)
def members() -> ResponseReturnValue:
    """The members by name, with a search."""
    organization_id = current_membership().organization.id
    session = current_state().session
    form = SearchForm.read(request.args)
    after = read_name_cursor(request.args.get("cursor"))
    found = page_of(
        list_members(
            session, organization_id, form.wanted(), after=after, limit=MEMBERS_PER_PAGE + 1
        ),
        MEMBERS_PER_PAGE,
        lambda member: (member.membership.sort_name, member.membership.id),
    )
    return render(
        "members/members.html",
        members=found.shown,
        count=count_members(session, organization_id, form.wanted()),
        counted_up_to=COUNTED_UP_TO,
        form=form,
        first_url=None if after is None else url_for(".members", **form.query()),
        more_url=found.next_cursor
        and url_for(".members", cursor=found.next_cursor, **form.query()),
        removed=request.args.get("done") == "removed",
        role_titles=ROLE_TITLES,
        status_titles=STATUS_TITLES,
        own_id=current_membership().membership.id,
    )


@requires(Permission.READ_MEMBERS)
def member(membership_id: UUID) -> ResponseReturnValue:
    """One member, and what may be done about them."""
    return _member_page(membership_id, done=request.args.get("done", ""))


@requires(Permission.CHANGE_MEMBERS)
def change_role(membership_id: UUID) -> ResponseReturnValue:
    """Give a member another role."""
    role = read_role(request.form)
    if role is None:
        raise InvalidInput({"role": "There is no such role. Choose one of the list."})
    try:
        with changing_organization() as (work, who):
            changed = services.change_role(work, **who, membership_id=membership_id, role=role)
            own = changed.person_id == who["person"].id
    except _TOLD as refused:
        return _member_page(membership_id, chosen=role, refused=refused)
    if own:  # They may not see members any more.
        return see_other(".membership", done="role")
    return see_other(".member", membership_id=membership_id, done="role")


@requires(Permission.CHANGE_MEMBERS)
def change_member_status(membership_id: UUID, change: str) -> ResponseReturnValue:
    """Suspend or restore a member."""
    try:
        with changing_organization() as (work, who):
            if change == "suspend":
                services.suspend(work, **who, membership_id=membership_id)
            else:
                services.restore(
                    work,
                    organization_id=who["organization_id"],
                    membership_id=membership_id,
                    person=who["person"],
                )
    except _TOLD as refused:
        return _member_page(membership_id, refused=refused)
    done = "suspended" if change == "suspend" else "restored"
    return see_other(".member", membership_id=membership_id, done=done)


@requires(Permission.CHANGE_MEMBERS)
def remove_member(membership_id: UUID) -> ResponseReturnValue:
    """Ask once more, then end a membership."""
    current = current_membership()
    found = read_member(current_state().session, current.organization.id, membership_id)
    if request.method != "POST":
        return render("members/remove.html", member=found, organization=current.organization)
    own = found.membership.id == current.membership.id
    try:
        with changing_organization() as (work, who):
            services.remove(work, **who, membership_id=membership_id)
    except _TOLD as refused:
        return _member_page(membership_id, refused=refused)
    return left() if own else see_other(".members", done="removed")


@requires(Permission.OWN_ORGANIZATION, before_acceptance=True)
def transfer_ownership(membership_id: UUID) -> ResponseReturnValue:
    """Ask once more, then make a member an owner in one's own place."""
    current = current_membership()
    if request.method != "POST":
        found = read_member(current_state().session, current.organization.id, membership_id)
        return render("members/transfer.html", member=found, organization=current.organization)
    try:
        with changing_organization() as (work, who):
            services.transfer_ownership(work, **who, membership_id=membership_id)
    except _TOLD as refused:
        return _member_page(membership_id, refused=refused)
    return see_other(".member", membership_id=membership_id, done="transferred")


_ONE: Final = "/members/<uuid:membership_id>"
register_in_organization = page_routes(
    ("/members", members),
    (_ONE, member),
    (f"{_ONE}/role", change_role, "POST"),
    (f"{_ONE}/<any(suspend, restore):change>", change_member_status, "POST"),
    (f"{_ONE}/remove", remove_member, "GET", "POST"),
    (f"{_ONE}/transfer", transfer_ownership, "GET", "POST"),
)


def _member_page(
    membership_id: UUID,
    *,
    chosen: Role | None = None,
    done: str = "",
    refused: Refusal | None = None,
) -> ResponseReturnValue:
    current = current_membership()
    found = read_member(current_state().session, current.organization.id, membership_id)
    own = found.membership.id == current.membership.id
    # Anyone who may not change members may read them; the page then offers nothing.
    grantable = [role for role in Role if may_grant(current.role, role)]
    page = render(
        "members/member.html",
        member=found,
        organization=current.organization,
        own=own,
        may_change=found.role in grantable,
        may_transfer=not own
        and Permission.OWN_ORGANIZATION in current.permissions
        and found.role is not Role.OWNER
        and found.status is MembershipStatus.ACTIVE,
        grantable=grantable,
        chosen=chosen or found.role,
        role_titles=ROLE_TITLES,
        role_sentences=ROLE_SENTENCES,
        notice=_NOTICES.get((done, found.status)),
        refused=refused,
        may_see_plan=Permission.READ_MEMBER_PLANS in current.permissions,
    )
    return with_status(page, refused)
