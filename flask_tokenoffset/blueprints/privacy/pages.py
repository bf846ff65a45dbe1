"""The page from which every right can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.privacy.rights_links import pages_of_rights
from flask_tokenoffset.blueprints.rights_requests.labels import KIND_TITLES
from flask_tokenoffset.blueprints.rights_requests.pages import badge_of
from flask_tokenoffset.data_map.purposes import NOTICES
from flask_tokenoffset.models import RightsRequestKind
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.privacy.overview import read_overview
from flask_tokenoffset.settings import NOT_STATED
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.READ_SELF)
def privacy() -> ResponseReturnValue:
    """Where the current user stands, and the way to each of their rights."""
    state = current_state()
    overview = read_overview(state.session, current_user().person, state.clock.now())
    return render(
        "privacy/privacy.html",
        overview=overview,
        links=pages_of_rights(),
        purposes=NOTICES,
        requests=[
            (each, KIND_TITLES[RightsRequestKind(each.kind)], badge_of(each))
            for each in overview.requests
        ],
        controller=_stated(state.settings.controller),
        contact=_stated(state.settings.privacy_contact),
        contact_url=_contact_url(state.settings.privacy_contact),
    )


register = page_routes(
    ("/privacy", privacy),
)


def _stated(text: str) -> str | None:
    return None if text == NOT_STATED else text


def _contact_url(contact: str) -> str | None:
    """Where a link to the contact leads, if it is an address that can be followed."""
    if " " in contact or contact == NOT_STATED:
        return None
    if urlsplit(contact).scheme == "https":
        return contact
    return f"mailto:{contact}" if "@" in contact else None
