"""People: the host's users who have an account here.

A person is known by the host's key for its user and by nothing else: never by an e-mail address,
which moves from one person to the next, and never by a name. What the host says of its user is
taken over at each change the person makes here; see :func:`held_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import (
    LONGEST_NAME,
    Account,
    AccountKind,
    AuditAction,
    MessageKind,
    Person,
)
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.people.corrections import reach_every_copy
from flask_tokenoffset.services.shared.addresses import read_address
from flask_tokenoffset.services.shared.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.host.users import HostUser
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: What a person may say about themselves, and what to call it in a sentence.
CORRECTABLE: Final[Mapping[str, str]] = {
    "display_name": "display name",
    "company": "company",
    "job_role": "role",
    "heard_from": "answer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of a person from the host's word and their own together.

    :param display_name: the host's name for them, until they have set one.
    :param email: the host's address for them; where it has none, the one they proved by a link.
    :param named_by_host: whether the address is the host's.
    :param verified: whether a person proved that the address is theirs.
    :param verified_at: since when that is known here; the host's word is noted with the person's
        next change.
    :param verified_by_host: whether it was the host who said so.
    """

    display_name: str | None
    email: str | None
    named_by_host: bool
    verified: bool
    verified_at: datetime | None
    verified_by_host: bool


def find_person(session: Session, user_key: str) -> Person | None:
    """The person behind one of the host's users, if they have ever changed anything here.

    :param user_key: the host's own key for the user.
    """
    return session.scalar(_person(), {"user_key": user_key})


def held_of(person: Person | None, host_user: HostUser) -> Held:
    """What is known of a person at this moment.

    The host's word on the address wins. Where it gives none, an address the person proved by a
    link stays, and one the host had named goes; likewise a proof by the host goes when the host no
    longer says so, and a proof by a link stays as long as the address does.

    :param person: their row, which may know less than the host says now; ``None`` before their
        first change.
    """
    said = _address_of(host_user)
    email = person.email if person else None
    verified_at = person.email_verified_at if person else None
    by_link = bool(person and verified_at and not person.email_verified_by_host)
    if said is None:
        by_host = False
        email, verified_at = (email, verified_at) if by_link else (None, None)
    else:
        by_host = host_user.email_verified
        still_proved = said == email and (by_host or by_link)
        email, verified_at = said, (verified_at if still_proved else None)
    return Held(
        display_name=_display_name_of(person, host_user),
        email=email,
        named_by_host=said is not None,
        verified=by_host or verified_at is not None,
        verified_at=verified_at,
        verified_by_host=by_host,
    )


def ensure_person(session: Session, host_user: HostUser, now: datetime) -> Person:
    """The person behind one of the host's users, made with their account if need be.

    Two first changes at the same moment make one person: the second finds the first one's row. The
    row is locked until the end of the transaction, so that a person who is forgotten at this moment
    leaves nothing behind: what they change waits, and is then the first change of a new person.

    :param host_user: what the host says of them; taken over where it differs.
    :param now: the present instant, aware.
    """
    person = lock_person(session, host_user.key)
    if person is None:
        try:
            with session.begin_nested():
                person = _new_person(session, host_user, now)
        except IntegrityError:
            person = lock_person(session, host_user.key)
            if person is None:
                raise
    _take_over(session, person, host_user, now)
    return person


def lock_person(session: Session, user_key: str) -> Person | None:
    """The person behind one of the host's users, which is locked until the commit.

    The weaker lock, which does not keep others from adding rows that name the person.

    :param user_key: the host's own key for the user.
    """
    return session.scalar(_person_locked(), {"user_key": user_key})


@cache
def _person() -> Select[Person]:
    return select(Person).where(Person.user_key == bindparam("user_key"))


@cache
def _person_locked() -> Select[Person]:
    locked = _person().with_for_update(key_share=True)
    return locked.execution_options(populate_existing=True)


