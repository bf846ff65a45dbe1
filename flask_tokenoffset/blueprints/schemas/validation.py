"""What pydantic finds wrong, as one sentence a part, for people who call the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from flask_tokenoffset.blueprints.schemas.base import FieldProblem
from flask_tokenoffset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError

#: Faults told at once; a caller who sends more of them learns the rest afterwards.
MOST_PROBLEMS: Final = 50

#: Kind of fault to the sentence; ``{}`` names take pydantic's context.
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "It is required.",
    "extra_forbidden": "It is not known here.",
    "string_type": "It must be a text.",
    "string_too_short": "It must have at least {min_length} characters.",
    "string_too_long": "It must have at most {max_length} characters.",
    "string_pattern_mismatch": "It must match the pattern {pattern}.",
    "int_type": "It must be a whole number.",
    "int_parsing": "It must be a whole number.",
    "int_from_float": "It must be a whole number.",
    "int_parsing_size": "It is too large.",
    "bool_type": "It must be true or false.",
    "bool_parsing": "It must be true or false.",
    "greater_than": "It must be more than {gt}.",
    "greater_than_equal": "It must be at least {ge}.",
    "less_than": "It must be less than {lt}.",
    "less_than_equal": "It must be at most {le}.",
    "enum": "It must be {expected}.",
    "literal_error": "It must be {expected}.",
    "uuid_type": "It must be a UUID.",
    "uuid_parsing": "It must be a UUID.",
    "list_type": "It must be a list.",
    "too_short": "It must have at least {min_length} items.",
    "too_long": "It must have at most {max_length} items.",
    "model_type": "It must be an object.",
    "dict_type": "It must be an object.",
    "value_error": "{error}",
}


class InvalidRequest(InvalidInput):
    """The input of an operation does not fit what it declares.

    :param problems: each part at fault with its sentence.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        named = {each.parameter or each.pointer or "": each for each in problems}
        super().__init__({name: f"{name}: {each.detail}" for name, each in named.items()})
        self.problems = list(problems)

    @classmethod
    def in_parameters(cls, sentences: Mapping[str, str]) -> Self:
        """The fault lies in the query.

        :param sentences: parameter to its sentence.
        """
        return cls([FieldProblem(parameter=n, detail=s) for n, s in sentences.items()])


def field_problems(error: ValidationError, *, in_query: bool) -> list[FieldProblem]:
    """Each part at fault with its sentence. What was sent is not repeated.

    :param error: what pydantic found.
    :param in_query: whether the input was the query, or else the body.
    """
    return [
        FieldProblem(parameter=str(found["loc"][0]), detail=_sentence(found))
        if in_query
        else FieldProblem(pointer=pointer(*found["loc"]), detail=_sentence(found))
        for found in error.errors(include_input=False, include_url=False)[:MOST_PROBLEMS]
    ]


def pointer(*parts: str | int) -> str:
    """A JSON Pointer to a part of the body, as a URI fragment (RFC 6901 section 6).

    :param parts: names and positions from the outside in; the empty name is the body itself.
    """
    escaped = [str(part).replace("~", "~0").replace("/", "~1") for part in parts if part != ""]
    return "".join(["#", *(f"/{quote(part)}" for part in escaped)])


def _sentence(found: Mapping[str, Any]) -> str:
    template = _SENTENCES.get(found["type"])
    if template is not None:
        return template.format_map(found.get("ctx", {}))
    message = str(found["msg"])
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."
