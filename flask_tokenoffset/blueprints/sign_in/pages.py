"""Pages to sign in and out, by a linked identity or a mailed link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import make_response, redirect, request, url_for

from flask_tokenoffset.blueprints.access import own_login
from flask_tokenoffset.blueprints.access.context import (
    acting_person,
    current_visitor,
    forget_visitor,
)
from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.blueprints.errors.problems import status_of
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.identities import trips
from flask_tokenoffset.blueprints.links.asking import ask_for_link
from flask_tokenoffset.errors import InvalidInput, NoMailer, NotFound, Refusal, TooManyAttempts
from flask_tokenoffset.models import LONGEST_EMAIL, AttemptPurpose, MagicLinkPurpose
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.sign_in import logins
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Blueprint
    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.host.identity_providers import IdentityProvider

_SEE_OTHER: Final = 303
_SHOWN_WITH_FORM: Final = (InvalidInput, TooManyAttempts, NoMailer)


@requires(Permission.SIGN_IN)
def sign_in() -> ResponseReturnValue:
    """The ways to sign in."""
    next_path = _next_path()
    if current_visitor().signed_in:
        return redirect(next_path, code=_SEE_OTHER)
    return _page(next_path)


@requires(Permission.SIGN_IN)
def sign_in_with_identity(provider: str) -> ResponseReturnValue:
    """Send the browser to a provider, to sign in with an account there.

    :param provider: the provider's name.
    """
    if provider not in {each.name for each in _providers()}:
        raise NotFound("There is no such thing here.")
    return redirect(trips.set_out(provider, AttemptPurpose.SIGN_IN, _next_path()), code=_SEE_OTHER)


@requires(Permission.SIGN_IN)
def sign_in_by_mail() -> ResponseReturnValue:
    """Send a link that signs in; the answer is the same for every address."""
    if not _by_mail():
        raise NotFound("There is no such thing here.")
    next_path = _next_path()
    try:
        ask_for_link(MagicLinkPurpose.SIGN_IN, request.form.get("email", ""), next_path)
    except _SHOWN_WITH_FORM as refusal:
        response = make_response(_page(next_path, refusal), status_of(type(refusal)))
        if isinstance(refusal, TooManyAttempts):
            response.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return response
    return redirect(url_for(".link_sent"), code=_SEE_OTHER)


@requires(Permission.READ_SELF)
def sign_out() -> ResponseReturnValue:
    """Ask once more, then end every login of whoever is signed in."""
    if request.method != "POST":
        return render("sign_in/sign_out.html")
    with current_state().unit_of_work() as work:
        logins.sign_out(work, acting_person(work))
    own_login.log_out()
    forget_visitor()
    return redirect(url_for(".sign_in", done="signed-out"), code=_SEE_OTHER)


def register(pages: Blueprint) -> None:
    """Add the pages."""
    pages.add_url_rule("/sign-in", view_func=sign_in)
    pages.add_url_rule("/sign-in/mail", view_func=sign_in_by_mail, methods=["POST"])
    pages.add_url_rule(
        "/sign-in/with/<provider>", view_func=sign_in_with_identity, methods=["POST"]
    )
    pages.add_url_rule("/sign-out", view_func=sign_out, methods=["GET", "POST"])


def _page(next_path: str, refusal: Refusal | None = None) -> str:
    errors = refusal.errors if isinstance(refusal, InvalidInput) else {}
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
