"""Labels of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.models import RightsRequestKind, RightsRequestStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND_TITLES: Final[Mapping[RightsRequestKind, str]] = {
    RightsRequestKind.ACCESS: "A copy of your data",
    RightsRequestKind.CORRECTION: "A correction",
    RightsRequestKind.DELETION: "Deletion of your account",
    RightsRequestKind.RESTRICTION: "Restriction",
    RightsRequestKind.OBJECTION: "An objection",
    RightsRequestKind.QUESTION: "A question",
}
#: The same, for the person who answers them.
QUEUE_TITLES: Final[Mapping[RightsRequestKind, str]] = {
    RightsRequestKind.ACCESS: "Copy of data",
    RightsRequestKind.CORRECTION: "Correction",
    RightsRequestKind.DELETION: "Deletion of an account",
    RightsRequestKind.RESTRICTION: "Restriction",
    RightsRequestKind.OBJECTION: "Objection",
    RightsRequestKind.QUESTION: "Question",
}
#: A status, with the kind of badge that shows it.
STATUS_BADGES: Final[Mapping[RightsRequestStatus, tuple[str, str]]] = {
    RightsRequestStatus.OPEN: ("Open", "info"),
    RightsRequestStatus.DONE: ("Done", "success"),
    RightsRequestStatus.REFUSED: ("Refused", "warning"),
    RightsRequestStatus.CANCELLED: ("Taken back", "neutral"),
}
OVERDUE: Final = ("Overdue", "error")
