"""The last of accounts that ended: what organizations leave behind, and the chains of the log.

An account of a person ends when they are erased, one of an organization or of its members when the
organization is closed. What stays for a while after that goes here.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import and_, exists, or_, select, true, tuple_, union, update

from flask_tokenoffset.models import (
    Account,
    AuditChain,
    AuditEvent,
    AuditOrigin,
    Base,
    BulkChange,
    BulkChangeTarget,
    ConsentEvent,
    CostLine,
    DailyCost,
    DailyUsage,
    Invitation,
    LegalHold,
    Membership,
    Organization,
    Person,
    RetainedRecord,
    UsageSeries,
)
from flask_tokenoffset.services.retention.legal_holds import held, not_held
from flask_tokenoffset.services.retention.purge_steps import Batch, Done, delete_rows
from flask_tokenoffset.services.shared.periods import period_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, ScalarSelect
    from sqlalchemy.orm import Session

#: Accounts whose chains are ended in one batch; each chain goes whole.
CHAINS_PER_BATCH: Final = 20
ROWS_PER_STATEMENT: Final = 5_000
#: Tables whose rows outlive what an organization leaves: the log ends by a rule of its own, and
#: the rows of the organization itself are emptied.
_STAYING: Final = frozenset(
    {
        "tokenoffset_audit_chain",
        "tokenoffset_audit_event",
        "tokenoffset_consent_event",
        "tokenoffset_legal_hold",
        "tokenoffset_legal_remain",
        "tokenoffset_membership",
        "tokenoffset_organization",
        "tokenoffset_person",
    }
)


def end_chains(batch: Batch) -> Done:
    """Delete the log, or the consents, of accounts that ended long enough ago.

    From then on the account counts as released, which is when the database lets its append-only
    rows go. A chain goes whole in one transaction, so that none is ever found broken.
    """
    ledger: Any = ConsentEvent if batch.rule.name == "consents" else AuditEvent
    session = batch.session
    accounts = session.scalars(
        select(Account.id)
        .where(
            Account.id.in_(_ended(batch)),
            exists().where(ledger.account_id == Account.id),
            ~exists().where(RetainedRecord.account_id == Account.id),
            *_without_a_hold(ledger, batch.now),
        )
        .limit(CHAINS_PER_BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not accounts:
        return Done(rows=0, position=None)
    session.execute(
        update(Account)
        .where(Account.id.in_(accounts), Account.released_at.is_(None))
        .values(released_at=batch.now)
        .execution_options(synchronize_session=False)
    )
    rows = 0
    if ledger is AuditEvent:
        rows += _delete_all(session, AuditOrigin, AuditOrigin.account_id.in_(accounts))
    rows += _delete_all(session, ledger, ledger.account_id.in_(accounts))
    if ledger is AuditEvent:
        rows += delete_rows(session, AuditChain, AuditChain.account_id.in_(accounts))
    # What was found is gone, so the next batch begins at the beginning.
    return Done(rows=rows, position="" if len(accounts) == CHAINS_PER_BATCH else None)


def _without_a_hold(ledger: Any, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The condition on an account that nothing in a ledger of it is held."""
    condition = held(ledger, now)
    if condition is None:
        return ()
    return (~exists().where(ledger.account_id == Account.id, condition),)


def _ended(batch: Batch) -> ScalarSelect[Any]:
    """The accounts that ended long enough ago, by whatever ends one of their kind."""
    end = period_end(batch.now, batch.days)
    persons = select(Person.account_id).where(Person.forgotten_at <= end)
    organizations = select(Organization.account_id).where(Organization.closed_at <= end)
    members = (
        select(Membership.account_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Organization.closed_at <= end)
    )
    return union(persons, organizations, members).scalar_subquery()


