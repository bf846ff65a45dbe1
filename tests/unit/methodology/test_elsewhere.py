"""Every published figure is held against our range, and misses are shown as misses."""

from decimal import Decimal
from pathlib import Path

import pytest

from flask_tokenoffset.methodology import (
    Verdict,
    class_aware,
    class_aware_environment,
    class_aware_versions,
    comparisons,
    figures_elsewhere,
)

DOCUMENT = Path(__file__).parents[3] / "docs" / "explanation" / "methodology.md"


def verdict(figure_id: str, version: str) -> Verdict:
    (found,) = [each for each in comparisons(version) if each.figure.id == figure_id]
    return found.verdict


@pytest.mark.parametrize(
    ("figure_id", "published", "former", "now"),
    [
        ("mistral_carbon", "1.14", "outside_above", "outside_above"),
        ("mistral_water", "45", "outside_above", "outside_above"),
        ("deepseek_output", "161", "outside_below", "inside"),
        ("epoch_100k", "40", "outside_above", "inside"),
        ("jegham_sonnet_100_later", "0.84", "outside_above", "inside"),
        ("jegham_sonnet_1000_later", "2.78", "outside_above", "inside"),
        ("ecologits_gpt5_pro", "46000", "outside_above", "outside_above"),
        ("inferencex_fleet", "292", "outside_below", "inside"),
        ("google_prompt_energy", "0.24", "inside", "inside"),
    ],
)
def test_a_published_figure_is_a_hit_or_a_miss_by_version(
    figure_id: str, published: str, former: str, now: str
) -> None:
    (figure,) = [each for each in figures_elsewhere() if each.id == figure_id]
    assert figure.low == Decimal(published)
    assert verdict(figure_id, "2026.11") == former
    assert verdict(figure_id, "2026.12") == now


@pytest.mark.parametrize("version", class_aware_versions())
def test_verdicts_follow_from_the_arithmetic(version: str) -> None:
    method = class_aware(version)
    for each in comparisons(version):
        figure = each.figure
        if figure.usage is None or figure.quantity is None:
            assert (each.ours, each.is_inside) == (None, None)
            continue
        computed = class_aware_environment([figure.usage], method)
        ours = getattr(computed, {"Wh": "energy_wh", "mL": "water_ml", "g": "co2e_g"}[figure.unit])
        assert each.ours == ours
        assert each.is_inside is (ours.low <= figure.low and figure.high <= ours.high)


def test_every_miss_says_why() -> None:
    for version in class_aware_versions():
        for each in comparisons(version):
            assert each.is_inside is not False or each.figure.note, each.figure.id


def test_ids_are_given_once() -> None:
    ids = [figure.id for figure in figures_elsewhere()]
    assert len(set(ids)) == len(ids) >= 70


def test_the_document_lists_them_as_the_code_computes_them() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    former, now = comparisons("2026.11"), comparisons("2026.12")
    for before, after in zip(former, now, strict=True):
        figure = after.figure
        row = f"| {figure.what} | {figure.source.key} | "
        (line,) = [
            each
            for each in text.splitlines()
            if each.startswith(row) and (f" {figure.id} |" in each)
        ]
        words = [str(each.verdict).replace("_", " ") for each in (before, after)]
        assert line.endswith(f"| {words[0]} | {words[1]} | {figure.id} |"), figure.id
