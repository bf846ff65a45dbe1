"""Pages to sign in and out, by a linked identity or a mailed link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access import own_login
from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user, forget_current_user
from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.blueprints.access.urls import see_other, see_other_at
from flask_tokenoffset.blueprints.html.outcomes import errors_of, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.identities import flows
from flask_tokenoffset.blueprints.links.asking import ask_for_link
from flask_tokenoffset.errors import InvalidInput, NoMailer, NotFound, Refusal, TooManyAttempts
from flask_tokenoffset.models import LONGEST_EMAIL, AttemptPurpose, MagicLinkPurpose
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.sign_in import logins
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.host.identity_providers import IdentityProvider

_SHOWN_WITH_FORM: Final = (InvalidInput, TooManyAttempts, NoMailer)


@requires(Permission.SIGN_IN)
def sign_in() -> ResponseReturnValue:
    """The ways to sign in."""
    next_path = _next_path()
    if current_user().signed_in:
        return see_other_at(next_path)
    return _page(next_path)


@requires(Permission.SIGN_IN)
def sign_in_with_identity(provider: str) -> ResponseReturnValue:
    """Send the browser to a provider, to sign in with an account there.

    :param provider: the provider's name.
    """
    if provider not in {each.name for each in _providers()}:
        raise NotFound("There is no such thing here.")
    return see_other_at(flows.begin_flow(provider, AttemptPurpose.SIGN_IN, _next_path()))


@requires(Permission.SIGN_IN)
def sign_in_by_mail() -> ResponseReturnValue:
    """Send a link that signs in; the answer is the same for every address."""
    if not _by_mail():
        raise NotFound("There is no such thing here.")
    next_path = _next_path()
    try:
        ask_for_link(MagicLinkPurpose.SIGN_IN, request.form.get("email", ""), next_path)
    except _SHOWN_WITH_FORM as refusal:
        return with_status(_page(next_path, refusal), refusal)
    return see_other(".link_sent")


@requires(Permission.READ_SELF)
def sign_out() -> ResponseReturnValue:
    """Ask once more, then end every login of the current user."""
    if request.method != "POST":
        return render("sign_in/sign_out.html")
    with changing() as (work, person, _):
        logins.sign_out(work, person)
    own_login.log_out()
    forget_current_user()
    return see_other(".sign_in", done="signed-out")


register = page_routes(
    ("/sign-in", sign_in),
    ("/sign-in/mail", sign_in_by_mail, "POST"),
    ("/sign-in/with/<provider>", sign_in_with_identity, "POST"),
    ("/sign-out", sign_out, "GET", "POST"),
)


def _page(next_path: str, refusal: Refusal | None = None) -> str:
    errors = errors_of(refusal)
    return render(
        "sign_in/sign_in.html",
        providers=_providers(),
        by_mail=_by_mail(),
        next_path=next_path,
        typed=request.form.get("email", ""),
        error=errors.get("email"),
        refusal=None if errors else refusal,
        signed_out=request.args.get("done") == "signed-out" and refusal is None,
        longest=LONGEST_EMAIL,
    )


def _providers() -> list[IdentityProvider]:
    """The providers that sign in: the required one alone, where one is."""
    state = current_state()
    required = state.settings.required_identity
    return [each for each in state.identities.providers if required in {None, each.name}]


def _by_mail() -> bool:
    state = current_state()
    return state.mailer is not None and state.settings.required_identity is None


def _next_path() -> str:
    return local_path(request.values.get("next"), url_for(".dashboard"))
