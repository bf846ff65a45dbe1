"""The public page on what is held. It prints the map that export, erasure and tests go by."""

from __future__ import annotations

from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.data_map.inventory import what_is_held
from flask_tokenoffset.state import current_state


@requires(Permission.READ_PUBLISHED)
def what_we_hold() -> str:
    """Everything that is held, by subject: what, why, on which basis, and for how long."""
    return render("data_map/what_we_hold.html", held=what_is_held(current_state().settings))


register = page_routes(
    ("/privacy/what-we-hold", what_we_hold),
)
