"""What every vendor's client does alike: ask for a report page by page, and explain a refusal.

A vendor's module says what is different: endpoints, queries, how a bucket and a row are read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from flask_tokenoffset.errors import (
    KeyRefused,
    MalformedAnswer,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from flask_tokenoffset.providers.pages import Day, DayCollector, follow_pages, read_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from flask_tokenoffset.clock import DayRange
    from flask_tokenoffset.providers.base import Columns, CostDay, UsageDay
    from flask_tokenoffset.providers.endpoints import Endpoint
    from flask_tokenoffset.providers.http import VendorHTTP


@dataclass(frozen=True, slots=True)
class DailyReport(Generic[Day]):
    """One of a vendor's two reports.

    :param endpoint: where it is read.
    :param days_a_page: the most days the vendor gives on one page.
    :param query: the parameters for a window, but for the page.
    :param make_reader: gives what turns a bucket's ``results`` into columns; asked once a reading.
    :param make_day: makes what is yielded from a date and its columns.
    :param make_faulty_day: makes it from a date and what is wrong, in a report beside the main one;
        see :class:`.DayCollector`.
    """

    endpoint: Endpoint
    days_a_page: int
    query: Callable[[DayRange], list[tuple[str, str]]]
    make_reader: Callable[[], Callable[[list[Any]], Columns]]
    make_day: Callable[[date, Columns], Day]
    make_faulty_day: Callable[[date, str], Day] | None = None

    def page_count(self, window: DayRange) -> int:
        """How many pages a window is expected to take."""
        return -(-len(window) // self.days_a_page)


class DailyReportsClient(ABC):
    """Reads one organization's usage and cost.

    :param http: already introduced to the vendor.
    """

    title: ClassVar[str]
    usage_report: ClassVar[DailyReport[UsageDay]]
    cost_report: ClassVar[DailyReport[CostDay]]

    def __init__(self, http: VendorHTTP) -> None:
        self._http = http

    @staticmethod
    @abstractmethod
    def read_bucket(bucket: Mapping[str, object], /) -> tuple[date, bool]:
        """The UTC day a bucket starts on, and whether it lasts from midnight to midnight."""

    @staticmethod
    @abstractmethod
    def explain(refused: KeyRefused) -> str:
        """What a refused key means with this vendor, and which key is needed instead."""

    def usage(self, window: DayRange) -> Iterator[list[UsageDay]]:
        """Token counts, one list for each page, oldest day first within it.

        :param window: the days to read.
        """
        return self._days(self.usage_report, window)

    def costs(self, window: DayRange) -> Iterator[list[CostDay]]:
        """What was charged, one list for each page, oldest day first within it.

        :param window: the days to read.
        """
        return self._days(self.cost_report, window)

    def page_count(self, window: DayRange) -> int:
        """How many pages usage and costs together are expected to take."""
        return self.usage_report.page_count(window) + self.cost_report.page_count(window)

    def pages(self, report: DailyReport[Day], window: DayRange) -> Iterator[list[object]]:
        """The buckets of each page of a report, as the vendor sent them."""
        query = report.query(window)

        def fetch(token: str | None) -> object:
            # A page token belongs to its query: everything else is repeated unchanged.
            return self.get(report.endpoint, query if token is None else [*query, ("page", token)])

        return follow_pages(fetch, title=self.title, page_limit=self._http.limits.pages)

    def try_costs(self, window: DayRange) -> list[object]:
        """The buckets of the first page of the cost report, to see whether a key may read it.

        What is wrong with the report itself refuses no key, and is said when it is read; so is
        that the vendor cannot be reached for it, who was just reached for the use.

        :param window: the days to ask for.
        :raises ProviderError: the key is refused.
        """
        report = self.cost_report
        try:
            buckets, _, _ = read_envelope(
                self.get(report.endpoint, report.query(window)), self.title
            )
        except (MalformedAnswer, RateLimited, RequestRefused, VendorUnavailable):
            return []
        return buckets

    def get(self, endpoint: Endpoint, query: list[tuple[str, str]]) -> object:
        """One answer, with a refusal in words that help.

        :raises ProviderError: the kind that fits.
        """
        try:
            return self._http.get_json(endpoint, query)
        except KeyRefused as refused:
            explained = KeyRefused(
                self.explain(refused),
                vendor_message=refused.vendor_message,
                status_code=refused.status_code,
            )
        # Raised out here, the error has no context: the frames below end with it.
        raise explained

    def _days(self, report: DailyReport[Day], window: DayRange) -> Iterator[list[Day]]:
        collector = DayCollector(
            window,
            self.title,
            read_bucket=self.read_bucket,
            read_results=report.make_reader(),
            make_day=report.make_day,
            make_faulty_day=report.make_faulty_day,
        )
        for buckets in self.pages(report, window):
            yield collector.days(buckets)
