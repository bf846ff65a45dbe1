"""What really happened, day by day: the figures both the answers and the ledger are made from.

Every figure is drawn from the seed and the date alone, with integer arithmetic, so the same date
has the same figures on every machine and however it is asked for. Only three things alter a day:
it is still open, it is recent and the vendor is late (``late_days``), or a test revised it.
"""

from __future__ import annotations

import threading
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from flask_tokenoffset.testing.simulators.profiles import DimensionValue, Profile, Stream

DAY_SECONDS = 86_400
#: Where "now" stands on the open day: 09:36 UTC.
OPEN_DAY_SECONDS = 34_560

_SATURDAY = 5
_OUTLIER_FACTOR = 7
_TOKENS_A_REQUEST = 41_000


class TokenCounts(NamedTuple):
    """Token counts by kind; the five token kinds are disjoint.

    :param cache_creation_5m_tokens: for OpenAI, every token written to the cache.
    """

    uncached_input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_creation_5m_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    output_tokens: int = 0
    request_count: int = 0
    web_search_requests: int = 0

    @property
    def cache_creation_tokens(self) -> int:
        """Everything written to the cache, for however long."""
        return self.cache_creation_5m_tokens + self.cache_creation_1h_tokens

    @property
    def input_tokens(self) -> int:
        """Every input token, fresh, read from the cache or written to it."""
        return self.uncached_input_tokens + self.cached_input_tokens + self.cache_creation_tokens


class UsageTruth(NamedTuple):
    """What one stream used on one UTC day.

    :param dimensions: everything the vendor can group by, by the vendor's own names.
    :param billed_percent: percentage of the list price the vendor bills for it.
    """

    day: date
    dimensions: Mapping[str, DimensionValue]
    counts: TokenCounts
    billed_percent: int


class CostTruth(NamedTuple):
    """One line of a UTC day's bill.

    :param dimensions: everything the vendor can group by, by the vendor's own names.
    :param quantity: what was billed, in tokens or calls.
    """

    day: date
    dimensions: Mapping[str, DimensionValue]
    cost_nano_usd: int
    quantity: int


def slice_of_day(count: int, from_second: int, to_second: int) -> int:
    """The part of a day's count that fell between two seconds of the day.

    Use is spread evenly. However a day is cut, the parts add up to the whole, to the token.
    """
    return count * to_second // DAY_SECONDS - count * from_second // DAY_SECONDS


