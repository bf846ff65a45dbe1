"""Pages of linked identities: see them, link one, check one, unlink one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import after_this_request, request, url_for

from flask_tokenoffset.blueprints.access.context import current_user, own_person
from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.blueprints.access.reauthentication import require_reauthentication
from flask_tokenoffset.blueprints.access.urls import see_other, see_other_at
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.identities import flows, linking
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import AttemptPurpose
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.identities import links as identities
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Response
    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.models import Identity

#: What the list may say was just done.
_DONE: Final = frozenset({"linked", "unlinked", "unlinked-here", "checked"})


@requires(Permission.READ_SELF)
def list_identities() -> ResponseReturnValue:
    """The linked identities, and the providers that can be linked."""
    return _list_page()


@requires(Permission.CHANGE_SELF)
def link_identity(provider: str) -> ResponseReturnValue:
    """Send the browser to a provider, to link an account there.

    :param provider: the provider's name.
    """
    state = current_state()
    state.identities.client(provider)
    require_reauthentication(strict=True)
    after = url_for(".list_identities", done="linked")
    return see_other_at(flows.begin_flow(provider, AttemptPurpose.LINK, after))


@requires(Permission.CHANGE_SELF)
def confirm_with_identity(provider: str) -> ResponseReturnValue:
    """Send the browser to a provider, to show there anew that it is they.

    :param provider: the provider's name.
    """
    after = local_path(request.form.get("next"), url_for(".list_identities"))
    return see_other_at(flows.begin_flow(provider, AttemptPurpose.CONFIRM, after))


@requires(Permission.SIGN_IN)
def identity_callback(provider: str) -> ResponseReturnValue:
    """Take a provider's answer. A GET that changes something, because the protocol has it so.

    The state in it stands for a form's token: it was made by a form, counts once, and only in the
    browser that sent the form.

    :param provider: the provider's name; each has a redirect address of its own.
    """
    # The address holds a code. No page that the browser opens next may learn it.
    after_this_request(_tell_nobody)
    completed = flows.complete_flow(provider)
    return see_other_at(completed.next_path)


@requires(Permission.CHANGE_SELF)
def check_identity(identity_id: UUID) -> ResponseReturnValue:
    """Ask the provider again about an identity."""
    linking.refresh(identity_id)
    return see_other(".list_identities", done="checked")


@requires(Permission.CHANGE_SELF)
def unlink_identity(identity_id: UUID) -> ResponseReturnValue:
    """Ask once more, then end a link."""
    identity = _own(identity_id)
    if request.method != "POST":
        provider = current_state().settings.oauth_providers.get(identity.provider)
        return render(
            "identities/unlink.html",
            identity=identity,
            title=provider.title if provider else identity.provider,
        )
    require_reauthentication(strict=True)
    try:
        nothing_left = linking.unlink(identity_id)
    except Conflict as refusal:
        return _list_page(refusal), refusal.status
    done = "unlinked" if nothing_left else "unlinked-here"
    return see_other(".list_identities", done=done)


register = page_routes(
    ("/identities", list_identities),
    ("/identities/<provider>/link", link_identity, "POST"),
    ("/identities/<provider>/confirm", confirm_with_identity, "POST"),
    ("/identities/<provider>/callback", identity_callback),
    ("/identities/<uuid:identity_id>/check", check_identity, "POST"),
    ("/identities/<uuid:identity_id>/unlink", unlink_identity, "GET", "POST"),
)


def _list_page(refusal: Conflict | None = None) -> str:
    state = current_state()
    person = current_user().person
    linked = [] if person is None else identities.list_identities(state.session, person.id)
    done = request.args.get("done")
    return render(
        "identities/list.html",
        linked=linked,
        providers=state.identities.providers,
        required=state.settings.required_identity,
        done=done if done in _DONE and refusal is None else None,
        refusal=refusal,
    )


def _own(identity_id: UUID) -> Identity:
    return identities.read_identity(current_state().session, own_person().id, identity_id)


def _tell_nobody(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
