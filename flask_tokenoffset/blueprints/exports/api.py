"""Operations on copies of everything held about oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import own_person
from flask_tokenoffset.blueprints.exports.asking import ask_for_export, link_of, own_exports
from flask_tokenoffset.blueprints.exports.schemas import ExportAnswer, ExportListAnswer
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.errors import Conflict, ReauthenticationRequired, TooManyAttempts
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.exports import exports
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID


@operation(
    "GET",
    "/privacy/exports",
    permission=Permission.READ_SELF,
    summary="List the copies of your data",
    answers={200: ExportListAnswer},
)
def list_exports() -> OperationAnswer:
    """The copies of everything held about the caller that were asked for, newest first."""
    return ExportListAnswer(
        items=[ExportAnswer.of(each, link=link_of(each)) for each in own_exports()]
    )


@operation(
    "POST",
    "/privacy/exports",
    permission=Permission.CHANGE_SELF,
    summary="Ask for a copy of your data",
    answers={202: ExportAnswer},
    problems=[ReauthenticationRequired, Conflict, TooManyAttempts],
)
def request_export() -> OperationAnswer:
    """Have a copy of everything held about the caller made; one at a time."""
    export = ask_for_export()
    return ExportAnswer.of(export, link=link_of(export)), 202


@operation(
    "GET",
    "/privacy/exports/<uuid:export_id>",
    permission=Permission.READ_SELF,
    summary="Read how far a copy of your data is",
    answers={200: ExportAnswer},
)
def read_export(export_id: UUID) -> OperationAnswer:
    """One copy: where it stands, and the page that fetches it once it is ready."""
    export = exports.find_export(current_state().session, own_person().id, export_id)
    return ExportAnswer.of(export, link=link_of(export))


register = operations(list_exports, request_export, read_export)
