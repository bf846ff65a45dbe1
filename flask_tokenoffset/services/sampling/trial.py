"""A trial: read a vendor once with a key that is stored nowhere, and say what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_tokenoffset.clock import DAY, DayRange
from flask_tokenoffset.errors import (
    MalformedAnswer,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from flask_tokenoffset.methodology import (
    DailySeries,
    Environment,
    ModelUsage,
    NoProjection,
    Projection,
    TokenCounts,
    amount_cents,
    band_for,
    class_aware,
    class_aware_versions,
    estimate_environment,
    project,
)
from flask_tokenoffset.providers import VendorOrganization
from flask_tokenoffset.services.sources.contradictions import contradictions_in
from flask_tokenoffset.services.sources.readings import Reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from flask_tokenoffset.providers import Gateway
    from flask_tokenoffset.vault import Secret


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a projected month means.

    :param amount_cents: the monthly contribution at full coverage, in US cents.
    """

    environment: Environment
    amount_cents: int
    band_name: str


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything one reading says.

    :param tokens: of all days that were read, by kind.
    :param cost_nano_usd: what the vendor charged over the whole window, less what it credited; None
        where that is not known of every day.
    :param known_cost_nano_usd: the same over the days of which it is known; None without any.
    :param unknown_usage_days: days of which the vendor said nothing.
    :param unknown_cost_days: days whose cost it did not say.
    :param cost_faults: what is wrong with its cost report, in whole sentences.
    :param unknown_models: names that are not known and count as large models, ``""`` where the
        vendor named none.
    :param days_with_use: days of the window on which anything was used.
    :param meaning: absent where there is no honest monthly value.
    """

    organization: VendorOrganization
    window: DayRange
    tokens: TokenCounts
    tokens_by_model: dict[str, TokenCounts]
    cost_nano_usd: int | None
    known_cost_nano_usd: int | None
    unknown_usage_days: tuple[date, ...]
    unknown_cost_days: tuple[date, ...]
    cost_faults: tuple[str, ...]
    unknown_models: tuple[str, ...]
    days_with_use: int
    projection: Projection | NoProjection
    meaning: Meaning | None


def try_key(
    gateway: Gateway,
    *,
    provider: str,
    key: Secret,
    window: DayRange,
    method_version: str,
    progress: Callable[[int, int], None],
) -> Trial:
    """Read a window with a key, and forget the key.

    :param provider: the provider's stable name.
    :param window: settled days, as a sample reads them.
    :param method_version: the method that prices the contribution.
    :param progress: called with the pages read and the pages expected.
    :raises ProviderError: what the vendor, or the check before it, had to say.
    """
    with gateway.open(provider, key) as client:
        try:
            organization = client.check(window.end - DAY)
        except (MalformedAnswer, RateLimited, RequestRefused, VendorUnavailable):
            # Whose key it is need not be known here, and use that cannot be read says so itself.
            organization = VendorOrganization(None, None)
        reading = Reading.of_vendor(client, window, progress)
    return _said(reading, provider, organization, window, method_version)


def _said(
    reading: Reading,
    provider: str,
    organization: VendorOrganization,
    window: DayRange,
    method_version: str,
) -> Trial:
    costs, found = reading.cost_by_day(), contradictions_in(reading, provider)
    series = DailySeries.from_rows(
        window,
        reading.usage.reported,
        reading.tokens_by_day_and_model(),
        costs,
        cost_days=reading.costs.reported,
        cost_faults=reading.cost_faults,
        partly_charged=found.partly_charged,
        partly_used=found.partly_used,
    )
    projection = project(series)
    by_model = series.tokens_by_model(series.known)
    cost_nano_usd = sum(cost for _, cost in costs)
    knows_cost = len(series.cost_unknown) < len(window)
    method = class_aware()
    return Trial(
        organization=organization,
        window=window,
        tokens=TokenCounts.sum(by_model.values()),
        tokens_by_model=by_model,
        cost_nano_usd=None if series.cost_unknown else cost_nano_usd,
        known_cost_nano_usd=cost_nano_usd if knows_cost else None,
        unknown_usage_days=series.unknown,
        unknown_cost_days=series.cost_unknown,
        cost_faults=series.cost_faults,
        unknown_models=tuple(model for model in by_model if method.class_of(model) is None),
        days_with_use=len(series.active_days),
        projection=projection,
        meaning=None
        if isinstance(projection, NoProjection)
        else _meaning(projection, method_version),
    )


def _meaning(projection: Projection, method_version: str) -> Meaning:
    environment = estimate_environment(
        [
            ModelUsage(model, tokens)
            for model, tokens in projection.tokens_per_month_by_model.items()
        ],
        class_aware_method=class_aware(method_version)
        if method_version in class_aware_versions()
        else None,
    )
    total = projection.tokens_per_month.total
    return Meaning(
        environment=environment,
        amount_cents=amount_cents(method_version, total, environment.class_aware.co2e_g, 100),
        band_name=band_for(total).name,
    )
