"""One call to an endpoint that stands in no list, answered in JSON."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import EndpointNotAllowed, MalformedAnswer
from flask_tokenoffset.outbound.bodies import decode_json
from flask_tokenoffset.outbound.client import NoAnswer, OutboundHTTP, address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_tokenoffset.outbound.client import Answer, Call, Request, Transport
    from flask_tokenoffset.outbound.limits import Limits


def ask_once(
    title: str,
    method: str,
    url: str,
    *,
    limits: Limits,
    only_success: bool = False,
    transport: Transport | None = None,
    outbound: bool = True,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    authorize: Callable[[Request], Request] | None = None,
) -> tuple[int, object]:
    """Ask one address and no other.

    It takes and raises what :class:`~flask_tokenoffset.outbound.OutboundHTTP` and its ``send`` do.
    A transport that is passed in stays open.

    :param only_success: whether nothing but 200 with a body is an answer; a refusal is one as well
        without it.
    :return: status and decoded body; ``None`` where there is no body, or an error's is no JSON.
    :raises NoAnswer: also where it fails, leads elsewhere, or cannot be read.
    """
    endpoint = (method, address_of(url))

    def allow(call: Call) -> None:
        if (call.method, call.address) != endpoint:
            raise EndpointNotAllowed(
                f"{call.method} {call.address} is not the endpoint that was to be called, so"
                " nothing was sent."
            )

    client = OutboundHTTP(
        title, allow, limits=limits, transport=transport, keeps_open=True, outbound=outbound
    )
    try:
        with client:
            answer = client.send(
                method,
                url,
                ends_at=time.monotonic() + limits.call_seconds,
                headers=headers,
                content=content,
                authorize=authorize,
            )
        body = _decoded(answer, title)
    except MalformedAnswer:
        fault = "sent an answer that could not be read"
    else:
        is_success = answer.status == HTTPStatus.OK and body is not None
        if is_success or (not only_success and answer.status // 100 in {2, 4}):
            return answer.status, body
        fault = f"did not answer in order (answer {answer.status})"
    # Raised out here, the error has no context: the frames below end with it.
    raise NoAnswer(fault)


def _decoded(answer: Answer, title: str) -> object:
    if answer.body is None or not answer.body.strip():
        return None
    try:
        return decode_json(answer.body, title)
    except MalformedAnswer:
        if answer.status == HTTPStatus.OK:
            raise
    return None
