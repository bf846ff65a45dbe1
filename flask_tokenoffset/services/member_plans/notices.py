"""Telling many members at once that something about their plan was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flask_tokenoffset.host.programmes import in_words
from flask_tokenoffset.models import MessageKind, MessageStatus, OutboundMessage, new_id
from flask_tokenoffset.services.mail.outbox import told_enough
from flask_tokenoffset.services.shared.many_rows import insert_many

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.host.programmes import Programmes
    from flask_tokenoffset.models import Organization


_PEOPLE_PER_STATEMENT: Final = 1_000


class Reader(NamedTuple):
    """A member who may have to be told.

    :param email: their address, if one is known.
    :param email_verified_at: when it was proved; nothing goes to one that was not.
    """

    person_id: UUID
    account_id: UUID
    email: str | None
    email_verified_at: datetime | None


def tell_members(
    session: Session,
    organization: Organization,
    readers: Iterable[Reader],
    *,
    but: UUID,
    now: datetime,
    programmes: Programmes | None = None,
) -> None:
    """Put a notice to each member into the outbox, a thousand a statement; the schedule sends it.

    Anyone who got several within the hour gets no more.

    :param but: the person who made the change, who knows.
    :param programmes: what the plans' contributions are directed to, where they were adopted anew.
    """
    wanted = [
        each for each in readers if each.email and each.email_verified_at and each.person_id != but
    ]
    enough: set[UUID] = set()
    for first in range(0, len(wanted), _PEOPLE_PER_STATEMENT):
        people = [each.person_id for each in wanted[first : first + _PEOPLE_PER_STATEMENT]]
        enough |= told_enough(session, MessageKind.MEMBER_PLAN_CHANGED, people, now)
    told = [each for each in wanted if each.person_id not in enough]
    if told:
        insert_many(
            session,
            OutboundMessage,
            {
                "kind": MessageKind.MEMBER_PLAN_CHANGED,
                "details": {
                    "organization": organization.name,
                    "programmes": "" if programmes is None else in_words(programmes),
                },
                "status": MessageStatus.QUEUED,
                "attempt": 0,
                "fence": 0,
                "next_attempt_at": now,
                "created_at": now,
            },
            {
                "id": [new_id() for _ in told],
                "account_id": [each.account_id for each in told],
                "person_id": [each.person_id for each in told],
                "to_address": [each.email for each in told],
            },
        )
