"""The page of an organization's terms: who pays for members, what they begin with, the cap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing_organization
from flask_tokenoffset.blueprints.access.context import current_membership
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.outcomes import with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.member_plans import presentation
from flask_tokenoffset.blueprints.member_plans.forms import TermsForm
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.member_plans.terms import Terms, cents_by_rule, change_terms
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.CHANGE_ORGANIZATION)
def terms() -> ResponseReturnValue:
    """The terms as they stand, in a form."""
    return _terms_page(saved="saved" in request.args)


@requires(Permission.CHANGE_ORGANIZATION)
def save_terms() -> ResponseReturnValue:
    """Say the terms anew."""
    form = TermsForm.read(request.form)
    try:
        wanted = form.terms()
        with changing_organization() as (work, who):
            change_terms(work, **who, terms=wanted)
    except InvalidInput as refused:
        return _terms_page(form=form, refused=refused)
    return see_other(".terms", saved="")


def _terms_page(
    *, form: TermsForm | None = None, refused: InvalidInput | None = None, saved: bool = False
) -> ResponseReturnValue:
    organization = current_membership().organization
    standing = Terms.of(organization)
    cents = cents_by_rule(current_state().session, organization)
    page = render(
        "member_plans/terms.html",
        organization=organization,
        form=form or TermsForm.of(standing),
        errors=refused.errors if refused else {},
        saved=saved,
        rules=presentation.RULE_TITLES,
        rule_sentences=presentation.RULE_SENTENCES,
        cents_by_rule=cents,
        cents_per_month=cents[standing.payer_rule],
        cap_cents_per_month=standing.cap_cents_per_month,
        band_options=presentation.band_options(),
    )
    return with_status(page, refused)


register = page_routes(
    ("/terms", terms),
    ("/terms", save_terms, "POST"),
)
