"""The piece that asks for one consent on a page of the host's.

A host writes ``{{ tokenoffset_consent("product-updates") }}`` where it wants to ask. What stands
there then is a form of ours with a token of its own: no script, no inline style, and nothing at all
where nobody is signed in. It is the only name we give to the host's templates, and a page that does
not use it pays nothing for it.
"""

from __future__ import annotations

import re
from typing import Final

from flask import current_app, g, request, url_for
from markupsafe import Markup

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.access import gpc
from flask_tokenoffset.blueprints.access.context import (
    current_user,
    forget_current_user,
    name_organization,
)
from flask_tokenoffset.blueprints.access.csrf import CSRF_FIELD, csrf_token, forget_token
from flask_tokenoffset.blueprints.access.next_path import local_path
from flask_tokenoffset.blueprints.consents import deciding
from flask_tokenoffset.blueprints.consents.labels import DECISIONS, STATES
from flask_tokenoffset.data_map.purposes import ASKED, Purpose
from flask_tokenoffset.models import LONGEST_PLACE

#: How the ledger calls a place in the host's own pages.
HOST_PLACE: Final = re.compile(r"host(:[a-z0-9][a-z0-9./-]*)?")

_REQUEST: Final = "_tokenoffset_component_request"


def is_host_place(place: str) -> bool:
    """Whether a place may stand in the ledger as one of the host's.

    :param place: for example ``host:checkout``.
    """
    return len(place) <= LONGEST_PLACE and HOST_PLACE.fullmatch(place) is not None


def consent(
    purpose: str, *, place: str = "host", next_path: str | None = None, heading: str = "h2"
) -> Markup:
    """A form that asks the current user about one purpose, or says how they decided.

    :param purpose: for example ``product-updates``; one that people are asked about.
    :param place: what the ledger calls this place: ``host``, or ``host:`` and a word of yours.
    :param next_path: the path to come back to; without it, the present page.
    :param heading: the element of its title.
    :raises ValueError: there is no such purpose, nobody is asked about it, or the place is none.
    """
    if purpose not in ASKED:
        asked = ", ".join(ASKED)
        raise ValueError(f"People are asked about {asked}, and not about {purpose!r}.")
    if not is_host_place(place):
        raise ValueError(
            f"The place must be «host», or «host:» and a word in lower case, not {place!r}."
        )
    _begin()
    if not current_user().signed_in:
        return Markup()
    (standing,) = [each for each in deciding.standings() if each.purpose == purpose]
    template = current_app.jinja_env.get_template("tokenoffset/consents/component.html")
    return Markup(  # noqa: S704 - a template of ours, which escapes what it is given
        template.render(
            standing=standing,
            states=STATES,
            decisions=DECISIONS,
            display=formatting,
            heading=heading,
            signal=gpc.sends_signal() and standing.by_signal,
            action=url_for("tokenoffset.pages.decide_consent_here", purpose=Purpose(purpose)),
            consents_url=url_for("tokenoffset.pages.list_consents"),
            fields={
                CSRF_FIELD: csrf_token(),
                "place": place,
                "next": local_path(next_path or _present_path(), "/"),
            },
        )
    )


def anchor(purpose: str) -> str:
    """The id of the piece on its page.

    :param purpose: which one it asks about.
    """
    return f"to-consent-{purpose}"


def _begin() -> None:
    """Forget what ``g`` may still hold of another request, as on our own routes."""
    present = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Werkzeug's documented way
    if g.get(_REQUEST) is not present:
        setattr(g, _REQUEST, present)
        forget_current_user()
        forget_token()
        name_organization(None)


def _present_path() -> str:
    query = request.query_string.decode("latin-1")
    path = request.script_root + request.path
    return f"{path}?{query}" if query else path
