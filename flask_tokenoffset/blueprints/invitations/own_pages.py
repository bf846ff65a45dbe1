"""Pages on which the invited person answers: what a link opens, and what waits for them.

Looking changes nothing, so that a program that follows links in mail answers nobody's invitation.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from flask import request

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.access.context import (
    current_user,
    require_acceptance,
    send_to_sign_in,
)
from flask_tokenoffset.blueprints.access.urls import organization_url, see_other, see_other_at
from flask_tokenoffset.blueprints.estimates.side_by_side import BothMethods
from flask_tokenoffset.blueprints.html.outcomes import with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.html.shown_terms import shown_terms_of
from flask_tokenoffset.blueprints.invitations import steps
from flask_tokenoffset.blueprints.members.forms import ROLE_SENTENCES, ROLE_TITLES
from flask_tokenoffset.blueprints.people.account import known_of
from flask_tokenoffset.errors import Conflict, InvalidInput, NotPermitted, TooManyAttempts
from flask_tokenoffset.methodology import band
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.invitations import answering
from flask_tokenoffset.services.invitations.invitations import Standing
from flask_tokenoffset.services.member_plans.offers import plan_on_joining
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue
    from sqlalchemy import ColumnElement

    from flask_tokenoffset.errors import Refusal
    from flask_tokenoffset.services.invitations.answering import Joined, Offer
    from flask_tokenoffset.services.member_plans.offers import JoiningPlan

_GONE: Final = 410
#: Longer than any amount, and short enough to be read without a thought.
_LONGEST_AMOUNT: Final = 18
#: In the query it asks for the way through the host's sign-in and back.
SIGN_IN: Final = "sign-in"
#: What the pages can say themselves.
_TOLD: Final = (Conflict, NotPermitted, InvalidInput, TooManyAttempts)


class Reader(Enum):
    """Who looks at the page that a link opens."""

    #: Nobody is signed in.
    UNKNOWN = auto()
    #: Signed in, with another address or none.
    SOMEBODY_ELSE = auto()
    #: The address is theirs, as they say; nobody has proved it.
    UNPROVED = auto()
    #: The invited person.
    INVITED = auto()


class PlanView(NamedTuple):
    """The plan a person begins with, as a page says it.

    :param joining: what it is.
    :param band_title: what its band is called.
    """

    joining: JoiningPlan
    band_title: str

    @property
    def other_method(self) -> str:
        """By which method the amount came about, and what the other one would give."""
        offer = self.joining.offer
        both = BothMethods.of_band(offer.band, offer.coverage_percent, offer.method_version)
        other = formatting.money_cents(both.other.amount_cents)
        if both.used.is_flat:
            return f"That is by the flat rate; by the detailed method it would be {other}."
        return f"That is by the detailed method; by the flat rate it would be {other}."

    @property
    def amount_cents(self) -> int:
        """What begins on joining."""
        return 0 if self.joining.skipped else self.joining.offer.amount_cents


@requires(Permission.SIGN_IN)
def invitation(invitation_token: str) -> ResponseReturnValue:
    """What an invitation offers, to anyone who holds its link."""
    if SIGN_IN in request.args and not current_user().signed_in:
        return send_to_sign_in()
    return _link_page(invitation_token)


@requires(Permission.CHANGE_SELF)
def answer_invitation(invitation_token: str) -> ResponseReturnValue:
    """Accept or decline what a link opens."""
    which = answering.by_link(invitation_token)
    try:
        return _answer(which, request.form.get("choice", ""))
    except _TOLD as refused:
        return _link_page(invitation_token, refused)


@requires(Permission.READ_SELF)
def own_invitations() -> ResponseReturnValue:
    """The invitations to the address that the current user has proved to be theirs."""
    return _own_page()


@requires(Permission.CHANGE_SELF)
def answer_own_invitation(invitation_id: UUID, choice: str) -> ResponseReturnValue:
    """Accept or decline one of them; their address is enough, no link is needed."""
    try:
        return _answer(steps.own_invitation(invitation_id), choice)
    except _TOLD as refused:
        return _own_page(refused)


register = page_routes(
    ("/invitations", own_invitations),
    (
        "/invitations/<uuid:invitation_id>/<any(accept, decline):choice>",
        answer_own_invitation,
        "POST",
    ),
    ("/invitations/<invitation_token>", invitation),
    ("/invitations/<invitation_token>", answer_invitation, "POST"),
)


def _answer(which: ColumnElement[bool], choice: str) -> ResponseReturnValue:
    if choice == "accept":
        require_acceptance()
        return _welcome(steps.accept(which, _shown_amount_cents(), shown_terms_of(request.form)))
    if choice == "decline":
        steps.decline(which)
        return see_other(".own_invitations", done="declined")
    raise InvalidInput({"choice": "The form did not say what you chose. Press one of its buttons."})


def _welcome(joined: Joined) -> ResponseReturnValue:
    if joined.membership.status != "active":
        return see_other(".own_invitations", done="suspended")
    done = "was-member" if joined.was_member else "joined"
    url = organization_url(joined.organization.id, "membership", done=done)
    return see_other_at(url)


def _shown_amount_cents() -> int:
    """The amount that stood on the page; nobody begins a plan without having been shown it.

    :raises InvalidInput: it is missing or no amount.
    """
    text = request.form.get("amount_cents", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_AMOUNT:
        raise InvalidInput(
            {
                "amount_cents": "The form did not say which amount was shown, so nothing was"
                " changed. Look at it below and accept it if it is right."
            }
        )
    return int(text)


def _link_page(token: str, refused: Refusal | None = None) -> ResponseReturnValue:
    state = current_state()
    offer = answering.find_offer(state.session, answering.by_link(token), state.clock.now())
    reader = _reader_of(offer)
    is_pending = offer.standing is Standing.PENDING
    is_theirs = reader is Reader.INVITED
    page = render(
        "invitations/invitation.html",
        offer=offer,
        plan=_plan_of(offer) if is_theirs and is_pending else None,
        reader=reader.name.lower(),
        is_pending=is_pending,
        # Why is told only to the invited person.
        reason=answering.REASONS.get(offer.standing) if is_theirs else None,
        belongs=is_theirs and _belongs_to(offer),
        role_titles=ROLE_TITLES,
        role_sentences=ROLE_SENTENCES,
        invitation_token=token,
        sign_in=SIGN_IN,
        refused=refused,
    )
    if refused is not None:
        return with_status(page, refused)
    return page, 200 if is_pending else _GONE


def _own_page(refused: Refusal | None = None) -> ResponseReturnValue:
    state = current_state()
    held = known_of(current_user())
    address = held.email if held.verified else None
    offers = answering.pending_offers(state.session, address, state.clock.now()) if address else []
    page = render(
        "invitations/own.html",
        offers=[(offer, _plan_of(offer)) for offer in offers],
        address=held.email,
        is_proved=held.verified,
        done=request.args.get("done", "") if request.method == "GET" else "",
        role_titles=ROLE_TITLES,
        role_sentences=ROLE_SENTENCES,
        refused=refused,
    )
    return with_status(page, refused)


def _reader_of(offer: Offer) -> Reader:
    if not current_user().signed_in:
        return Reader.UNKNOWN
    held = known_of(current_user())
    if held.email != offer.invitation.email:
        return Reader.SOMEBODY_ELSE
    return Reader.INVITED if held.verified else Reader.UNPROVED


def _belongs_to(offer: Offer) -> bool:
    return any(each.organization.id == offer.organization.id for each in current_user().memberships)


def _plan_of(offer: Offer) -> PlanView | None:
    state = current_state()
    plan = plan_on_joining(
        state.session, offer.organization, state.settings.method, state.settings.programmes
    )
    return None if plan is None else PlanView(plan, band(plan.offer.band).name)
