"""What becomes of each row of a list of people to invite.

It depends on the address itself, on the organization's own invitations and on its own members.
Whether the address belongs to anyone known beyond that is never looked up, so that nobody learns
it by inviting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import select

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import LONGEST_EMAIL, Invitation, Membership, Person
from flask_tokenoffset.permissions import Role, may_grant
from flask_tokenoffset.services.invitations.invitations import Standing, standing_of, with_inviter
from flask_tokenoffset.services.shared.addresses import read_address

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.invitations.csv_parsing import Row
    from flask_tokenoffset.services.organizations.organizations import OrganizationMembership

#: The role of a row that names none.
DEFAULT_ROLE: Final = Role.MEMBER


class Outcome(StrEnum):
    """What became of one row of a list."""

    SENT = "sent"
    #: There was an open invitation to the address; it was sent again, with this role.
    RENEWED = "renewed"
    ALREADY_A_MEMBER = "already-a-member"
    INVALID_ADDRESS = "invalid-address"
    UNKNOWN_ROLE = "unknown-role"
    ROLE_NOT_ALLOWED = "role-not-allowed"
    #: The address stands further up in the same list.
    DUPLICATE = "duplicate"
    #: The address was sent as many invitations lately as one may get.
    TOO_MANY = "too-many"


#: Outcomes by which a message leaves.
INVITED: Final = frozenset({Outcome.SENT, Outcome.RENEWED})


@dataclass(slots=True)
class Result:
    """What became of one row.

    :param row: what was asked for.
    :param outcome: what became of it.
    :param address: the address in its one form; as it was typed, where it is none.
    :param role: the role, if there is one of that name.
    :param reason: the sentence of a refusal.
    :param invitation_id: the invitation that was made or renewed.
    """

    row: Row
    outcome: Outcome
    address: str
    role: Role | None = None
    reason: str | None = None
    invitation_id: UUID | None = None


#: A row's result, and the open invitation that it renews.
Judged: TypeAlias = tuple[Result, Invitation | None]


def judge(
    session: Session, current: OrganizationMembership, rows: Sequence[Row], now: datetime
) -> list[Judged]:
    """What would become of each row, and the open invitation it would renew."""
    results = [_read(row) for row in rows]
    addresses = {result.address for result in results if result.outcome is Outcome.SENT}
    members = _members_among(session, current, addresses)
    open_ones = _open_among(session, current, addresses, now)
    seen: set[str] = set()
    judged: list[Judged] = []
    for result in results:
        invitation, standing = open_ones.get(result.address, (None, None))
        if result.outcome is Outcome.SENT:
            result.outcome = _outcome(current, result, invitation, standing, members, seen)
            seen.add(result.address)
        judged.append((result, invitation))
    return judged


def _read(row: Row) -> Result:
    try:
        address = read_address(row.address)
    except InvalidInput as error:
        shown = row.address[:LONGEST_EMAIL]
        return Result(row, Outcome.INVALID_ADDRESS, shown, reason=error.message)
    try:
        role = Role(row.role.lower()) if row.role else DEFAULT_ROLE
    except ValueError:
        return Result(row, Outcome.UNKNOWN_ROLE, address)
    return Result(row, Outcome.SENT, address, role)


def _outcome(
    current: OrganizationMembership,
    result: Result,
    invitation: Invitation | None,
    standing: Standing | None,
    members: set[str],
    seen: set[str],
) -> Outcome:
    if result.address in seen:
        return Outcome.DUPLICATE
    if result.address in members:
        return Outcome.ALREADY_A_MEMBER
    if result.role is None or not may_grant(current.role, result.role):
        return Outcome.ROLE_NOT_ALLOWED
    if invitation is None:
        return Outcome.SENT
    # Renewing it gives another role in the place of one that a person with more rights offered.
    if standing is Standing.PENDING and not may_grant(current.role, Role(invitation.role)):
        return Outcome.ROLE_NOT_ALLOWED
    return Outcome.RENEWED


def _members_among(
    session: Session, current: OrganizationMembership, addresses: set[str]
) -> set[str]:
    """Those of the addresses that a member of the organization has proved to be theirs.

    A mere claim does not count: a person could keep another person out with it.
    """
    if not addresses:
        return set()
    found = session.scalars(
        select(Person.email)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organization_id == current.organization.id,
            Person.email.in_(addresses),
            Person.email_verified_at.is_not(None),
        )
    )
    return {email for email in found if email is not None}


def _open_among(
    session: Session, current: OrganizationMembership, addresses: set[str], now: datetime
) -> dict[str, tuple[Invitation, Standing]]:
    """The open invitations to these addresses; there is one each at most."""
    if not addresses:
        return {}
    found = session.execute(
        with_inviter()
        .where(
            Invitation.organization_id == current.organization.id,
            Invitation.email.in_(addresses),
            Invitation.accepted_at.is_(None),
            Invitation.cancelled_at.is_(None),
        )
        .execution_options(populate_existing=True)
    )
    return {
        invitation.email: (invitation, standing_of(invitation, inviter, now))
        for invitation, inviter in found
    }
