"""What a host calls of its own accord, in an application context."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec

from flask import current_app, has_request_context, request

from flask_tokenoffset.blueprints.access import gpc
from flask_tokenoffset.blueprints.access.acceptance import send_to_acceptance
from flask_tokenoffset.blueprints.access.context import send_to_sign_in
from flask_tokenoffset.blueprints.access.minimum_age import erase_minor
from flask_tokenoffset.blueprints.components.consent import is_host_place
from flask_tokenoffset.blueprints.errors.problems import problem_of
from flask_tokenoffset.blueprints.people.account import forget
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.errors import AcceptanceRequired, NotFound, SignInRequired, TooYoung
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import ConsentMethod, Organization
from flask_tokenoffset.services.consents import ledger as consents
from flask_tokenoffset.services.documents import acceptances
from flask_tokenoffset.services.people.minimum_age import is_too_young
from flask_tokenoffset.services.people.profiles import ensure_person, find_person, lock_person
from flask_tokenoffset.services.retention.choices import set_plan
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.services.documents.acceptances import Asked
    from flask_tokenoffset.services.erasures.immediate import Forgotten

Parameters = ParamSpec("Parameters")

_HTML: Final = "text/html"
_JSON: Final = "application/json"


def forget_person(user_key: str) -> Forgotten:
    """Delete what belongs to one of your users here. Call it before you delete the user.

    It commits your session, and rolls it back where it refuses: call it with nothing else pending.
    A person who never used these pages is no mistake, and neither is a second call.

    :param user_key: the :attr:`HostUser.key` of the user.
    :return: what was deleted.
    :raises LastOwner: the user alone owns an organization that is open; nothing is changed then.
    """
    return forget(user_key, actor_id=None)


def correct_person(user: HostUser) -> bool:
    """Take over a name or an address that changed on your side, everywhere it stands here.

    Without it that happens with the next thing the person changes here. It commits your session.
    The name counts as long as the person has not told one here themselves; an age or a birth date
    is checked as always.

    :param user: your user as you know them now.
    :return: whether they have an account here; nobody is given one by this.
    """
    state = current_state()
    now = state.clock.now()
    if is_too_young(
        user.birth_date,
        user.age,
        minimum_age=state.settings.minimum_age,
        today=now.date(),
    ):
        erase_minor(state, user.key)
        return False
    with state.unit_of_work() as work:
        if lock_person(work.session, user.key) is None:
            return False
        ensure_person(work.session, user, now)
    return True


def set_retention_plan(
    plan: str | None, *, user_key: str | None = None, organization_id: UUID | None = None
) -> None:
    """Say how long the usage of one of your users, or of an organization, is kept.

    It commits your session. What is older than the plan says goes with the next purge, without
    anyone being asked; a plan that keeps more brings nothing back.

    :param plan: a name in ``TOKENOFFSET_RETENTION_PLANS``; ``None`` takes the plan away, so that
        the rule alone counts.
    :param user_key: the :attr:`HostUser.key` of the user, who may never have been here yet.
    :param organization_id: or the organization.
    :raises InvalidInput: there is no such plan.
    :raises NotFound: there is no such organization.
    :raises TooYoung: the user sent the present request, and is under the minimum age.
    :raises TypeError: neither or both are named.
    """
    if (user_key is None) == (organization_id is None):
        raise TypeError("Name either the user or the organization whose plan it is.")
    state = current_state()
    with state.unit_of_work() as work:
        if user_key is not None:
            _refuse_minor(user_key)
            # Anyone who is known already is left as they are: nothing is said of them here.
            person = lock_person(work.session, user_key) or ensure_person(
                work.session, HostUser(key=user_key), state.clock.now()
            )
            account_id = person.account_id
        else:
            organization = work.session.get(Organization, organization_id)
            if organization is None:
                raise NotFound("There is no such organization, so no plan was set.")
            account_id = organization.account_id
        set_plan(work, account_id=account_id, plan=plan, settings=state.settings)


def has_accepted_current(user_key: str | None = None) -> bool:
    """Whether one of your users has accepted every document in force that needs it.

    It asks the database and changes nothing.

    :param user_key: the :attr:`HostUser.key` of the user; without it, the current user.
    :return: ``False`` also where nobody is signed in.
    """
    if user_key is None:
        host_user = current_state().user_loader()
        if host_user is None:
            return False
        user_key = host_user.key
    return not _missing(user_key)


def requires_acceptance(
    view: Callable[Parameters, ResponseReturnValue],
) -> Callable[Parameters, ResponseReturnValue]:
    """Decorate a view of your own, so that it serves only who has accepted the documents in force.

    Everyone else is led to the page that asks, and back. A caller that wants JSON gets 403 with
    the problem ``acceptance-required`` instead. Anyone who is not signed in is asked to sign in, by
    401 or on the way that your host has for it.

    :param view: any view of yours. Put the decorator below the one that makes it a route.
    """

    @wraps(view)
    def guarded(*arguments: Parameters.args, **named: Parameters.kwargs) -> ResponseReturnValue:
        host_user = current_state().user_loader()
        if host_user is None:
            return _ask_to_sign_in()
        if missing := _missing(host_user.key):
            refusal = AcceptanceRequired([each.named for each in missing])
            return problem_of(refusal) if _wants_json() else send_to_acceptance(refusal)
        answer: Any = current_app.ensure_sync(view)(*arguments, **named)
        return answer  # type: ignore[no-any-return]  # whatever the host's view returns

    return guarded


def record_consent(
    user_key: str, purpose: str, *, given: bool = True, place: str = "host", language: str = "en"
) -> UUID:
    """Note what one of your users said to a purpose on a page of yours.

    It commits your session. Say nothing for a person who has said nothing: a box that was ticked
    already, or a yes to something else, is no consent. A no takes back what was given before.

    :param user_key: the :attr:`HostUser.key` of the user, who may never have been here yet.
    :param purpose: one of :class:`~flask_tokenoffset.data_map.purposes.Purpose`, for example
        ``product-updates``.
    :param given: whether they said yes.
    :param place: where: ``host``, or ``host:`` and a word of yours, as in ``host:checkout``.
    :param language: the language they were asked in, a BCP 47 tag.
    :return: the id of the record, as its receipt names it.
    :raises ValueError: there is no such purpose, or the place is none.
    :raises Conflict: nobody is asked about that purpose, or the user's browser objects to it with
        the present request.
    :raises TooYoung: the user sent the present request, and is under the minimum age.
    """
    if not is_host_place(place):
        raise ValueError(
            f"The place must be «host», or «host:» and a word in lower case, not {place!r}."
        )
    _refuse_minor(user_key)
    state = current_state()
    how = consents.Circumstances(
        now=state.clock.now(),
        place=place,
        method=ConsentMethod.HOST,
        settings=state.settings,
        language=language,
        signal=has_request_context() and gpc.sends_signal(),
    )
    decision = consents.Decision.GIVE if given else consents.Decision.REFUSE
    with state.unit_of_work() as work:
        person = lock_person(work.session, user_key) or ensure_person(
            work.session, HostUser(key=user_key), how.now
        )
        return consents.decide(work, person, Purpose(purpose), decision, how).id


@enforces("no-account-of-a-minor-by-a-hook", "TO-053", off=None)
def _refuse_minor(user_key: str) -> None:
    """Make no account of the current user, if your host says that they are too young.

    :raises TooYoung: they are; what there was of them is erased.
    """
    if not has_request_context():
        return
    state = current_state()
    user = state.user_loader()
    if user is None or user.key != user_key:
        return
    if is_too_young(
        user.birth_date,
        user.age,
        minimum_age=state.settings.minimum_age,
        today=state.clock.now().date(),
    ):
        erase_minor(state, user_key)
        raise TooYoung(state.settings.minimum_age)


def _missing(user_key: str) -> Sequence[Asked]:
    state = current_state()
    person = find_person(state.session, user_key)
    account_id = None if person is None else person.account_id
    return acceptances.missing(state.session, account_id, state.clock.now())


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match([_HTML, _JSON], default=_HTML)
    return request.is_json or best == _JSON


def _ask_to_sign_in() -> ResponseReturnValue:
    refusal = SignInRequired("You are not signed in. Sign in and try again.")
    if _wants_json():
        return problem_of(refusal)
    try:
        return send_to_sign_in()
    except SignInRequired:
        return problem_of(refusal)
