"""Legal holds: named records are neither purged nor erased, for a reason and until an end.

A hold names an account, a table, and one record in it or all of the account's. Everything beside
them goes by its rule. Once a hold has ended or is lifted, what it kept goes with the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, or_, select

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import InvalidInput, NotFound
from flask_tokenoffset.models import (
    LONGEST_REASON,
    TABLE_PREFIX,
    Account,
    AuditAction,
    Base,
    LegalHold,
    new_id,
)
from flask_tokenoffset.services.shared.free_text import refuse_account_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Tables without an account of their own, and the one through which they are held.
_HELD_THROUGH: Final[Mapping[str, str]] = {
    "daily_usage": "usage_series",
    "daily_cost": "cost_line",
    "export_part": "export",
}
#: A secret serves nobody once it is out of use, and the account itself is kept by its records.
_NEVER_HELD: Final = frozenset({"account", "credential", "identity_credential", "legal_hold"})


def _models() -> Mapping[str, type[Base]]:
    return {
        mapper.class_.__tablename__.removeprefix(TABLE_PREFIX): mapper.class_
        for mapper in Base.registry.mappers
    }


def tables_to_hold() -> tuple[str, ...]:
    """The tables whose records can be held: those of accounts, but for secrets and holds."""
    return tuple(
        sorted(
            table
            for table, model in _models().items()
            if table not in _NEVER_HELD and (hasattr(model, "account_id") or table in _HELD_THROUGH)
        )
    )


def place_hold(
    work: UnitOfWork,
    *,
    account_id: UUID,
    table: str,
    record_id: UUID | None,
    reason: str,
    held_until: datetime,
    now: datetime,
) -> LegalHold:
    """Keep one record of an account, or all that it has in a table, until an end.

    :param table: its name without our prefix; the daily tables are held whole.
    :param record_id: which record; all of the account's without one.
    :param reason: why, for example a file number; no names.
    :param held_until: the end, aware. Every hold has one; place another to go on.
    :raises NotFound: there is no such account, or no such record of it.
    :raises InvalidInput: something else is wrong; by field.
    """
    reason = " ".join(reason.split())
    errors: dict[str, str] = {}
    if table not in tables_to_hold():
        errors["table"] = (
            f"Nothing can be held in {table!r}. Choose one of {', '.join(tables_to_hold())}."
        )
    if not 0 < len(reason) <= LONGEST_REASON:
        errors["reason"] = f"A hold needs a reason of at most {LONGEST_REASON} characters."
    else:
        refuse_account_numbers(reason, field="reason", label="reason")
    if held_until <= now:
        errors["until"] = "A hold needs an end, and it must lie ahead."
    if errors:
        raise InvalidInput(errors)
    _check_record(work.session, account_id, table, record_id)
    hold = LegalHold(
        id=new_id(),
        account_id=account_id,
        table_name=table,
        record_id=record_id,
        reason=reason,
        placed_at=now,
        held_until=held_until,
    )
    work.session.add(hold)
    work.session.flush()
    work.record(
        AuditAction.HOLD_PLACED,
        account_id=account_id,
        subject_type="legal-hold",
        subject_id=hold.id,
        table=table,
        to_date=held_until.date().isoformat(),
    )
    return hold


def _check_record(session: Session, account_id: UUID, table: str, record_id: UUID | None) -> None:
    if session.get(Account, account_id) is None:
        raise NotFound("There is no such account, so nothing is held.")
    if record_id is None:
        return
    model: Any = _models()[table]
    if not hasattr(model, "id") or not hasattr(model, "account_id"):
        raise InvalidInput({"record": f"Records in {table!r} cannot be held one by one."})
    found = session.scalar(
        select(model.id).where(model.id == record_id, model.account_id == account_id)
    )
    if found is None:
        raise NotFound("The account has no such record there, so nothing is held.")


def lift_hold(work: UnitOfWork, hold_id: UUID, now: datetime) -> LegalHold:
    """End a hold before its time. Lifting it twice changes nothing.

    :raises NotFound: there is no such hold.
    """
    hold = work.session.get(LegalHold, hold_id, with_for_update=True)
    if hold is None:
        raise NotFound("There is no such hold.")
    if hold.lifted_at is None:
        hold.lifted_at = now
        work.session.flush()
        work.record(
            AuditAction.HOLD_LIFTED,
            account_id=hold.account_id,
            subject_type="legal-hold",
            subject_id=hold.id,
            table=hold.table_name,
        )
    return hold


def holds_in_force(
    session: Session, now: datetime, *, account_id: UUID | None = None
) -> Sequence[LegalHold]:
    """The holds that keep something at this moment, the ones that end first before the others.

    :param account_id: one account's only.
    """
    conditions = [_in_force(now)]
    if account_id is not None:
        conditions.append(LegalHold.account_id == account_id)
    return session.scalars(
        select(LegalHold).where(*conditions).order_by(LegalHold.held_until, LegalHold.id)
    ).all()


@enforces("legal-hold-keeps-named-records", "TO-049", off=None)
def held(model: type[Base], now: datetime) -> ColumnElement[bool] | None:
    """The condition under which a row is held; ``None`` where a table's rows cannot be.

    :param model: whose rows are about to be deleted or emptied.
    :param now: the present instant, aware.
    """
    columns: Any = model
    if not hasattr(model, "account_id"):
        return None
    table = model.__tablename__.removeprefix(TABLE_PREFIX)
    through = [daily for daily, parent in _HELD_THROUGH.items() if parent == table]
    record: ColumnElement[bool] = LegalHold.record_id.is_(None)
    if hasattr(model, "id") and not through:
        record = or_(record, LegalHold.record_id == columns.id)
    return exists().where(
        LegalHold.account_id == columns.account_id,
        LegalHold.table_name.in_([table, *through]),
        record,
        _in_force(now),
    )


def not_held(model: type[Base], now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions to add to each deletion of rows of a table.

    :param model: whose rows.
    :param now: the present instant, aware.
    """
    condition = held(model, now)
    return () if condition is None else (~condition,)


def _in_force(now: datetime) -> ColumnElement[bool]:
    return and_(LegalHold.lifted_at.is_(None), LegalHold.held_until > now)