def introduce(
    work: UnitOfWork, person: Person, said: Mapping[str, str | None], now: datetime
) -> None:
    """Record what a person says about themselves, the first time or to correct it.

    :param said: by the names in :data:`CORRECTABLE`; what is not named stays as it is. Empty means
        none, but for the display name, which everyone has.
    :raises InvalidInput: one cannot be shown or is too long, or the display name is empty.
    """
    wrong: dict[str, str] = {}
    names: dict[str, str | None] = {}
    for field, text in said.items():
        try:
            names[field] = check_name(text, field=field, label=CORRECTABLE[field]) or None
        except InvalidInput as error:
            wrong |= error.errors
    if "display_name" in names and names["display_name"] is None:
        wrong["display_name"] = "The display name is missing. Type what we should call you."
    if wrong:
        raise InvalidInput(wrong)
    changed = [field for field, name in names.items() if getattr(person, field) != name]
    for field in changed:
        setattr(person, field, names[field])
    if "display_name" in names and person.onboarded_at is None:
        person.onboarded_at = now
    work.session.flush()
    if changed:
        reach_every_copy(work.session, person, now)
        work.record(
            AuditAction.PERSON_CHANGED,
            account_id=person.account_id,
            subject_type="person",
            subject_id=person.id,
            fields=",".join(sorted(changed)),
        )


def prove_address(
    work: UnitOfWork, person: Person, email: str, host_user: HostUser, now: datetime
) -> None:
    """Note that a person followed a link that was sent to an address.

    :param email: the address, in the form that :func:`.read_address` gives.
    :param host_user: what the host says of them now.
    :raises Conflict: the host names another address for them, which counts.
    """
    said = _address_of(host_user)
    if said is not None and said != email:
        raise Conflict(
            "This site holds another e-mail address for you by now, so this one was not noted."
            " Verify the other one, or change it in your account there."
        )
    if person.email == email and person.email_verified_at is not None:
        return
    former = person.email
    if former != email:
        # To the former address, if it was proved: another person may be doing this.
        notify(work, person, MessageKind.ADDRESS_CHANGED, now)
    person.email, person.email_verified_at = email, now
    person.email_verified_by_host = False
    work.session.flush()
    end_other_proofs(work.session, person, email)
    reach_every_copy(work.session, person, now, former_address=former)
    work.record(
        AuditAction.ADDRESS_VERIFIED,
        account_id=person.account_id,
        subject_type="person",
        subject_id=person.id,
    )


def end_other_proofs(session: Session, person: Person, email: str) -> None:
    """Let an address be proved for the person who followed a link last: mailboxes change hands.

    What a host says of its users stays, because it says so anew each time.

    :param person: who has just followed one.
    :param email: the address, in the form that :func:`.read_address` gives.
    """
    session.execute(
        update(Person)
        .where(
            Person.email == email,
            Person.id != person.id,
            Person.email_verified_at.is_not(None),
            Person.email_verified_by_host.is_(False),
        )
        .values(email_verified_at=None)
        .execution_options(synchronize_session="fetch")
    )


def _new_person(session: Session, host_user: HostUser, now: datetime) -> Person:
    account = Account(kind=AccountKind.PERSON, created_at=now)
    session.add(account)
    session.flush()
    held = held_of(None, host_user)
    person = Person(
        account_id=account.id,
        user_key=host_user.key,
        display_name=held.display_name,
        email=held.email,
        email_verified_at=now if held.verified else None,
        email_verified_by_host=held.verified_by_host,
        created_at=now,
    )
    session.add(person)
    return person


def _take_over(session: Session, person: Person, host_user: HostUser, now: datetime) -> None:
    """Bring a row in step with what the host says."""
    held = held_of(person, host_user)
    known_as = (person.display_name, person.email)
    person.display_name = held.display_name
    person.email = held.email
    person.email_verified_at = held.verified_at or (now if held.verified else None)
    person.email_verified_by_host = held.verified_by_host
    session.flush()
    if (person.display_name, person.email) != known_as:
        reach_every_copy(session, person, now, former_address=known_as[1])


def _display_name_of(person: Person | None, host_user: HostUser) -> str | None:
    if person is not None and person.onboarded_at is not None:
        return person.display_name
    try:
        # Nobody here can shorten it.
        return check_name(host_user.name[:LONGEST_NAME], field="display_name", label="name") or None
    except InvalidInput:
        return None


def _address_of(host_user: HostUser) -> str | None:
    """The host's address for its user, if mail can be sent to it."""
    try:
        return read_address(host_user.email) if host_user.email else None
    except InvalidInput:
        return None
