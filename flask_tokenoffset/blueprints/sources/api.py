"""Operations on estimate sources and their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import account_if_any, own_account
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.sources import connecting
from flask_tokenoffset.blueprints.sources.schemas import (
    ConnectBody,
    KeyBody,
    LabelBody,
    RunAnswer,
    SourceAnswer,
    SourceListAnswer,
    UsageAnswer,
    UsageDayAnswer,
)
from flask_tokenoffset.errors import (
    Conflict,
    IncompleteAnswer,
    InvalidInput,
    KeyRefused,
    MalformedAnswer,
    NotFound,
    OutboundDisabled,
    RateLimited,
    ReauthenticationRequired,
    RequestRefused,
    TooManyAttempts,
    VaultError,
    VendorUnavailable,
    WrongKeyKind,
)
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.sources import listing as sources
from flask_tokenoffset.services.sources.usage import read_usage
from flask_tokenoffset.state import current_state
from flask_tokenoffset.vault import read_key

if TYPE_CHECKING:
    from uuid import UUID


_KEY_PROBLEMS = (
    ReauthenticationRequired,
    Conflict,
    InvalidInput,
    WrongKeyKind,
    KeyRefused,
    RequestRefused,
    RateLimited,
    VendorUnavailable,
    MalformedAnswer,
    IncompleteAnswer,
    OutboundDisabled,
    TooManyAttempts,
    VaultError,
)


@operation(
    "GET",
    "/sources",
    permission=Permission.READ_SOURCES,
    before_acceptance=True,
    summary="List the connected sources",
    answers={200: SourceListAnswer},
)
def list_sources() -> OperationAnswer:
    """The account's connected vendors, newest first, each with its newest runs."""
    account_id = account_if_any()
    if account_id is None:
        return SourceListAnswer(items=[])
    found = sources.list_sources(current_state().session, account_id)
    return SourceListAnswer(items=[SourceAnswer.of(each) for each in found])


@operation(
    "POST",
    "/sources",
    permission=Permission.CHANGE_SOURCES,
    summary="Connect a vendor",
    body=ConnectBody,
    answers={201: SourceAnswer},
    problems=_KEY_PROBLEMS,
)
def connect_source(body: ConnectBody) -> OperationAnswer:
    """Check the key with the vendor, store it sealed, and begin to sample its history.

    Where the key is refused, nothing is stored. To connect is to agree to the purpose `sampling`;
    `/privacy/consents` says what that is, and takes it back.
    """
    source_id, _ = connecting.connect(
        body.provider, read_key(body.key), body.label, place="api", method=ConsentMethod.API
    )
    return SourceAnswer.of(
        sources.read_source(current_state().session, own_account(), source_id)
    ), 201


@operation(
    "GET",
    "/sources/<uuid:source_id>",
    permission=Permission.READ_SOURCES,
    summary="Read a source",
    answers={200: SourceAnswer},
    problems=[NotFound],
)
def read_source(source_id: UUID) -> OperationAnswer:
    """One connected vendor and where it stands."""
    return SourceAnswer.of(sources.read_source(current_state().session, own_account(), source_id))


@operation(
    "DELETE",
    "/sources/<uuid:source_id>",
    permission=Permission.CHANGE_SOURCES,
    before_acceptance=True,
    summary="Disconnect a source",
    answers={204: None},
    problems=[ReauthenticationRequired, NotFound, Conflict],
)
def disconnect_source(source_id: UUID) -> OperationAnswer:
    """Delete the credential and the sampled days at once; a sample under way stops."""
    connecting.disconnect(own_account(), source_id)
    return None, 204


@operation(
    "PUT",
    "/sources/<uuid:source_id>/key",
    permission=Permission.CHANGE_SOURCES,
    summary="Replace a source's key",
    body=KeyBody,
    answers={202: RunAnswer},
    problems=[NotFound, *_KEY_PROBLEMS],
)
def replace_key(source_id: UUID, body: KeyBody) -> OperationAnswer:
    """Put a new key in the place of one that expired or was refused, and sample again."""
    account_id = own_account()
    run_id = connecting.replace_key(account_id, source_id, read_key(body.key))
    return RunAnswer.of(
        sources.read_run(current_state().session, account_id, source_id, run_id)
    ), 202


@operation(
    "PUT",
    "/sources/<uuid:source_id>/label",
    permission=Permission.CHANGE_SOURCES,
    summary="Give a source another label",
    body=LabelBody,
    answers={200: SourceAnswer},
    problems=[NotFound, Conflict, InvalidInput],
)
def rename_source(source_id: UUID, body: LabelBody) -> OperationAnswer:
    """Call a connection something else. Nothing that was read or is paid changes."""
    account_id = own_account()
    connecting.rename(account_id, source_id, body.label)
    return SourceAnswer.of(sources.read_source(current_state().session, account_id, source_id))


@operation(
    "POST",
    "/sources/<uuid:source_id>/samples",
    permission=Permission.CHANGE_SOURCES,
    summary="Sample a source again",
    answers={202: RunAnswer},
    problems=[NotFound, Conflict, TooManyAttempts],
)
def sample_source(source_id: UUID) -> OperationAnswer:
    """Begin a new sample in the background. It never changes what is charged."""
    account_id = own_account()
    run_id = connecting.resample(account_id, source_id)
    return RunAnswer.of(
        sources.read_run(current_state().session, account_id, source_id, run_id)
    ), 202


@operation(
    "GET",
    "/sources/<uuid:source_id>/samples/<uuid:run_id>",
    permission=Permission.READ_SOURCES,
    summary="Read a sample run",
    answers={200: RunAnswer},
    problems=[NotFound],
)
def read_sample(source_id: UUID, run_id: UUID) -> OperationAnswer:
    """Where a sample stands, and how far it has come."""
    return RunAnswer.of(sources.read_run(current_state().session, own_account(), source_id, run_id))


@operation(
    "GET",
    "/sources/<uuid:source_id>/usage",
    permission=Permission.READ_SOURCES,
    summary="Read a source's usage",
    answers={200: UsageAnswer},
    problems=[NotFound],
)
def read_source_usage(source_id: UUID) -> OperationAnswer:
    """Day by day, what the newest complete sample says: tokens by kind, and cost."""
    state = current_state()
    account_id = own_account()
    sampled = sources.read_source(state.session, account_id, source_id)
    usage = read_usage(state.session, account_id, source_id, sampled.newest_complete)
    complete = sampled.newest_complete
    return UsageAnswer(
        source_id=source_id,
        run_id=complete.id if complete else None,
        window_start=complete.window_start if complete else None,
        window_end=complete.window_end if complete else None,
        kept_days=usage.kept_days,
        items=[UsageDayAnswer.of(day) for day in usage.days],
    )


register = register_in_organization = operations(
    list_sources,
    connect_source,
    read_source,
    disconnect_source,
    replace_key,
    rename_source,
    sample_source,
    read_sample,
    read_source_usage,
)
