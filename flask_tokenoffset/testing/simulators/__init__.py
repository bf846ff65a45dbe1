"""Simulated vendors: their reports, faults and ledgers."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.testing.simulators.anthropic import ANTHROPIC_DEMO_KEY, AnthropicSimulator
from flask_tokenoffset.testing.simulators.openai import OPENAI_DEMO_KEY, OpenAISimulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.testing.simulators.simulator import Simulator

#: Every simulator and a key it accepts, by the name of its vendor.
SIMULATORS: Final[Mapping[str, tuple[type[Simulator], str]]] = MappingProxyType(
    {
        AnthropicSimulator.name: (AnthropicSimulator, ANTHROPIC_DEMO_KEY),
        OpenAISimulator.name: (OpenAISimulator, OPENAI_DEMO_KEY),
    }
)
