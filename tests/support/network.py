"""No test reaches the network: only loopback addresses and Unix sockets may be connected to.

The refusal is not an ``OSError``, so that no client takes it for a vendor that is down, and every
refusal fails the test in which it happened, even where something swallowed the exception.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_refused: list[str] = []


class NetworkRefusedError(RuntimeError):
    """A test tried to reach something other than this machine."""


def _is_local(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_unless_local(host: object) -> None:
    if not _is_local(host):
        _refused.append(str(host))
        raise NetworkRefusedError(
            f"A test tried to reach {host}. Tests reach loopback addresses only: answer the call "
            "with httpx.MockTransport or a simulator of flask_tokenoffset.testing."
        )


def _guarded(name: str) -> Any:
    original = getattr(socket.socket, name)

    def call(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if self.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
            _refuse_unless_local(address[0])
        return original(self, *arguments)

    return call


def _local_getaddrinfo(host: bytes | str | None, *arguments: Any, **options: Any) -> Any:
    _refuse_unless_local(host)
    return _getaddrinfo(host, *arguments, **options)


_getaddrinfo = socket.getaddrinfo
_patches = pytest.MonkeyPatch()
#: How many runs of pytest go on in this process: a test may run another one within it.
_runs: list[pytest.Config] = []


def pytest_configure(config: pytest.Config) -> None:
    """Close the network before the first test module is imported."""
    _runs.append(config)
    if len(_runs) > 1:
        return
    for name in ("connect", "connect_ex", "sendto"):
        _patches.setattr(socket.socket, name, _guarded(name))
    _patches.setattr(socket, "getaddrinfo", _local_getaddrinfo)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Open it again when the outermost run ends."""
    _runs.remove(config)
    if not _runs:
        _patches.undo()


@pytest.fixture(autouse=True)
def refused_connections() -> Iterator[list[str]]:
    """The hosts this test was kept from reaching; a test that expects some empties the list."""
    _refused.clear()
    yield _refused
    assert not _refused, f"The test tried to reach {', '.join(_refused)}."
