"""The public table of periods, and the forms that shorten them for a person or an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing, changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership, current_user
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.outcomes import errors_of, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.errors import InvalidInput, Refusal, RetentionNotConfirmed
from flask_tokenoffset.methodology.projection import MIN_DAYS
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.organizations.retention import choose_for_organization
from flask_tokenoffset.services.retention import choices as retention_choices
from flask_tokenoffset.services.retention import table as retention_table
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue

_LONGEST_NUMBER: Final = 6


@requires(Permission.READ_PUBLISHED)
def retention() -> ResponseReturnValue:
    """The table of periods; for a person signed in, the forms for their own account as well."""
    return _own_page()


@requires(Permission.CHANGE_SELF)
def choose_retention() -> ResponseReturnValue:
    """Keep one's own records for a shorter time."""
    state = current_state()
    try:
        days = _read_days()
        with changing() as (work, person, now):
            retention_choices.choose(
                work,
                account_id=person.account_id,
                rule_name=request.form.get("rule", ""),
                days=days,
                confirmed=request.form.get("confirmed") == "yes",
                person_id=person.id,
                settings=state.settings,
                now=now,
            )
    except (InvalidInput, RetentionNotConfirmed) as refused:
        return _own_page(refused)
    return see_other(".retention", done="")


@requires(Permission.CHANGE_ORGANIZATION)
def organization_retention() -> ResponseReturnValue:
    """The forms for an organization's account."""
    return _organization_page()


@requires(Permission.CHANGE_ORGANIZATION)
def choose_organization_retention() -> ResponseReturnValue:
    """Keep an organization's records, and those of its members' plans, for a shorter time."""
    state = current_state()
    try:
        days = _read_days()
        with changing_organization() as (work, who):
            choose_for_organization(
                work,
                **who,
                rule_name=request.form.get("rule", ""),
                days=days,
                confirmed=request.form.get("confirmed") == "yes",
                settings=state.settings,
            )
    except (InvalidInput, RetentionNotConfirmed) as refused:
        return _organization_page(refused)
    return see_other(".organization_retention", done="")


register = page_routes(
    ("/privacy/retention", retention),
    ("/privacy/retention", choose_retention, "POST"),
)


register_in_organization = page_routes(
    ("/retention", organization_retention),
    ("/retention", choose_organization_retention, "POST"),
)


def _read_days() -> int:
    typed = request.form.get("days", "").strip()
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= _LONGEST_NUMBER):
        raise InvalidInput({"days": "Type a whole number of days."})
    return int(typed)


def _own_page(refused: Refusal | None = None) -> ResponseReturnValue:
    user = current_user()
    settings = current_state().settings
    page = render(
        "retention/retention.html",
        periods=retention_table.periods(settings),
        plans=retention_table.plans(settings),
        days_of_an_estimate=MIN_DAYS,
        may_choose=user.host_user is not None,
        **_forms(user.person.account_id if user.person else None, refused),
    )
    return with_status(page, refused)


def _organization_page(refused: Refusal | None = None) -> ResponseReturnValue:
    organization = current_membership().organization
    page = render(
        "retention/organization.html",
        organization=organization,
        days_of_an_estimate=MIN_DAYS,
        **_forms(organization.account_id, refused),
    )
    return with_status(page, refused)


def _forms(account_id: UUID | None, refused: Refusal | None) -> dict[str, object]:
    """What both pages' forms show: each period, what was typed, and what is wrong with it."""
    state = current_state()
    return {
        "kept": retention_choices.kept_by(state.session, account_id, state.settings),
        "typed_rule": request.form.get("rule", "") if refused else None,
        "typed_days": request.form.get("days", "") if refused else None,
        "errors": errors_of(refused),
        "to_confirm": refused if isinstance(refused, RetentionNotConfirmed) else None,
        "done": "done" in request.args,
    }
