"""The forms by which an operator answers a request or takes more time for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import RightsRequestStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANSWERS: Final = frozenset({RightsRequestStatus.DONE, RightsRequestStatus.REFUSED})
_MOST_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """What became of a request.

    :param status: as chosen.
    :param reply: as typed.
    """

    status: str = ""
    reply: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        return cls(status=sent.get("status", ""), reply=sent.get("reply", ""))

    def wanted(self) -> RightsRequestStatus:
        """The status for the service.

        :raises InvalidInput: none was chosen.
        """
        if self.status not in _ANSWERS:
            raise InvalidInput({"status": "Choose whether it was done or is refused."})
        return RightsRequestStatus(self.status)


@dataclass(frozen=True, slots=True)
class ExtensionForm:
    """More time for a request.

    :param days: as typed.
    :param reason: as typed.
    """

    days: str = ""
    reason: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        return cls(days=sent.get("days", "").strip(), reason=sent.get("reason", ""))

    def wanted_days(self) -> int:
        """The days for the service.

        :raises InvalidInput: it is no number of days.
        """
        is_number = self.days.isascii() and self.days.isdecimal()
        if not is_number or len(self.days) > _MOST_DIGITS:
            raise InvalidInput({"days": "Type how many further days, in figures."})
        return int(self.days)
