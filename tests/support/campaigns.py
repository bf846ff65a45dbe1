"""Slow campaigns: many rounds of a race, many rows, many steps.

A campaign has a short form, which runs with every other test, and a full one, which runs with
``make test-campaigns``. Both make the same assertions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long the full form of a campaign may take.
FULL_SECONDS: Final = 900


def campaign(
    argument: str, *, short: object, full: object
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a test one of its arguments twice: for the short form and for the full one.

    :param argument: the name of the argument, for example ``rounds``.
    :param short: its value in every run.
    :param full: its value in ``make test-campaigns``.
    """
    marks = [pytest.mark.campaign, pytest.mark.timeout(FULL_SECONDS)]
    forms = [pytest.param(short, id="short"), pytest.param(full, id="full", marks=marks)]
    return pytest.mark.parametrize(argument, forms)
