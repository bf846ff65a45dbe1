"""Estimate sources as they stand: the connected vendors and their sample runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Select, and_, bindparam, case, func, or_, select

from flask_tokenoffset.errors import Conflict, NotFound
from flask_tokenoffset.models import (
    Connection,
    ConnectionStatus,
    RunStatus,
    SampleRun,
    Source,
)

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class SampledSource:
    """A sampled source as a page or the API shows it."""

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

    :raises NotFound: there is none with this id, or it is somebody else's.
    """
    row = session.execute(
        _sampled_source(), {"source_id": source_id, "account_id": account_id}
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such estimate source.")
    return row[0], row[1]


def refuse_disconnected(connection: Connection) -> None:
    """Refuse what only a connection that has not ended can take, such as another key.

    :raises Conflict: it is disconnected.
    """
    if connection.status == ConnectionStatus.DISCONNECTED:
        raise Conflict("This source is disconnected and its key is gone. Connect it anew instead.")


def list_sources(session: Session, account_id: UUID) -> list[SampledSource]:
    """The account's sampled sources that are not disconnected, newest first; two queries."""
    rows = session.execute(_connected_sources(), {"account_id": account_id}).all()
    newest = _newest_runs(session, account_id, [source.id for source, _ in rows])
    return [
        SampledSource(source, connection, *newest.get(source.id, (None, None)))
        for source, connection in rows
    ]


def read_source(session: Session, account_id: UUID, source_id: UUID) -> SampledSource:
    """One sampled source and where it stands, disconnected ones included.

    :raises NotFound: there is none with this id, or it is somebody else's.
    """
    source, connection = sampled_source(session, account_id, source_id)
    newest = _newest_runs(session, account_id, [source_id])
    return SampledSource(source, connection, *newest.get(source_id, (None, None)))


def list_runs(
    session: Session, account_id: UUID, source_id: UUID, *, limit: int = 20
) -> list[SampleRun]:
    """The newest runs of a source, newest first."""
    of = {"account_id": account_id, "source_id": source_id, "most": limit}
    return list(session.scalars(_runs(), of))


def read_run(session: Session, account_id: UUID, source_id: UUID, run_id: UUID) -> SampleRun:
    """One run of a source.

    :raises NotFound: there is none with these ids, or it is somebody else's.
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


def _newest_runs(
    session: Session, account_id: UUID, source_ids: list[UUID]
) -> dict[UUID, tuple[SampleRun | None, SampleRun | None]]:
    """Of each source the newest run, and the newest complete one, in one query."""
    if not source_ids:
        return {}
    rows = session.execute(_runs_in_front(), {"account_id": account_id, "source_ids": source_ids})
    found: dict[UUID, tuple[SampleRun | None, SampleRun | None]] = {}
    for run, place in rows:
        newest, complete = found.get(run.source_id, (None, None))
        if place == 1:
            newest = run
        if run.status == RunStatus.COMPLETE:
            complete = run
        found[run.source_id] = (newest, complete)
    return found


@cache
def _sampled_source() -> Select[Source, Connection]:
    return (
        select(Source, Connection)
        .join(Connection, Connection.source_id == Source.id)
        .where(Source.id == bindparam("source_id"), Source.account_id == bindparam("account_id"))
    )


@cache
def _connected_sources() -> Select[Source, Connection]:
    return (
        select(Source, Connection)
        .join(Connection, Connection.source_id == Source.id)
        .where(
            Source.account_id == bindparam("account_id"),
            Connection.status != ConnectionStatus.DISCONNECTED,
        )
        .order_by(Source.created_at.desc(), Source.id)
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


@cache
def _runs_in_front() -> Select[SampleRun, int]:
    is_complete = case((SampleRun.status == RunStatus.COMPLETE, 1), else_=0)
    newest_first = (SampleRun.requested_at.desc(), SampleRun.id)
    ranked = (
        select(
            SampleRun.id,
            is_complete.label("is_complete"),
            func.row_number()
            .over(partition_by=SampleRun.source_id, order_by=newest_first)
            .label("place"),
            func.row_number()
            .over(partition_by=(SampleRun.source_id, is_complete), order_by=newest_first)
            .label("place_of_its_kind"),
        )
        .where(
            SampleRun.account_id == bindparam("account_id"),
            SampleRun.source_id.in_(bindparam("source_ids", expanding=True)),
        )
        .subquery()
    )
    return (
        select(SampleRun, ranked.c.place)
        .join(ranked, ranked.c.id == SampleRun.id)
        .where(
            or_(
                ranked.c.place == 1,
                and_(ranked.c.is_complete == 1, ranked.c.place_of_its_kind == 1),
            )
        )
        .order_by(ranked.c.place)
    )
