"""The page and the operation of each right, by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import current_app, request

from flask_tokenoffset.blueprints.route_table import API_PREFIX
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What each view is for, and its path below the prefix, of a page and of an operation alike.
PATHS: Final[Mapping[str, str]] = {
    "data": "/privacy/what-we-hold",
    "copies": "/privacy/exports",
    "correction": "/me",
    "consents": "/privacy/consents",
    "acceptance": "/privacy/acceptance",
    "documents": "/documents",
    "restriction": "/privacy/restriction",
    "deletion": "/privacy/deletion",
    "requests": "/privacy/requests",
    "retention": "/privacy/retention",
    "log": "/audit-events",
}


def pages_of_rights() -> Mapping[str, str]:
    """What each page is for, and its address."""
    return _addresses("")


def operations_of_rights() -> Mapping[str, str]:
    """What each operation is for, and its address."""
    return _addresses(API_PREFIX)


def _addresses(below: str) -> dict[str, str]:
    prefix = current_state().url_prefix.rstrip("/") + below
    there = {rule.rule for rule in current_app.url_map.iter_rules()}
    return {
        name: request.script_root + prefix + path
        for name, path in PATHS.items()
        if prefix + path in there
    }
