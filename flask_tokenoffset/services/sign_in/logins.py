"""Signing in and out, where the host has no login of its own.

Anyone who comes with an identity or an address that is not known yet is a new person. Nobody is
ever taken for another person because an address is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset.errors import IdentityRefused, NotPermitted
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import (
    AuditAction,
    MessageKind,
    Person,
    ReauthenticationProof,
    SignInAddress,
    new_id,
)
from flask_tokenoffset.services.identities.links import (
    add_identity,
    find_identity,
    note_use,
    tell_linked,
)
from flask_tokenoffset.services.mail import outbox
from flask_tokenoffset.services.people.profiles import end_other_proofs, ensure_person
from flask_tokenoffset.services.sign_in.reauthentication import keep_proof

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Identity
    from flask_tokenoffset.oidc import ProvedIdentity
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import Vault

#: How the keys of people begin whom no host knows.
OWN_KEY_PREFIX: Final = "own:"


def find_login(session: Session, person_id: UUID, epoch: int) -> Person | None:
    """Whose login it is, if it is not over.

    :param person_id: whom the login names.
    :param epoch: the epoch it names; signing out raises the person's.
    """
    return session.scalar(
        select(Person).where(
            Person.id == person_id, Person.login_epoch == epoch, Person.forgotten_at.is_(None)
        )
    )


def sign_in_by_identity(
    work: UnitOfWork,
    proved: ProvedIdentity,
    *,
    browser_digest: str,
    vault: Vault,
    settings: Settings,
    now: datetime,
) -> Person:
    """Sign in the person an identity belongs to; a new person, if it belongs to nobody.

    :param proved: what came of the flow.
    :param browser_digest: the browser, which counts as reauthenticated.
    :raises NotPermitted: another provider is required here.
    :raises IdentityRefused: the person was forgotten.
    """
    if settings.required_identity not in {None, proved.provider}:
        raise NotPermitted("Signing in here takes another identity provider.")
    session = work.session
    identity = find_identity(session, proved.issuer, proved.subject)
    if identity is None:
        identity = _welcome(work, proved, now)
    person = session.get_one(Person, identity.person_id, with_for_update={"key_share": True})
    if person.forgotten_at is not None:
        raise IdentityRefused(
            "This account was closed, so nobody was signed in.", reason="forgotten"
        )
    note_use(session, identity, proved, vault=vault, now=now)
    _note_sign_in(work, person, proved.provider, browser_digest, now, via=proved.title)
    return person


def sign_in_by_address(
    work: UnitOfWork, email: str, *, browser_digest: str, settings: Settings, now: datetime
) -> Person:
    """Sign in the person an address belongs to; a new person, if it signs in nobody.

    :param email: an address to which a link was sent that has just been followed, in the form of
        :func:`.read_address`.
    :param browser_digest: the browser, which counts as reauthenticated.
    :raises NotPermitted: an identity provider is required here.
    """
    if settings.required_identity is not None:
        raise NotPermitted("Signing in here takes an identity provider.")
    session = work.session
    person = _find_by_address(session, email)
    if person is None:
        try:
            with session.begin_nested():
                person = _new_person(session, now)
                session.add(
                    SignInAddress(id=new_id(), person_id=person.id, email=email, verified_at=now)
                )
        except IntegrityError:
            person = _find_by_address(session, email)
            if person is None:
                raise
        else:
            person.email, person.email_verified_at = email, now
            session.flush()
            end_other_proofs(session, person, email)
    _note_sign_in(work, person, "magic-link", browser_digest, now, via="a mailed link")
    return person


def sign_out(work: UnitOfWork, person: Person) -> None:
    """End every login of a person, in this browser and in all others.

    A session cookie cannot be called back; the epoch it names is over instead.

    :param person: who signs out, whose row this transaction holds.
    """
    person.login_epoch += 1
    work.session.execute(
        delete(ReauthenticationProof).where(ReauthenticationProof.person_id == person.id)
    )
    work.session.flush()
    work.record(
        AuditAction.PERSON_SIGNED_OUT,
        account_id=person.account_id,
        actor_id=person.id,
        subject_type="person",
        subject_id=person.id,
    )


def _welcome(work: UnitOfWork, proved: ProvedIdentity, now: datetime) -> Identity:
    """The identity of a new person; or of the one it made a moment ago, in another browser."""
    session = work.session
    try:
        with session.begin_nested():
            person = _new_person(session, now)
            identity = add_identity(session, person, proved, now)
    except IntegrityError:
        other = find_identity(session, proved.issuer, proved.subject)
        if other is None:
            raise
        return other
    tell_linked(work, person, identity, proved.title, now)
    return identity


def _find_by_address(session: Session, email: str) -> Person | None:
    return session.scalar(
        select(Person)
        .join(SignInAddress, SignInAddress.person_id == Person.id)
        .where(SignInAddress.email == email, Person.forgotten_at.is_(None))
        .with_for_update(of=Person, key_share=True)
    )


def _new_person(session: Session, now: datetime) -> Person:
    return ensure_person(session, HostUser(key=f"{OWN_KEY_PREFIX}{new_id()}"), now)


def _note_sign_in(
    work: UnitOfWork,
    person: Person,
    method: str,
    browser_digest: str,
    now: datetime,
    *,
    via: str,
) -> None:
    keep_proof(work.session, person, browser_digest, method=method, now=now)
    work.record(
        AuditAction.PERSON_SIGNED_IN,
        account_id=person.account_id,
        actor_id=person.id,
        subject_type="person",
        subject_id=person.id,
        method=method,
    )
    outbox.notify(work, person, MessageKind.SIGNED_IN, now, method=via)
