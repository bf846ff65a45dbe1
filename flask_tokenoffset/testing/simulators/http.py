"""The plain HTTP side of a simulator: what came in, what goes out, what was asked."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self
    from wsgiref.types import WSGIEnvironment

JSONValue: TypeAlias = (
    "bool | int | float | str | list[JSONValue] | dict[str, JSONValue] | None"  # recursive
)
JSONObject: TypeAlias = "dict[str, JSONValue]"


class Call(NamedTuple):
    """One recorded request. Headers are not kept, so the key cannot be.

    :param status: what was answered; ``None`` if the connection was dropped instead.
    """

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int | None

    def values(self, name: str) -> list[str]:
        """Every value a query parameter was sent with."""
        return [value for key, value in self.query if key == name]


@dataclass(frozen=True)
class Incoming:
    """One request as the simulator sees it."""

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_environ(cls, environ: WSGIEnvironment) -> Self:
        """Read a WSGI environment; header names become lower case with hyphens."""
        return cls(
            method=environ["REQUEST_METHOD"],
            host=environ.get("HTTP_HOST") or environ.get("SERVER_NAME", ""),
            path=environ.get("PATH_INFO", ""),
            query=tuple(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
            headers={
                name[5:].replace("_", "-").lower(): value
                for name, value in environ.items()
                if name.startswith("HTTP_")
            },
        )

    def first(self, name: str) -> str | None:
        """The first value of a query parameter, or ``None``."""
        return next((value for key, value in self.query if key == name), None)

    def values(self, *names: str) -> list[str]:
        """Every value of a query parameter that may go by several names."""
        return [value for key, value in self.query if key in names]

    def without(self, name: str) -> Incoming:
        """The same request without one query parameter."""
        kept = tuple(pair for pair in self.query if pair[0] != name)
        return Incoming(self.method, self.host, self.path, kept, self.headers)


@dataclass(frozen=True)
class Answer:
    """One answer on its way out.

    :param breaks_off: the connection is reset after ``body``, before the promised length.
    :param pieces: how many pieces the body is sent in, with ``pause_seconds`` before each.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_off: bool = False
    pieces: int = 1
    pause_seconds: float = 0.0

    @property
    def promised_length(self) -> int:
        """What the answer's ``content-length`` says."""
        return len(self.body) * 2 if self.breaks_off else len(self.body)

    def chunks(self) -> Iterator[bytes]:
        """The body as it goes over the wire.

        :raises ConnectionResetError: after the body of an answer that breaks off.
        """
        size = max(1, -(-len(self.body) // self.pieces))
        for at in range(0, len(self.body), size):
            time.sleep(self.pause_seconds)
            yield self.body[at : at + size]
        if self.breaks_off:
            raise ConnectionResetError("simulated reset in the middle of a body")

    @classmethod
    def of_json(
        cls, payload: JSONValue, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """An answer that carries a payload as JSON."""
        return cls(
            status,
            json.dumps(payload).encode(),
            {"content-type": "application/json", **(headers or {})},
        )

    def payload(self) -> JSONObject:
        """The body read back as a JSON object."""
        payload: JSONObject = json.loads(self.body)
        return payload

    def with_payload(self, payload: JSONValue) -> Answer:
        """The same answer with another payload."""
        return Answer.of_json(payload, self.status, self.headers)


class Refused(Exception):
    """The simulated vendor refuses a request.

    :param kind: the vendor's own word for the class of error.
    :param parameter: the query parameter at fault, where the vendor names it.
    :param code: the vendor's machine-readable code, where it has one.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        parameter: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.parameter = parameter
        self.code = code
