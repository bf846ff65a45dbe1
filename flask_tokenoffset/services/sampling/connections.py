"""Connections: check a key, connect, sample again, replace a key, disconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset import signals
from flask_tokenoffset.clock import last_settled_day
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import (
    UNFINISHED,
    AuditAction,
    Connection,
    ConnectionStatus,
    ConsentEventType,
    ConsentMethod,
    Credential,
    Person,
    RunStatus,
    RunTrigger,
    SampleRun,
    Source,
    SourceKind,
    new_id,
)
from flask_tokenoffset.services.consents.ledger import record_event
from flask_tokenoffset.services.consents.notices import notice_of
from flask_tokenoffset.services.consents.restrictions import refuse_if_restricted, refuse_sampling
from flask_tokenoffset.services.sampling.aggregates import fold_source
from flask_tokenoffset.services.sampling.connection_limits import (
    refuse_connected_organization,
    refuse_too_many,
    refuse_too_soon,
)
from flask_tokenoffset.services.sampling.labels import label_of_connection
from flask_tokenoffset.services.sampling.weekly_schedule import refresh_offset_seconds
from flask_tokenoffset.services.sources.credentials import credential_context, store_sealed
from flask_tokenoffset.services.sources.listing import refuse_disconnected, sampled_source
from flask_tokenoffset.services.sources.windows import sample_window
from flask_tokenoffset.vault import key_prefix

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.providers import Gateway, VendorOrganization
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import Secret, Vault

#: Where a person is told what is read, in the consent ledger.
CONNECT_PAGE: Final = "connect-page"


def check_key(
    gateway: Gateway, *, provider: str, key: Secret, clock: Clock, settings: Settings
) -> VendorOrganization:
    """Refuse a wrong kind of key, then ask the vendor whether it accepts this one.

    Nothing is stored here and no transaction is open. The caller must count attempts first.

    :param provider: a provider's name, for example ``"openai"``.
    :raises InvalidInput: there is no such provider, or it is not enabled.
    :raises ProviderError: what the vendor, or the check before it, had to say.
    """
    day = last_settled_day(clock.now(), settings.settling_hours)
    with gateway.open(provider, key) as client:
        return client.check(day)


def connect(
    work: UnitOfWork,
    *,
    account_id: UUID,
    person: Person,
    provider: str,
    provider_title: str,
    key: Secret,
    label: str | None,
    organization: VendorOrganization,
    vault: Vault,
    clock: Clock,
    settings: Settings,
    place: str = CONNECT_PAGE,
    method: ConsentMethod = ConsentMethod.FORM,
) -> tuple[Source, SampleRun]:
    """Store a connection whose key the vendor has just accepted, and its first sample run.

    :param organization: what :func:`check_key` learned.
    :param label: the person's own words; where the vendor names the organization, that name is
        used unless the person gave another.
    :param place: where the person was told what is read, and connected. To connect is to agree.
    :param method: how they did.
    :return: the source, and the run that the caller must enqueue after the commit.
    :raises Conflict: the account has as many connections as it may have, or has this organization
        connected already.
    :raises InvalidInput: another connection is called so already; the field is ``label``.
    :raises Restricted: the person restricted the processing of their data.
    """
    session = work.session
    now = clock.now()
    refuse_if_restricted(session, account_id)
    refuse_too_many(session, account_id)
    refuse_connected_organization(session, account_id, provider, organization)
    source = Source(
        id=new_id(),
        account_id=account_id,
        kind=SourceKind.SAMPLED,
        label=label_of_connection(session, account_id, label, organization.name or provider_title),
        created_by=person.id,
        created_at=now,
    )
    session.add(source)
    session.flush()
    connection = _new_connection(source, provider, key, organization, settings)
    session.add(connection)
    session.flush()
    _store_key(session, connection, key, vault=vault, now=now)
    run = _new_run(session, source, provider, RunTrigger.CONNECTED, now=now, settings=settings)
    _record(work, AuditAction.SOURCE_CONNECTED, connection)
    _agree(work, source, person, place=place, method=method, settings=settings)
    work.tell(
        signals.source_connected,
        source_id=source.id,
        account_id=source.account_id,
        provider=provider,
    )
    return source, run


def _agree(
    work: UnitOfWork,
    source: Source,
    person: Person,
    *,
    place: str,
    method: ConsentMethod,
    settings: Settings,
) -> None:
    """Take down the consent that lies in connecting."""
    record_event(
        work,
        person=person,
        account_id=source.account_id,
        event_type=ConsentEventType.GIVEN,
        now=source.created_at,
        place=place,
        method=method,
        purpose=Purpose.SAMPLING,
        notice=notice_of(Purpose.SAMPLING, settings),
    )


def _new_connection(
    source: Source,
    provider: str,
    key: Secret,
    organization: VendorOrganization,
    settings: Settings,
) -> Connection:
    return Connection(
        source_id=source.id,
        account_id=source.account_id,
        provider=provider,
        status=ConnectionStatus.ACTIVE,
        key_prefix=key_prefix(key),
        organization_id=organization.id,
        organization_name=organization.name,
        refresh_offset_seconds=refresh_offset_seconds(source.id, settings.refresh_window_minutes),
        connected_at=source.created_at,
    )


def replace_key(
    work: UnitOfWork,
    *,
    account_id: UUID,
    source_id: UUID,
    key: Secret,
    organization: VendorOrganization,
    vault: Vault,
    clock: Clock,
    settings: Settings,
) -> SampleRun:
    """Put a key the vendor has just accepted in the place of a connection's old one.

    :return: a new sample run, which the caller must enqueue after the commit.
    :raises NotFound: the account has no such sampled source.
    :raises Conflict: it is disconnected, or the new key belongs to another organization.
    :raises Restricted: the person restricted the processing of their data.
    """
    session = work.session
    now = clock.now()
    refuse_sampling(session, account_id)
    source, connection = _sampled_source_alone(session, account_id, source_id, now)
    if (
        connection.organization_id is not None
        and organization.id is not None
        and connection.organization_id != organization.id
    ):
        raise Conflict(
            "This key belongs to another organization than the one connected here, so its figures"
            " would not go together. Connect it as a new source instead."
        )
    _store_key(session, connection, key, vault=vault, now=now)
    connection.key_prefix = key_prefix(key)
    connection.status = ConnectionStatus.ACTIVE
    connection.paused_code = connection.paused_reason = None
    _record(work, AuditAction.SOURCE_KEY_REPLACED, connection)
    return _new_run(
        session, source, connection.provider, RunTrigger.REQUESTED, now=now, settings=settings
    )


def resample(
    work: UnitOfWork, *, account_id: UUID, source_id: UUID, clock: Clock, settings: Settings
) -> SampleRun:
    """Ask for a new sample of a source now.

    :return: the run, which the caller must enqueue after the commit.
    :raises NotFound: the account has no such sampled source.
    :raises Conflict: it is paused or disconnected, or a sample is under way.
    :raises Restricted: the person restricted the processing of their data.
    :raises TooManyAttempts: it was sampled on request a moment ago.
    """
    session = work.session
    now = clock.now()
    source, connection = sampled_source(session, account_id, source_id)
    refuse_disconnected(connection)
    refuse_sampling(session, account_id)
    if connection.status == ConnectionStatus.PAUSED:
        raise Conflict(
            "This connection is paused because its key no longer works. Paste a new key first."
        )
    newest = session.scalar(
        select(SampleRun)
        .where(SampleRun.account_id == account_id, SampleRun.source_id == source_id)
        .order_by(SampleRun.requested_at.desc())
        .limit(1)
    )
    if newest is not None and newest.status in UNFINISHED:
        raise Conflict("A sample of this source is already under way. Wait until it has ended.")
    if newest is not None and newest.trigger != RunTrigger.WEEKLY:
        refuse_too_soon(newest, now, settings)
    return _new_run(
        session, source, connection.provider, RunTrigger.REQUESTED, now=now, settings=settings
    )


def disconnect(work: UnitOfWork, *, account_id: UUID, source_id: UUID, clock: Clock) -> None:
    """End a connection: the credential and the sampled days go at once, runs under way stop.

    Estimates that were made stay, because adopted ones explain what is charged. Of the days nothing
    lives on but the rounded sums of large groups; see
    :mod:`flask_tokenoffset.services.sampling.aggregates`.

    :raises NotFound: the account has no such sampled source.
    :raises Conflict: it is disconnected already.
    """
    session = work.session
    now = clock.now()
    _, connection = _sampled_source_alone(session, account_id, source_id, now)
    delete_credential(session, account_id, source_id)
    fold_source(work, account_id=account_id, source_id=source_id, now=now)
    connection.status = ConnectionStatus.DISCONNECTED
    connection.paused_code = connection.paused_reason = None
    connection.disconnected_at = now
    session.flush()
    _record(work, AuditAction.SOURCE_DISCONNECTED, connection)
    work.tell(signals.source_disconnected, source_id=source_id, account_id=account_id)


@enforces("a-leaver-leaves-no-credential", "TO-042", off=None)
def delete_credential(session: Session, account_id: UUID, source_id: UUID) -> None:
    """Delete the sealed key of a connection, so that nobody can ask the vendor with it any more.

    :param account_id: whose source it is.
    :param source_id: the source.
    """
    session.execute(
        delete(Credential).where(
            Credential.source_id == source_id, Credential.account_id == account_id
        )
    )


def _record(work: UnitOfWork, action: AuditAction, connection: Connection) -> None:
    work.record(
        action,
        account_id=connection.account_id,
        subject_type="source",
        subject_id=connection.source_id,
        provider=connection.provider,
    )


def _sampled_source_alone(
    session: Session, account_id: UUID, source_id: UUID, now: datetime
) -> tuple[Source, Connection]:
    """A sampled source whose runs under way were ended, and whose connection nobody else changes.

    Without the lock, a key replaced at the same moment as a disconnection would stay behind, sealed
    in a connection that has ended. Runs come before the connection, as a worker that pauses a
    connection takes them, so that the two cannot wait for each other.

    :raises NotFound: the account has no such sampled source.
    :raises Conflict: it is disconnected.
    """
    _cancel_unfinished(session, account_id, source_id, now)
    session.execute(
        select(Connection)
        .where(Connection.source_id == source_id, Connection.account_id == account_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    source, connection = sampled_source(session, account_id, source_id)
    refuse_disconnected(connection)
    return source, connection


def _new_run(
    session: Session,
    source: Source,
    provider: str,
    trigger: RunTrigger,
    *,
    now: datetime,
    settings: Settings,
) -> SampleRun:
    window = sample_window(now, days=settings.sample_days, settling_hours=settings.settling_hours)
    run = SampleRun(
        id=new_id(),
        account_id=source.account_id,
        source_id=source.id,
        provider=provider,
        trigger=trigger,
        window_start=window.start,
        window_end=window.end,
        status=RunStatus.QUEUED,
        attempt=0,
        fence=0,
        requested_at=now,
        available_at=now,
        # The caller enqueues it right after the commit; the sweep only if that was lost.
        enqueued_at=now,
    )
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:
        raise Conflict(
            "A sample of this source is already under way. Wait until it has ended."
        ) from None
    return run


def _store_key(
    session: Session, connection: Connection, key: Secret, *, vault: Vault, now: datetime
) -> None:
    sealed = vault.seal(key, credential_context(connection, connection.provider))
    store_sealed(session, connection, sealed, now=now)


def _cancel_unfinished(session: Session, account_id: UUID, source_id: UUID, now: datetime) -> None:
    session.execute(
        update(SampleRun)
        .where(
            SampleRun.account_id == account_id,
            SampleRun.source_id == source_id,
            SampleRun.status.in_(UNFINISHED),
        )
        .values(status=RunStatus.CANCELLED, finished_at=now, lease_expires_at=None)
        .execution_options(synchronize_session=False)
    )
