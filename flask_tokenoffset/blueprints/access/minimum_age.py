"""Turns away users who are too young to have an account, and erases what there is of them.

Pages and operations that are for everyone serve them like someone who is not signed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, request

from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import TooYoung
from flask_tokenoffset.permissions import PUBLIC, declared
from flask_tokenoffset.services.erasures import immediate as immediate_erasure
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.state import State


def refuse_minors() -> None:
    """Refuse a request of a person who is too young, and leave nothing of them.

    :raises TooYoung: they are.
    """
    if declared(current_app.view_functions[cast("str", request.endpoint)]) in PUBLIC:
        return
    minor_key = current_user().minor_key
    if minor_key is None:
        return
    state = current_state()
    erase_minor(state, minor_key)
    raise TooYoung(state.settings.minimum_age)


@enforces("what-a-minor-has-is-erased", "TO-053", off=None)
def erase_minor(state: State, user_key: str) -> None:
    """Erase what belongs to a person, if anything does.

    An organization that they own alone passes to another owner, or is closed where nobody is left
    who could manage it: nobody keeps an account for the sake of others.

    :param state: the extension's state of the application.
    :param user_key: the host's own key for the user.
    """
    if find_person(state.session, user_key) is None:
        return
    with state.unit_of_work() as work:
        immediate_erasure.forget_person(
            work, user_key=user_key, means=state.erasure_means, keeps_owners=False
        )
