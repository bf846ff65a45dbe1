"""Simulated vendors for tests, demos and benchmarks; public, for a partner's own CI.

Nothing here imports the rest of the package, so the simulators cannot share a mistake with the
clients they check.
"""

from __future__ import annotations

from flask_tokenoffset.testing.simulators import faults, toxics
from flask_tokenoffset.testing.simulators.anthropic import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    ANTHROPIC_REVOKED_KEY,
    ANTHROPIC_UNPERMITTED_KEY,
    AnthropicSimulator,
)
from flask_tokenoffset.testing.simulators.every_fault import EVERY_FAULT
from flask_tokenoffset.testing.simulators.http import Call
from flask_tokenoffset.testing.simulators.ledger import (
    CostTruth,
    Ledger,
    TokenCounts,
    Totals,
    UsageTruth,
)
from flask_tokenoffset.testing.simulators.openai import (
    OPENAI_DEMO_KEY,
    OPENAI_ORDINARY_KEY,
    OPENAI_REVOKED_KEY,
    OPENAI_UNPERMITTED_KEY,
    OpenAISimulator,
)
from flask_tokenoffset.testing.simulators.planned_faults import Fault, Faults
from flask_tokenoffset.testing.simulators.profiles import ProfileName
from flask_tokenoffset.testing.simulators.simulator import CANARY_TEXT, KeyKind, Simulator
from flask_tokenoffset.testing.simulators.toxics import ToxicProxy

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
