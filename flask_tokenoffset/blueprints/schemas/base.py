"""What goes in and out of the JSON API: the base classes of every body, query and answer."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from flask_tokenoffset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Items of the longest list page.
LONGEST_PAGE: Final = 100
#: Characters of the longest cursor we hand out or read: a name of 120 letters from anywhere in
#: Unicode takes 640 of them.
LONGEST_CURSOR: Final = 800
_MISSING: Final = object()
#: A decimal with all its digits, as text.
DecimalText = Annotated[str, BeforeValidator(str)]


class _Input(BaseModel):
    @field_validator("*", mode="after")
    @classmethod
    def _refuse_nul(cls, value: Any) -> Any:
        # PostgreSQL cannot store it, so it would otherwise be found out only there.
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("It must not contain the character NUL.")
        return value


# A model is built with the first value it reads or shows: most processes use few of them.


class Body(_Input):
    """What a caller sends. Types are strict and unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )


class Query(_Input):
    """The parameters of a query. Each may be given once; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Answer(BaseModel):
    """What a caller gets. Only the fields named here ever leave."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, from_attributes=True, defer_build=True
    )

    @classmethod
    def of(cls, *found: Any, **said: Any) -> Self:
        """Show what was found: each field is the attribute of the same name.

        :param found: where to look; an object counts before those behind it.
        :param said: the fields that are called or written otherwise there.
        """
        for name in cls.model_fields.keys() - said.keys():
            for each in found:
                if (value := getattr(each, name, _MISSING)) is not _MISSING:
                    said[name] = value
                    break
        # Not strictly: rows keep enumerations as texts, and services give tuples.
        return cls.model_validate(said, strict=False)


class NoBody(Body):
    """No body, or an empty object."""


class NoQuery(Query):
    """No parameters."""


class FieldProblem(Answer):
    """What is wrong with one part of the input."""

    pointer: str | None = Field(
        None, description="JSON Pointer, as a URI fragment, to the part of the body: `#/label`."
    )
    parameter: str | None = Field(None, description="The query parameter.")
    detail: str = Field(description="A sentence: what is wrong and how to mend it.")


class UnacceptedDocument(Answer):
    """A document in force that the caller has not accepted."""

    version_id: UUID = Field(description="What an acceptance names it by.")
    document: str = Field(description="Which document: `terms`, `privacy-policy`, ...")
    version: str = Field(description="Which version of it.")
    language: str = Field(description="The language of the text, a BCP 47 tag.")
    title: str = Field(description="What it is called.")


class Problem(Answer):
    """Why a call was not answered as asked (RFC 9457)."""

    type: str = Field(description="A URI that names the kind of problem.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened, what it means, how to mend it.")
    code: str = Field(description="The stable name of the kind of problem.")
    request_id: str = Field(description="Names this request in the log.")
    errors: list[FieldProblem] | None = Field(
        None, description="What is wrong with the input, part by part."
    )
    documents: list[UnacceptedDocument] | None = Field(
        None, description="With `acceptance-required`: what has to be accepted first."
    )
    acceptance_url: str | None = Field(
        None, description="With `acceptance-required`: the page on which a person can do so."
    )


Item = TypeVar("Item", bound=Answer)


class ItemList(Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it as `cursor` to read on; null at the end of the list."
    )


class ListQuery(Query):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = Field(
        50, description="How many items at most."
    )
    cursor: Annotated[str, Field(max_length=LONGEST_CURSOR)] | None = Field(
        None, description="The `next_cursor` of the page before."
    )


def encode_cursor(parts: Iterable[str | int]) -> str:
    """A place in a list as one opaque text.

    :param parts: the sort key of the last item shown. A cursor is readable by anyone who holds it
        and proves nothing; the query it goes into names the account all the same.
    """
    text = json.dumps(list(parts), separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> tuple[str | int, ...]:
    """The place a cursor stands for.

    :param cursor: made by :func:`encode_cursor`.
    :param length: how many parts it must have.
    :raises InvalidInput: if it is not one of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError, RecursionError):
        parts = None
    if (
        not isinstance(parts, list)
        or len(parts) != length
        or not all(type(part) in {str, int} for part in parts)
    ):
        raise InvalidInput(
            {"cursor": "It is not a cursor of this list. Take next_cursor from the page before."}
        )
    return tuple(parts)
