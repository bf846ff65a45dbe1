"""Inviting people, one or a thousand at once; sending invitations again, and taking them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, update

from flask_tokenoffset.errors import Conflict, InvalidInput, NotPermitted, TooManyAttempts
from flask_tokenoffset.models import AuditAction, Invitation, MessageKind, Person, new_id
from flask_tokenoffset.permissions import Permission, Role, may_grant
from flask_tokenoffset.services.invitations.csv_parsing import MOST_ROWS
from flask_tokenoffset.services.invitations.csv_rows import INVITED, Judged, Outcome, Result, judge
from flask_tokenoffset.services.invitations.invitations import (
    Listed,
    Standing,
    mark_cancelled,
    read_invitation,
)
from flask_tokenoffset.services.mail.outbox import Recipient, queue_messages
from flask_tokenoffset.services.organizations.organizations import lock_membership
from flask_tokenoffset.services.shared.tokens import (
    INVITATION_TOKEN,
    derive_token,
    digest_of,
    new_salt,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.invitations.csv_parsing import Row
    from flask_tokenoffset.services.organizations.organizations import OrganizationMembership
    from flask_tokenoffset.services.shared.attempts import AttemptLimiter
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Invitations that one address gets within an hour, no matter who sends them.
MOST_PER_ADDRESS_PER_HOUR: Final = 5


def most_rows(settings: Settings) -> int:
    """How many people may be invited at once: never more than within an hour."""
    return min(MOST_ROWS, settings.invitations_per_hour)


def check_length(rows: Sequence[Row], settings: Settings, *, field: str) -> None:
    """Refuse a list that is longer than what may be sent within an hour.

    :param field: what the refusal calls it.
    :raises InvalidInput: it is too long.
    """
    if len(rows) > most_rows(settings):
        raise InvalidInput(
            {
                field: f"The list has more than {most_rows(settings):,} rows, so nobody was"
                " invited. Send it in parts."
            }
        )


def preview(
    session: Session, current: OrganizationMembership, rows: Sequence[Row], now: datetime
) -> list[Result]:
    """What would become of each row if it were sent now. Nothing is sent or counted.

    :param current: the membership of the person who would invite.
    :param now: the present instant, aware.
    """
    return [result for result, _ in judge(session, current, rows, now)]


def invite(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    person: Person,
    rows: Sequence[Row],
    link_key: bytes,
    attempts: AttemptLimiter,
    settings: Settings,
    now: datetime,
) -> list[Result]:
    """Invite people. The rows that are fine are sent, all in one transaction; the others are told.

    An open invitation to the same address is sent again, with the role named now, and its former
    link is worthless from then on. The number of statements does not grow with the list.

    :param person: who invites.
    :param rows: whom, and to what.
    :param link_key: the key under which links are derived.
    :param now: the present instant, aware.
    :return: what became of each row, in order.
    :raises NotFound: the person does not belong to the organization (any more).
    :raises NotPermitted: the person may not invite (any more).
    :raises TooManyAttempts: the person, the organization or every address that could be sent one
        had as many as may be within an hour.
    """
    session = work.session
    current = lock_membership(session, organization_id, person, Permission.CHANGE_MEMBERS)
    judged = judge(session, current, rows, now)
    wanted = sum(result.outcome in INVITED for result, _ in judged)
    if wanted:
        _count(attempts, current, person, wanted, settings)
        _hold_back(attempts, judged)
    deliveries = _write(
        session, current, person, judged, link_key=link_key, settings=settings, now=now
    )
    _deliver(work, current, deliveries, now)
    return [result for result, _ in judged]


def resend(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    invitation_id: UUID,
    person: Person,
    link_key: bytes,
    attempts: AttemptLimiter,
    settings: Settings,
    now: datetime,
) -> Invitation:
    """Send an open invitation again, in one's own name; its former link is worthless then.

    :param person: who does.
    :raises NotFound: the organization has no such one, or the person does not belong to it.
    :raises NotPermitted: the person may not invite, or not to this role.
    :raises Conflict: it was accepted or cancelled.
    :raises TooManyAttempts: the person, the organization or the address had as many as may be
        within an hour.
    """
    session = work.session
    current = lock_membership(session, organization_id, person, Permission.CHANGE_MEMBERS)
    listed = _touchable(session, current, invitation_id, now)
    if listed.standing is Standing.ACCEPTED:
        raise Conflict("This invitation was accepted, so it need not be sent again.")
    if listed.standing is Standing.CANCELLED:
        raise Conflict("This invitation was cancelled. Invite the address anew.")
    invitation = listed.invitation
    _count(attempts, current, person, 1, settings)
    _count_address(attempts, invitation.email)
    for name, value in _issued(invitation.id, person, link_key, settings, now).items():
        setattr(invitation, name, value)
    session.flush()
    delivery = _Delivery(
        invitation.id, invitation.email, Role(invitation.role), AuditAction.INVITATION_RESENT
    )
    _deliver(work, current, [delivery], now)
    return invitation


def cancel(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    invitation_id: UUID,
    person: Person,
    now: datetime,
) -> Invitation:
    """Take an invitation back. Doing it again changes nothing.

    :param person: who does.
    :raises NotFound: the organization has no such one, or the person does not belong to it.
    :raises NotPermitted: the person may not invite, or not to this role.
    :raises Conflict: it was accepted.
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_MEMBERS)
    listed = _touchable(work.session, current, invitation_id, now)
    if listed.standing is Standing.ACCEPTED:
        raise Conflict(
            "This invitation was accepted, so it cannot be cancelled. Remove the member instead."
        )
    if listed.standing is not Standing.CANCELLED:
        mark_cancelled(work, current.organization, listed.invitation, now)
    return listed.invitation


