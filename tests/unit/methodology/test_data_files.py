"""Published constants stay as published, and say where they come from."""

import hashlib
import tomllib
from importlib.resources import files

import pytest

from flask_tokenoffset import methodology
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import ModelClass

DIGESTS = {
    "bands-2026-05.toml": "44a7753aa47ca64b9c85887d51c3b5afff4b7fb4f38c5b8d229a69e5ee26c57a",
    "class-aware-2026.11.toml": "c1c3a8e56b4377bbeb9b646a99df8bac8bee7713f153a945a97f3b43c0420ef3",
    "class-aware-2026.12.toml": "54a411e618915e189f91deba355cc6e57867a02e1c2a5e43f6f41e12a8be3c9a",
    "elsewhere-2026-12.toml": "152bd3edb855b6ce76657312d309c0ea14cb0dd9940ce447d6e25e0f4cd9a7f8",
    "model-names-2026.12.toml": "963cca7e1131eb94389f009c1dc88af9b9bd2ec9fb0ae6c5149a512ddfee5374",
    "published-2026-05.toml": "a86b5697d97f2ca442ddf418df701e4d934779ce515c9fdf635aa94981037670",
    "source-addresses.toml": "4a469164b75f40de98a098316d2d6af05267ed943d708b72a8c923c2e189186e",
}
DATA = files("flask_tokenoffset.methodology") / "data"


def test_every_data_file_is_exactly_as_it_was_published() -> None:
    found = {
        entry.name: hashlib.sha256(entry.read_bytes()).hexdigest()
        for entry in DATA.iterdir()
        if entry.name.endswith(".toml")
    }
    assert found == DIGESTS, (
        "A published data file was changed, added or removed. Estimates made with it could no"
        " longer be computed again. Publish a new version file instead, and pin its digest here."
    )


def test_the_published_rate_is_the_promised_one() -> None:
    method = methodology.published("2026-05")
    assert str(method.energy_wh_per_1000_tokens.value) == "0.50"
    assert method.water_ml_per_1000_tokens.value == 3
    assert str(method.co2e_g_per_1000_tokens.value) == "0.6"
    assert method.contribution_cents_per_million_tokens.value == 25
    assert method.words_per_1000_tokens.value == 750
    assert method.effective_date.isoformat() == "2026-05-28"


def test_a_page_can_print_the_very_constants_the_arithmetic_uses() -> None:
    flat, ranged = methodology.published(), methodology.class_aware()
    assert flat.energy_wh_per_1000_tokens in flat.constants
    for energy in ranged.energy.values():
        assert energy.uncached_input in ranged.constants
        assert energy.output in ranged.constants
    assert ranged.grid_co2e_g_per_kwh in ranged.constants
    assert len({constant.id for constant in ranged.constants}) == len(ranged.constants)


def test_every_constant_has_a_unit_and_a_source_or_calls_itself_a_choice() -> None:
    for constant in (*methodology.published().constants, *methodology.class_aware().constants):
        assert constant.unit
        assert constant.sources or constant.standing == "choice", constant.id


def test_every_class_has_energy_and_is_ordered_by_it() -> None:
    energy = methodology.class_aware().energy
    assert list(energy) == list(ModelClass)
    outputs = [energy[model_class].output.value.central for model_class in ModelClass]
    assert outputs == sorted(outputs)


def test_the_default_carbon_price_is_one_of_the_anchors_shown_beside_it() -> None:
    method = methodology.class_aware()
    prices = {anchor.value for anchor in method.carbon_price_anchors}
    assert method.carbon_price_usd_per_tonne.value in prices
    assert prices == {210, 320, 644}
    assert method.review_date.isoformat() == "2027-05-31"


@pytest.mark.parametrize("version", methodology.class_aware_versions())
def test_every_source_has_an_address_and_is_read_by_something(version: str) -> None:
    method = methodology.class_aware(version)
    flat, bands = methodology.published(), methodology.bands()
    elsewhere = methodology.figures_elsewhere()
    read = {
        f"class-aware-{version}.toml": {
            *(
                s
                for each in (*method.constants, *method.carbon_price_anchors)
                for s in each.sources
            ),
            *method.uncertainty_sources,
        },
        "published-2026-05.toml": {s for each in flat.constants for s in each.sources},
        "bands-2026-05.toml": {s for each in bands for s in each.sources},
        "elsewhere-2026-12.toml": {each.source for each in elsewhere},
    }
    for name, sources in read.items():
        named = tomllib.loads((DATA / name).read_text(encoding="utf-8"))["sources"]
        assert {source.key for source in sources} == set(named), name
        for source in sources:
            assert source.url.startswith(("https://", "#")), (name, source.key)


def test_no_figure_claims_independent_sources_where_one_derives_from_another() -> None:
    for constant in methodology.class_aware().constants:
        assert "seven independent" not in constant.note
    assert (
        "Couch derives from Epoch" in methodology.class_aware().energy[ModelClass.LARGE].output.note
    )


def test_versions_are_listed_and_found_whichever_method_they_belong_to() -> None:
    assert methodology.published_versions() == ("2026-05",)
    assert methodology.class_aware_versions() == ("2026.11", "2026.12")
    assert methodology.bands_versions() == ("2026-05",)
    assert methodology.method("2026-05") is methodology.published("2026-05")
    assert methodology.method("2026.11") is methodology.class_aware("2026.11")


@pytest.mark.parametrize(
    "load",
    [
        methodology.published,
        methodology.class_aware,
        methodology.bands,
        methodology.method,
    ],
)
@pytest.mark.parametrize("version", ["", "1999-01", "../2026-05", "2026-05.toml"])
def test_a_version_nobody_published_is_refused_with_the_known_ones(load, version) -> None:  # type: ignore[no-untyped-def]  # four loaders of different types
    with pytest.raises(InvalidInput) as refused:
        load(version)
    assert "2026" in refused.value.errors["method_version"]
    assert repr(version) in refused.value.message


def test_constants_cannot_be_altered_by_accident() -> None:
    method = methodology.class_aware()
    with pytest.raises(AttributeError):
        method.version = "2027.01"  # type: ignore[misc]  # the refusal is the point
    with pytest.raises(TypeError):
        method.energy[ModelClass.SMALL] = method.energy[ModelClass.XL]  # type: ignore[index]  # likewise
