"""The public page on what is held. It prints the map that export, erasure and tests go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.data_map.inventory import what_is_held
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Blueprint


@requires(Permission.READ_PUBLISHED)
def what_we_hold() -> str:
    """Everything that is held, by subject: what, why, on which basis, and for how long."""
    return render("data_map/what_we_hold.html", held=what_is_held(current_state().settings))


def register(pages: Blueprint) -> None:
    """Add the page."""
    pages.add_url_rule("/privacy/what-we-hold", view_func=what_we_hold)
