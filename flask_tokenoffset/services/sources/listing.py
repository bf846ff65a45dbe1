"""Estimate sources as they stand: the connected vendors and their sample runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, bindparam, case, func, or_, select

from flask_tokenoffset.errors import Conflict, NotFound
from flask_tokenoffset.models import Connection, ConnectionStatus, RunStatus, SampleRun, Source
from flask_tokenoffset.models.records import fetch_rows, record_columns, records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class SampledSource:
    """A sampled source as a page or the API shows it: records, which nobody changes."""

    source: Source
    connection: Connection
    #: The newest run, whatever became of it.
    newest_run: SampleRun | None
    #: The newest run that ended well; what is shown rests on it.
    newest_complete: SampleRun | None


def sampled_source(
    session: Session, account_id: UUID, source_id: UUID
) -> tuple[Source, Connection]:
    """A sampled source of an account.

    :raises NotFound: there is none with this id, or it is another person's.
    """
    row = session.execute(
        _sampled_source(), {"source_id": source_id, "account_id": account_id}
    ).one_or_none()
    if row is None:
        raise _no_such_source()
    return row[0], row[1]


def _no_such_source() -> NotFound:
    return NotFound("There is no such estimate source.")


def refuse_disconnected(connection: Connection) -> None:
    """Refuse what only a connection that has not ended can take, such as another key.

    :raises Conflict: it is disconnected.
    """
    if connection.status == ConnectionStatus.DISCONNECTED:
        raise Conflict("This source is disconnected and its key is gone. Connect it anew instead.")


def list_sources(session: Session, account_id: UUID) -> list[SampledSource]:
    """The account's sampled sources that are not disconnected, newest first; one query."""
    return _sampled(fetch_rows(session, _connected_sources(), {"account_id": account_id}))


def read_source(session: Session, account_id: UUID, source_id: UUID) -> SampledSource:
    """One sampled source and where it stands, disconnected ones included; one query.

    :raises NotFound: there is none with this id, or it is another person's.
    """
    of = {"account_id": account_id, "source_id": source_id}
    found = _sampled(fetch_rows(session, _source_with_runs(), of))
    if not found:
        raise _no_such_source()
    return found[0]


def list_runs(
    session: Session, account_id: UUID, source_id: UUID, *, limit: int = 20
) -> list[SampleRun]:
    """The newest runs of a source, newest first."""
    of = {"account_id": account_id, "source_id": source_id, "most": limit}
    return list(session.scalars(_runs(), of))


def read_run(session: Session, account_id: UUID, source_id: UUID, run_id: UUID) -> SampleRun:
    """One run of a source.

    :raises NotFound: there is none with these ids, or it is another person's.
    """
    run = session.scalar(
        select(SampleRun).where(
            SampleRun.id == run_id,
            SampleRun.source_id == source_id,
            SampleRun.account_id == account_id,
        )
    )
    if run is None:
        raise NotFound("There is no such sample run.")
    return run


def _sampled(rows: Iterable[Row[*tuple[Any, ...]]]) -> list[SampledSource]:
    """Sources with their runs put in place.

    :param rows: of each source one or two, with the newest run first.
    """
    found: dict[UUID, SampledSource] = {}
    for row in rows:
        source, connection, run = records(row, Source, Connection, SampleRun)
        complete = run if run is not None and run.status == RunStatus.COMPLETE else None
        before = found.get(source.id)
        newest = run if before is None else before.newest_run
        found[source.id] = SampledSource(source, connection, newest, complete)
    return list(found.values())


@cache
def _sampled_source() -> Select[Source, Connection]:
    return (
        select(Source, Connection)
        .join(Connection, Connection.source_id == Source.id)
        .where(Source.id == bindparam("source_id"), Source.account_id == bindparam("account_id"))
    )


@cache
def _connected_sources() -> Select[*tuple[Any, ...]]:
    return _sources_with_runs().where(Connection.status != ConnectionStatus.DISCONNECTED)


@cache
def _source_with_runs() -> Select[*tuple[Any, ...]]:
    return _sources_with_runs().where(Source.id == bindparam("source_id"))


def _sources_with_runs() -> Select[*tuple[Any, ...]]:
    """Each source with its newest run, and with its newest complete one where that is another."""
    is_complete = case((SampleRun.status == RunStatus.COMPLETE, 1), else_=0)
    newest_first = (SampleRun.requested_at.desc(), SampleRun.id)
    ranked = (
        select(
            SampleRun.id,
            SampleRun.source_id,
            is_complete.label("is_complete"),
            func.row_number()
            .over(partition_by=SampleRun.source_id, order_by=newest_first)
            .label("place"),
            func.row_number()
            .over(partition_by=(SampleRun.source_id, is_complete), order_by=newest_first)
            .label("place_of_its_kind"),
        )
        .where(SampleRun.account_id == bindparam("account_id"))
        .subquery()
    )
    counts = or_(
        ranked.c.place == 1, and_(ranked.c.is_complete == 1, ranked.c.place_of_its_kind == 1)
    )
    return (
        select(*record_columns(Source, Connection, SampleRun))
        .join(Connection, Connection.source_id == Source.id)
        .outerjoin(ranked, and_(ranked.c.source_id == Source.id, counts))
        .outerjoin(SampleRun, SampleRun.id == ranked.c.id)
        .where(Source.account_id == bindparam("account_id"))
        .order_by(Source.created_at.desc(), Source.id, ranked.c.place)
    )


@cache
def _runs() -> Select[SampleRun]:
    return (
        select(SampleRun)
        .where(
            SampleRun.account_id == bindparam("account_id"),
            SampleRun.source_id == bindparam("source_id"),
        )
        .order_by(SampleRun.requested_at.desc(), SampleRun.id)
        .limit(bindparam("most"))
    )
