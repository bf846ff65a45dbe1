"""What drives a key store under test, and what a case of the suite is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from flask_tokenoffset.vault import KeyStore


class Fault(StrEnum):
    """What can happen to a key store that lives elsewhere."""

    DOWN = "down"
    SLOW = "slow"
    THROTTLED = "throttled"


class KeyStoreHarness(Protocol):
    """The key store under test, and the levers the cases pull."""

    def key_store(self) -> KeyStore:
        """Make a key store over the present master keys, as a new process would."""
        ...

    def rotate(self) -> None:
        """Add a master key and make it the primary one; the older ones stay."""
        ...

    def destroy(self, version: str) -> None:
        """Take the master key of a version away for good."""
        ...

    def failing(self, fault: Fault) -> AbstractContextManager[None]:
        """Let the store fail in this way while the context lasts."""
        ...


@dataclass(frozen=True, slots=True)
class KeyStoreCase:
    """One thing a vault relies on.

    :param name: what it is.
    :param check: raises :exc:`AssertionError` if a store does not keep to it.
    :param fault: the fault it lets the store meet, if any.
    """

    name: str
    check: Callable[[KeyStoreHarness], None]
    fault: Fault | None = None

    def __str__(self) -> str:
        return self.name

    def run(self, factory: Callable[[], KeyStoreHarness]) -> None:
        """Check a fresh harness.

        :param factory: makes a harness with one master key at the least.
        :raises AssertionError: if the store does not keep to it.
        """
        self.check(factory())
