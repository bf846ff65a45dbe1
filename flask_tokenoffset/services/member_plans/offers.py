"""What a band contributes at a coverage, and what a new member of an organization begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import amount_cents, check_coverage
from flask_tokenoffset.models import Payer
from flask_tokenoffset.services.estimates.estimates import preview_band
from flask_tokenoffset.services.plans.payers import cents_per_month, payer_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flask_tokenoffset.host.programmes import Programmes
    from flask_tokenoffset.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a band at a coverage contributes, and to what.

    :param band: the band's key.
    :param amount_cents: a month, by the method that prices plans.
    :param method_version: that method.
    :param programmes: what it is directed to.
    """

    band: str
    coverage_percent: int
    tokens_per_month: int
    amount_cents: int
    method_version: str
    programmes: Programmes


@dataclass(frozen=True, slots=True, kw_only=True)
class JoiningPlan:
    """What a member begins with on joining.

    :param payer: who pays it.
    :param skipped: why no plan begins, if none does: a sentence.
    """

    offer: Offer
    payer: Payer
    skipped: str | None


def offer_of(key: str, coverage_percent: int, method_version: str, programmes: Programmes) -> Offer:
    """What a band at a coverage contributes.

    :param key: the band's.
    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :param programmes: what contributions are directed to (``TOKENOFFSET_PROGRAMMES``).
    :raises InvalidInput: with a sentence for ``band`` or ``coverage_percent``.
    """
    errors: dict[str, str] = {}
    preview = None
    try:
        preview = preview_band(key)
    except InvalidInput as error:
        errors.update(error.errors)
    try:
        check_coverage(coverage_percent)
    except InvalidInput as error:
        errors.update(error.errors)
    if errors or preview is None:
        raise InvalidInput(errors)
    tokens = preview.tokens.total
    carbon = preview.figures.shown_by(method_version).co2e_g
    return Offer(
        band=key,
        coverage_percent=coverage_percent,
        tokens_per_month=tokens,
        amount_cents=amount_cents(method_version, tokens, carbon, coverage_percent),
        method_version=method_version,
        programmes=programmes,
    )


def plan_on_joining(
    session: Session, organization: Organization, method_version: str, programmes: Programmes
) -> JoiningPlan | None:
    """What a person who joins now begins with, to be shown before they do.

    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :param programmes: as of :func:`offer_of`.
    :return: ``None`` where new members begin with no plan.
    """
    if organization.default_band is None:
        return None
    offer = offer_of(
        organization.default_band,
        organization.default_coverage_percent,
        method_version,
        programmes,
    )
    payer = payer_of(organization.payer_rule, None)
    skipped = None
    cap = organization.cap_cents_per_month
    if payer is Payer.ORGANIZATION and cap is not None:
        now = cents_per_month(session, organization, without=None)
        if now + offer.amount_cents > max(cap, now):
            skipped = (
                "The organization already pays about as much as its monthly cap allows, so no plan"
                " begins. An administrator can begin one later."
            )
    return JoiningPlan(offer=offer, payer=payer, skipped=skipped)
