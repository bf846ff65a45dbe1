"""What the promise checks count in the database; see :mod:`.promise_checks`.

Each question counts what breaks its promise, so that nought is the one good answer. They look at
the rows themselves and not through the guards that keep the promises, so that a guard which was
lost shows. What is merely on its way, such as a deletion whose day has just come, is given the time
that a working schedule needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, func, or_, select, text

from flask_tokenoffset.data_map import load
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.models import (
    NOTICE_DAYS,
    SMALLEST_GROUP,
    TABLE_PREFIX,
    UNFINISHED,
    Adoption,
    AuditEvent,
    Base,
    Connection,
    ConnectionStatus,
    ConsentEvent,
    ConsentEventType,
    ConsentNotice,
    CostLine,
    Credential,
    DocumentEffect,
    DocumentVersion,
    Export,
    ExportPart,
    ExportStatus,
    LegalHold,
    MessageKind,
    MessageStatus,
    OutboundMessage,
    Person,
    Plan,
    RetainedRecord,
    RightsRequest,
    RightsRequestStatus,
    SampleRun,
    UsageAggregate,
    UsageSeries,
)
from flask_tokenoffset.services.retention.legal_holds import not_held
from flask_tokenoffset.services.retention.purge import LONGEST_LAG, standings, steps
from flask_tokenoffset.services.retention.purge_steps import Sweep
from flask_tokenoffset.services.retention.rules import find_rule, operator_days

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from flask_tokenoffset.settings import Settings

#: How long a scheduler that runs may take for what has just fallen due.
ALLOWANCE: Final = timedelta(hours=12)
#: The tables that the database itself keeps from being changed.
APPEND_ONLY_MODELS: Final[tuple[type[Base], ...]] = (
    AuditEvent,
    ConsentEvent,
    ConsentNotice,
    DocumentVersion,
    DocumentEffect,
)
#: How the triggers that do so end, by dialect (see models/append_only.py).
_TRIGGERS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "postgresql": (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
        ("append_only", "no_truncate"),
    ),
    "sqlite": ("SELECT name FROM sqlite_master WHERE type = 'trigger'", ("no_update", "no_delete")),
}
_OPEN_EXPORT: Final = (ExportStatus.QUEUED, ExportStatus.RUNNING, ExportStatus.READY)


@dataclass(frozen=True, slots=True)
class Asking:
    """What a check looks at.

    :param session: of the database.
    :param settings: the application's.
    :param now: the present instant, aware.
    """

    session: Session
    settings: Settings
    now: datetime

    def count(self, model: type[Base], *conditions: ColumnElement[bool]) -> int:
        """How many rows of a table fulfil some conditions."""
        counted = select(func.count()).select_from(model).where(*conditions)
        return self.session.scalar(counted) or 0


def credentials_of_the_disconnected(asking: Asking) -> int:
    """Sealed keys of connections that were disconnected."""
    disconnected = Connection.status == ConnectionStatus.DISCONNECTED
    return asking.count(
        Credential,
        exists().where(Connection.source_id == Credential.source_id, disconnected),
    )


def usage_of_the_disconnected(asking: Asking) -> int:
    """What was sampled of connections that were disconnected."""
    disconnected = Connection.status == ConnectionStatus.DISCONNECTED
    return sum(
        asking.count(model, exists().where(Connection.source_id == model.source_id, disconnected))
        for model in (UsageSeries, CostLine)
    )


def small_sums(asking: Asking) -> int:
    """Sums in which a person could be found."""
    return asking.count(UsageAggregate, UsageAggregate.contributors < SMALLEST_GROUP)


def runs_of_the_restricted(asking: Asking) -> int:
    """Readings that wait or run for a person whose data is restricted."""
    restricted = or_(Person.restricted_at.is_not(None), Person.deletion_due_at.is_not(None))
    return asking.count(
        SampleRun,
        SampleRun.status.in_(UNFINISHED),
        exists().where(Person.account_id == SampleRun.account_id, restricted),
    )


def updates_to_the_unwilling(asking: Asking) -> int:
    """News in the outbox for people whose newest decision about it is no consent."""
    newest = (
        select(ConsentEvent.event_type)
        .where(
            ConsentEvent.account_id == Person.account_id,
            ConsentEvent.purpose == Purpose.PRODUCT_UPDATES,
            ConsentEvent.event_type != ConsentEventType.SHOWN,
        )
        .order_by(ConsentEvent.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    unwilling = or_(newest.is_(None), newest != ConsentEventType.GIVEN)
    return asking.count(
        OutboundMessage,
        OutboundMessage.kind == MessageKind.PRODUCT_UPDATE,
        OutboundMessage.status.in_([MessageStatus.QUEUED, MessageStatus.SENDING]),
        # A worker looks again before it sends; what waits for long was never looked at.
        OutboundMessage.created_at <= asking.now - ALLOWANCE,
        exists().where(Person.id == OutboundMessage.person_id, unwilling),
    )


def overdue_deletions(asking: Asking) -> int:
    """Accounts that should have been deleted by now, but for those that are held."""
    return asking.count(
        Person,
        Person.forgotten_at.is_(None),
        Person.deletion_due_at <= asking.now - ALLOWANCE,
        ~_is_held(Person.account_id, asking.now),
    )


def left_of_the_erased(asking: Asking) -> int:
    """Rows that the data map says are deleted, and values that it says are taken out."""
    gone = Person.forgotten_at.is_not(None) & ~_is_held(Person.account_id, asking.now)
    left = 0
    for model in (mapper.class_ for mapper in Base.registry.mappers):
        table = load().tables[model.__tablename__.removeprefix(TABLE_PREFIX)]
        if table.erasure == "deleted" and "account_id" in table.columns:
            # The last message, which says that it was done, has no account.
            left += asking.count(model, exists().where(Person.account_id == model.account_id, gone))
    person = Person.__table__
    emptied = [
        person.c[name].is_not(None)
        for name in load().tables["person"].columns
        if load().tables["person"].erasure_of(name) == "emptied" and person.c[name].nullable
    ]
    return left + asking.count(Person, gone, or_(*emptied))


def exports_that_are_over(asking: Asking) -> int:
    """Pieces of copies that nobody may fetch any more."""
    over = or_(
        Export.status.not_in(_OPEN_EXPORT),
        and_(Export.status == ExportStatus.READY, Export.expires_at <= asking.now - ALLOWANCE),
    )
    return asking.count(ExportPart, exists().where(Export.id == ExportPart.export_id, over))


def overdue_requests(asking: Asking) -> int:
    """Requests that should have been answered by now."""
    return asking.count(
        RightsRequest,
        RightsRequest.status == RightsRequestStatus.OPEN,
        RightsRequest.due_at < asking.now,
    )


def retained_records_that_are_over(asking: Asking) -> int:
    """Retained records past their end."""
    return asking.count(
        RetainedRecord,
        RetainedRecord.kept_until <= asking.now - LONGEST_LAG,
        *not_held(RetainedRecord, asking.now),
    )


def kept_too_long(asking: Asking) -> int:
    """Rows a day past their period, and rules that the purge is late with."""
    late = sum(each.is_late for each in standings(asking.session, asking.settings))
    for name, of_rule in steps().items():
        days = operator_days(find_rule(name), asking.settings)
        end = asking.now - timedelta(days=days or 0) - LONGEST_LAG
        for step in of_rule:
            if isinstance(step, Sweep):
                late += asking.count(
                    step.model,
                    step.clock <= end,
                    *step.conditions,
                    *not_held(step.model, asking.now),
                )
    return late


def consents_without_witness(asking: Asking) -> int:
    """Events of the consent ledger that the audit log knows nothing of."""
    witness = exists().where(
        AuditEvent.account_id == ConsentEvent.account_id,
        AuditEvent.subject_id == ConsentEvent.id,
    )
    return asking.count(ConsentEvent, ~witness)


def changes_without_notice(asking: Asking) -> int:
    """Material changes that took effect too soon."""
    effects = asking.session.execute(
        select(DocumentEffect.notice_at, DocumentEffect.effective_at).where(DocumentEffect.material)
    )
    return sum(
        notice_at is None or effective_at < notice_at + timedelta(days=NOTICE_DAYS)
        for notice_at, effective_at in effects
    )


def plans_nobody_adopted(asking: Asking) -> int:
    """Plans whose amount is not the one that was adopted last."""
    adopted = (
        select(Adoption.amount_cents)
        .where(Adoption.plan_id == Plan.id)
        .order_by(Adoption.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    return asking.count(Plan, Plan.amount_cents != func.coalesce(adopted, 0))


def missing_triggers(asking: Asking) -> int:
    """Triggers that are missing or switched off."""
    # Named by a table of ours, so that a host's second database is asked and not its first.
    connection = asking.session.connection(bind_arguments={"mapper": AuditEvent.__mapper__})
    question, endings = _TRIGGERS[connection.dialect.name]
    found = set(connection.execute(text(question)).scalars())
    wanted = {
        f"{model.__tablename__}_{ending}" for model in APPEND_ONLY_MODELS for ending in endings
    }
    return len(wanted - found)


def _is_held(account: Any, now: datetime) -> ColumnElement[bool]:
    """Whether a legal hold keeps anything of an account."""
    return exists().where(
        LegalHold.account_id == account,
        LegalHold.lifted_at.is_(None),
        LegalHold.held_until > now,
    )
