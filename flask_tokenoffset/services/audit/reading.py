"""Reading the audit log: a page of it, newest first, or all of it, oldest first, for a file.

Events name people by id alone. Their names are looked up when the log is shown, so that a person
who was forgotten has none any more, in events of any age.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select

from flask_tokenoffset.clock import utc_midnight
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import (
    AUDIT_SUBJECTS,
    AuditAction,
    AuditChain,
    AuditEvent,
    AuditOrigin,
    Person,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Events read at a time for a file.
BATCH: Final = 500
#: The detail that names another person than the one who acted.
PERSON_DETAIL: Final = "person_id"
#: What only the platform's operators do in a person's log. Their names are not told there.
BY_OPERATORS: Final = frozenset(
    {AuditAction.REQUEST_SEEN, AuditAction.REQUEST_EXTENDED, AuditAction.REQUEST_ANSWERED}
)


@dataclass(frozen=True, slots=True)
class Named:
    """A person whom an event names.

    :param id: theirs, for good.
    :param name: what they call themselves now, if they said.
    :param forgotten: whether they were forgotten.
    :param operator: whether they acted for the platform; then their name is not told.
    """

    id: UUID
    name: str | None
    forgotten: bool
    operator: bool = False


@dataclass(frozen=True, slots=True)
class AuditView:
    """An event with what is known now of whom it names and of where it came from.

    :param actor: who did it; nobody where a job or a command did.
    :param about: the person it was done to, if it names one.
    :param address: the network address it came from, while that is kept.
    :param user_agent: what the client called itself, while that is kept.
    """

    event: AuditEvent
    actor: Named | None
    about: Named | None
    address: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which events are wanted.

    :param action: an action (``member.joined``), or all about a subject (``member``).
    :param actor_id: who did it.
    :param subject_type: what it was done to.
    :param from_date: the first UTC day.
    :param to_date: the last UTC day.
    :raises InvalidInput: there is no such action or subject, or the days are the wrong way round;
        with a sentence for each field at fault.
    """

    action: str | None = None
    actor_id: UUID | None = None
    subject_type: str | None = None
    from_date: date | None = None
    to_date: date | None = None

    def __post_init__(self) -> None:
        errors: dict[str, str] = {}
        if self.action is not None and not self.actions:
            errors["action"] = "There is no such action. Choose one from the list."
        if self.subject_type is not None and self.subject_type not in AUDIT_SUBJECTS:
            errors["subject_type"] = (
                f"There is no such subject. Choose one of {', '.join(sorted(AUDIT_SUBJECTS))}."
            )
        if self.from_date and self.to_date and self.from_date > self.to_date:
            errors["to_date"] = "The last day is before the first. Exchange the two."
        if errors:
            raise InvalidInput(errors)

    @property
    def actions(self) -> list[str]:
        """The actions wanted; all of them if the list is empty."""
        return [each for each in AuditAction if self.action in {each, group_of(each)}]

    @property
    def details(self) -> dict[str, Any]:
        """The filter in words, for the log."""
        wanted = {
            "actions": self.action,
            "actor": self.actor_id,
            "subject": self.subject_type,
            "from_date": self.from_date,
            "to_date": self.to_date,
        }
        return {word: str(value) for word, value in wanted.items() if value is not None}


EVERYTHING: Final = AuditFilter()


def group_of(action: str) -> str:
    """The group an action belongs to: what stands before its dot."""
    return action.partition(".")[0]


def list_events(
    session: Session,
    account_id: UUID,
    wanted: AuditFilter = EVERYTHING,
    *,
    before_sequence: int | None = None,
    limit: int,
) -> list[AuditView]:
    """One page of an account's events, newest first, in two queries.

    :param before_sequence: go on behind this event, for the next page.
    :param limit: how many at most.
    """
    conditions = _conditions(account_id, wanted)
    if before_sequence is not None:
        conditions.append(AuditEvent.sequence < before_sequence)
    query = _events(conditions).order_by(AuditEvent.sequence.desc()).limit(limit)
    return _views(session, query)


def find_actor(session: Session, account_id: UUID, person_id: UUID) -> Named | None:
    """A person who did something in an account's log; nobody else, even if they exist."""
    acted = select(AuditEvent.id).where(
        AuditEvent.account_id == account_id, AuditEvent.actor_id == person_id
    )
    if session.scalar(acted.limit(1)) is None:
        return None
    otherwise = acted.where(AuditEvent.action.not_in(BY_OPERATORS))
    if session.scalar(otherwise.limit(1)) is None:
        return _operator(person_id)
    return _names(session, {person_id})[person_id]


