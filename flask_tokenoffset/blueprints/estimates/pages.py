"""Pages of estimates: choose a band or type an amount, and look at an estimate before adopting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.changing import changing_account
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.estimates import presentation
from flask_tokenoffset.blueprints.estimates.forms import OWN_AMOUNT, WHOLE_COVERAGE, ChooserForm
from flask_tokenoffset.blueprints.estimates.review import render_review
from flask_tokenoffset.blueprints.estimates.side_by_side import BothMethods, Meaning, band_cards
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.estimates import estimates
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue

#: The button that asks for the amount instead of going on. It sends the same form.
UPDATE = "update"


@requires(Permission.MAKE_ESTIMATES)
def bands() -> ResponseReturnValue:
    """Choose how much AI one uses, and see what it means. Nothing is stored."""
    return _chooser(ChooserForm.read(request.args))


@requires(Permission.MAKE_ESTIMATES)
def make_estimate() -> ResponseReturnValue:
    """Make the chosen estimate and show it for review."""
    form = ChooserForm.read(request.form)
    if UPDATE in request.form:
        return see_other(
            ".bands", band=form.band, tokens=form.tokens or None, coverage=form.coverage
        )
    try:
        _, coverage_percent = form.check()
    except InvalidInput:
        return _chooser(form)
    tokens_per_month = form.tokens_per_month()
    with changing_account() as (work, who):
        if tokens_per_month is None:
            made = estimates.estimate_from_band(work.session, **who, key=form.band)
        else:
            made = estimates.estimate_from_amount(
                work.session, **who, tokens_per_month=tokens_per_month
            )
        estimate_id = made.id
    return see_other(".estimate", estimate_id=estimate_id, coverage=coverage_percent)


@requires(Permission.READ_ESTIMATES)
def estimate(estimate_id: UUID) -> ResponseReturnValue:
    """One estimate, what it means, and the amount at a coverage of one's choice."""
    return render_review(estimate_id, request.args.get("coverage"))


def _chooser(form: ChooserForm) -> ResponseReturnValue:
    method_version = current_state().settings.method
    errors: dict[str, str] = {}
    shown = both = kinds = meaning = None
    coverage_percent = int(WHOLE_COVERAGE)
    try:
        shown, coverage_percent = form.check()
    except InvalidInput as error:
        errors = dict(error.errors)
    else:
        both = BothMethods.of(
            shown.tokens.total, shown.figures, coverage_percent, method_version, assumed=True
        )
        meaning = Meaning.of(shown.figures, method_version, assumed=True)
        kinds = presentation.shares_of(shown.tokens)
    page = render(
        "estimates/bands.html",
        form=form,
        errors=errors,
        bands=band_cards(coverage_percent, method_version),
        own_amount=OWN_AMOUNT,
        shown=shown,
        kinds=kinds,
        assumption=kinds and presentation.assumption_of(kinds),
        meaning=meaning,
        both=both,
    )
    return page, 422 if errors else 200


register = register_in_organization = page_routes(
    ("/bands", bands),
    ("/estimates", make_estimate, "POST"),
    ("/estimates/<uuid:estimate_id>", estimate),
)
