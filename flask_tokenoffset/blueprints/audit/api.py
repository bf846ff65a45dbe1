"""Operations on the audit log."""

from __future__ import annotations

from flask_tokenoffset.blueprints.access.context import account_if_any
from flask_tokenoffset.blueprints.audit.schemas import (
    AuditEventAnswer,
    AuditEventList,
    AuditEventQuery,
)
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_sequence_cursor
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.audit.reading import list_events
from flask_tokenoffset.state import current_state


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
    before = read_sequence_cursor(query.cursor)
    account_id = account_if_any()
    if account_id is None:
        return AuditEventList(items=[], next_cursor=None)
    found = page_of(
        list_events(
            current_state().session,
            account_id,
            wanted,
            before_sequence=before,
            limit=query.limit + 1,
        ),
        query.limit,
        lambda view: (view.event.sequence,),
    )
    return AuditEventList(
        items=[AuditEventAnswer.of(view) for view in found.shown], next_cursor=found.next_cursor
    )


register = register_in_organization = operations(list_audit_events)
