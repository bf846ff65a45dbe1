"""Linked identities: accounts at identity providers that belong to a person.

An identity is the pair of issuer and subject. No address, name or login name is ever compared: they
move from one person to the next, and providers state what they like. What is linked to one person
is never moved to another.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset.errors import Conflict, IdentityRefused, NotFound, VaultError
from flask_tokenoffset.models import (
    LONGEST_EMAIL,
    AuditAction,
    Identity,
    IdentityCredential,
    MessageKind,
    ReauthenticationProof,
    new_id,
)
from flask_tokenoffset.services.identities.refresh_tokens import (
    open_token,
    put_back,
    store_token,
    take_out,
)
from flask_tokenoffset.services.identities.required import has_other_way_in
from flask_tokenoffset.services.identities.sign_in_attempts import forget_attempts
from flask_tokenoffset.services.mail import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.oidc import ProvedIdentity
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import SealedSecret, Secret, Vault

logger = logging.getLogger(__name__)

#: Identities a person may have linked at once.
MOST_IDENTITIES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenToken:
    """A refresh token that was taken out to be used, and whose it is.

    :param identity_id: the identity.
    :param provider: its provider's name.
    :param subject: who it is there.
    :param token: the token itself; ``None`` where it does not open any more.
    :param sealed: to put it back unused.
    """

    identity_id: UUID
    provider: str
    subject: str
    token: Secret | None = field(repr=False)
    sealed: SealedSecret = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """An identity as its owner sees it.

    :param identity: the row.
    :param refreshable: whether a refresh token is kept for it.
    """

    identity: Identity
    refreshable: bool


def list_identities(session: Session, person_id: UUID) -> Sequence[LinkedIdentity]:
    """A person's identities, the oldest first.

    :param person_id: the person.
    """
    rows = session.execute(_identities(), {"person_id": person_id})
    return [LinkedIdentity(identity, refreshable) for identity, refreshable in rows]


@cache
def _identities() -> Select[Identity, bool]:
    return (
        select(Identity, IdentityCredential.identity_id.is_not(None))
        .outerjoin(IdentityCredential, IdentityCredential.identity_id == Identity.id)
        .where(Identity.person_id == bindparam("person_id"))
        .order_by(Identity.linked_at, Identity.id)
    )


def read_identity(session: Session, person_id: UUID, identity_id: UUID) -> Identity:
    """One identity of a person.

    :raises NotFound: there is none, or it is another person's.
    """
    identity = session.scalar(
        select(Identity).where(Identity.id == identity_id, Identity.person_id == person_id)
    )
    if identity is None:
        raise NotFound("There is no such thing here.")
    return identity


def find_identity(session: Session, issuer: str, subject: str) -> Identity | None:
    """Whosever identity it is, if it is linked at all.

    :param issuer: the provider's issuer identifier.
    :param subject: who it is there.
    """
    return session.scalar(
        select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    )


def link(
    work: UnitOfWork, person: Person, proved: ProvedIdentity, *, vault: Vault, now: datetime
) -> Identity:
    """Link an identity to a person who has just proved that it is theirs.

    :param person: who began the flow.
    :param proved: what came of it.
    :raises Conflict: it is linked to another person, where it stays; or there are too many.
    """
    session = work.session
    known = find_identity(session, proved.issuer, proved.subject)
    if known is None:
        count = select(func.count(Identity.id)).where(Identity.person_id == person.id)
        if (session.scalar(count) or 0) >= MOST_IDENTITIES:
            raise Conflict(
                f"You have {MOST_IDENTITIES} linked identities already, which is the most there may"
                " be. Unlink one first."
            )
        try:
            known = add_identity(session, person, proved, now)
        except IntegrityError:
            known = find_identity(session, proved.issuer, proved.subject)
            if known is None:
                raise
        else:
            tell_linked(work, person, known, proved.title, now)
    if known.person_id != person.id:
        raise Conflict(
            "This account is linked to somebody else here, and it stays with them, so nothing was"
            " changed. If that is you as well, sign in there and unlink it first."
        )
    note_use(session, known, proved, vault=vault, now=now)
    return known


def note_use(
    session: Session, identity: Identity, proved: ProvedIdentity, *, vault: Vault, now: datetime
) -> None:
    """Take over what a provider has just said of an identity.

    :param identity: the row.
    :param proved: what the provider said.
    """
    identity.last_used_at = now
    if identity.provider != proved.provider:
        # One issuer under two names. What was sealed for one does not open for the other.
        take_out(session, identity)
        identity.provider = proved.provider
    if proved.email is not None and len(proved.email) <= LONGEST_EMAIL:
        identity.email, identity.email_verified = proved.email, proved.email_verified
    session.flush()
    if proved.refresh_token is not None:
        store_token(session, identity, proved.refresh_token, vault=vault, now=now)


def unlink(
    work: UnitOfWork,
    person: Person,
    identity_id: UUID,
    *,
    vault: Vault,
    settings: Settings,
    now: datetime,
) -> TakenToken | None:
    """End the link of an identity, and every flow that its owner has under way.

    :param person: its owner, whose row this transaction holds, so that two at once cannot both
        leave the other one as the last way in.
    :return: the refresh token to give back to the provider after the commit, if there was one.
    :raises NotFound: there is none, or it is another person's.
    :raises Conflict: it is the last way to sign in.
    """
    session = work.session
    identity = read_identity(session, person.id, identity_id)
    if settings.sign_in == "identity" and not has_other_way_in(session, identity, settings):
        raise Conflict(
            "This is your only way to sign in, so it was not unlinked. Link another identity first"
            " that can take its place."
        )
    taken = _take(session, identity, vault, even_unopened=True)
    forget_attempts(session, person.id)
    session.execute(
        delete(ReauthenticationProof).where(
            ReauthenticationProof.person_id == person.id,
            ReauthenticationProof.method == identity.provider,
        )
    )
    provider = settings.oauth_providers.get(identity.provider)
    title = provider.title if provider else identity.provider
    _tell(work, person, identity, AuditAction.IDENTITY_UNLINKED, title, now)
    session.delete(identity)
    if settings.sign_in == "identity":
        # Anyone who came in through it, here or in another browser, is out (arXiv 2205.10174).
        person.login_epoch += 1
    session.flush()
    return taken


def take_token(work: UnitOfWork, person: Person, identity_id: UUID, *, vault: Vault) -> TakenToken:
    """Take out an identity's refresh token, to ask its provider anew.

    :raises NotFound: there is no such identity, or it is another person's.
    :raises Conflict: no token is kept, or a person is using it at this moment.
    """
    identity = read_identity(work.session, person.id, identity_id)
    taken = _take(work.session, identity, vault)
    if taken is None:
        raise Conflict(
            "Nothing is kept by which the provider could be asked, or it is being asked at this"
            " moment. Link the identity again to have it checked."
        )
    return taken


def take_all_tokens(session: Session, person_id: UUID, *, vault: Vault) -> list[TakenToken]:
    """Take out every refresh token of a person who is being forgotten, to give them back.

    :param person_id: their owner.
    """
    linked = list_identities(session, person_id)
    taken = [_take(session, each.identity, vault, even_unopened=True) for each in linked]
    return [each for each in taken if each is not None]


def put_token_back(work: UnitOfWork, taken: TakenToken, now: datetime) -> None:
    """Keep a token that could not be used, where its identity is linked still.

    :param taken: as it was taken out.
    """
    identity = work.session.get(Identity, taken.identity_id)
    if identity is not None:
        put_back(work.session, identity, taken.sealed, now=now)


def keep_refreshed(
    work: UnitOfWork, taken: TakenToken, proved: ProvedIdentity, *, vault: Vault, now: datetime
) -> bool:
    """Take over what a provider said when it was asked anew.

    :param taken: the token that was used up.
    :param proved: what came of it, the next token included.
    :return: false where the identity was unlinked meanwhile; then the token is to be given back.
    """
    identity = work.session.get(Identity, taken.identity_id)
    if identity is None:
        return False
    note_use(work.session, identity, proved, vault=vault, now=now)
    return True


def require_own(session: Session, person_id: UUID, proved: ProvedIdentity) -> Identity:
    """The identity by which a person proves again that it is they.

    :raises IdentityRefused: it is linked to nobody, or to another person.
    """
    identity = find_identity(session, proved.issuer, proved.subject)
    if identity is None or identity.person_id != person_id:
        raise IdentityRefused(
            "That was another account than the one that is linked to you here, so nothing was"
            " confirmed. Sign in there as yourself, or confirm in another way.",
            reason="somebody else",
        )
    return identity


def add_identity(
    session: Session, person: Person, proved: ProvedIdentity, now: datetime
) -> Identity:
    """Add the row of an identity; :func:`tell_linked` follows once it stands.

    :raises IntegrityError: it was linked at this moment.
    """
    identity = Identity(
        id=new_id(),
        account_id=person.account_id,
        person_id=person.id,
        provider=proved.provider,
        issuer=proved.issuer,
        subject=proved.subject,
        email=None,
        email_verified=False,
        linked_at=now,
    )
    with session.begin_nested():
        session.add(identity)
    return identity


def tell_linked(
    work: UnitOfWork, person: Person, identity: Identity, title: str, now: datetime
) -> None:
    """Write into the audit log and to its owner that an identity was linked.

    :param title: the provider's name as a person writes it.
    """
    _tell(work, person, identity, AuditAction.IDENTITY_LINKED, title, now)


def _tell(
    work: UnitOfWork,
    person: Person,
    identity: Identity,
    action: AuditAction,
    title: str,
    now: datetime,
) -> None:
    """Write a change into the audit log, and to its owner."""
    work.record(
        action,
        account_id=person.account_id,
        actor_id=person.id,
        subject_type="identity",
        subject_id=identity.id,
        provider=identity.provider,
    )
    outbox.notify(work, person, _MAIL[action], now, provider=title)


_MAIL: Final = {
    AuditAction.IDENTITY_LINKED: MessageKind.IDENTITY_LINKED,
    AuditAction.IDENTITY_UNLINKED: MessageKind.IDENTITY_UNLINKED,
}


def _take(
    session: Session, identity: Identity, vault: Vault, *, even_unopened: bool = False
) -> TakenToken | None:
    """Take a token out and open it.

    :param even_unopened: take it out also while the vault cannot be used: the token goes all the
        same, and the provider is not told.
    """
    sealed = take_out(session, identity)
    if sealed is None:
        return None
    try:
        token = open_token(sealed, identity, vault)
    except VaultError as error:
        if not even_unopened:
            raise
        logger.warning("The token of identity %s was not opened: %s", identity.id, error.code)
        token = None
    return TakenToken(
        identity_id=identity.id,
        provider=identity.provider,
        subject=identity.subject,
        token=token,
        sealed=sealed,
    )
