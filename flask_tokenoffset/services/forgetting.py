"""Forgetting a person: everything that is theirs goes, and what others keep names nobody.

What belongs to their own account is deleted. Their memberships end; the plan an organization had
for them ends and stays among its records. Their own row stays as an empty tombstone, because the
history of others names its id. The audit log stays too: it holds ids, and where a change came from
stands apart from it and is deleted.

Which table is dealt with how is said here as data, and a test walks the tables beside it, so that a
new one cannot be left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from sqlalchemy import CursorResult, and_, delete, exists, or_, select, union, update
from sqlalchemy.orm import aliased

from flask_tokenoffset import signals
from flask_tokenoffset.errors import LastOwner
from flask_tokenoffset.models import (
    Account,
    Adoption,
    AuditAction,
    AuditEvent,
    AuditOrigin,
    Base,
    BillingRecord,
    Connection,
    CostLine,
    Credential,
    DailyCost,
    DailyUsage,
    Estimate,
    FreshProof,
    IdempotencyRecord,
    Identity,
    IdentityAttempt,
    IdentityCredential,
    Invitation,
    KeptDay,
    MagicLink,
    Membership,
    MembershipStatus,
    MessageKind,
    Organization,
    OutboundMessage,
    Person,
    Plan,
    PlanStatusChange,
    SampleRun,
    SignInAddress,
    Source,
    UsageSeries,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.identities import take_all_tokens
from flask_tokenoffset.services.invitations import mark_cancelled
from flask_tokenoffset.services.mail import queue_message
from flask_tokenoffset.services.members import leave_everything
from flask_tokenoffset.services.organizations import lock_organization
from flask_tokenoffset.services.people import lock_person

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import Secret, Vault

#: Tables whose rows of the person's own account are deleted, in an order that foreign keys allow.
#: The same tables hold rows of organizations, which stay.
OF_THE_ACCOUNT: Final[tuple[type[Base], ...]] = (
    BillingRecord,
    Adoption,
    PlanStatusChange,
    Plan,
    Estimate,
    KeptDay,
    UsageSeries,
    CostLine,
    SampleRun,
    Credential,
    Connection,
    Source,
    IdentityCredential,
    Identity,
    OutboundMessage,
    AuditOrigin,
)
#: Tables whose rows about the person are deleted.
OF_THE_PERSON: Final[tuple[type[Base], ...]] = (
    IdentityAttempt,
    FreshProof,
    SignInAddress,
    MagicLink,
    OutboundMessage,
)
#: Tables that are dealt with one by one, and how.
OTHERWISE: Final[Mapping[type[Base], str]] = {
    DailyUsage: "deleted with the series it belongs to",
    DailyCost: "deleted with the line it belongs to",
    IdempotencyRecord: "deleted by the host's key",
    Membership: "ended; see services/members.py",
    Invitation: "cancelled where it is open, and the address taken out",
    Person: "emptied",
}
#: Columns that go on naming a person or their account, and why.
REMAINING: Final[Mapping[str, str]] = {
    "account.id": "The audit log of the account stays, and foreign keys of it lead there.",
    "person.account_id": "As above.",
    "source.created_by": "An organization's source, connected by somebody who was its admin.",
    "estimate.created_by": "An organization's estimate, as above.",
    "adoption.adopted_by": "An organization's ledger of what it contributes and who decided it.",
    "plan_status_change.changed_by": "The same ledger.",
    "organization.created_by": "An organization's history.",
    "invitation.invited_by": "An organization's history; the invitation is worthless by now.",
    "invitation.accepted_by": "An organization's history; the address is taken out.",
    "bulk_change.requested_by": "An organization's history.",
    "audit_event.actor_id": "The audit log cannot be changed; it names people by their id alone.",
    "audit_event.account_id": "As above.",
    "audit_chain.account_id": "As above.",
}
_EMPTIED: Final = (
    "email",
    "email_verified_at",
    "display_name",
    "company",
    "job_role",
    "heard_from",
    "onboarded_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What forgetting somebody did. Nothing in it tells who they were.

    :param known: whether they had an account here at all.
    :param organizations_left: how many organizations they belonged to.
    :param rows_deleted: table to how many of its rows; tables without any are left out.
    """

    known: bool = False
    organizations_left: int = 0
    rows_deleted: Mapping[str, int] = field(default_factory=dict)


