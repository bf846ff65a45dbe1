"""Fixtures for a partner's own test suite.

Ask for them in your ``conftest.py``::

pytest_plugins = ["flask_tokenoffset.testing.pytest_plugin"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.testing.simulators.anthropic import AnthropicSimulator
from flask_tokenoffset.testing.simulators.openai import OpenAISimulator

if TYPE_CHECKING:
    import httpx


@pytest.fixture
def anthropic_simulator() -> AnthropicSimulator:
    """A small team at a simulated Anthropic, anew for each test."""
    return AnthropicSimulator()


@pytest.fixture
def openai_simulator() -> OpenAISimulator:
    """A small team at a simulated OpenAI, anew for each test."""
    return OpenAISimulator()


@pytest.fixture
def vendor_transports(
    anthropic_simulator: AnthropicSimulator, openai_simulator: OpenAISimulator
) -> dict[str, httpx.BaseTransport]:
    """A value for ``TOKENOFFSET_HTTP_TRANSPORTS``: both simulators in the vendors' place.

    The simulators behind it are the ones the test asks for.
    """
    return {
        simulator.name: simulator.transport()
        for simulator in (anthropic_simulator, openai_simulator)
    }
