"""Each toxic spoils real connections as its name says, mid-body where that is the point."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

import httpx
import pytest

from flask_tokenoffset.testing import ANTHROPIC_DEMO_KEY, AnthropicSimulator, ToxicProxy
from flask_tokenoffset.testing.simulators import toxics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask_tokenoffset.testing.simulators.toxics import Toxic

URL = "https://api.anthropic.com/v1/organizations/usage_report/messages?starting_at=2026-11-01"
HEADERS = {"x-api-key": ANTHROPIC_DEMO_KEY, "anthropic-version": "2023-06-01"}


@pytest.fixture
def proxy() -> Iterator[ToxicProxy]:
    simulator = AnthropicSimulator(today=lambda: date(2026, 11, 20))
    with simulator.serve() as base_url, ToxicProxy(base_url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: ToxicProxy) -> Iterator[httpx.Client]:
    with httpx.Client(transport=proxy.transport(), headers=HEADERS, timeout=5) as client:
        yield client


def test_without_a_toxic_the_answer_passes_unchanged(client: httpx.Client) -> None:
    response = client.get(URL)

    assert response.status_code == 200
    assert len(response.json()["data"]) == 7


@pytest.mark.parametrize(
    "toxic",
    [
        toxics.latency(0.1),
        toxics.bandwidth(40_000),
        toxics.slicer(),
        toxics.slow_close(0.05),
    ],
)
def test_slow_connections_still_bring_the_whole_answer(
    proxy: ToxicProxy, client: httpx.Client, toxic: Toxic
) -> None:
    right = client.get(URL).content
    proxy.toxic = toxic

    assert client.get(URL).content == right


def test_slow_connections_are_slow(proxy: ToxicProxy, client: httpx.Client) -> None:
    for toxic in (toxics.latency(0.15), toxics.bandwidth(20_000)):
        proxy.toxic = toxic
        began = time.monotonic()
        client.get(URL)
        assert time.monotonic() - began > 0.1


@pytest.mark.parametrize(
    "toxic",
    [
        toxics.down(),
        toxics.reset_peer(),
        toxics.reset_peer(after_bytes=600),
        toxics.limit_data(600),
        toxics.limit_data(50),
        toxics.timeout(0.05),
        toxics.timeout(0.05, after_bytes=600),
    ],
)
def test_broken_connections_never_look_like_an_answer(
    proxy: ToxicProxy, client: httpx.Client, toxic: Toxic
) -> None:
    proxy.toxic = toxic

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.get(URL)

    proxy.toxic = None
    assert client.get(URL).status_code == 200


def test_mid_body_means_that_the_headers_have_arrived(
    proxy: ToxicProxy, client: httpx.Client
) -> None:
    for toxic in (toxics.reset_peer(after_bytes=600), toxics.limit_data(600)):
        proxy.toxic = toxic
        with client.stream("GET", URL) as response:
            assert response.status_code == 200
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                response.read()


def test_silence_runs_into_the_clients_time_out(proxy: ToxicProxy, client: httpx.Client) -> None:
    proxy.toxic = toxics.timeout(30, after_bytes=600)
    began = time.monotonic()

    with pytest.raises(httpx.ReadTimeout):
        client.get(URL, timeout=0.1)
    assert time.monotonic() - began < 5
