"""The form by which a person says who they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.services.people.profiles import Held

#: The ways of hearing of it that are offered; what is kept is the text itself.
HEARD_FROM: Final = (
    "A colleague or friend",
    "My organization",
    "A search engine",
    "An article or a talk",
    "Social media",
)
#: Chosen to say it in one's own words.
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class PersonForm:
    """What is typed, as text.

    :param heard_from: one of :data:`HEARD_FROM`, :data:`OTHER` or nothing.
    :param heard_from_other: one's own words; they count only with :data:`OTHER`.
    """

    display_name: str
    company: str
    job_role: str
    heard_from: str
    heard_from_other: str

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        return cls(**{name: sent.get(name, "") for name in cls.__dataclass_fields__})

    @classmethod
    def of(cls, person: Person | None, held: Held) -> Self:
        """What is held already."""
        heard_from = (person.heard_from if person else None) or ""
        own_words = heard_from not in {"", *HEARD_FROM}
        return cls(
            display_name=held.display_name or "",
            company=(person.company if person else None) or "",
            job_role=(person.job_role if person else None) or "",
            heard_from=OTHER if own_words else heard_from,
            heard_from_other=heard_from if own_words else "",
        )

    def said(self) -> dict[str, str | None]:
        """What the person says about themselves, by the names the service knows."""
        said: dict[str, str | None] = dict(asdict(self))
        other = said.pop("heard_from_other")
        if self.heard_from == OTHER:
            said["heard_from"] = other
        return said
