"""A correction reaches every copy: wherever a name or an address stands a second time.

Call :func:`reach_every_copy` after the person's own row was changed. What is not here has no copy,
or is no copy of what the person says of themselves: an invitation that nobody has answered was
written by another person, a linked identity says what its provider said, and what a person wrote in
a request stays what they wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import aliased

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import (
    Export,
    ExportPart,
    ExportStatus,
    IdempotencyRecord,
    Invitation,
    MagicLink,
    Membership,
    MessageKind,
    MessageStatus,
    OutboundMessage,
    SignInAddress,
)
from flask_tokenoffset.services.organizations.organizations import search_text_of, sort_name_of

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Delete, Update
    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Person

#: Copies of everything that a person may fetch, or soon may.
_FETCHABLE: Final = (ExportStatus.QUEUED, ExportStatus.RUNNING, ExportStatus.READY)
_WAITING: Final = (MessageStatus.QUEUED, MessageStatus.SENDING)
#: Go to the address they are about, whatever address a person has by now.
_ABOUT_AN_ADDRESS: Final = (MessageKind.ADDRESS_CHANGED, MessageKind.MAGIC_LINK)


@enforces("a-correction-reaches-every-copy", "TO-048", off=None)
def reach_every_copy(
    session: Session, person: Person, now: datetime, *, former_address: str | None = None
) -> None:
    """Bring everything in step with a person's name and address.

    :param person: their row as it is now.
    :param now: the present instant, aware.
    :param former_address: the one they had until now, where it is another one.
    """
    session.flush()
    _refresh_member_texts(session, person)
    _forget_answers(session, person)
    _make_exports_anew(session, person, now)
    if former_address is not None and former_address != person.email:
        _replace_address(session, person, former_address)


def _refresh_member_texts(session: Session, person: Person) -> None:
    """By these a person is sorted and found among the members of an organization."""
    session.execute(
        update(Membership)
        .where(Membership.person_id == person.id)
        .values(sort_name=sort_name_of(person), search_text=search_text_of(person))
    )


def _forget_answers(session: Session, person: Person) -> None:
    """A repeated call is carried out again, and gives back no answer from before the correction."""
    _do(
        session,
        delete(IdempotencyRecord).where(
            IdempotencyRecord.user_key == person.user_key, IdempotencyRecord.status.is_not(None)
        ),
    )


def _make_exports_anew(session: Session, person: Person, now: datetime) -> None:
    """Anyone who fetches a copy after a correction finds it corrected."""
    wanted = [Export.person_id == person.id, Export.status.in_(_FETCHABLE)]
    ids = session.scalars(select(Export.id).where(*wanted).with_for_update()).all()
    if not ids:
        return
    _do(session, delete(ExportPart).where(ExportPart.export_id.in_(ids)))
    _do(
        session,
        update(Export)
        .where(Export.id.in_(ids))
        .values(
            status=ExportStatus.QUEUED,
            # A worker that is at it writes nothing any more.
            fence=Export.fence + 1,
            attempt=0,
            tables_done=0,
            next_attempt_at=now,
            ready_at=None,
            expires_at=None,
            size_bytes=None,
        ),
    )


def _replace_address(session: Session, person: Person, former: str) -> None:
    """Let the new address stand wherever the former one stood, or none where it is not proved."""
    proved = person.email if person.email_verified_at is not None else None
    accepted = session.scalars(
        select(Invitation.id).where(Invitation.accepted_by == person.id)
    ).all()
    links = session.scalars(
        select(MagicLink.id).where(
            MagicLink.email == former,
            or_(MagicLink.person_id == person.id, MagicLink.person_id.is_(None)),
        )
    ).all()
    theirs = OutboundMessage.person_id == person.id
    if accepted or links:
        theirs = or_(theirs, OutboundMessage.reference_id.in_([*accepted, *links]))
    messages = [theirs, OutboundMessage.to_address == former]
    waiting = [
        *messages,
        OutboundMessage.status.in_(_WAITING),
        OutboundMessage.kind.not_in(_ABOUT_AN_ADDRESS),
    ]
    if proved is None:
        # It would go to an address that nobody has proved.
        _do(session, delete(OutboundMessage).where(*waiting))
    else:
        _do(session, update(OutboundMessage).where(*waiting).values(to_address=proved))
    _do(
        session,
        update(OutboundMessage)
        .where(*messages, OutboundMessage.status.not_in(_WAITING))
        .values(to_address=""),
    )
    if links:
        _do(session, delete(OutboundMessage).where(OutboundMessage.reference_id.in_(links)))
        _do(session, delete(MagicLink).where(MagicLink.id.in_(links)))
    _do(
        session,
        update(Invitation)
        .where(Invitation.accepted_by == person.id, Invitation.email == former)
        .values(email=proved or ""),
    )
    if proved is not None:
        _move_sign_in(session, person, former, proved)


def _move_sign_in(session: Session, person: Person, former: str, proved: str) -> None:
    """From now on the new address signs its owner in, unless it signs in another person already.

    Then the former one goes on doing so, because a person must be able to sign in.
    """
    another = aliased(SignInAddress)
    _do(
        session,
        update(SignInAddress)
        .where(
            SignInAddress.person_id == person.id,
            SignInAddress.email == former,
            ~exists().where(another.email == proved),
        )
        .values(email=proved, verified_at=person.email_verified_at),
    )


def _do(session: Session, statement: Update | Delete) -> None:
    options: dict[str, Any] = {"synchronize_session": False}
    session.execute(statement.execution_options(**options))
