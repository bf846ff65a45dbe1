"""Every guard of a promise: loads what an application loads only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.data_map.enforcement import ENFORCEMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.data_map.enforcement import Enforcement

#: What leads to all code of ours that runs in a host.
_ENTRANCES: Final = (
    "blueprints.frame",
    "blueprints.routes",
    "cli.documents",
    "hooks",
    "tasks.jobs",
    "tasks.schedule",
)


def all_enforcements() -> Mapping[str, Enforcement[..., Any]]:
    """The guards by their names."""
    for entrance in _ENTRANCES:
        import_module(f"flask_tokenoffset.{entrance}")
    return ENFORCEMENTS
