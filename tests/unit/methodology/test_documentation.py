"""docs/explanation/methodology.md names the figures that the code computes with."""

from decimal import Decimal
from pathlib import Path

import pytest

from flask_tokenoffset.methodology import Range, bands, class_aware, published

DOCUMENT = Path(__file__).parents[3] / "docs" / "explanation" / "methodology.md"


@pytest.fixture(scope="module")
def text() -> str:
    return " ".join(DOCUMENT.read_text(encoding="utf-8").replace("**", "").split())


def written(value: Range) -> str:
    return f"{value.low:,} / {value.central:,} / {value.high:,}"


def test_the_coefficients_are_those_of_the_data_file(text: str) -> None:
    method = class_aware()
    for energy in method.energy.values():
        row = f"{written(energy.uncached_input.value)} | {written(energy.output.value)}"
        assert row in text, energy.model_class
    for constant in (
        method.cached_input_ratio,
        method.cache_creation_ratio,
        method.water_l_per_kwh,
        method.onsite_water_l_per_kwh,
        method.grid_co2e_g_per_kwh,
        method.embodied_co2e_g_per_kwh,
    ):
        assert written(constant.value) in text, constant.id
    for anchor in method.carbon_price_anchors:
        assert f"${anchor.value}" in text
    assert f"{method.review_date:%d %B %Y}" in text


def test_the_published_rate_is_that_of_the_data_file(text: str) -> None:
    method = published()
    assert f"{method.energy_wh_per_1000_tokens.value} Wh" in text
    assert f"{method.water_ml_per_1000_tokens.value} mL" in text
    assert f"{method.co2e_g_per_1000_tokens.value} g CO2e" in text
    dollars = method.contribution_cents_per_million_tokens.value / Decimal(100)
    assert f"tokens: ${dollars}" in text
    assert method.version in text


def test_the_bands_are_those_of_the_data_file(text: str) -> None:
    for band in bands():
        mix = " / ".join(f"{share}" for share in band.mix_percent.values())
        midpoint = f"{Decimal(band.midpoint_tokens) / 1_000_000:,}M"
        assert f"{midpoint} | {band.model_class} | {mix} %" in text, band.key
