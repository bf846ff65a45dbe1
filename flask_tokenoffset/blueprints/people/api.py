"""Operations on oneself."""

from __future__ import annotations

from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.people.account import known_of
from flask_tokenoffset.blueprints.people.schemas import PersonAnswer, PersonBody
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.people import profiles as people


@operation(
    "GET",
    "/me",
    permission=Permission.READ_SELF,
    summary="Read what is held about you",
    answers={200: PersonAnswer},
)
def read_me() -> OperationAnswer:
    """The caller, and the organizations they belong to."""
    user = current_user()
    return PersonAnswer.of(user, known_of(user))


@operation(
    "PATCH",
    "/me",
    permission=Permission.CHANGE_SELF,
    summary="Correct what is held about you",
    body=PersonBody,
    answers={200: PersonAnswer},
    problems=[InvalidInput],
)
def change_me(body: PersonBody) -> OperationAnswer:
    """Say who one is, or correct it. Naming `display_name` ends the onboarding."""
    with changing() as (work, person, now):
        people.introduce(work, person, body.said(), now)
    user = current_user()
    return PersonAnswer.of(user, known_of(user))


register = operations(read_me, change_me)
