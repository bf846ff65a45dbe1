"""Operations on the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import account_if_any
from flask_tokenoffset.blueprints.audit.forms import sequence_of
from flask_tokenoffset.blueprints.audit.schemas import (
    AuditEventAnswer,
    AuditEventList,
    AuditEventQuery,
)
from flask_tokenoffset.blueprints.json_api.operations import (
    OperationAnswer,
    add_operations,
    operation,
)
from flask_tokenoffset.blueprints.schemas.base import encode_cursor
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.audit.reading import list_events
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Blueprint


@operation(
    "GET",
    "/audit-events",
    permission=Permission.READ_AUDIT,
    summary="Read the audit log",
    query=AuditEventQuery,
    answers={200: AuditEventList},
    problems=[InvalidInput],
)
def list_audit_events(query: AuditEventQuery) -> OperationAnswer:
    """Who did what, on what, when and from where, newest first."""
    wanted = query.wanted()
    before = sequence_of(query.cursor)
    account_id = account_if_any()
    if account_id is None:
        return AuditEventList(items=[], next_cursor=None)
    found = list_events(
        current_state().session,
        account_id,
        wanted,
        before_sequence=before,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    more = len(found) > query.limit
    return AuditEventList(
        items=[AuditEventAnswer.of(view) for view in shown],
        next_cursor=encode_cursor([shown[-1].event.sequence]) if more else None,
    )


def register(api: Blueprint) -> None:
    """Add the operation."""
    add_operations(api, list_audit_events)
