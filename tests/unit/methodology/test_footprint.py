"""Energy, water and carbon, checked against published figures and our own table of bands."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.methodology import (
    ModelClass,
    ModelUsage,
    Range,
    TokenCounts,
    TokenKind,
    band,
    class_aware,
    class_aware_environment,
    published,
    published_environment,
    significant,
)
from flask_tokenoffset.methodology.footprint import ClassAwareFigures

counts = st.integers(min_value=0, max_value=10**12)
token_counts = st.builds(TokenCounts, counts, counts, counts, counts)
usages = st.lists(
    st.builds(
        ModelUsage,
        st.sampled_from(["claude-haiku-5", "gpt-6", "claude-opus-5", "o3-pro", "wizard"]),
        token_counts,
        cache_split_known=st.booleans(),
    ),
    max_size=4,
)


def figures(
    model_class: str, tokens: TokenCounts, version: str = "2026.12", context: int | None = None
) -> ClassAwareFigures:
    usage = ModelUsage("", tokens, ModelClass(model_class), context_tokens=context)
    return class_aware_environment([usage], class_aware(version))


def two_digits(value: Range) -> tuple[float, float, float]:
    """In thousands of the base unit: kWh, kg, L."""
    ends = (value.low, value.central, value.high)
    return tuple(float(significant(end / 1000)) for end in ends)  # type: ignore[return-value]  # three go in, three come out


def test_the_published_figures_are_the_flat_rate() -> None:
    result = published_environment(TokenCounts(1000, 2000, 3000, 4000), published())
    assert result.energy_wh == Decimal("5.0")
    assert result.water_ml == Decimal(30)
    assert result.co2e_g == Decimal("6.0")
    assert result.method_version == "2026-05"


@given(token_counts)
def test_the_published_figures_are_exact(tokens: TokenCounts) -> None:
    result = published_environment(tokens, published())
    assert result.energy_wh * 2000 == tokens.total
    assert result.water_ml * 1000 == tokens.total * 3
    assert result.co2e_g * 10_000 == tokens.total * 6


@pytest.mark.parametrize(
    ("version", "key", "energy_kwh", "carbon_kg", "water_l"),
    [
        ("2026.12", "casual", (0.012, 0.089, 0.26), (0.0047, 0.038, 0.11), 0.32),
        ("2026.12", "worker", (0.12, 0.66, 1.9), (0.047, 0.28, 0.83), 2.4),
        ("2026.12", "agentic", (1.2, 5.0, 14.0), (0.48, 2.1, 6.2), 18.0),
        ("2026.12", "extreme", (9.6, 44.0, 130.0), (3.9, 19.0, 58.0), 160.0),
        ("2026.11", "casual", (0.020, 0.089, 0.26), (0.0079, 0.038, 0.11), 0.32),
        ("2026.11", "worker", (0.16, 0.66, 1.9), (0.065, 0.28, 0.83), 2.4),
        ("2026.11", "agentic", (1.3, 5.0, 14.0), (0.53, 2.1, 6.2), 18.0),
        ("2026.11", "extreme", (11.0, 44.0, 130.0), (4.4, 19.0, 58.0), 160.0),
    ],
)
def test_the_bands_have_the_documented_figures(
    version: str,
    key: str,
    energy_kwh: tuple[float, ...],
    carbon_kg: tuple[float, ...],
    water_l: float,
) -> None:
    chosen = band(key)
    result = figures(chosen.model_class, chosen.midpoint, version)
    assert two_digits(result.energy_wh) == energy_kwh
    assert two_digits(result.co2e_g) == carbon_kg
    assert two_digits(result.water_ml)[1] == water_l


def test_a_chat_answer_comes_out_between_the_vendors_own_figures() -> None:
    # Google says 0.24 Wh and OpenAI 0.34 Wh for a typical prompt; Epoch computes 0.30.
    result = figures("medium", TokenCounts(uncached_input_tokens=700, output_tokens=300))
    assert result.energy_wh.central == Decimal("0.296")
    assert result.energy_wh.low < Decimal("0.24") < Decimal("0.34") < result.energy_wh.high


def test_a_long_prompt_agrees_with_epoch_to_within_a_twentieth() -> None:
    result = figures("large", TokenCounts(uncached_input_tokens=10_000, output_tokens=530))
    assert result.energy_wh.central == Decimal("2.442")
    assert result.energy_wh.low < Decimal("2.5") < result.energy_wh.high


def test_a_long_answer_lies_within_what_jegham_found() -> None:
    result = figures("large", TokenCounts(uncached_input_tokens=10_000, output_tokens=1_500))
    assert result.energy_wh.central == Decimal("3.8")
    assert result.energy_wh.low < Decimal("2.9") < Decimal("5.7") < result.energy_wh.high


def test_hausfathers_eight_weeks_of_agents_lie_within_the_range() -> None:
    # 3.2 thousand million tokens, 96 % cache reads, 0.4 % output; he reckons 170 kWh (70 to 330).
    tokens = TokenCounts.split(
        3_200_000_000,
        {
            TokenKind.UNCACHED_INPUT: Decimal("3.6"),
            TokenKind.CACHED_INPUT: 96,
            TokenKind.OUTPUT: Decimal("0.4"),
        },
    )
    energy = figures("large", tokens).energy_wh
    assert two_digits(energy) == (20.0, 90.0, 270.0)
    assert round(energy.high / 1000) == 275
    assert energy.low < 170_000 < energy.high


@given(usages)
def test_every_figure_is_an_ordered_range_of_nothing_negative(many: list[ModelUsage]) -> None:
    result = class_aware_environment(many, class_aware())
    for figure in (result.energy_wh, result.water_ml, result.co2e_g):
        assert 0 <= figure.low <= figure.central <= figure.high
    tokens = sum(usage.tokens.total for usage in many)
    assert (result.energy_wh.central > 0) == (tokens > 0)
    assert result.without_cache_factor >= 1


@given(usages, st.sampled_from(list(TokenKind)))
def test_one_more_million_tokens_never_lessens_the_central_figure(
    many: list[ModelUsage], kind: TokenKind
) -> None:
    known = [ModelUsage(usage.model, usage.tokens) for usage in many]
    more = ModelUsage("gpt-6", TokenCounts.split(1_000_000, {kind: 1}))
    before = class_aware_environment(known, class_aware())
    after = class_aware_environment([*known, more], class_aware())
    assert after.energy_wh.central > before.energy_wh.central


def test_a_model_split_in_two_uses_is_the_same_as_one() -> None:
    half = ModelUsage("claude-opus-5", TokenCounts(500, 5000, 50, 5))
    whole = ModelUsage("claude-opus-5", TokenCounts(1000, 10_000, 100, 10))
    method = class_aware()
    assert class_aware_environment([half, half], method) == class_aware_environment([whole], method)


def test_a_cache_read_takes_a_tenth_of_fresh_input_and_a_cache_write_all_of_it() -> None:
    fresh = figures("large", TokenCounts(uncached_input_tokens=10**6)).energy_wh.central
    assert fresh == 170
    assert figures("large", TokenCounts(cached_input_tokens=10**6)).energy_wh.central == 17
    assert figures("large", TokenCounts(cache_creation_tokens=10**6)).energy_wh.central == 170
    assert figures("large", TokenCounts(output_tokens=10**6)).energy_wh.central == 1400


def test_an_unknown_model_counts_as_large_and_is_named() -> None:
    tokens = TokenCounts(1000, 0, 0, 1000)
    unknown = class_aware_environment([ModelUsage("wizard", tokens)], class_aware())
    assert unknown.energy_wh == figures("large", tokens).energy_wh
    assert unknown.unknown_models == ("wizard",)
    known = class_aware_environment([ModelUsage("claude-opus-5", tokens)], class_aware())
    assert known.unknown_models == ()


def test_shares_say_which_class_took_the_energy() -> None:
    result = class_aware_environment(
        [
            ModelUsage("claude-opus-5", TokenCounts(output_tokens=6_000)),
            ModelUsage("claude-haiku-5", TokenCounts(output_tokens=30_000)),
        ],
        class_aware(),
    )
    assert result.energy_share_by_class == {
        ModelClass.LARGE: Decimal("0.7"),
        ModelClass.SMALL: Decimal("0.3"),
    }
    assert result.energy_share_by_kind == {TokenKind.OUTPUT: Decimal(1)}


def test_input_that_a_vendor_does_not_split_is_central_by_the_bands_mix_and_high_as_all_fresh() -> (
    None
):
    tokens = TokenCounts(uncached_input_tokens=99_500_000, output_tokens=500_000)
    method = class_aware()
    unsplit = class_aware_environment(
        [ModelUsage("claude-opus-5", tokens, cache_split_known=False)], method
    )
    split = class_aware_environment(
        [ModelUsage("claude-opus-5", band("agentic").split(100_000_000))], method
    )
    all_fresh = class_aware_environment([ModelUsage("claude-opus-5", tokens)], method)
    assert unsplit.cache_split_assumed
    assert not all_fresh.cache_split_assumed
    assert unsplit.energy_wh.central == split.energy_wh.central
    assert unsplit.energy_wh.low == split.energy_wh.low
    assert unsplit.energy_wh.high > all_fresh.energy_wh.central > split.energy_wh.high


def test_no_use_has_no_figures() -> None:
    result = class_aware_environment([], class_aware())
    assert result.energy_wh == result.water_ml == result.co2e_g == Range.exactly(Decimal(0))
    assert result.energy_share_by_class == {}


def test_stored_figures_can_be_computed_again_digit_for_digit() -> None:
    usage = [ModelUsage("claude-opus-5", TokenCounts(1_234_567, 98_765_432, 345_678, 45_678))]
    with localcontext() as host:
        host.prec = 4
        result = class_aware_environment(usage, class_aware("2026.11"))
    assert result == class_aware_environment(usage, class_aware("2026.11"))
    assert result.energy_wh == Range(
        Decimal("386.230519"), Decimal("2011.603194"), Decimal("6598.687302")
    )
    assert result.co2e_g == Range(
        Decimal("156.883672"), Decimal("854.931357"), Decimal("2845.216547")
    )


def test_a_long_context_takes_more_a_token_where_its_length_is_known() -> None:
    tokens = TokenCounts(100_000, 0, 0, 500)
    method = class_aware()
    usual, at_edge, long = (
        figures("medium", tokens, context=context).energy_wh for context in (None, 10_000, 100_000)
    )
    assert usual == at_edge
    # log2(10) doublings of 1.2 each: 1.83 times.
    assert long.central / usual.central == pytest.approx(Decimal("1.8325"), abs=Decimal("0.001"))
    assert long.high / long.central > usual.high / usual.central
    assert figures("medium", tokens, "2026.11", 100_000).energy_wh.central == usual.central
    cached = TokenCounts(cached_input_tokens=10**6)
    assert (
        figures("medium", cached, context=100_000).energy_wh == figures("medium", cached).energy_wh
    )
    assert method.context is not None
    assert method.context.doublings(20_000) == 1


def test_the_former_version_gives_what_it_gave() -> None:
    former = figures("large", TokenCounts(output_tokens=10**6), "2026.11").energy_wh
    assert former == Range(Decimal(350), Decimal(1400), Decimal(4500))
    now = figures("large", TokenCounts(output_tokens=10**6)).energy_wh
    assert now == Range(Decimal(140), Decimal(1400), Decimal(4500))
