"""Each test that asks for ``vendor`` runs once for each vendor."""

from __future__ import annotations

import pytest

from tests.unit.providers.vendors import VENDORS, FakeTime, Vendor


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    chosen: Vendor = request.param
    return chosen


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()
