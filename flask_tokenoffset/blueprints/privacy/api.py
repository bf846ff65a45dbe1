"""The operation that says where somebody stands with their privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.context import current_visitor
from flask_tokenoffset.blueprints.json_api.operations import (
    OperationAnswer,
    add_operations,
    operation,
)
from flask_tokenoffset.blueprints.privacy.doors import operations_of_rights
from flask_tokenoffset.blueprints.privacy.schemas import PrivacyAnswer
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.privacy.overview import read_overview
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Blueprint


@operation(
    "GET",
    "/privacy",
    permission=Permission.READ_SELF,
    summary="Read where you stand with your privacy",
    answers={200: PrivacyAnswer},
)
def read_privacy() -> OperationAnswer:
    """What is agreed, accepted, restricted and asked for, and where each right is used."""
    state = current_state()
    now = state.clock.now()
    return PrivacyAnswer.of(
        read_overview(state.session, current_visitor().person, now),
        contact=state.settings.privacy_contact,
        links=operations_of_rights(),
        now=now,
    )


def register(api: Blueprint) -> None:
    """Add the operation."""
    add_operations(api, read_privacy)
