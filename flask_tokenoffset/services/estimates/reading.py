"""Finds estimates again: the newest of a source, of all together, or one by its id."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from flask_tokenoffset.errors import Conflict, NotFound
from flask_tokenoffset.models import (
    Connection,
    ConnectionStatus,
    Estimate,
    RunStatus,
    SampleRun,
    Source,
    SourceKind,
)
from flask_tokenoffset.services.estimates import figures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from flask_tokenoffset.methodology import Range


def newest_by_source(session: Session, account_id: UUID) -> list[Estimate]:
    """The newest estimate of each connection that is not disconnected, and of all together.

    A sum made before one of its connections ended is left out.
    """
    return list(session.scalars(_newest_by_source(), {"account_id": account_id}))


@cache
def _newest_by_source() -> Select[Estimate]:
    # Building it takes longer than asking it.
    account_id = bindparam("account_id", type_=Estimate.account_id.type)
    ended = aliased(Connection)
    ended_since = exists().where(
        ended.account_id == account_id, ended.disconnected_at >= Estimate.created_at
    )
    ranked = (
        select(
            Estimate.id,
            func.row_number()
            .over(
                partition_by=Estimate.source_id,
                order_by=(Estimate.created_at.desc(), Estimate.id),
            )
            .label("place"),
        )
        .outerjoin(Connection, Connection.source_id == Estimate.source_id)
        .where(
            Estimate.account_id == account_id,
            or_(
                Connection.status != ConnectionStatus.DISCONNECTED,
                and_(Estimate.source_kind == SourceKind.COMBINED, ~ended_since),
            ),
        )
        .subquery()
    )
    return (
        select(Estimate)
        .join(ranked, ranked.c.id == Estimate.id)
        .where(ranked.c.place == 1, Estimate.account_id == account_id)
        .order_by(Estimate.created_at.desc(), Estimate.id)
    )


def sum_of_all(newest: Sequence[Estimate]) -> Estimate | None:
    """The estimate that adds up all connections, if there are several and it has seen the newest.

    :param newest: from :func:`newest_by_source`.
    """
    sampled = [estimate for estimate in newest if estimate.source_kind == SourceKind.SAMPLED]
    if len(sampled) < 2:  # noqa: PLR2004 - one alone is its own sum
        return None
    latest = max(estimate.created_at for estimate in sampled)
    return next(
        (
            estimate
            for estimate in newest
            if estimate.source_kind == SourceKind.COMBINED and estimate.created_at >= latest
        ),
        None,
    )


def newest_combined(session: Session, account_id: UUID) -> Estimate:
    """The estimate that adds up all of an account's connections.

    :raises Conflict: there are not two connections with an estimate each.
    """
    estimate = sum_of_all(newest_by_source(session, account_id))
    if estimate is None:
        raise Conflict(
            "There are no two connected sources with an estimate each, so there is nothing to add"
            " up. Take the estimate of the one source, or wait until both are sampled."
        )
    return estimate


def newest_of_kind(session: Session, account_id: UUID, kind: SourceKind) -> Estimate | None:
    """The newest estimate of one kind of source."""
    return session.scalar(_newest_of_kind(), {"account_id": account_id, "kind": kind})


@cache
def _newest_of_kind() -> Select[Estimate]:
    return (
        select(Estimate)
        .where(
            Estimate.account_id == bindparam("account_id"),
            Estimate.source_kind == bindparam("kind"),
        )
        .order_by(Estimate.created_at.desc(), Estimate.id)
        .limit(1)
    )


def newest_of_sample(session: Session, account_id: UUID, source_id: UUID) -> Estimate:
    """The estimate that a sampled source's newest complete run yielded.

    :raises NotFound: the account has no such source.
    :raises Conflict: there is no complete run, or its history was too short for an estimate.
    """
    found = session.execute(
        _newest_of_sample(), {"account_id": account_id, "source_id": source_id}
    ).one_or_none()
    if found is None:
        owned = select(Source.id).where(Source.id == source_id, Source.account_id == account_id)
        if session.scalar(owned) is None:
            raise NotFound("There is no such estimate source.")
        raise Conflict("No sample of this source is complete yet. Wait until the first one is.")
    run, estimate = found
    if estimate is None:
        raise Conflict(run.reason or "The sampled history is too short for an estimate.")
    return estimate


@cache
def _newest_of_sample() -> Select[SampleRun, Estimate]:
    return (
        select(SampleRun, Estimate)
        .outerjoin(Estimate, Estimate.run_id == SampleRun.id)
        .where(
            SampleRun.account_id == bindparam("account_id"),
            SampleRun.source_id == bindparam("source_id"),
            SampleRun.status == RunStatus.COMPLETE,
        )
        .order_by(SampleRun.requested_at.desc(), SampleRun.id)
        .limit(1)
    )


def read_estimate(session: Session, account_id: UUID, estimate_id: UUID) -> Estimate:
    """One estimate of an account.

    :raises NotFound: there is none with this id, or it is somebody else's.
    """
    estimate = session.scalar(_estimate(), {"id": estimate_id, "account_id": account_id})
    if estimate is None:
        raise NotFound("There is no such estimate.")
    return estimate


@cache
def _estimate() -> Select[Estimate]:
    return select(Estimate).where(
        Estimate.id == bindparam("id"), Estimate.account_id == bindparam("account_id")
    )


def carbon_range(estimate: Estimate, method_version: str) -> Range:
    """The class-aware carbon of an estimate, in grams a month.

    :param method_version: the method that prices it.
    """
    return figures.from_json(estimate.figures).shown_by(method_version).co2e_g