def forget_person(
    work: UnitOfWork,
    *,
    user_key: str,
    vault: Vault,
    give_back: Callable[[str, Secret | None], object],
    now: datetime,
) -> Forgotten:
    """Delete what belongs to one of the host's users. Somebody unknown is no mistake.

    Jobs under way for them stop at their next step, because what they hold is gone. Should the same
    key ever come back, it is a new person.

    :param user_key: the host's own key for the user.
    :param vault: opens the refresh tokens of their identities.
    :param give_back: has an identity provider, by its name, void a refresh token; called after the
        commit.
    :param now: the present instant, aware.
    :raises LastOwner: an open organization would be left without an owner who can act; nothing is
        changed then.
    """
    session = work.session
    tally = _Tally(session)
    # Whatever they do at this moment in another request is finished first, or waits.
    person = lock_person(session, user_key)
    if person is None:
        tally.delete(IdempotencyRecord, IdempotencyRecord.user_key == user_key)
        return Forgotten(rows_deleted=tally.deleted)
    _refuse_leaving_alone(session, person)
    work.leave_no_origin()
    address = person.email if person.email_verified_at is not None else None
    _lock_organizations(session, person, address)
    organizations_left = _leave(work, person, now)
    # Adding a row to an account needs its key, so that from here on nobody adds one to this one.
    session.execute(select(Account.id).where(Account.id == person.account_id).with_for_update())
    for taken in take_all_tokens(session, person.id, vault=vault):
        work.after_commit(partial(give_back, taken.provider, taken.token))
    _forget_invitations(work, tally, person, address, now)
    _delete_rows(session, tally, person, address)
    tally.delete(IdempotencyRecord, IdempotencyRecord.user_key == user_key)
    _empty(person, now)
    session.flush()
    if address is not None:
        # It belongs to nobody's account, and the address is taken out once it has left.
        queue_message(work, kind=MessageKind.ACCOUNT_FORGOTTEN, to_address=address, now=now)
    work.record(
        AuditAction.PERSON_FORGOTTEN,
        account_id=person.account_id,
        subject_type="person",
        subject_id=person.id,
    )
    work.tell(signals.person_forgotten, person_id=person.id, account_id=person.account_id)
    return Forgotten(known=True, organizations_left=organizations_left, rows_deleted=tally.deleted)


def _lock_organizations(session: Session, person: Person, address: str | None) -> None:
    """Lock every organization that the person belongs to or is invited to, always in one order.

    So that two who are forgotten at once never wait for each other.
    """
    theirs = Invitation.accepted_by == person.id
    if address is not None:
        theirs = or_(theirs, Invitation.email == address)
    belongs_to = select(Membership.organization_id).where(Membership.person_id == person.id)
    invited_to = select(Invitation.organization_id).where(theirs)
    for organization_id in sorted(session.scalars(union(belongs_to, invited_to))):
        lock_organization(session, organization_id)


def owned_alone(session: Session, person_id: UUID) -> Sequence[Organization]:
    """The open organizations that nobody but this person owns and can act in, by name.

    :param person_id: the person.
    """
    other = aliased(Membership)
    return session.scalars(
        select(Organization)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(
            Organization.closed_at.is_(None),
            Membership.person_id == person_id,
            Membership.role == Role.OWNER,
            Membership.status == MembershipStatus.ACTIVE,
            ~exists().where(
                other.organization_id == Organization.id,
                other.person_id != person_id,
                other.role == Role.OWNER,
                other.status == MembershipStatus.ACTIVE,
            ),
        )
        .order_by(Organization.name, Organization.id)
    ).all()