def _touchable(
    session: Session, current: OrganizationMembership, invitation_id: UUID, now: datetime
) -> Listed:
    """An invitation to a role that the acting person could also give."""
    listed = read_invitation(session, current.organization.id, invitation_id, now)
    if not may_grant(current.role, Role(listed.invitation.role)):
        raise NotPermitted(
            "This invitation is to a role that holds more than yours, so nothing was changed. Ask"
            " somebody with that role."
        )
    return listed


# --- limits ---------------------------------------------------------------------------------------


def _count(
    attempts: AttemptLimiter,
    current: OrganizationMembership,
    person: Person,
    count: int,
    settings: Settings,
) -> None:
    for name, subject in (
        ("invitations-of-person", person.user_key),
        ("invitations-of-organization", str(current.organization.id)),
    ):
        attempts.check(name, subject, limit_per_hour=settings.invitations_per_hour, count=count)


def _count_address(attempts: AttemptLimiter, address: str) -> None:
    attempts.check("invitations-to-address", address, limit_per_hour=MOST_PER_ADDRESS_PER_HOUR)


def _hold_back(attempts: AttemptLimiter, judged: Sequence[Judged]) -> None:
    """Keep a mailbox from being flooded; if nothing is left to send, that is the answer."""
    refusal: TooManyAttempts | None = None
    left = 0
    for result, _ in judged:
        if result.outcome not in INVITED:
            continue
        try:
            _count_address(attempts, result.address)
        except TooManyAttempts as error:
            refusal = error
            result.outcome = Outcome.TOO_MANY
        else:
            left += 1
    if refusal is not None and not left:
        raise refusal


# --- writing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Delivery:
    invitation_id: UUID
    address: str
    role: Role
    action: AuditAction


def _deliver(
    work: UnitOfWork,
    current: OrganizationMembership,
    deliveries: Sequence[_Delivery],
    now: datetime,
) -> None:
    """Note in the log that invitations were sent, and put their messages into the outbox."""
    for each in deliveries:
        work.record(
            each.action,
            account_id=current.account_id,
            subject_type="invitation",
            subject_id=each.invitation_id,
            role=each.role,
        )
    # Not who invites: the message outlives them, if they are forgotten.
    organization = current.organization.name
    queue_messages(
        work,
        [
            Recipient(
                each.address,
                each.invitation_id,
                {"organization": organization, "role": each.role},
            )
            for each in deliveries
        ],
        kind=MessageKind.INVITATION,
        account_id=current.account_id,
        now=now,
    )


def _issued(
    invitation_id: UUID, person: Person, link_key: bytes, settings: Settings, now: datetime
) -> dict[str, Any]:
    """What sending writes, the first time and again."""
    salt = new_salt()
    return {
        "invited_by": person.id,
        "salt": salt,
        "token_digest": digest_of(derive_token(link_key, INVITATION_TOKEN, invitation_id, salt)),
        "sent_at": now,
        "expires_at": now + timedelta(days=settings.invitation_days),
    }


def _write(
    session: Session,
    current: OrganizationMembership,
    person: Person,
    judged: Sequence[Judged],
    *,
    link_key: bytes,
    settings: Settings,
    now: datetime,
) -> list[_Delivery]:
    """Write the invitations of all rows that are fine: one statement for each kind."""
    made: list[dict[str, Any]] = []
    renewed: list[dict[str, Any]] = []
    deliveries: list[_Delivery] = []
    for result, invitation in judged:
        if result.outcome not in INVITED or result.role is None:
            continue
        invitation_id: UUID = new_id() if invitation is None else invitation.id
        result.invitation_id = invitation_id
        values = {"id": invitation_id, "role": result.role}
        values |= _issued(invitation_id, person, link_key, settings, now)
        action = AuditAction.INVITATION_RESENT
        if invitation is None:
            action = AuditAction.INVITATION_SENT
            values |= {
                "organization_id": current.organization.id,
                "email": result.address,
                "created_at": now,
            }
        (renewed if invitation is not None else made).append(values)
        deliveries.append(_Delivery(invitation_id, result.address, result.role, action))
    if made:
        session.execute(insert(Invitation), made)
    if renewed:
        session.execute(update(Invitation), renewed)
    return deliveries
