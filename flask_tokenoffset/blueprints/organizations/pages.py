"""Pages of organizations: the list of one's own, and the settings of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_membership, current_user
from flask_tokenoffset.blueprints.access.urls import (
    home_of,
    organization_url,
    see_other,
    see_other_at,
)
from flask_tokenoffset.blueprints.html.outcomes import Notice, errors_of, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.schemas.paging import Page, page_of, read_name_cursor
from flask_tokenoffset.errors import Conflict, InvalidInput, NotPermitted, Refusal
from flask_tokenoffset.models import LONGEST_NAME
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.organizations import closing, organizations
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.services.organizations.organizations import OrganizationMembership

ORGANIZATIONS_PER_PAGE: Final = 50


_NOTICES: Final[Mapping[str, Notice]] = {
    "left": Notice("You left", "You do not belong to that organization any more."),
    "closed": Notice("Closed", "Nobody can see or do anything in that organization any more."),
}


@requires(Permission.READ_SELF)
def list_organizations() -> ResponseReturnValue:
    """The organizations a person belongs to, and the form that makes another one."""
    return _list_page()


@requires(Permission.CREATE_ORGANIZATION)
def create_organization() -> ResponseReturnValue:
    """Make an organization of a name."""
    name = request.form.get("name", "")
    state = current_state()
    try:
        with changing() as (work, person, now):
            organization_id = organizations.create_organization(
                work, person=person, name=name, settings=state.settings, now=now
            ).id
    except (InvalidInput, Conflict, NotPermitted) as refused:
        return _list_page(name=name, refused=refused)
    return see_other_at(organization_url(organization_id, "members"))


@requires(Permission.READ_MEMBERSHIP)
def settings() -> ResponseReturnValue:
    """What the organization is called, and the way to close it."""
    return _settings_page(current_membership(), renamed="renamed" in request.args)


@requires(Permission.CHANGE_ORGANIZATION)
def rename_organization() -> ResponseReturnValue:
    """Call the organization something else."""
    name = request.form.get("name", "")
    organization_id = current_membership().organization.id
    try:
        with changing() as (work, person, _):
            organizations.rename(work, organization_id=organization_id, person=person, name=name)
    except InvalidInput as refused:
        return _settings_page(current_membership(), name=name, refused=refused)
    return see_other(".settings", renamed="")


@requires(Permission.OWN_ORGANIZATION, before_acceptance=True)
def close_organization() -> ResponseReturnValue:
    """Ask for the organization's name, then close it."""
    organization = current_membership().organization
    if request.method != "POST":
        return render("organizations/close.html", organization=organization)
    typed = request.form.get("name", "")
    if " ".join(typed.split()) != organization.name:
        sentence = "This is not the organization's name, so nothing was changed. Type it again."
        page = render(
            "organizations/close.html", organization=organization, name=typed, error=sentence
        )
        return page, InvalidInput.status
    organization_id = organization.id
    state = current_state()
    with changing() as (work, person, _):
        closing.close_organization(
            work, organization_id=organization_id, person=person, clock=state.clock
        )
    return see_other("tokenoffset.pages.list_organizations", done="closed")


def left() -> ResponseReturnValue:
    """Where people go who have just left the organization."""
    return see_other("tokenoffset.pages.list_organizations", done="left")


register = page_routes(
    ("/organizations", list_organizations),
    ("/organizations", create_organization, "POST"),
)


register_in_organization = page_routes(
    ("/settings", settings),
    ("/settings/name", rename_organization, "POST"),
    ("/settings/close", close_organization, "GET", "POST"),
)


def _list_page(*, name: str = "", refused: Refusal | None = None) -> ResponseReturnValue:
    person = current_user().person
    after = read_name_cursor(request.args.get("cursor"))
    found: Page[OrganizationMembership] = Page([])
    if person is not None:
        found = page_of(
            organizations.list_memberships(
                current_state().session, person.id, after=after, limit=ORGANIZATIONS_PER_PAGE + 1
            ),
            ORGANIZATIONS_PER_PAGE,
            lambda each: (each.organization.name, each.organization.id),
        )
    page = render(
        "organizations/list.html",
        memberships=found.shown,
        more_url=found.next_cursor and url_for(".list_organizations", cursor=found.next_cursor),
        is_first_page=after is None,
        name=name,
        longest_name=LONGEST_NAME,
        errors=errors_of(refused),
        refused=None if isinstance(refused, InvalidInput) else refused,
        notice=_NOTICES.get(request.args.get("done", "")),
        home_of=home_of,
    )
    return with_status(page, refused)


def _settings_page(
    current: OrganizationMembership,
    *,
    name: str | None = None,
    refused: InvalidInput | None = None,
    renamed: bool = False,
) -> ResponseReturnValue:
    page = render(
        "organizations/settings.html",
        organization=current.organization,
        name=current.organization.name if name is None else name,
        longest_name=LONGEST_NAME,
        errors=refused.errors if refused else {},
        renamed=renamed,
        may_change=Permission.CHANGE_ORGANIZATION in current.permissions,
        may_close=Permission.OWN_ORGANIZATION in current.permissions,
    )
    return with_status(page, refused)