def record_export(
    work: UnitOfWork, *, account_id: UUID, wanted: AuditFilter, file_format: str
) -> None:
    """Note that the log was taken away as a file.

    :param file_format: ``csv`` or ``jsonl``.
    """
    work.record(
        AuditAction.EXPORT_MADE,
        account_id=account_id,
        subject_type="audit-log",
        subject_id=None,
        format=file_format,
        **wanted.details,
    )


def chain_length(session: Session, account_id: UUID) -> int:
    """How many events an account has."""
    length = session.scalar(select(AuditChain.length).where(AuditChain.account_id == account_id))
    return length or 0


def stream_events(
    open_session: Callable[[], AbstractContextManager[Session]],
    account_id: UUID,
    wanted: AuditFilter,
    *,
    last_sequence: int,
) -> Iterator[AuditView]:
    """All wanted events up to one, oldest first, a batch at a time.

    Each batch has a session of its own, so that no connection is held while a slow client reads.
    Since events are never changed, the file is as one moment was all the same.

    :param open_session: a new session on our database.
    :param last_sequence: where the file ends, so that it does end.
    """
    done = 0
    while done < last_sequence:
        conditions = [
            *_conditions(account_id, wanted),
            AuditEvent.sequence > done,
            AuditEvent.sequence <= last_sequence,
        ]
        with open_session() as session:
            query = _events(conditions).order_by(AuditEvent.sequence).limit(BATCH)
            views = _views(session, query)
        yield from views
        if len(views) < BATCH:
            return
        done = views[-1].event.sequence


def _conditions(account_id: UUID, wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [AuditEvent.account_id == account_id]
    if wanted.actions:
        conditions.append(AuditEvent.action.in_(wanted.actions))
    if wanted.actor_id is not None:
        conditions.append(AuditEvent.actor_id == wanted.actor_id)
    if wanted.subject_type is not None:
        conditions.append(AuditEvent.subject_type == wanted.subject_type)
    if wanted.from_date is not None:
        conditions.append(AuditEvent.occurred_at >= utc_midnight(wanted.from_date))
    if wanted.to_date is not None and wanted.to_date < date.max:
        after = utc_midnight(wanted.to_date + timedelta(days=1))
        conditions.append(AuditEvent.occurred_at < after)
    return conditions


def _events(
    conditions: Sequence[ColumnElement[bool]],
) -> Select[AuditEvent, str | None, str | None]:
    return (
        select(AuditEvent, AuditOrigin.address, AuditOrigin.user_agent)
        .outerjoin(
            AuditOrigin,
            and_(
                AuditOrigin.event_id == AuditEvent.id,
                AuditOrigin.account_id == AuditEvent.account_id,
            ),
        )
        .where(*conditions)
    )


def _views(session: Session, query: Select[AuditEvent, str | None, str | None]) -> list[AuditView]:
    rows = session.execute(query).all()
    named = {event.id: (event.actor_id, _person_of(event)) for event, _, _ in rows}
    people = _names(session, {each for pair in named.values() for each in pair if each})
    views = []
    for event, address, user_agent in rows:
        _, about_id = named[event.id]
        views.append(
            AuditView(
                event,
                _actor(event, people),
                people[about_id] if about_id else None,
                address,
                user_agent,
            )
        )
    return views


def _actor(event: AuditEvent, people: Mapping[UUID, Named]) -> Named | None:
    if event.actor_id is None:
        return None
    if event.action in BY_OPERATORS:
        return _operator(event.actor_id)
    return people[event.actor_id]


def _operator(person_id: UUID) -> Named:
    """A person who acted for the platform, without their name."""
    return Named(person_id, None, forgotten=False, operator=True)


def _person_of(event: AuditEvent) -> UUID | None:
    """The person an event was done to, if it names one."""
    text = event.details.get(PERSON_DETAIL)
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _names(session: Session, ids: Iterable[UUID]) -> dict[UUID, Named]:
    wanted = set(ids)
    people = {each: Named(each, None, forgotten=True) for each in wanted}
    if wanted:
        rows = session.execute(
            select(Person.id, Person.display_name, Person.forgotten_at).where(Person.id.in_(wanted))
        )
        for person_id, name, forgotten_at in rows:
            people[person_id] = Named(person_id, name, forgotten=forgotten_at is not None)
    return people
