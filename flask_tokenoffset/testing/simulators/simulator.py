"""What every vendor simulator is: a deterministic WSGI application with a ledger."""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from flask_tokenoffset.testing.simulators.http import Answer, Call, Incoming, Refused
from flask_tokenoffset.testing.simulators.ledger import Ledger
from flask_tokenoffset.testing.simulators.planned_faults import Faults
from flask_tokenoffset.testing.simulators.profiles import PROFILES
from flask_tokenoffset.testing.simulators.truth import CostTruth, History, UsageTruth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from wsgiref.types import StartResponse, WSGIEnvironment

    import httpx

    from flask_tokenoffset.testing.simulators.http import JSONObject, JSONValue
    from flask_tokenoffset.testing.simulators.profiles import ProfileName, Stream

KeyKind: TypeAlias = Literal["active", "revoked", "ordinary", "unpermitted"]

#: Marks the prompt-like text of the canary option, so that a test can search for it.
CANARY_TEXT = "CANARY-7c1d: Dear assistant, summarise the attached salary negotiation for Ada."


def _today_utc() -> date:
    return datetime.now(UTC).date()


class Simulator(ABC):
    """A vendor's reporting API, simulated: deterministic figures, real manners, planned faults.

    Mount it with :meth:`transport`, run it with :meth:`serve`, or call it as the WSGI application
    it is. Compare what a client made of the answers with :attr:`ledger`.

    :param organization: the customer's name, where the vendor has an endpoint that says it.
    :param keys: which keys exist and of what kind; by default one of each kind.
    :param seed: another seed is another customer.
    :param profile: how the customer uses AI: ``small_team``, ``new_customer`` (20 days), ``quiet``
        (mostly nothing) or ``large`` (60 usage groups and 120 cost lines a day).
    :param today: says which UTC day is open; by default the machine's clock does.
    :param history: days of use before the day the simulator is made, or the first day of use.
    :param late_days: how many closed days the vendor still reports incompletely; 0 for none.
    :param canary: text to plant in fields nobody documented, as prompts and messages would be.
    """

    #: The provider's name in settings.
    name: ClassVar[str]
    #: The host the vendor answers at.
    host: ClassVar[str]
    _streams: ClassVar[Mapping[ProfileName, Sequence[Stream]]]
    _bills_open_day: ClassVar[bool]

    def __init__(
        self,
        *,
        organization: str = "Simulated Industries",
        keys: Mapping[str, KeyKind] | None = None,
        seed: int = 2026,
        profile: ProfileName = "small_team",
        today: Callable[[], date] | None = None,
        history: int | date | None = None,
        late_days: int = 0,
        canary: str | None = None,
    ) -> None:
        today = today or _today_utc
        if not isinstance(history, date):
            days = PROFILES[profile].history_days if history is None else history
            history = today() - timedelta(days=days)
        self.organization = organization
        self.canary = canary
        self.calls: list[Call] = []
        self.faults = Faults()
        self._keys: dict[str, KeyKind] = dict(self._demo_keys() if keys is None else keys)
        self._seed = f"{self.host}/{seed}/{profile}"
        self._history = History(
            seed=self._seed,
            profile=PROFILES[profile],
            streams=self._streams[profile],
            first_day=history,
            today=today,
            late_days=late_days,
            price=self._price,
        )
        self.ledger = Ledger(self._history, bills_open_day=self._bills_open_day)
        self._lock = threading.Lock()
        self._fragments: dict[object, str] = {}
        self._fragments_stamp: tuple[date, int, str] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.organization!r}>"

    # What a test or demo does to it

    @property
    def first_day(self) -> date:
        """The customer's first day of use."""
        return self._history.first_day

    @property
    def today(self) -> date:
        """The UTC day that is still open."""
        return self._history.today

    def revise(self, day: date, *, percent: int = 107) -> None:
        """Let the vendor restate a day, as vendors do; 0 makes its rows disappear.

        :param percent: the day's new figures as a percentage of the ones first drawn.
        """
        self._history.revise(day, percent=percent)

    def set_key(self, key: str, kind: KeyKind) -> None:
        """Add a key, or change what an existing one is: ``set_key(key, "revoked")``."""
        self._keys[key] = kind

    def admit(self, key: str) -> None:
        """Accept a key, unless it is one whose kind is known: a revoked key stays revoked."""
        self._keys.setdefault(key, "active")

    def prerender(self, start: date, end: date) -> None:
        """Write the answers of the days of a half-open window ahead of time.

        A benchmark calls this so that it measures the client, not the simulator. Revising a day, or
        the next UTC day, throws the rendered answers away.
        """
        for path, query in self._usual_queries(start, end):
            pairs: tuple[tuple[str, str], ...] = tuple(query)
            while True:
                payload = self._report(Incoming("GET", self.host, path, pairs, {})).payload()
                token = payload["next_page"]
                if not isinstance(token, str):
                    break
                pairs = (*query, ("page", token))

    def transport(self) -> httpx.BaseTransport:
        """An ``httpx`` transport that answers in this process, without any socket."""
        from flask_tokenoffset.testing.simulators.transport import SimulatorTransport  # noqa: PLC0415 - httpx only where it is used

        return SimulatorTransport(self)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> AbstractContextManager[str]:
        """Answer on a socket while the context lasts; gives the base URL.

        :param port: 0 takes a free one.
        """
        from flask_tokenoffset.testing.simulators.serving import serve  # noqa: PLC0415 - Werkzeug's server only where it is used

        return serve(self, host, port)

    @contextmanager
    def served_transport(self) -> Iterator[httpx.BaseTransport]:
        """An ``httpx`` transport over a real socket, while the context lasts."""
        from flask_tokenoffset.testing.simulators.transport import LoopbackTransport  # noqa: PLC0415 - httpx only where it is used

        with self.serve() as base_url, LoopbackTransport(base_url) as transport:
            yield transport

    # WSGI

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        incoming = Incoming.from_environ(environ)
        try:
            answer = self.faults.answer(incoming, self._answer)
        except OSError:
            self._record(incoming, None)
            raise
        self._record(incoming, answer.status)
        headers = {**answer.headers, "content-length": str(answer.promised_length)}
        try:
            phrase = HTTPStatus(answer.status).phrase
        except ValueError:
            phrase = "Unassigned"
        start_response(f"{answer.status} {phrase}", list(headers.items()))
        return answer.chunks()

    def _record(self, incoming: Incoming, status: int | None) -> None:
        # A client that puts a key into the query is wrong, but the record stays free of it.
        query = tuple(
            (name, "[a key]" if value in self._keys else value) for name, value in incoming.query
        )
        with self._lock:
            self.calls.append(Call(incoming.method, incoming.host, incoming.path, query, status))

    def _answer(self, incoming: Incoming) -> Answer:
        try:
            self._authenticate(incoming)
            if incoming.method != "GET":
                raise Refused(405, "invalid_request_error", "Method not allowed.")
            return self._report(incoming)
        except Refused as refused:
            payload, headers = self._refusal(refused)
            return Answer.of_json(self._with_canary(payload), refused.status, headers)

    def _request_id(self) -> str:
        text = f"{self._seed}/{len(self.calls)}".encode()
        return f"req_{hashlib.blake2b(text, digest_size=12).hexdigest()}"

    def _with_canary(self, payload: JSONObject) -> JSONObject:
        """Add what a vendor must never send, where a client must never look."""
        if self.canary is None:
            return payload
        message: JSONValue = {"role": "user", "content": self.canary}
        return {**payload, "prompt": self.canary, "messages": [message]}

    def _fragment(self, key: object, render: Callable[[], JSONObject]) -> str:
        """A bucket as JSON text, written once for as long as its figures stand."""
        stamp = (self.today, self._history.revisions, self.organization)
        with self._lock:
            if self._fragments_stamp != stamp:
                self._fragments.clear()
                self._fragments_stamp = stamp
            text = self._fragments.get(key)
        if text is None:
            text = json.dumps(render())
            with self._lock:
                if self._fragments_stamp == stamp:
                    self._fragments[key] = text
        return text

    def _page(
        self, fragments: Sequence[str], next_token: str | None, envelope: JSONObject
    ) -> Answer:
        """Put rendered buckets into the list answer both vendors use."""
        tail = json.dumps(
            self._with_canary(
                {**envelope, "has_more": next_token is not None, "next_page": next_token}
            )
        )
        body = f'{{"data": [{", ".join(fragments)}], {tail[1:]}'
        return Answer(200, body.encode(), {"content-type": "application/json"})

    # What a vendor has to say

    @staticmethod
    @abstractmethod
    def _demo_keys() -> dict[str, KeyKind]: ...

    @staticmethod
    @abstractmethod
    def _price(usage: UsageTruth) -> list[CostTruth]: ...

    @abstractmethod
    def _authenticate(self, incoming: Incoming) -> None: ...

    @abstractmethod
    def _report(self, incoming: Incoming) -> Answer: ...

    @abstractmethod
    def _refusal(self, refused: Refused) -> tuple[JSONObject, dict[str, str]]: ...

    @abstractmethod
    def _usual_queries(
        self, start: date, end: date
    ) -> Iterator[tuple[str, list[tuple[str, str]]]]: ...


def parse_limit(text: str | None, default: int) -> int | None:
    """A page limit as a number; ``None`` if it is not one."""
    try:
        return default if text is None else int(text)
    except ValueError:
        return None
