"""The guard of tests/support/network.py: nothing but this machine can be reached."""

from __future__ import annotations

import socket

import pytest

from tests.support.network import NetworkRefusedError


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443, 0, 0)])
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_an_outside_address_is_refused(
    refused_connections: list[str], address: tuple[str, int], method: str
) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(NetworkRefusedError, match="MockTransport"):
        getattr(client, method)(address)
    assert refused_connections == [address[0]]
    refused_connections.clear()


def test_an_outside_name_is_not_even_looked_up(refused_connections: list[str]) -> None:
    with pytest.raises(NetworkRefusedError):
        socket.create_connection(("vendor.example", 443))
    refused_connections.clear()


def test_a_datagram_is_refused(refused_connections: list[str]) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        pytest.raises(NetworkRefusedError),
    ):
        client.sendto(b"", ("192.0.2.1", 53))
    refused_connections.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection((host, server.getsockname()[1]), timeout=5).close()
