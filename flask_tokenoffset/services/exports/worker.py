"""How a copy is made: by one worker at a time, table by table, and from the beginning if it dies.

A worker claims an export as it does a message, by a fence and a lease. Each table is a transaction
that begins by naming the fence and ends by renewing the lease. So a worker that was taken for dead
writes nothing any more; and since the archive in the making lives in its memory, the next one
throws the pieces away and begins anew.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import (
    Export,
    ExportStatus,
    MessageKind,
    Person,
    RightsRequest,
    RightsRequestStatus,
)
from flask_tokenoffset.services.data_map.held_rows import (
    Subject,
    columns_of,
    exported_tables,
    read_rows,
)
from flask_tokenoffset.services.exports.archive import README, SCHEMA, Archive, schema_text
from flask_tokenoffset.services.exports.archive_texts import about_archive, readme
from flask_tokenoffset.services.exports.exports import EXPORTS, delete_parts
from flask_tokenoffset.services.exports.parts import store_part
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.shared.leases import Held, LeaseLost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.data_map import Table
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork, Units
    from flask_tokenoffset.vault import Vault

logger = logging.getLogger(__name__)

#: How often a copy is tried; then a person has to look.
MOST_ATTEMPTS: Final = 8
#: Why a copy could not be made; ``docs/reference/export-format.md`` says what to do.
FAILED: Final = "not-made"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """An export that this worker holds."""

    held: Held
    account_id: UUID
    subject: Subject
    made_at: datetime


def make_export(
    units: Units, *, export_id: UUID, vault: Vault, settings: Settings, clock: Clock
) -> ExportStatus | None:
    """Make a copy of everything held about a person. Called any number of times, it makes one.

    :param units: opens a unit of work; each one is committed when its block is left.
    :param export_id: the row to work on. Anything but a copy that is due is left alone.
    :param vault: seals the pieces.
    :return: the status it was left in, or ``None`` if there was nothing to do here.
    """
    with units() as work:
        claim = _claim(work, export_id, clock.now())
    if not isinstance(claim, _Claim):
        return claim
    making = _Making(units, claim, vault=vault, settings=settings, clock=clock)
    try:
        with EXPORTS.working(units, claim.held, clock):
            making.make()
    except LeaseLost:
        logger.info("Export %s is another worker's by now.", export_id)
        return None
    finally:
        making.abandon()
    return ExportStatus.READY


def _claim(work: UnitOfWork, export_id: UUID, now: datetime) -> _Claim | ExportStatus | None:
    session = work.session
    export = EXPORTS.claim(session, export_id, now, tables_done=0)
    if export is None:
        return None
    # What a worker before this one left behind.
    delete_parts(session, [export_id])
    person = session.get_one(Person, export.person_id)
    if export.attempt > MOST_ATTEMPTS or person.forgotten_at is not None:
        return _give_up(session, export)
    return _Claim(
        held=Held.of(export),
        account_id=export.account_id,
        subject=Subject.of(session, person),
        made_at=now,
    )


def _give_up(session: Session, export: Export) -> ExportStatus:
    """Leave it to a human: the request stays open, and its clock runs."""
    export.status, export.failure_code = ExportStatus.FAILED, FAILED
    request = None if export.request_id is None else session.get(RightsRequest, export.request_id)
    if request is not None and request.status == RightsRequestStatus.OPEN:
        request.needs_human = True
    session.flush()
    return ExportStatus.FAILED


class _Making:
    """One worker's attempt."""

    def __init__(
        self, units: Units, claim: _Claim, *, vault: Vault, settings: Settings, clock: Clock
    ) -> None:
        self._units = units
        self._claim = claim
        self._vault = vault
        self._settings = settings
        self._clock = clock
        self._map = load()
        self._session: Session | None = None
        self._parts = 0
        self._archive = Archive(self._store, claim.made_at)

    def make(self) -> None:
        """Write all of it.

        :raises LeaseLost: it is another worker's by now.
        """
        tables = exported_tables(self._map)
        with self._step(0) as work:
            self._archive.add_text(README, readme(self._claim.made_at))
            self._archive.add_text(SCHEMA, schema_text())
            about = about_archive(
                work.session,
                self._map,
                account_id=self._claim.account_id,
                made_at=self._claim.made_at,
                settings=self._settings,
            )
        for number, table in enumerate(tables, start=1):
            with self._step(number) as work:
                self._add_table(work.session, table)
        with self._step(len(tables)) as work:
            self._archive.close(about)
        with self._units() as work:
            self._end(work)

    def abandon(self) -> None:
        """Write nothing any more, whatever becomes of the archive in memory."""
        self._archive.abandon()

    def _add_table(self, session: Session, table: Table) -> None:
        columns = columns_of(table)
        for add in (self._archive.add_json, self._archive.add_csv):
            rows = read_rows(
                session, self._map, table, self._claim.subject, without=self._claim.held.row_id
            )
            add(table.name, columns, rows)

    @contextmanager
    def _step(self, tables_done: int) -> Iterator[UnitOfWork]:
        """A transaction that holds the export from its beginning, and renews the lease at its end.

        :raises LeaseLost: it is another worker's by now.
        """
        with self._units() as work:
            session = work.session
            if session.get_bind(mapper=Export).dialect.name == "postgresql":
                # Both files of a table are written from one moment.
                session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            self._renew(session)
            self._session = session
            yield work
            self._session = None
            self._renew(session, tables_done=tables_done)

    def _renew(self, session: Session, **values: int) -> None:
        EXPORTS.renew(session, self._claim.held, self._clock.now(), **values)

    def _store(self, piece: bytes) -> None:
        if self._session is None:
            raise RuntimeError("A piece is stored within a step only.")
        store_part(
            self._session,
            piece,
            export_id=self._claim.held.row_id,
            account_id=self._claim.account_id,
            number=self._parts,
            vault=self._vault,
        )
        self._parts += 1

    def _end(self, work: UnitOfWork) -> None:
        now = self._clock.now()
        expires_at = now + timedelta(hours=self._settings.export_hours)
        EXPORTS.change(
            work.session,
            self._claim.held,
            status=ExportStatus.READY,
            size_bytes=self._archive.size_bytes,
            ready_at=now,
            expires_at=expires_at,
            failure_code=None,
        )
        person = work.session.get_one(Person, self._claim.subject.person_id)
        notify(
            work,
            person,
            MessageKind.EXPORT_READY,
            now,
            reference_id=self._claim.held.row_id,
            expires=f"{expires_at:%Y-%m-%d %H:%M} UTC",
        )
