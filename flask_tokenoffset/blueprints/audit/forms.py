"""The form that looks for events, as it was typed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.services.audit.reading import AuditFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longer than anything the form sends.
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterForm:
    """What was chosen and typed; an empty text is no wish."""

    action: str = ""
    actor_id: str = ""
    subject_type: str = ""
    from_date: str = ""
    to_date: str = ""

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        return cls(**{each.name: sent.get(each.name, "").strip() for each in fields(cls)})

    def query(self) -> dict[str, Any]:
        """What stands in an address that asks for the same."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value}

    def wanted(self) -> AuditFilter:
        """The events looked for.

        :raises InvalidInput: with a sentence for each field that cannot be.
        """
        errors: dict[str, str] = {}
        from_date = self._day("from_date", errors)
        to_date = self._day("to_date", errors)
        actor_id = self._actor_id(errors)
        try:
            wanted = AuditFilter(
                action=self.action or None,
                actor_id=actor_id,
                subject_type=self.subject_type or None,
                from_date=from_date,
                to_date=to_date,
            )
        except InvalidInput as error:
            raise InvalidInput(errors | error.errors) from None
        if errors:
            raise InvalidInput(errors)
        return wanted

    def _day(self, name: str, errors: dict[str, str]) -> date | None:
        text = getattr(self, name)
        if not text:
            return None
        try:
            return date.fromisoformat(text[:_LONGEST])
        except ValueError:
            errors[name] = "This is not a day. Write it as in 2026-11-20."
            return None

    def _actor_id(self, errors: dict[str, str]) -> UUID | None:
        if not self.actor_id:
            return None
        try:
            return UUID(self.actor_id[:_LONGEST])
        except ValueError:
            errors["actor_id"] = "There is no such person in this log. Choose one from the list."
            return None