class History:
    """One customer's days at one vendor.

    :param first_day: the first day of use; before it there is nothing.
    :param today: says which UTC day is open.
    :param late_days: how many closed days the vendor still reports incompletely; 0 for none.
    :param price: turns a day's usage into the lines of its bill.
    """

    def __init__(
        self,
        *,
        seed: str,
        profile: Profile,
        streams: Sequence[Stream],
        first_day: date,
        today: Callable[[], date],
        late_days: int,
        price: Callable[[UsageTruth], list[CostTruth]],
    ) -> None:
        self._seed = seed
        self._profile = profile
        self._streams = streams
        self._price = price
        self._today = today
        self._late_days = late_days
        self._lock = threading.Lock()
        self._revised_percent: dict[date, int] = {}
        self._drawn: dict[tuple[date, int], tuple[UsageTruth, ...]] = {}
        self._priced: dict[tuple[date, int], tuple[CostTruth, ...]] = {}
        self.first_day = first_day
        self.revisions = 0

    @property
    def today(self) -> date:
        """The open UTC day."""
        return self._today()

    def revise(self, day: date, *, percent: int) -> None:
        """Restate a day: from now on its figures are ``percent`` of what they were drawn as."""
        with self._lock:
            self._revised_percent[day] = percent
            self.revisions += 1

    def open_seconds(self, day: date) -> int:
        """How many seconds of the day have happened: all, some (it is open) or none."""
        today = self.today
        if day > today:
            return 0
        return OPEN_DAY_SECONDS if day == today else DAY_SECONDS

    def usage(
        self, day: date, from_second: int = 0, to_second: int = DAY_SECONDS
    ) -> tuple[UsageTruth, ...]:
        """What was used between two seconds of a UTC day, as the vendor knows it now."""
        rows = self._whole_day(day)
        to_second = min(to_second, self.open_seconds(day))
        if from_second == 0 and to_second == DAY_SECONDS:
            return rows
        sliced = (
            row._replace(
                counts=TokenCounts(*(slice_of_day(n, from_second, to_second) for n in row.counts))
            )
            for row in rows
        )
        return tuple(row for row in sliced if any(row.counts))

    def costs(self, day: date) -> tuple[CostTruth, ...]:
        """The lines of a UTC day's bill, as the vendor knows it now."""
        key = (day, self._percent(day))
        if self.open_seconds(day) != DAY_SECONDS:
            return tuple(line for row in self.usage(day) for line in self._price(row))
        if key not in self._priced:
            self._priced[key] = tuple(
                line for row in self._whole_day(day) for line in self._price(row)
            )
        return self._priced[key]

    def _percent(self, day: date) -> int:
        percent = self._revised_percent.get(day, 100)
        age_days = (self.today - day).days
        if 0 < age_days <= self._late_days:
            # A tenth is still missing on the first day after, a third of that on the next.
            percent = percent * (100 - 10 // 3 ** (age_days - 1)) // 100
        return percent

    def _whole_day(self, day: date) -> tuple[UsageTruth, ...]:
        percent = self._percent(day)
        key = (day, percent)
        if key not in self._drawn:
            rows = self._draw(day)
            if percent != 100:  # noqa: PLR2004 - a hundred percent is the figure as drawn
                rows = [
                    row._replace(counts=TokenCounts(*(n * percent // 100 for n in row.counts)))
                    for row in rows
                ]
            self._drawn[key] = tuple(row for row in rows if any(row.counts))
        return self._drawn[key]

    def _draw(self, day: date) -> list[UsageTruth]:
        if day < self.first_day:
            return []
        random = Random(f"{self._seed}/{day.isoformat()}")  # noqa: S311 - figures, not secrets
        percent = self._activity_percent(day, random)
        if percent == 0:
            return []
        rows = []
        for stream in self._streams:
            counts = _draw_counts(stream, self._profile.daily_tokens, percent, random)
            if counts is not None:
                rows.append(UsageTruth(day, stream.all_dimensions, counts, stream.billed_percent))
        return rows

    def _activity_percent(self, day: date, random: Random) -> int:
        profile = self._profile
        # Outliers are whole weeks apart, and this puts them on a Wednesday.
        phase = 7 * Random(self._seed).randrange(1_000) + 4  # noqa: S311 - figures, not secrets
        weekend = day.weekday() >= _SATURDAY
        empty_percent = profile.empty_weekend_percent if weekend else profile.empty_percent
        noise_percent = random.randint(60, 145)
        is_empty = random.randrange(100) < empty_percent
        number = day.toordinal() + phase
        if profile.outlier_every_days and number % profile.outlier_every_days == 0:
            return 100 * _OUTLIER_FACTOR
        if is_empty or number % profile.used_every_days:
            return 0
        return noise_percent * profile.weekend_percent // 100 if weekend else noise_percent


def _draw_counts(
    stream: Stream, daily_tokens: int, percent: int, random: Random
) -> TokenCounts | None:
    # The same number of draws whether or not the stream flows, so that its neighbours' figures do
    # not depend on it.
    present = random.randrange(100) < stream.presence_percent
    stream_percent = random.randint(70, 130)
    cached_per_mille = random.randint(*stream.cached)
    output_per_mille = random.randint(*stream.output)
    creation_per_mille = random.randint(500, 750) if stream.writes_cache else 0
    odd_tokens = random.randrange(1_000)
    if not present:
        return None
    total = daily_tokens * stream.weight * percent * stream_percent // 10_000_000 + odd_tokens
    output = max(1, total * output_per_mille // 1_000)
    input_tokens = total - output
    cached = input_tokens * cached_per_mille // 1_000
    creation = (input_tokens - cached) * creation_per_mille // 1_000
    one_hour = creation * stream.one_hour_percent // 100
    return TokenCounts(
        uncached_input_tokens=max(0, input_tokens - cached - creation),
        cached_input_tokens=cached,
        cache_creation_5m_tokens=creation - one_hour,
        cache_creation_1h_tokens=one_hour,
        output_tokens=output,
        request_count=max(1, total // _TOKENS_A_REQUEST),
        web_search_requests=stream.web_searches * percent // 100,
    )
