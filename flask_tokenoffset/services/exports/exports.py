"""Copies of everything held about a person: asked for, shown, fetched once, and gone in time.

:mod:`flask_tokenoffset.services.exports.worker` makes them, in a worker. What stands here is what a
person does with them. The archive is kept in sealed pieces until it is fetched, which deletes them,
or until its link ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import CursorResult, delete, func, select, update

from flask_tokenoffset.data_map import load
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import Conflict, ExportLinkNotValid, NotFound, TooManyAttempts
from flask_tokenoffset.models import (
    Account,
    AuditAction,
    Export,
    ExportPart,
    ExportStatus,
    RightsRequest,
    RightsRequestKind,
    RightsRequestStatus,
    new_id,
)
from flask_tokenoffset.services.data_map.held_rows import exported_tables
from flask_tokenoffset.services.exports.parts import open_parts
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.services.shared.leases import Leases
from flask_tokenoffset.services.shared.tokens import derive_token, digest_of, new_salt
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import Vault

#: The word that tells apart what the tokens of different tables open.
EXPORT_TOKEN: Final = "export"  # noqa: S105 - a word, not a secret
#: Copies one person may ask for within 24 hours.
PER_DAY: Final = 3
_DAY: Final = timedelta(days=1)
#: Copies that a page shows.
MOST_SHOWN: Final = 20
#: Copies that one call of :func:`expire_exports` deletes at most.
BATCH: Final = 100
#: A copy that is being made, or waits to be fetched.
OPEN: Final = (ExportStatus.QUEUED, ExportStatus.RUNNING, ExportStatus.READY)
#: A copy that a worker still has to make.
UNFINISHED_EXPORT: Final = (ExportStatus.QUEUED, ExportStatus.RUNNING)
#: How workers take copies that are to be made.
EXPORTS: Final = Leases(
    model=Export,
    waiting=ExportStatus.QUEUED,
    running=ExportStatus.RUNNING,
    lease=timedelta(minutes=5),
)


@dataclass(frozen=True, slots=True)
class FetchedArchive:
    """What is handed to the person, once.

    :param pieces: the bytes of a ZIP, in order.
    """

    pieces: tuple[bytes, ...] = field(repr=False)
    size_bytes: int


def request_export(work: UnitOfWork, person: Person, *, link_key: bytes, now: datetime) -> Export:
    """Take down that a person wants a copy of everything held about them, and have it made.

    :param person: who asks, in a browser in which they have just proved that it is they.
    :param link_key: the application's key for links.
    :param now: the present instant, aware.
    :raises Conflict: a copy of theirs is being made, or waits to be fetched.
    :raises TooManyAttempts: they asked for as many as they may within a day.
    """
    session = work.session
    # Two that are asked for at once are counted one after the other.
    session.execute(
        select(Account.id).where(Account.id == person.account_id).with_for_update(key_share=True)
    )
    _refuse_second(session, person, now)
    _refuse_too_many(session, person, now)
    request = rights_requests.receive(work, person, RightsRequestKind.ACCESS, now)
    export_id, salt = new_id(), new_salt()
    export = Export(
        id=export_id,
        account_id=person.account_id,
        person_id=person.id,
        request_id=request.id,
        status=ExportStatus.QUEUED,
        tables_done=0,
        tables_expected=len(exported_tables(load())),
        next_attempt_at=now,
        salt=salt,
        token_digest=digest_of(derive_token(link_key, EXPORT_TOKEN, export_id, salt)),
        requested_at=now,
    )
    session.add(export)
    session.flush()
    _record(work, AuditAction.EXPORT_REQUESTED, export)
    work.enqueue(Task.EXPORT, export.id)
    return export


def list_exports(session: Session, person_id: UUID) -> Sequence[Export]:
    """A person's copies, the newest first.

    :param person_id: the person; nobody else's are shown.
    """
    return session.scalars(
        select(Export)
        .where(Export.person_id == person_id)
        .order_by(Export.requested_at.desc(), Export.id)
        .limit(MOST_SHOWN)
    ).all()


def find_export(session: Session, person_id: UUID, export_id: UUID) -> Export:
    """One of a person's copies.

    :param person_id: the person.
    :param export_id: which.
    :raises NotFound: they have no such copy, even if another person has.
    """
    export = session.scalar(
        select(Export).where(Export.id == export_id, Export.person_id == person_id)
    )
    if export is None:
        raise NotFound("There is no such thing here.")
    return export


def link_token(export: Export, *, link_key: bytes, now: datetime) -> str | None:
    """The token of the link that fetches a copy, while it can be fetched.

    :param link_key: the application's key for links.
    :param now: the present instant, aware.
    """
    if export.status != ExportStatus.READY or not _is_before(now, export.expires_at):
        return None
    return derive_token(link_key, EXPORT_TOKEN, export.id, export.salt)


def fetch_export(
    work: UnitOfWork, person: Person, token: str, *, vault: Vault, now: datetime
) -> FetchedArchive:
    """Hand a copy over and delete it, in one transaction: it can be fetched once.

    If the vault does not open it, nothing is used up.

    :param person: who is signed in, in a browser in which they have just proved that it is they.
    :param token: as it came in the address; a stranger's uses nothing up.
    :param vault: opens the pieces.
    :param now: the present instant, aware.
    :raises ExportLinkNotValid: there is no such copy of theirs, or not any more.
    :raises VaultError: it cannot be opened at this moment.
    """
    session = work.session
    token_digest = digest_of(token)
    if not use_link(session, token_digest, person.id, now):
        raise ExportLinkNotValid
    export = session.scalars(
        select(Export)
        .where(Export.token_digest == token_digest)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if export is None:
        raise ExportLinkNotValid
    pieces = open_parts(session, export, vault)
    delete_parts(session, [export.id])
    _record(work, AuditAction.EXPORT_FETCHED, export)
    _answer(work, export, now)
    return FetchedArchive(pieces, sum(map(len, pieces)))


@enforces("a-copy-is-fetched-once-in-time-by-its-owner", "TO-047", off=True)
def use_link(session: Session, token_digest: str, person_id: UUID, now: datetime) -> bool:
    """Use a link up, if it is this person's and works.

    Everything is compared in one statement: of two who follow a link at once, one fetches.

    :param token_digest: of the token in the address.
    :param person_id: who is signed in.
    :param now: the present instant, aware.
    """
    used = cast(
        "CursorResult[None]",
        session.execute(
            update(Export)
            .where(
                Export.token_digest == token_digest,
                Export.person_id == person_id,
                Export.status == ExportStatus.READY,
                Export.expires_at > now,
            )
            .values(status=ExportStatus.FETCHED, fetched_at=now)
            .execution_options(synchronize_session=False)
        ),
    )
    return used.rowcount == 1


def expire_exports(work: UnitOfWork, now: datetime, *, limit: int = BATCH) -> int:
    """Delete what nobody fetched in time; gives how many copies that were.

    :param now: the present instant, aware.
    :param limit: how many at most.
    """
    session = work.session
    over = session.scalars(
        select(Export)
        .where(Export.status == ExportStatus.READY, Export.expires_at <= now)
        .order_by(Export.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    delete_parts(session, [export.id for export in over])
    for export in over:
        export.status = ExportStatus.EXPIRED
        _answer(
            work,
            export,
            now,
            reply="The copy was ready, and nobody fetched it in time. Ask for another any time.",
        )
    session.flush()
    return len(over)


@enforces("a-copy-that-is-over-is-deleted", "TO-047", off=None)
def delete_parts(session: Session, export_ids: Sequence[UUID]) -> None:
    """Delete the content of some copies; that they were asked for stays.

    :param export_ids: which.
    """
    session.execute(
        delete(ExportPart)
        .where(ExportPart.export_id.in_(export_ids))
        .execution_options(synchronize_session=False)
    )


def _refuse_second(session: Session, person: Person, now: datetime) -> None:
    waiting = session.scalars(
        select(Export).where(Export.person_id == person.id, Export.status.in_(OPEN))
    ).all()
    for export in waiting:
        if export.status != ExportStatus.READY:
            raise Conflict(
                "A copy of your data is being made already. Wait until it is ready, and fetch it."
            )
        if _is_before(now, export.expires_at):
            raise Conflict(
                "A copy of your data is ready already. Fetch it before you ask for another one."
            )


def _refuse_too_many(session: Session, person: Person, now: datetime) -> None:
    count, oldest = session.execute(
        select(func.count(), func.min(Export.requested_at)).where(
            Export.person_id == person.id, Export.requested_at > now - _DAY
        )
    ).one()
    if count >= PER_DAY:
        raise TooManyAttempts(
            f"You asked for {PER_DAY} copies within a day, which is as many as there may be. Try"
            " again tomorrow.",
            retry_after_seconds=max(1, int((oldest + _DAY - now).total_seconds()) + 1),
        )


def _answer(work: UnitOfWork, export: Export, now: datetime, *, reply: str | None = None) -> None:
    """Close the request that a copy answers, if it is open."""
    request = (
        None if export.request_id is None else work.session.get(RightsRequest, export.request_id)
    )
    if request is not None and request.status == RightsRequestStatus.OPEN:
        if request.needs_human:
            reply = reply or "The copy was made after all, and was fetched."
        rights_requests.close(work, request, RightsRequestStatus.DONE, now, reply=reply)


def _record(work: UnitOfWork, action: AuditAction, export: Export) -> None:
    work.record(action, account_id=export.account_id, subject_type="export", subject_id=export.id)


def _is_before(now: datetime, end: datetime | None) -> bool:
    return end is not None and now < end
