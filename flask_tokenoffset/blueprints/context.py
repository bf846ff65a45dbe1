"""Who is there, and whether they may.

The host says who is signed in; their person here is looked up at most once a request, and only when
somebody asks. Looking never makes one: a person's row is made by their first change, through
:func:`acting_person`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote, urlencode

from flask import current_app, g, redirect, request
from werkzeug.exceptions import Unauthorized

from flask_tokenoffset.errors import NotFound, NotPermitted, SignInRequired
from flask_tokenoffset.permissions import Permission, declared, permissions_of
from flask_tokenoffset.services.people import ensure_person, find_person
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.host import HostUser
    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_KEY: Final = "_tokenoffset_visitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever sent the present request.

    :param host_user: the host's word on who is signed in, if anybody.
    :param person: their row here, which exists once they have changed something.
    :param account_id: the account they act for, if they have a row.
    """

    host_user: HostUser | None = None
    person: Person | None = None
    account_id: UUID | None = None

    @property
    def signed_in(self) -> bool:
        """Whether the host knows them."""
        return self.host_user is not None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do over the account they act for."""
        return permissions_of(signed_in=self.signed_in)


def current_visitor() -> Visitor:
    """Whoever sent the present request; asks host and database the first time only."""
    if _KEY not in g:
        setattr(g, _KEY, _look_up())
    return cast("Visitor", g.get(_KEY))


def account_if_any() -> UUID | None:
    """The account of whoever is there; ``None`` before their first change."""
    return current_visitor().account_id


def own_account() -> UUID:
    """The account of whoever is there, to look something up in.

    :raises NotFound: they have none yet, so whatever they ask for is not theirs.
    """
    account_id = account_if_any()
    if account_id is None:
        raise NotFound("There is no such thing here.")
    return account_id


def forget_visitor() -> None:
    """Ask again the next time, as every request must: ``g`` may outlive one in a host's tests."""
    g.pop(_KEY, None)


def acting_person(work: UnitOfWork) -> Person:
    """The person who changes something, made with their account if this is their first change.

    :param work: the transaction the change belongs to.
    :raises SignInRequired: if nobody is signed in.
    """
    host_user = current_visitor().host_user
    if host_user is None:
        raise SignInRequired(_SIGN_IN)
    # If the transaction fails, a row made here is gone; so nothing may remember it.
    forget_visitor()
    return ensure_person(work.session, host_user.key, current_state().clock.now())


def check_permission() -> None:
    """Refuse a request whose sender lacks the permission its view declares.

    :raises SignInRequired: if signing in would help.
    :raises NotPermitted: if it would not, or the view declares none.
    """
    needed = declared(current_app.view_functions[cast("str", request.endpoint)])
    if needed in permissions_of(signed_in=False):
        return
    visitor = current_visitor()
    if needed in visitor.permissions:
        return
    if needed is None or visitor.signed_in:
        raise NotPermitted("You may not do this, so nothing was changed.")
    raise SignInRequired(_SIGN_IN)


def send_to_sign_in() -> ResponseReturnValue:
    """The host's own way of asking somebody to sign in, with the way back.

    :raises SignInRequired: if the host has named none, so that a page must say it.
    """
    login_manager = getattr(current_app, "login_manager", None)
    if login_manager is not None:
        try:
            return cast("ResponseReturnValue", login_manager.unauthorized())
        except Unauthorized:
            pass  # Flask-Login is there but was told of no sign-in page.
    login_url = current_state().settings.login_url
    if login_url is None:
        raise SignInRequired(_SIGN_IN)
    separator = "&" if "?" in login_url else "?"
    query = urlencode({"next": _way_back()})
    return redirect(f"{request.script_root}{login_url}{separator}{query}", code=303)


_SIGN_IN: Final = (
    "You are not signed in, so this cannot be shown or changed. Sign in and try again."
)


def _look_up() -> Visitor:
    state = current_state()
    host_user = state.user_loader()
    if host_user is None:
        return Visitor()
    person = find_person(state.session, host_user.key)
    return Visitor(
        host_user=host_user,
        person=person,
        account_id=None if person is None else person.account_id,
    )


def _way_back() -> str:
    """Where to go after signing in: always a path of this host, never another address."""
    if request.method not in SAFE_METHODS:
        # What was sent is lost; the page it was sent from is on the way from our first page.
        return (request.script_root + current_state().url_prefix) or "/"
    path = quote("/" + (request.script_root + request.path).lstrip("/"), safe="/")
    query = request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else path