def empty_organizations(batch: Batch) -> Done:
    """Delete what closed organizations left behind, and take the names out of what stays.

    One organization after the other, a table at a time, until nothing is left of it. Where
    something is held, the organization is looked at again with the next run.
    """
    session = batch.session
    after = UUID(int=0) if batch.after is None else UUID(batch.after)
    organization = session.scalar(
        select(Organization)
        .where(
            Organization.id > after,
            Organization.closed_at <= period_end(batch.now, batch.days),
            Organization.name != "",
        )
        .order_by(Organization.id)
        .limit(1)
        .with_for_update(key_share=True)
    )
    if organization is None:
        return Done(rows=0, position=None)
    members = select(Membership.account_id).where(Membership.organization_id == organization.id)
    accounts = [organization.account_id, *session.scalars(members)]
    for model, condition in _left_behind(organization, members.scalar_subquery()):
        rows = _delete_some(
            session, model, condition, _is_named_by_none(model), *not_held(model, batch.now)
        )
        if rows:
            return Done(rows=rows, position=after.hex)
    if not _something_is_held(session, accounts, batch.now):
        session.execute(
            update(Membership)
            .where(Membership.organization_id == organization.id)
            .values(sort_name="", search_text="")
            .execution_options(synchronize_session=False)
        )
        organization.name = ""
        session.flush()
    return Done(rows=0, position=organization.id.hex)


def _something_is_held(session: Session, accounts: Sequence[UUID], now: datetime) -> bool:
    return any(
        session.scalar(
            select(LegalHold.id)
            .where(
                LegalHold.account_id.in_(some),
                LegalHold.lifted_at.is_(None),
                LegalHold.held_until > now,
            )
            .limit(1)
        )
        for some in _batches(accounts)
    )


def _batches(accounts: Sequence[UUID]) -> Iterator[list[UUID]]:
    rest = iter(accounts)
    while some := list(islice(rest, ROWS_PER_STATEMENT)):
        yield some


def _left_behind(
    organization: Organization, members: ScalarSelect[Any]
) -> Iterator[tuple[Any, ColumnElement[bool]]]:
    """Every table with rows of an organization, in an order that foreign keys allow."""

    def theirs(column: Any) -> ColumnElement[bool]:
        return or_(column == organization.account_id, column.in_(members))

    series = select(UsageSeries.id).where(theirs(UsageSeries.account_id))
    yield DailyUsage, DailyUsage.series_id.in_(series.scalar_subquery())
    lines = select(CostLine.id).where(theirs(CostLine.account_id))
    yield DailyCost, DailyCost.line_id.in_(lines.scalar_subquery())
    changes = select(BulkChange.id).where(BulkChange.organization_id == organization.id)
    yield BulkChangeTarget, BulkChangeTarget.bulk_change_id.in_(changes.scalar_subquery())
    yield Invitation, Invitation.organization_id == organization.id
    models: dict[str, Any] = {
        mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers
    }
    for table in reversed(Base.metadata.sorted_tables):
        model = models[table.name]
        if table.name not in _STAYING and hasattr(model, "account_id"):
            yield model, theirs(model.account_id)


def _is_named_by_none(model: Any) -> ColumnElement[bool]:
    """Whether no row of another table leads to a row; one that is held keeps what it names."""
    table = model.__table__
    naming = [
        exists().where(key.parent == key.column)
        for other in Base.metadata.tables.values()
        for key in other.foreign_keys
        if key.column.table is table and other is not table
    ]
    return and_(true(), *(~each for each in naming))


def _delete_all(session: Session, model: Any, condition: ColumnElement[bool]) -> int:
    """Delete rows in statements none of which takes long."""
    deleted = 0
    while rows := _delete_some(session, model, condition):
        deleted += rows
    return deleted


def _delete_some(session: Session, model: Any, *conditions: ColumnElement[bool]) -> int:
    """Delete a few thousand rows by their primary keys; gives how many."""
    keys = [getattr(model, column.key) for column in model.__table__.primary_key.columns]
    found = session.execute(select(*keys).where(*conditions).limit(ROWS_PER_STATEMENT)).all()
    if not found:
        return 0
    return delete_rows(session, model, tuple_(*keys).in_([tuple(row) for row in found]))
