"""Pages that change many members' plans at once: choose, look at what it would do, apply, watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.estimates.side_by_side import BothMethods
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.html.shown_terms import shown_terms_of
from flask_tokenoffset.blueprints.member_plans import presentation
from flask_tokenoffset.blueprints.member_plans.forms import ManyForm, read_cents
from flask_tokenoffset.blueprints.members.forms import ROLE_TITLES, STATUS_TITLES
from flask_tokenoffset.errors import Conflict, InvalidInput, Refusal
from flask_tokenoffset.models import UNFINISHED_BULK
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.member_plans import bulk_changes
from flask_tokenoffset.services.member_plans.bulk_previews import NO_PLAN, preview_change
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue


@requires(Permission.CHANGE_MEMBER_PLANS)
def change_many_plans() -> ResponseReturnValue:
    """Choose members, a band and a coverage, and see exactly what that would change."""
    return _many_page(ManyForm.read(request.args))


@requires(Permission.CHANGE_MEMBER_PLANS)
def apply_to_many_plans() -> ResponseReturnValue:
    """Apply what was shown, if it still holds."""
    form = ManyForm.read(request.form)
    state = current_state()
    try:
        offer = form.plan.offer(state.settings)
        plans = read_cents(request.form, "plans_to_change")
        difference = read_cents(request.form, "difference_cents")
        with changing_organization() as (work, who):
            change = bulk_changes.request_change(
                work,
                **who,
                wanted=form.wanted(),
                key=offer.band,
                coverage_percent=offer.coverage_percent,
                expected_plans=plans,
                expected_difference_cents=difference,
                expected_terms=shown_terms_of(request.form),
                method_version=state.settings.method,
                programmes=state.settings.programmes,
            )
            change_id = change.id
    except (InvalidInput, Conflict) as refused:
        return _many_page(form, refused=refused)
    return see_other(".bulk_change", change_id=change_id)


@requires(Permission.READ_MEMBER_PLANS)
def bulk_change(change_id: UUID) -> str:
    """How far a change to many plans has come, or what came of it."""
    change = bulk_changes.read_change(
        current_state().session, current_membership().organization, change_id
    )
    return render(
        "member_plans/change.html",
        change=change,
        running=change.status in UNFINISHED_BULK,
        band_title=presentation.band_title,
        stopped=presentation.STOPPED.get(change.stopped_code or ""),
    )


def _many_page(form: ManyForm, *, refused: Refusal | None = None) -> ResponseReturnValue:
    current = current_membership()
    state = current_state()
    errors = dict(refused.errors) if isinstance(refused, InvalidInput) else {}
    preview = None
    if form.asked:
        try:
            offer = form.plan.offer(state.settings)
            preview = preview_change(
                state.session,
                current.organization,
                form.wanted(),
                key=offer.band,
                coverage_percent=offer.coverage_percent,
                method_version=state.settings.method,
                programmes=state.settings.programmes,
            )
        except InvalidInput as error:
            errors |= error.errors
    page = render(
        "member_plans/many.html",
        organization=current.organization,
        form=form,
        preview=preview,
        errors=errors,
        refused=refused if isinstance(refused, Conflict) else None,
        role_titles=ROLE_TITLES,
        status_titles=STATUS_TITLES,
        band_title=presentation.band_title,
        band_options=presentation.band_options(),
        no_plan=NO_PLAN,
        both=preview
        and BothMethods.of_band(
            preview.offer.band, preview.offer.coverage_percent, preview.offer.method_version
        ),
    )
    return page, refused.status if refused else 422 if errors else 200


register = page_routes(
    ("/member-plans/change", change_many_plans),
    ("/member-plans/changes", apply_to_many_plans, "POST"),
    ("/member-plans/changes/<uuid:change_id>", bulk_change),
)
