"""``flask tokenoffset estimate``: see what a key says without connecting or storing anything."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext

from flask_tokenoffset.clock import DAY, DayRange
from flask_tokenoffset.errors import InvalidInput, ProviderError
from flask_tokenoffset.formatting import model_name, money_cents, nano_usd, nano_usd_if_known
from flask_tokenoffset.methodology import (
    NoProjection,
    Quantity,
    RecentUse,
    describe,
    describe_range,
    outlook,
)
from flask_tokenoffset.providers import Gateway
from flask_tokenoffset.services.sampling.trial import Trial, try_key
from flask_tokenoffset.services.sources.windows import sample_window
from flask_tokenoffset.state import State, current_state
from flask_tokenoffset.vault import Secret, read_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from flask_tokenoffset.methodology import Outlook, Projection, Range, TokenCounts
    from flask_tokenoffset.providers import Provider

_KINDS = {
    "uncached_input": "Input, read afresh",
    "cached_input": "Input, read from a cache",
    "cache_creation": "Input, kept in a cache",
    "output": "Output",
}


@click.command()
@click.option("--provider", help="A vendor that is enabled here.", required=True)
@click.option("--days", type=click.IntRange(14, 365), default=90, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--simulate", is_flag=True, help="Ask a simulated vendor; no key is needed, nothing is sent."
)
@click.option("--seats", type=click.IntRange(1), help="How many people use this key's vendor.")
@with_appcontext
def estimate(provider: str, days: int, as_json: bool, simulate: bool, seats: int | None) -> None:
    """Read a vendor once and print what it means.

    The admin key is read from a prompt, or from standard input, used once, and stored nowhere.
    """
    state = current_state()
    vendor = _enabled_vendor(state, provider)
    key, gateway = _simulated(state, vendor) if simulate else (_ask_key(), state.gateway)
    window = sample_window(
        state.clock.now(), days=days, settling_hours=state.settings.settling_hours
    )
    try:
        trial = _read(gateway, provider, key, window, state.settings.method, as_json)
    except ProviderError as error:
        said = f" {vendor.title} said: {error.vendor_message}"
        raise click.ClickException(error.message + (said if error.vendor_message else "")) from None
    document = _document(trial, provider, state.settings.method, seats)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        _print_table(trial, vendor.title, state.settings.method, seats)


def _enabled_vendor(state: State, name: str) -> Provider:
    try:
        return state.gateway.provider(name)
    except InvalidInput as error:
        raise click.BadParameter(error.errors["provider"], param_hint="--provider") from None


def _ask_key() -> Secret:
    if sys.stdin.isatty():
        return read_key(click.prompt("Admin key", hide_input=True, err=True))
    return read_key(sys.stdin.read())


def _simulated(state: State, vendor: Provider) -> tuple[Secret, Gateway]:
    """A simulated vendor, and the key given for it or else its own."""
    # Only here: nobody else pays for the simulators.
    from flask_tokenoffset.testing.simulators import SIMULATORS  # noqa: PLC0415

    if vendor.name not in SIMULATORS:
        raise click.UsageError(f"There is no simulator of {vendor.title}. Leave out --simulate.")
    make, own_key = SIMULATORS[vendor.name]
    simulator = make(today=lambda: state.clock.now().date())
    given = "" if sys.stdin.isatty() else sys.stdin.read().strip()
    try:
        if given:
            # No simulator knows anyone's real key, and any will do for a look.
            simulator.admit(given)
        key = read_key(given or own_key)
    finally:
        del given  # A traceback that shows local variables must not show it.
    gateway = Gateway(
        [vendor],
        clock=state.clock,
        transports={vendor.name: simulator.transport()},
        outbound=True,
    )
    return key, gateway


def _read(
    gateway: Gateway, provider: str, key: Secret, window: DayRange, method: str, as_json: bool
) -> Trial:
    with click.progressbar(
        length=1,
        label="Reading",
        file=sys.stderr,
        hidden=as_json or not sys.stderr.isatty(),
    ) as bar:

        def progress(done: int, expected: int) -> None:
            bar.length = expected
            bar.update(done - bar.pos)

        return try_key(
            gateway,
            provider=provider,
            key=key,
            window=window,
            method_version=method,
            progress=progress,
        )


def _document(trial: Trial, provider: str, method: str, seats: int | None) -> dict[str, Any]:
    projection, meaning = trial.projection, trial.meaning
    document: dict[str, Any] = {
        "provider": provider,
        "organization": {"id": trial.organization.id, "name": trial.organization.name},
        "window": {
            "start": trial.window.start.isoformat(),
            "end": trial.window.end.isoformat(),
            "days": len(trial.window),
            "days_with_use": trial.days_with_use,
            "unknown_usage_days": _iso(trial.unknown_usage_days),
            "unknown_cost_days": _iso(trial.unknown_cost_days),
        },
        "tokens": _counts(trial.tokens),
        "tokens_by_model": {
            model_name(model): _counts(tokens) for model, tokens in trial.tokens_by_model.items()
        },
        "unknown_models": list(map(model_name, trial.unknown_models)),
        "cost_nano_usd": trial.cost_nano_usd,
        "known_cost_nano_usd": trial.known_cost_nano_usd,
        "cost_faults": list(trial.cost_faults),
    }
    if isinstance(projection, NoProjection) or meaning is None:
        reason = projection if isinstance(projection, NoProjection) else None
        return document | {
            "projection": None,
            "no_projection": reason and {"code": reason.reason_code, "sentence": reason.sentence},
        }
    figures = meaning.environment.class_aware
    flat = meaning.environment.published
    return document | {
        "projection": {
            "tokens_per_month": _counts(projection.tokens_per_month),
            "cost_nano_usd_per_month": projection.cost_nano_usd_per_month,
            "basis_start": projection.basis_start.isoformat(),
            "basis_end": projection.basis_end.isoformat(),
            "quality": projection.quality_tier,
            "outlook": _outlook(projection, seats),
            "notes": [{"code": note.code, "sentence": note.sentence} for note in projection.notes],
        },
        "environment_per_month": {
            "energy_wh": _ends(figures.energy_wh),
            "water_ml": _ends(figures.water_ml),
            "co2e_g": _ends(figures.co2e_g),
            "version": figures.method_version,
            "difference": meaning.environment.difference.sentence,
        },
        "published_per_month": {
            "energy_wh": str(flat.energy_wh),
            "water_ml": str(flat.water_ml),
            "co2e_g": str(flat.co2e_g),
            "version": flat.method_version,
        },
        "contribution": {
            "amount_cents_per_month": meaning.amount_cents,
            "coverage_percent": 100,
            "method_version": method,
        },
    }


def _iso(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _counts(tokens: TokenCounts) -> dict[str, int]:
    return dict(zip(_KINDS, tokens.counts(), strict=True)) | {"total": tokens.total}


def _stated(projection: Projection, seats: int | None) -> Outlook:
    recent = RecentUse.of_window(
        projection.last_week_tokens,
        projection.rolling,
        basis_days=(projection.basis_end - projection.basis_start).days,
    )
    return outlook(projection.tokens_per_month.total, seats, recent)


def _outlook(projection: Projection, seats: int | None) -> dict[str, Any]:
    stated = _stated(projection, seats)
    return {
        "low_tokens": stated.low_tokens,
        "high_tokens": stated.high_tokens,
        "covered_percent": stated.covered_percent,
        "sentence": stated.sentence,
    }


def _ends(value: Range) -> dict[str, str]:
    return {"low": str(value.low), "central": str(value.central), "high": str(value.high)}


def _print_table(trial: Trial, title: str, method: str, seats: int | None) -> None:
    name = trial.organization.name or trial.organization.id or f"{title} does not tell its name"
    last = trial.window.end - DAY
    _row("Organization", name)
    unread = f", {len(trial.unknown_usage_days)} not read" if trial.unknown_usage_days else ""
    _row("Days", f"{trial.window.start} to {last} ({trial.days_with_use} with use{unread})")
    for label, count in zip(_KINDS.values(), trial.tokens.counts(), strict=True):
        _row(label, f"{count:,} tokens")
    _row("All tokens", f"{trial.tokens.total:,} tokens")
    if trial.unknown_models:
        _row("Counted as large", ", ".join(map(model_name, trial.unknown_models)) + " (not known)")
    _row("Charged", _charged(trial))
    click.echo()
    projection, meaning = trial.projection, trial.meaning
    if isinstance(projection, NoProjection) or meaning is None:
        click.echo(
            projection.sentence if isinstance(projection, NoProjection) else "No projection."
        )
        for fault in trial.cost_faults:
            click.echo(fault)
        return
    figures = meaning.environment.class_aware
    flat = meaning.environment.published
    _row("Tokens a month", f"{projection.tokens_per_month.total:,} ({meaning.band_name})")
    _row("Charged a month", nano_usd_if_known(projection.cost_nano_usd_per_month))
    _row("Energy a month", describe_range(figures.energy_wh, Quantity.ENERGY))
    _row("Water a month", describe_range(figures.water_ml, Quantity.WATER))
    _row("CO2e a month", describe_range(figures.co2e_g, Quantity.CARBON))
    _row(
        "Published method",
        f"{describe(flat.energy_wh, Quantity.ENERGY)}, "
        f"{describe(flat.water_ml, Quantity.WATER)}, {describe(flat.co2e_g, Quantity.CARBON)}",
    )
    _row("Contribution", f"{money_cents(meaning.amount_cents)} a month (method {method})")
    click.echo()
    click.echo(meaning.environment.difference.sentence)
    click.echo(_stated(projection, seats).sentence)
    for note in projection.notes:
        click.echo(note.sentence)


def _charged(trial: Trial) -> str:
    if trial.known_cost_nano_usd is None or not trial.unknown_cost_days:
        return nano_usd_if_known(trial.known_cost_nano_usd)
    days = len(trial.window) - len(trial.unknown_cost_days)
    known = "1 day" if days == 1 else f"{days} days"
    return f"{nano_usd(trial.known_cost_nano_usd)} on the {known} whose cost is known"


def _row(label: str, text: str) -> None:
    click.echo(f"{label:<26}{text}")
