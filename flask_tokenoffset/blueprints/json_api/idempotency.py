"""The header ``Idempotency-Key``: a call that is repeated under it counts once.

After draft-ietf-httpapi-idempotency-key-header-07. The key is a text in quotation marks as the
draft writes it, or bare as many clients send it. It stands for one call of one person, path and
body; another body under it is refused. Only what was done is remembered: a call that was refused
changed nothing and may be made again under its key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any, Final

from flask import current_app, request

from flask_tokenoffset.blueprints.access.context import current_user
from flask_tokenoffset.blueprints.schemas.refusals import (
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    MalformedRequest,
)
from flask_tokenoffset.errors import TokenOffsetError
from flask_tokenoffset.models import LONGEST_IDEMPOTENCY_KEY
from flask_tokenoffset.services.shared import idempotency
from flask_tokenoffset.services.shared.idempotency import Call, KeptAnswer, Taken
from flask_tokenoffset.state import current_state
from flask_tokenoffset.vault.derived_keys import derive_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Response
    from pydantic import BaseModel

HEADER: Final = "Idempotency-Key"
#: Visible ASCII without quotation mark and backslash; spaces and commas only between marks.
KEY_PATTERN: Final = (
    rf'"[ !#-\[\]-~]{{1,{LONGEST_IDEMPOTENCY_KEY}}}"|[!#-+\--\[\]-~]{{1,{LONGEST_IDEMPOTENCY_KEY}}}'
)
DESCRIPTION: Final = (
    "A key of your own for this call, for example a UUID. The same call with the same key within 24"
    " hours is answered as the first one was and changes nothing more."
)

_KEY: Final = re.compile(KEY_PATTERN)
_LABEL: Final = b"flask-tokenoffset idempotency v1"


def answer_once(
    route: str, given: Mapping[str, BaseModel], answer: Callable[[], Response]
) -> Response:
    """Make a call, or repeat the answer of the first call under the same key.

    :param route: method and path, with the ids in it.
    :param given: the validated body and query.
    :param answer: makes the call.
    :raises IdempotencyKeyReused: the key stands for a call with another body.
    :raises IdempotencyKeyInUse: the first call under it has no answer yet.
    :raises MalformedRequest: the header is not a key.
    """
    key = _given_key()
    host_user = current_user().host_user
    if key is None or host_user is None:
        return answer()
    state = current_state()
    call = Call(host_user.key, route, key, _digests(given))
    with state.unit_of_work() as work:
        reserved = idempotency.reserve(work.session, call, state.clock.now())
    match reserved:
        case KeptAnswer():
            return current_app.response_class(
                reserved.answer, status=reserved.status, content_type="application/json"
            )
        case Taken.BY_ANOTHER_CALL:
            raise IdempotencyKeyReused
        case Taken.UNDER_WAY:
            raise IdempotencyKeyInUse
    try:
        response = answer()
    except TokenOffsetError:
        # Every one of ours is raised before anything is committed.
        with state.unit_of_work() as work:
            idempotency.release(work.session, reserved)
        raise
    with state.unit_of_work() as work:
        idempotency.keep_answer(
            work.session, reserved, response.status_code, response.get_data(as_text=True)
        )
    return response


def _given_key() -> str | None:
    text = request.headers.get(HEADER)
    if text is None:
        return None
    if _KEY.fullmatch(text) is None:
        raise MalformedRequest(
            f"The header {HEADER} must hold 1 to {LONGEST_IDEMPOTENCY_KEY} visible ASCII"
            " characters, best a UUID in quotation marks. Nothing was changed. Correct it."
        )
    return text.strip('"')


def _digests(given: Mapping[str, BaseModel]) -> tuple[str, ...]:
    """What was sent, under a key nobody but the host has: a body may hold a vendor key.

    The host's former secret keys are tried too, so that a rotation does not refuse a repetition.
    """
    content: dict[str, Any] = {name: model.model_dump(mode="json") for name, model in given.items()}
    text = json.dumps(content, sort_keys=True).encode()
    keys = derive_keys(
        current_app.secret_key, current_app.config.get("SECRET_KEY_FALLBACKS"), _LABEL
    )
    return tuple(hmac.new(key, text, hashlib.sha256).hexdigest() for key in keys)
