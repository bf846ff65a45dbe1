"""What a contribution is directed to, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flask_tokenoffset.blueprints.schemas.base import Answer
from flask_tokenoffset.host.programmes import from_json


class ProgrammeAnswer(Answer):
    """A programme that the operator directs contributions to."""

    name: str
    what_it_does: str
    address: str
    share_percent: int = Field(description="Of each contribution; all programmes' add up to 100.")


def _listed(value: Any) -> Any:
    """Programmes as a row keeps them, or as they are named now."""
    return from_json(value) if isinstance(value, Mapping) else value


ProgrammeList = Annotated[
    list[ProgrammeAnswer],
    BeforeValidator(_listed),
    Field(
        description="What it is directed to, as the operator named it at that time; empty where"
        " none was named. A contribution does not undo an emission."
    ),
]
