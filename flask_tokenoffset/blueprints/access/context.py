"""Who is there, what the request is about, and whether they may.

The host says who is signed in; their person here is looked up at most once a request, and only when
a person asks. Looking never makes one: a person's row is made by their first change, through
:func:`acting_person`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlencode

from flask import current_app, g, redirect, request, url_for
from werkzeug.exceptions import Unauthorized

from flask_tokenoffset.blueprints.access import gpc
from flask_tokenoffset.errors import (
    AcceptanceRequired,
    NotFound,
    NotPermitted,
    SignInRequired,
    TooYoung,
)
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import (
    PUBLIC,
    Permission,
    declared,
    opens_before_acceptance,
    permissions_of,
)
from flask_tokenoffset.services.consents.ledger import Circumstances, keep_signal
from flask_tokenoffset.services.documents import acceptances
from flask_tokenoffset.services.organizations.organizations import lock_membership
from flask_tokenoffset.services.people.current_users import find_known_person
from flask_tokenoffset.services.people.minimum_age import is_too_young
from flask_tokenoffset.services.people.profiles import ensure_person
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.host.users import HostUser
    from flask_tokenoffset.models import Person
    from flask_tokenoffset.services.documents.acceptances import Asked
    from flask_tokenoffset.services.organizations.organizations import OrganizationMembership
    from flask_tokenoffset.unit_of_work import UnitOfWork

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_KEY: Final = "_tokenoffset_current_user"
_ORGANIZATION: Final = "_tokenoffset_organization_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentUser:
    """The person who sent the present request, and the account it is about.

    :param host_user: what the host says of the signed-in user, if there is one.
    :param person: their row here, which exists once they have changed something; as a record, which
        nobody changes.
    :param account_id: the account the request is about: the organization's it names, or their own
        if they have a row.
    :param membership: theirs in the organization the request names, if they have one.
    :param memberships: all of theirs, by the name of the organization.
    :param minor_key: the host's key of a person who is signed in and too young to have an account.
        Nothing else is said of them: they are treated like someone who is not signed in.
    :param may_miss_documents: whether there may be something in force that they have not accepted.
    :param changes_are_coming: whether a document may be about to change.
    """

    host_user: HostUser | None = None
    person: Person | None = None
    account_id: UUID | None = None
    membership: OrganizationMembership | None = None
    memberships: tuple[OrganizationMembership, ...] = ()
    minor_key: str | None = None
    # Of a person without a row it is not known, so it is asked.
    may_miss_documents: bool = True
    changes_are_coming: bool = True

    @property
    def signed_in(self) -> bool:
        """Whether it is known who they are."""
        return self.host_user is not None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do: over the organization the request names, or over their own account."""
        if named_organization() is None:
            return permissions_of(
                signed_in=self.signed_in,
                operator=self.host_user is not None and self.host_user.operator,
            )
        return PUBLIC if self.membership is None else self.membership.permissions


@dataclass(frozen=True, slots=True)
class Acting:
    """Who changes something, and whose account it is.

    :param person: the person who acts.
    :param account_id: their own account, or the organization's that the request names.
    """

    person: Person
    account_id: UUID


def current_user() -> CurrentUser:
    """The person who sent the present request; asks host and database the first time only."""
    if _KEY not in g:
        setattr(g, _KEY, _look_up())
    return cast("CurrentUser", g.get(_KEY))


def account_if_any() -> UUID | None:
    """The account the request is about; ``None`` before a person's first change."""
    return current_user().account_id


def own_account() -> UUID:
    """The account the request is about, to look something up in.

    :raises NotFound: there is none yet, so whatever they ask for is not theirs.
    """
    account_id = account_if_any()
    if account_id is None:
        raise nothing_here()
    return account_id


def own_person() -> Person:
    """The current user's person, to look something of theirs up.

    :raises NotFound: there is none yet, so whatever they ask for is not theirs.
    """
    person = current_user().person
    if person is None:
        raise nothing_here()
    return person


def current_membership() -> OrganizationMembership:
    """The current user's membership in the organization the request names.

    :raises NotFound: they have none there.
    """
    membership = current_user().membership
    if membership is None:
        raise nothing_here()
    return membership


def nothing_here() -> NotFound:
    """The same answer for what does not exist and for what is not the current user's."""
    return NotFound("There is no such thing here.")


def name_organization(organization_id: UUID | None) -> None:
    """Say which organization the request names; called once, before anything is asked.

    :param organization_id: ``None`` where it names none.
    """
    setattr(g, _ORGANIZATION, organization_id)


def named_organization() -> UUID | None:
    """The organization the request names, whether there is one or not."""
    return cast("UUID | None", g.get(_ORGANIZATION))


def forget_current_user() -> None:
    """Ask again the next time, as every request must: ``g`` may outlive one in a host's tests."""
    g.pop(_KEY, None)


def acting_person(work: UnitOfWork) -> Person:
    """The person who changes something, made with their account if this is their first change.

    :param work: the transaction the change belongs to; its audit log names the person.
    :raises SignInRequired: if nobody is signed in.
    :raises TooYoung: if they may have no account.
    """
    user = current_user()
    host_user = user.host_user
    if user.minor_key is not None:
        raise TooYoung(current_state().settings.minimum_age)
    if host_user is None:
        raise SignInRequired(_SIGN_IN)
    # If the transaction fails, a row made here is gone; so nothing may remember it.
    forget_current_user()
    state = current_state()
    person = ensure_person(work.session, host_user, state.clock.now())
    work.actor_id = person.id
    if gpc.sends_signal():
        # A GET writes nothing, so that the objection is kept with the first change it comes with.
        keep_signal(
            work,
            person,
            Circumstances(
                now=state.clock.now(),
                place="browser",
                method=ConsentMethod.GLOBAL_PRIVACY_CONTROL,
                settings=state.settings,
                signal=True,
            ),
        )
    return person


