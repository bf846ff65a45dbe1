"""The form by which a person asks a human."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import RightsRequestKind
from flask_tokenoffset.services.rights_requests.requests import FOR_HUMANS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What is asked for.

    :param kind: as chosen.
    :param statement: as typed.
    """

    kind: str = ""
    statement: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        return cls(kind=sent.get("kind", ""), statement=sent.get("statement", ""))

    def wanted(self) -> RightsRequestKind:
        """The kind for the service.

        :raises InvalidInput: none was chosen that a human answers.
        """
        if self.kind not in FOR_HUMANS:
            raise InvalidInput({"kind": "Choose what you ask for."})
        return RightsRequestKind(self.kind)
