"""Which faults a simulator is told to make, and at which of its calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from flask_tokenoffset.testing.simulators.http import Answer, Incoming

AnswerOf: TypeAlias = Callable[[Incoming], Answer]
Fault: TypeAlias = Callable[[Incoming, AnswerOf], Answer]


@dataclass
class _Planned:
    fault: Fault
    path: str
    times: int | None
    after: int


class Faults:
    """The faults planned for one simulator."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault, *, path: str = "*", times: int | None = 1, after: int = 0) -> None:
        """Plan a fault. Of several that fit a call, the one planned first is taken.

        :param path: the path it strikes, with shell wildcards.
        :param times: how many calls it strikes; ``None`` for every one, as paging faults need.
        :param after: how many fitting calls it lets pass first.
        """
        with self._lock:
            self._planned.append(_Planned(fault, path, times, after))

    def clear(self) -> None:
        """Forget every planned fault: the vendor has recovered."""
        with self._lock:
            self._planned.clear()

    def __len__(self) -> int:
        """How many planned faults have not spent themselves."""
        return len(self._planned)

    def answer(self, incoming: Incoming, answer_of: AnswerOf) -> Answer:
        """Answer a request, through the fault that is due, if one is."""
        fault = self._due(incoming.path)
        return answer_of(incoming) if fault is None else fault(incoming, answer_of)

    def _due(self, path: str) -> Fault | None:
        with self._lock:
            for planned in self._planned:
                if not fnmatchcase(path, planned.path):
                    continue
                if planned.after:
                    planned.after -= 1
                    continue
                if planned.times is not None:
                    planned.times -= 1
                    if planned.times <= 0:
                        self._planned.remove(planned)
                return planned.fault
        return None