def acting(work: UnitOfWork) -> Acting:
    """The person who changes something, and the account that the request is about.

    In an organization it is looked at again whether they may, under its lock: a vendor may have
    been asked since the request began, and that takes a while.

    :param work: as for :func:`acting_person`.
    :raises SignInRequired: if nobody is signed in.
    :raises NotFound: they do not belong to the organization any more, or it was closed.
    :raises NotPermitted: they may not do this any more.
    """
    organization_id = named_organization()
    person = acting_person(work)
    if organization_id is None:
        return Acting(person, person.account_id)
    needed = _needed()
    if needed is None:
        raise NotPermitted(_MAY_NOT)
    membership = lock_membership(work.session, organization_id, person, needed)
    return Acting(person, membership.account_id)


def check_permission() -> None:
    """Refuse a request whose sender lacks the permission its view declares.

    :raises SignInRequired: if signing in would help.
    :raises NotFound: if the request names an organization that the user is not in, exactly
        as if there were none.
    :raises NotPermitted: if they may not do this, or the view declares no permission.
    :raises AcceptanceRequired: if they may, once they have accepted the documents in force.
    """
    needed = _needed()
    if needed in PUBLIC:
        check_acceptance()
        return
    if needed is None:
        raise NotPermitted(_MAY_NOT)
    user = current_user()
    if not user.signed_in:
        raise SignInRequired(_SIGN_IN)
    if named_organization() is not None:
        _check_membership(user)
    if needed not in user.permissions:
        raise NotPermitted(_MAY_NOT)
    check_acceptance()


def check_acceptance() -> None:
    """Refuse a request of a person who has not accepted what is in force, unless its view is open.

    Anyone who is not signed in has nothing to accept; where that matters, they are asked to sign
    in.

    :raises AcceptanceRequired: if something is missing.
    """
    in_organization = named_organization() is not None
    if not opens_before_acceptance(_view(), in_organization=in_organization):
        require_acceptance()


def require_acceptance() -> None:
    """Refuse a request of a person who has not accepted what is in force, whatever its view says.

    :raises AcceptanceRequired: if something is missing.
    """
    if current_user().signed_in and (missing := missing_documents()):
        raise AcceptanceRequired([each.named for each in missing])


def missing_documents() -> Sequence[Asked]:
    """The documents in force that the current user has not accepted."""
    user = current_user()
    if not user.may_miss_documents:
        return ()
    state = current_state()
    account_id = None if user.person is None else user.person.account_id
    return acceptances.missing(state.session, account_id, state.clock.now())


def _view() -> Callable[..., Any]:
    return current_app.view_functions[cast("str", request.endpoint)]


def _needed() -> Permission | None:
    """The permission that the present view declares."""
    return declared(_view())


def _check_membership(user: CurrentUser) -> None:
    if user.membership is None:
        raise nothing_here()
    if user.membership.suspended:
        raise NotPermitted(
            "Your membership in this organization is suspended, so you can see and change nothing"
            " in it. Ask one of its administrators to restore it."
        )


def send_to_sign_in() -> ResponseReturnValue:
    """The host's own way of asking a person to sign in, with the way back.

    :raises SignInRequired: if the host has named none, so that a page must say it.
    """
    state = current_state()
    if state.settings.sign_in == "identity":
        return redirect(url_for("tokenoffset.pages.sign_in", next=_way_back()), code=303)
    login_manager = getattr(current_app, "login_manager", None)
    if login_manager is not None:
        try:
            return cast("ResponseReturnValue", login_manager.unauthorized())
        except Unauthorized:
            pass  # Flask-Login is there but was told of no sign-in page.
    login_url = state.settings.login_url
    if login_url is None:
        raise SignInRequired(_SIGN_IN)
    separator = "&" if "?" in login_url else "?"
    query = urlencode({"next": _way_back()})
    return redirect(f"{request.script_root}{login_url}{separator}{query}", code=303)


_MAY_NOT: Final = "You may not see or do this here, so nothing was shown or changed."
_SIGN_IN: Final = (
    "You are not signed in, so this cannot be shown or changed. Sign in and try again."
)


def _look_up() -> CurrentUser:
    state = current_state()
    host_user = state.user_loader()
    if host_user is None:
        return CurrentUser()
    today, minimum_age = state.clock.now().date(), state.settings.minimum_age
    if is_too_young(host_user.birth_date, host_user.age, minimum_age=minimum_age, today=today):
        return CurrentUser(minor_key=host_user.key)
    # From here on nothing knows how old anyone is.
    host_user = replace(host_user, birth_date=None, age=None)
    known = find_known_person(state.session, host_user.key, state.clock.now())
    if known is None:
        return CurrentUser(host_user=host_user)
    organization_id = named_organization()
    if organization_id is None:
        membership = None
        account_id: UUID | None = known.person.account_id
    else:
        membership = known.membership_in(organization_id)
        account_id = None if membership is None else membership.account_id
    return CurrentUser(
        host_user=host_user,
        person=known.person,
        account_id=account_id,
        membership=membership,
        memberships=known.memberships,
        may_miss_documents=known.may_miss_documents,
        changes_are_coming=known.changes_are_coming,
    )


def _way_back() -> str:
    """Where to go after signing in: always a path of this host, never another address."""
    if request.method not in SAFE_METHODS:
        # What was sent is lost; the page it was sent from is on the way from our first page.
        return (request.script_root + current_state().url_prefix) or "/"
    path = quote("/" + (request.script_root + request.path).lstrip("/"), safe="/")
    query = request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else path
