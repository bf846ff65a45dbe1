"""The public page on connections: which calls are made with a key, and how it is kept."""

from __future__ import annotations

from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.sources.cadence import Cadence
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.state import current_state
from flask_tokenoffset.vault.secret import KEY_PREFIX_CHARACTERS


@requires(Permission.READ_PUBLISHED)
def connections() -> str:
    """What is done with a connected key, printed from what the code itself goes by."""
    state = current_state()
    return render(
        "connections/connections.html",
        providers=state.gateway.providers,
        outbound=state.settings.outbound,
        cadence=Cadence.of(state.settings),
        key_checks_per_hour=state.settings.key_checks_per_hour,
        key_prefix_characters=KEY_PREFIX_CHARACTERS,
    )


register = page_routes(
    ("/connections", connections),
)
