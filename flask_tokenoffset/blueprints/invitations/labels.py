"""What invitations and rows of lists are called on pages and in answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.invitations.csv_rows import Outcome
from flask_tokenoffset.services.invitations.invitations import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.services.invitations.csv_rows import Result

#: Standing to its title and the kind of badge.
STANDINGS: Final[Mapping[Standing, tuple[str, str]]] = {
    Standing.PENDING: ("Pending", "info"),
    Standing.EXPIRED: ("Expired", "neutral"),
    Standing.ACCEPTED: ("Accepted", "success"),
    Standing.CANCELLED: ("Cancelled", "neutral"),
    Standing.WITHDRAWN: ("No longer good", "warning"),
}
#: Outcome to its title and the kind of badge.
OUTCOMES: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.SENT: ("Invited", "success"),
    Outcome.RENEWED: ("Sent again", "success"),
    Outcome.ALREADY_A_MEMBER: ("Already a member", "neutral"),
    Outcome.DUPLICATE: ("Twice in the list", "neutral"),
    Outcome.INVALID_ADDRESS: ("No address", "error"),
    Outcome.UNKNOWN_ROLE: ("No such role", "error"),
    Outcome.ROLE_NOT_ALLOWED: ("Not yours to give", "error"),
    Outcome.TOO_MANY: ("Too many lately", "warning"),
}
_SENTENCES: Final[Mapping[Outcome, str]] = {
    Outcome.SENT: "An invitation is on its way.",
    Outcome.RENEWED: "There was an open invitation; it is sent again, and its former link no"
    " longer works.",
    Outcome.ALREADY_A_MEMBER: "Somebody with this address belongs to the organization already.",
    Outcome.DUPLICATE: "The address stands further up in the list; that row counted.",
    Outcome.UNKNOWN_ROLE: f"There is no such role. Write {', '.join(Role)}, or leave it empty.",
    Outcome.ROLE_NOT_ALLOWED: "The role, or the one in an open invitation to this address, holds"
    " more than yours. Ask somebody who has it.",
    Outcome.TOO_MANY: "This address was sent several invitations within an hour. Try again later.",
}


#: What is said where a list is only looked at.
_CHECKED: Final[Mapping[Outcome, str]] = {
    Outcome.SENT: "An invitation would be sent.",
    Outcome.RENEWED: "There is an open invitation; it would be sent again, with this role.",
}


def sentence_of(result: Result, *, checked: bool = False) -> str:
    """What became of a row, and how to mend it.

    :param checked: whether nothing was sent, so that it says what would become of it.
    """
    if checked and result.outcome in _CHECKED:
        return _CHECKED[result.outcome]
    return result.reason or _SENTENCES[result.outcome]
