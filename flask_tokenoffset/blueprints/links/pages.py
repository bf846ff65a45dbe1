"""Pages of mailed links: prove an address, confirm that it is you, follow a link.

Mail scanners open links. So opening one shows a page with a button and changes nothing, and that
page is the same for every link, whether it works or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from flask import request, url_for

from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.blueprints.access.reauthentication import (
    host_sign_in_url,
    is_reauthenticated,
)
from flask_tokenoffset.blueprints.access.urls import see_other, see_other_at
from flask_tokenoffset.blueprints.html.outcomes import UNTOLD, errors_of, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.identities.linking import confirming_providers
from flask_tokenoffset.blueprints.links.asking import ask_for_link
from flask_tokenoffset.blueprints.links.following import follow_link
from flask_tokenoffset.errors import Conflict, InvalidInput, NoMailer, Refusal, TooManyAttempts
from flask_tokenoffset.models import LONGEST_EMAIL, MagicLinkPurpose
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.links import magic_links
from flask_tokenoffset.services.people.profiles import held_of
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.host.users import HostUser
    from flask_tokenoffset.services.people.profiles import Held

_SECONDS_PER_MINUTE: Final = 60
#: What keeps the form on the page; everything else has a page of its own.
_SHOWN_WITH_FORM: Final = (InvalidInput, TooManyAttempts, NoMailer)


@requires(Permission.SIGN_IN)
def link(token: str) -> ResponseReturnValue:
    """Show the button that follows a link.

    :param token: whatever stands in the address; nothing is looked up for it.
    """
    return render("links/link.html", token=token, minutes=_minutes()), UNTOLD


@requires(Permission.SIGN_IN)
def follow(token: str) -> ResponseReturnValue:
    """Follow a link.

    :param token: as it stands in the address.
    """
    redeemed = follow_link(token)
    return see_other_at(local_path(redeemed.next_path, _home()))


@requires(Permission.READ_SELF)
def address() -> ResponseReturnValue:
    """The form that has a link sent to an address, to prove that it is theirs."""
    return _address_page()


@requires(Permission.CHANGE_SELF)
def ask_address() -> ResponseReturnValue:
    """Send the link."""
    said = _said_by_host()
    try:
        ask_for_link(
            MagicLinkPurpose.VERIFY_ADDRESS,
            # The host's word on the address counts; only then is there a field to type one in.
            said or request.form.get("email", ""),
            local_path(request.form.get("next"), url_for(".me")),
        )
    except _SHOWN_WITH_FORM as refusal:
        return with_status(_address_page(refusal), refusal)
    return see_other(".link_sent")


@requires(Permission.SIGN_IN)
def link_sent() -> ResponseReturnValue:
    """Say that a link was sent; the same for everyone."""
    return render("links/sent.html", minutes=_minutes())


@requires(Permission.READ_SELF)
def confirm() -> ResponseReturnValue:
    """The ways to prove that it is still you."""
    return _confirm_page(local_path(request.args.get("next"), _home()))


@requires(Permission.CHANGE_SELF)
def confirm_by_mail() -> ResponseReturnValue:
    """Send a link to the address that is proved to be theirs."""
    next_path = local_path(request.form.get("next"), _home())
    held = _held()
    try:
        if not held.verified or held.email is None:
            raise Conflict(
                "No address is proved to be yours, so nothing could be sent. Prove one first, or"
                " confirm in another way."
            )
        ask_for_link(MagicLinkPurpose.CONFIRM, held.email, next_path)
    except (*_SHOWN_WITH_FORM, Conflict) as refusal:
        return with_status(_confirm_page(next_path, refusal), refusal)
    return see_other(".link_sent")


register = page_routes(
    ("/links/sent", link_sent),
    ("/links/<token>", link),
    ("/links/<token>", follow, "POST"),
    ("/me/address", address),
    ("/me/address", ask_address, "POST"),
    ("/confirm", confirm),
    ("/confirm/mail", confirm_by_mail, "POST"),
)


def _address_page(refusal: Refusal | None = None) -> str:
    errors = errors_of(refusal)
    return render(
        "links/address.html",
        said=_said_by_host(),
        held=_held(),
        typed=request.form.get("email", ""),
        next_path=local_path(request.values.get("next"), url_for(".me")),
        error=errors.get("email"),
        refusal=None if errors else refusal,
        can_mail=current_state().mailer is not None,
        longest=LONGEST_EMAIL,
        minutes=_minutes(),
    )


def _confirm_page(next_path: str, refusal: Refusal | None = None) -> str:
    held = _held()
    return render(
        "links/confirm.html",
        next_path=next_path,
        fresh=is_reauthenticated(_host_user(), current_user().person, strict=True),
        host_url=host_sign_in_url(next_path),
        email=held.email if held.verified and current_state().mailer is not None else None,
        providers=confirming_providers(),
        refusal=refusal,
        minutes=_minutes(),
        fresh_minutes=current_state().settings.fresh_sign_in_minutes,
    )


def _host_user() -> HostUser:
    # The permission of each page that asks has made sure that a person is signed in.
    return cast("HostUser", current_user().host_user)


def _held() -> Held:
    return held_of(current_user().person, _host_user())


def _said_by_host() -> str | None:
    """The address the host names, if mail can be sent to it."""
    return held_of(None, _host_user()).email


def _home() -> str:
    return url_for(".dashboard")


def _minutes() -> int:
    return int(magic_links.LIFETIME.total_seconds()) // _SECONDS_PER_MINUTE
