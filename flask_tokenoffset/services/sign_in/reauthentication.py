"""Proofs of reauthentication: a person has just shown, in one browser, that it is they."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from flask_tokenoffset.models import AuditAction, ReauthenticationProof, new_id

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork


def is_proved(
    session: Session, person_id: UUID, browser_digest: str, *, minutes: int, now: datetime
) -> bool:
    """Whether a person has shown in a browser, not long ago, that it is they.

    :param person_id: the person; another person's proof in the same browser counts for nothing.
    :param browser_digest: the browser; a proof in another one counts for nothing either.
    :param minutes: for how long a proof holds.
    :param now: the present instant, aware.
    """
    found = select(ReauthenticationProof.id).where(
        ReauthenticationProof.person_id == person_id,
        ReauthenticationProof.browser_digest == browser_digest,
        ReauthenticationProof.proved_at > now - timedelta(minutes=minutes),
    )
    return session.scalar(found) is not None


def confirm(
    work: UnitOfWork, person: Person, browser_digest: str, *, method: str, now: datetime
) -> None:
    """Note that a person has just shown that it is they, and write it into their audit log.

    :param person: who did, whose row this transaction holds.
    :param browser_digest: the browser in which they did.
    :param method: ``magic-link``, or the name of an identity provider.
    """
    keep_proof(work.session, person, browser_digest, method=method, now=now)
    work.record(
        AuditAction.PERSON_CONFIRMED,
        account_id=person.account_id,
        actor_id=person.id,
        subject_type="person",
        subject_id=person.id,
        method=method,
    )


def keep_proof(
    session: Session, person: Person, browser_digest: str, *, method: str, now: datetime
) -> None:
    """Keep a proof, in the place of an older one in the same browser.

    :param person: whose it is.
    :param browser_digest: the browser in which they gave it.
    :param method: how they gave it.
    """
    session.execute(
        delete(ReauthenticationProof).where(
            ReauthenticationProof.person_id == person.id,
            ReauthenticationProof.browser_digest == browser_digest,
        )
    )
    session.add(
        ReauthenticationProof(
            id=new_id(),
            person_id=person.id,
            browser_digest=browser_digest,
            method=method,
            proved_at=now,
        )
    )
    session.flush()
