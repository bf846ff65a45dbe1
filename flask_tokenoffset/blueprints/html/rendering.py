"""What templates of ours are given, on our pages only.

Every page extends ``tokenoffset/layout.html``, which extends the template the partner named, and
finds one object in its context: ``tokenoffset``, a :class:`View`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from flask import current_app, render_template, request, send_from_directory, url_for
from jinja2 import pass_context
from markupsafe import Markup

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.access.context import (
    CurrentUser,
    current_user,
    named_organization,
)
from flask_tokenoffset.blueprints.access.csrf import CSRF_FIELD, csrf_token
from flask_tokenoffset.blueprints.access.urls import PAGES, home_of, page_url
from flask_tokenoffset.blueprints.html import charts as drawn_charts
from flask_tokenoffset.blueprints.html.elements import KeptModules, is_ours
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.programmes import from_json
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.documents.documents import coming_changes
from flask_tokenoffset.services.plans.shown_terms import digest_of_terms
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Response
    from jinja2.runtime import Context

    from flask_tokenoffset.blueprints.navigation import NavigationItem
    from flask_tokenoffset.host.programmes import Programmes
    from flask_tokenoffset.services.documents.documents import Change

STATIC_FOLDER: Final = Path(__file__).parents[2] / "static"
_NAVIGATION: Final = "tokenoffset.navigation"
_LAYOUT: Final = "tokenoffset/layout.html"
#: The class of the element that our layout wraps around a page.
_ROOT: Final = "to-root"
#: How long a browser may keep a static file whose address names its content.
STATIC_LIFETIME_SECONDS: Final = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A navigation entry on the present page.

    :param current: ``page`` if it leads to this very page, ``true`` if this page is below it, as
        ``aria-current`` has it.
    :param published: whether anyone may read what it leads to, signed in or not.
    """

    title: str
    url: str
    current: Literal["page", "true"] | None
    published: bool = False


class View:
    """The object ``tokenoffset`` in our templates. Its attributes are public.

    :param navigation: all entries, in order.
    :param organization_navigation: all entries on the pages of an organization.
    """

    def __init__(
        self,
        navigation: Sequence[NavigationItem],
        organization_navigation: Sequence[NavigationItem] = (),
    ) -> None:
        self._navigation = navigation
        self._organization_navigation = organization_navigation
        self._elements = KeptModules(self)

    #: The name of the hidden input that carries the token.
    csrf_field_name: str = CSRF_FIELD
    #: How figures are written: money, tokens, dates, ranges.
    display = formatting
    #: Charts drawn on the server.
    charts = drawn_charts

    @pass_context
    def elements(self, context: Context) -> object:
        """The elements, each as an attribute.

        :param context: of the page; Jinja hands it in.
        """
        return self._elements.on_page(context)

    @property
    def base_template(self) -> str:
        """The template our layout extends."""
        return current_state().settings.base_template

    @property
    def programmes(self) -> Programmes:
        """What contributions are directed to now, as the host names it."""
        return current_state().settings.programmes

    @staticmethod
    def programmes_of(kept: Mapping[str, Any]) -> Programmes:
        """What a contribution was directed to.

        :param kept: as an adoption or a billing record keeps it.
        """
        return from_json(kept)

    @property
    def current_user(self) -> CurrentUser:
        """Who is there."""
        return current_user()

    @property
    def navigation(self) -> list[NavigationLink]:
        """The entries the current user may follow."""
        # A layout asks for the entries in two places.
        user = current_user()
        of, links = request.environ.get(_NAVIGATION, (None, []))
        if of is not user:
            links = self._links()
            request.environ[_NAVIGATION] = user, links
        return list(links)

    def _links(self) -> list[NavigationLink]:
        of_organization = named_organization() is not None
        entries = self._organization_navigation if of_organization else self._navigation
        permissions = current_user().permissions
        page = (request.endpoint or "").rpartition(".")[2]
        return [
            NavigationLink(
                item.title,
                page_url(item.endpoint),
                item.standing(page),
                published=item.permission is Permission.READ_PUBLISHED,
            )
            for item in entries
            if item.permission in permissions
        ]

    @property
    def places(self) -> list[NavigationLink]:
        """The accounts the current user can be in; empty where it is only their own."""
        user = current_user()
        open_ones = [each for each in user.memberships if not each.suspended]
        if not open_ones:
            return []
        present = named_organization()
        own = url_for(f"{PAGES}.dashboard")
        return [
            NavigationLink("You", own, "true" if present is None else None),
            *(
                NavigationLink(
                    each.organization.name,
                    home_of(each),
                    "true" if each.organization.id == present else None,
                )
                for each in open_ones
            ),
        ]

    @property
    def document_changes(self) -> Sequence[Change]:
        """The material changes to documents that are coming, for the current user."""
        user = current_user()
        if not (user.signed_in and user.changes_are_coming):
            return ()
        state = current_state()
        return coming_changes(state.session, state.clock.now())

    @property
    def shown_terms(self) -> str:
        """What an amount is shown with now, which a form that adopts it sends back."""
        settings = current_state().settings
        return digest_of_terms(settings.method, settings.programmes)

    def csrf_token(self) -> str:
        """The token of a form. Printing it begins a session."""
        return csrf_token()

    def csrf_field(self) -> Markup:
        """The hidden input every form of ours carries."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, csrf_token())

    def nonce(self) -> str | None:
        """The Content-Security-Policy nonce of this request, if the host hands one out."""
        source = current_state().settings.csp_nonce
        return source() if source is not None else None

    def asset(self, filename: str) -> str:
        """The address of one of our static files, which changes with its content.

        :param filename: the path below ``static/``.
        """
        version = _digest(filename, (STATIC_FOLDER / filename).stat().st_mtime_ns)
        return url_for("tokenoffset.static", filename=filename, v=version)


def render(template: str, **context: Any) -> str:
    """Render one of our templates, or the host's in its place.

    :param template: the path below ``templates/tokenoffset/``.
    :param context: what the page shows.
    :raises ConfigurationError: if the host's layout swallows the page, because it has no block of
        the name ours fills.
    """
    name = f"tokenoffset/{template}"
    page = render_template(name, **context)
    # Jinja says nothing about a block that is nowhere shown.
    templates = current_app.jinja_env
    if _ROOT not in page and all(is_ours(templates.get_template(e)) for e in (name, _LAYOUT)):
        raise ConfigurationError(
            "TOKENOFFSET_BASE_TEMPLATE",
            f"the template {current_state().settings.base_template!r} has no block called content,"
            f" so our pages would be empty. Add blocks called title, head and content, or put a"
            f" {_LAYOUT} of your own into your template folder that fills the blocks you have.",
        )
    return page


@requires(Permission.READ_PUBLISHED)
def static(filename: str) -> Response:
    """Send one of our static files; for ever, if the address names its content."""
    lifetime = STATIC_LIFETIME_SECONDS if "v" in request.args else None
    response = send_from_directory(STATIC_FOLDER, filename, max_age=lifetime)
    response.cache_control.public = True
    return response


@lru_cache(maxsize=64)
def _digest(filename: str, _changed_at: int) -> str:
    return hashlib.sha256((STATIC_FOLDER / filename).read_bytes()).hexdigest()[:12]
