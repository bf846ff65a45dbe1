"""What becomes of the invitations of a person who is erased: the organizations' own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, or_, select, update

from flask_tokenoffset.models import Invitation, OutboundMessage
from flask_tokenoffset.services.invitations.invitations import mark_cancelled
from flask_tokenoffset.services.organizations.organizations import lock_organization

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork


def theirs(person: Person, addresses: Collection[str]) -> ColumnElement[bool]:
    """The condition that an invitation was answered by a person, or waits for their answer.

    :param person: who.
    :param addresses: those that they and nobody else have proved. Where another person has as well,
        it may be the other one who was meant.
    """
    return or_(
        Invitation.accepted_by == person.id,
        and_(Invitation.email.in_(addresses), Invitation.accepted_by.is_(None)),
    )


def forget_invitations(
    work: UnitOfWork, person: Person, addresses: Collection[str], now: datetime
) -> dict[str, int]:
    """Cancel what was offered to a person, and take their address out of what they answered.

    :param person: who is erased; the organizations are locked.
    :param addresses: as for :func:`theirs`.
    :return: how many rows, by table of the data map.
    """
    session = work.session
    invitations = session.scalars(
        select(Invitation)
        .where(theirs(person, addresses))
        .order_by(Invitation.organization_id, Invitation.id)
    ).all()
    for invitation in invitations:
        organization = lock_organization(session, invitation.organization_id)
        is_open = invitation.accepted_at is None and invitation.cancelled_at is None
        if organization is not None and is_open:
            mark_cancelled(work, organization, invitation, now, declined=True)
    ids = [each.id for each in invitations]
    session.execute(
        update(Invitation)
        .where(Invitation.id.in_(ids))
        .values(email="")
        .execution_options(synchronize_session="fetch")
    )
    session.execute(
        delete(OutboundMessage)
        .where(OutboundMessage.reference_id.in_(ids))
        .execution_options(synchronize_session=False)
    )
    return {"invitation": len(ids)} if ids else {}
