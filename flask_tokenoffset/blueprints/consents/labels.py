"""Labels for what the consent ledger says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.models import ConsentEventType, ConsentMethod
from flask_tokenoffset.services.consents.ledger import Decision
from flask_tokenoffset.services.consents.reading import CONTRACT, EXPIRED, NOT_ASKED
from flask_tokenoffset.services.sampling.connections import CONNECT_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How a purpose stands.
STATES: Final[Mapping[str, str]] = {
    CONTRACT: "Part of the contract",
    NOT_ASKED: "Not decided",
    EXPIRED: "Expired",
    ConsentEventType.GIVEN: "Agreed",
    ConsentEventType.REFUSED: "Declined",
    ConsentEventType.WITHDRAWN: "Withdrawn",
    ConsentEventType.OBJECTED: "Objected",
}
#: What happened.
EVENTS: Final[Mapping[str, str]] = {
    ConsentEventType.SHOWN: "Shown",
    ConsentEventType.GIVEN: "Agreed",
    ConsentEventType.REFUSED: "Declined",
    ConsentEventType.WITHDRAWN: "Withdrawn",
    ConsentEventType.OBJECTED: "Objected",
}
#: What a button says.
DECISIONS: Final[Mapping[Decision, str]] = {
    Decision.GIVE: "Agree",
    Decision.REFUSE: "Decline",
    Decision.WITHDRAW: "Withdraw",
    Decision.OBJECT: "Object",
}
#: How it was said.
METHODS: Final[Mapping[str, str]] = {
    ConsentMethod.FORM: "a form",
    ConsentMethod.API: "the API",
    ConsentMethod.GLOBAL_PRIVACY_CONTROL: "the browser's Global Privacy Control",
    ConsentMethod.LINK: "a link in a mail",
    ConsentMethod.HOST: "this site's own pages",
}
#: Where it was said, of the names that we give to our own places.
_PLACES: Final[Mapping[str, str]] = {
    "consents-page": "the page «Consents»",
    "acceptance-page": "the page that asks for acceptance",
    CONNECT_PAGE: "the page that connects a vendor",
    "mail:product-update": "a mail with news",
    "browser": "your browser",
    "api": "the API",
}
_HOST: Final = "host"


def place_label(place: str) -> str:
    """A label for where something was said.

    :param place: what the ledger calls it; a host may name pages of its own, as ``host:settings``.
    """
    kind, _, name = place.partition(":")
    if kind == _HOST:
        return f"a page of this site ({name})" if name else "a page of this site"
    return _PLACES.get(place, place)
