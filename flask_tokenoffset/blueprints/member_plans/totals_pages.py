"""The totals of members' plans, for the people who manage them."""

from __future__ import annotations

from flask import request, url_for

from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.member_plans import presentation
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_name_cursor
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.member_plans import bulk_changes
from flask_tokenoffset.services.member_plans import totals as member_totals
from flask_tokenoffset.services.member_plans.terms import Terms
from flask_tokenoffset.state import current_state

MEMBERS_SHOWN = 50
CHANGES_SHOWN = 10


@requires(Permission.READ_MEMBER_PLANS)
def member_plans() -> str:
    """How many plans members have here, what they contribute, and the use they let be seen."""
    current = current_membership()
    session = current_state().session
    organization = current.organization
    after = read_name_cursor(request.args.get("cursor"))
    shared = page_of(
        member_totals.list_shared_usage(
            session, organization.id, after=after, limit=MEMBERS_SHOWN + 1
        ),
        MEMBERS_SHOWN,
        lambda each: (each.membership.sort_name, each.membership.id),
    )
    return render(
        "member_plans/totals.html",
        organization=organization,
        terms=Terms.of(organization),
        rule_titles=presentation.RULE_TITLES,
        totals=member_totals.read_totals(session, organization),
        band_title=presentation.band_title,
        shared=shared.shown,
        more_url=shared.next_cursor
        and url_for(".member_plans", cursor=shared.next_cursor, _anchor="to-usage"),
        hidden=member_totals.read_hidden_usage(session, organization.id),
        fewest_added_up=member_totals.FEWEST_ADDED_UP,
        changes=bulk_changes.newest_changes(session, organization, limit=CHANGES_SHOWN),
        may_change=Permission.CHANGE_MEMBER_PLANS in current.permissions,
        may_set_terms=Permission.CHANGE_ORGANIZATION in current.permissions,
    )


register = page_routes(("/member-plans", member_plans))