def _refuse_leaving_alone(session: Session, person: Person) -> None:
    """Name all such organizations at once; under their locks they are looked at again."""
    alone = owned_alone(session, person.id)
    if alone:
        names = ", ".join(f"«{each.name}»" for each in alone)
        raise LastOwner(
            f"Nobody else owns {names}, so nothing was deleted. Make another member an owner"
            " first, or close the organization."
        )


def _leave(work: UnitOfWork, person: Person, now: datetime) -> int:
    count = len(
        work.session.scalars(select(Membership.id).where(Membership.person_id == person.id)).all()
    )
    leave_everything(work, person=person, now=now)
    return count


class _Tally:
    """Deletes rows and counts them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.deleted: dict[str, int] = {}

    def delete(self, model: type[Base], *conditions: ColumnElement[bool]) -> None:
        result = cast(
            "CursorResult[Any]",
            self._session.execute(
                delete(model).where(*conditions).execution_options(synchronize_session=False)
            ),
        )
        if result.rowcount:
            table = model.__tablename__
            self.deleted[table] = self.deleted.get(table, 0) + result.rowcount


def _delete_rows(session: Session, tally: _Tally, person: Person, address: str | None) -> None:
    account_id = person.account_id
    strangers_links = and_(
        MagicLink.person_id.is_(None), MagicLink.email.in_(_addresses(session, person, address))
    )
    links = select(MagicLink.id).where(or_(MagicLink.person_id == person.id, strangers_links))
    tally.delete(OutboundMessage, OutboundMessage.reference_id.in_(links.scalar_subquery()))
    tally.delete(MagicLink, strangers_links)
    for model in OF_THE_PERSON:
        tally.delete(model, model.person_id == person.id)  # type: ignore[attr-defined]  # all have it
    acts = select(AuditEvent.id).where(AuditEvent.actor_id == person.id)
    tally.delete(AuditOrigin, AuditOrigin.event_id.in_(acts.scalar_subquery()))
    series = select(UsageSeries.id).where(UsageSeries.account_id == account_id)
    tally.delete(DailyUsage, DailyUsage.series_id.in_(series.scalar_subquery()))
    lines = select(CostLine.id).where(CostLine.account_id == account_id)
    tally.delete(DailyCost, DailyCost.line_id.in_(lines.scalar_subquery()))
    for model in OF_THE_ACCOUNT:
        tally.delete(model, model.account_id == account_id)  # type: ignore[attr-defined]  # all have it


def _addresses(session: Session, person: Person, address: str | None) -> list[str]:
    """Every address that the person has proved to be theirs."""
    signing_in = session.scalars(
        select(SignInAddress.email).where(SignInAddress.person_id == person.id)
    )
    return [*signing_in, *([address] if address else [])]


def _forget_invitations(
    work: UnitOfWork, tally: _Tally, person: Person, address: str | None, now: datetime
) -> None:
    """Cancel what was offered to the person, and take their address out of what they answered.

    The rows are the organizations' own. An address that somebody else has proved as well stays
    where nobody has answered yet: it may be the other one who was meant.
    """
    session = work.session
    theirs = Invitation.accepted_by == person.id
    if address is not None and not _is_anothers_too(session, person, address):
        theirs = or_(theirs, and_(Invitation.email == address, Invitation.accepted_by.is_(None)))
    invitations = session.scalars(
        select(Invitation).where(theirs).order_by(Invitation.organization_id, Invitation.id)
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
        .execution_options(synchronize_session=False)
    )
    tally.delete(OutboundMessage, OutboundMessage.reference_id.in_(ids))


def _is_anothers_too(session: Session, person: Person, address: str) -> bool:
    another = session.scalar(
        select(Person.id)
        .where(
            Person.email == address,
            Person.email_verified_at.is_not(None),
            Person.id != person.id,
        )
        .limit(1)
    )
    return another is not None


def _empty(person: Person, now: datetime) -> None:
    person.user_key = f"forgotten:{uuid4()}"
    for name in _EMPTIED:
        setattr(person, name, None)
    person.email_verified_by_host = False
    person.login_epoch += 1
    person.forgotten_at = now
