"""Simulated vendors for tests, demos and benchmarks; public, for a partner's own CI.

Nothing here imports the rest of the package, so the simulators cannot share a mistake with the
clients they check.
"""

from __future__ import annotations

from . import faults, toxics
from ._every_fault import EVERY_FAULT
from ._http import Call
from ._profiles import ProfileName
from ._simulator import CANARY_TEXT, KeyKind, Simulator
from .anthropic import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    ANTHROPIC_REVOKED_KEY,
    ANTHROPIC_UNPERMITTED_KEY,
    AnthropicSimulator,
)
from .faults import Fault, Faults
from .ledger import CostTruth, Ledger, TokenCounts, Totals, UsageTruth
from .openai import (
    OPENAI_DEMO_KEY,
    OPENAI_ORDINARY_KEY,
    OPENAI_REVOKED_KEY,
    OPENAI_UNPERMITTED_KEY,
    OpenAISimulator,
)
from .toxics import ToxicProxy

__all__ = [
    "ANTHROPIC_DEMO_KEY",
    "ANTHROPIC_ORDINARY_KEY",
    "ANTHROPIC_REVOKED_KEY",
    "ANTHROPIC_UNPERMITTED_KEY",
    "CANARY_TEXT",
    "EVERY_FAULT",
    "OPENAI_DEMO_KEY",
    "OPENAI_ORDINARY_KEY",
    "OPENAI_REVOKED_KEY",
    "OPENAI_UNPERMITTED_KEY",
    "AnthropicSimulator",
    "Call",
    "CostTruth",
    "Fault",
    "Faults",
    "KeyKind",
    "Ledger",
    "OpenAISimulator",
    "ProfileName",
    "Simulator",
    "TokenCounts",
    "Totals",
    "ToxicProxy",
    "UsageTruth",
    "faults",
    "toxics",
]
