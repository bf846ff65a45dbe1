"""Following a vendor's pages to their end, and noticing when there is none.

A window is whole or it is a failure: whatever goes wrong on the way raises, so that no caller can
take the pages so far for all of them.

A day belongs to one page, because vendors count pages in days. Where a day turns up again, on
another page or on the same one, the two either say the same, and the second is dropped, or they
differ, and the window is refused: the figures changed between two pages, so that neither the one
nor the sum of both can be trusted. A later attempt reads a consistent window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from flask_tokenoffset.errors import IncompleteAnswer, MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from flask_tokenoffset.clock import DayRange
    from flask_tokenoffset.providers.base import Columns

_LONGEST_TOKEN: Final = 4_096

Day = TypeVar("Day")


class BucketReader(Protocol):
    """Reads which day a bucket is of, and whether it is the whole of it."""

    def __call__(self, bucket: Mapping[str, object], /) -> tuple[date, bool]:
        """The UTC day the bucket starts on, and whether it lasts from midnight to midnight."""
        ...


def follow_pages(
    fetch: Callable[[str | None], object], *, title: str, page_limit: int
) -> Iterator[list[object]]:
    """The buckets of each page, from the first to the last.

    :param fetch: gives the decoded page for a page token; ``None`` asks for the first.
    :param title: the vendor's name, for messages.
    :param page_limit: how many pages one report may have.
    :raises MalformedAnswer: where a page is not an envelope with ``data`` and ``has_more``.
    :raises IncompleteAnswer: where the pages repeat, break off, or never end.
    """
    token: str | None = None
    seen: set[str] = set()
    for _ in range(page_limit):
        data, has_more, next_token = read_envelope(fetch(token), title)
        if not has_more:
            if next_token is not None and next_token != "":
                raise IncompleteAnswer(
                    f"{title} said that there are no more pages, and how to get the next one, so"
                    " the window may not be whole. Nothing of it was used."
                )
            yield data
            return
        if not data:
            raise IncompleteAnswer(
                f"{title} sent an empty page and said that there are more, so the window is not"
                " whole. Nothing of it was used."
            )
        if (
            type(next_token) is not str
            or not 0 < len(next_token) <= _LONGEST_TOKEN
            # Half of a character, for example, could not even be written into an address.
            or not next_token.isprintable()
        ):
            raise IncompleteAnswer(
                f"{title} said that there are more pages without saying how to get them, so the"
                " window is not whole. Nothing of it was used."
            )
        if next_token in seen:
            raise IncompleteAnswer(
                f"{title} led in a circle of pages, so the window is not whole. Nothing of it was"
                " used."
            )
        seen.add(next_token)
        token = next_token
        yield data
    raise IncompleteAnswer(
        f"{title} sent more than {page_limit:,} pages without coming to an end, so the window is"
        " not whole. Nothing of it was used."
    )


def read_envelope(page: object, title: str) -> tuple[list[object], bool, object]:
    """What every page must have: its buckets, whether there are more, and where.

    An error's envelope sent with 200 has neither ``data`` nor ``has_more``; without this check it
    would count as a window in which nothing was used.

    :param page: the decoded page.
    :param title: the vendor's name, for the message.
    :raises MalformedAnswer: where ``data`` is no list or ``has_more`` no boolean.
    """
    if isinstance(page, dict):
        data, has_more = page.get("data"), page.get("has_more")
        if isinstance(data, list) and isinstance(has_more, bool):
            return data, has_more, page.get("next_page")
    raise MalformedAnswer(
        f"{title} answered with something other than a page of its report, so nothing of it was"
        " used. This is usually over within hours; if it stays, please tell us."
    )


class DayCollector(Generic[Day]):
    """Turns pages of buckets into days inside a window, each at most once.

    A day without a bucket is not made up: what a vendor says nothing of is not known.

    :param window: the days to keep.
    :param title: the vendor's name, for messages.
    :param read_bucket: reads a bucket's day.
    :param read_results: turns a bucket's ``results`` into columns.
    :param make_day: makes what is yielded from a date and its columns.
    :param make_faulty_day: makes what is yielded from a date and what is wrong with it; where it is
        left out, one such day refuses the report.
    """

    def __init__(
        self,
        window: DayRange,
        title: str,
        *,
        read_bucket: BucketReader,
        read_results: Callable[[list[object]], Columns],
        make_day: Callable[[date, Columns], Day],
        make_faulty_day: Callable[[date, str], Day] | None = None,
    ) -> None:
        self._window = window
        self._title = title
        self._read_bucket = read_bucket
        self._read_results = read_results
        self._make_day = make_day
        self._make_faulty_day = make_faulty_day
        # A fingerprint for each day instead of its rows, which the caller may let go.
        self._seen: dict[date, int] = {}

    def days(self, buckets: list[object]) -> list[Day]:
        """The days of one page that were not seen before, oldest first.

        :param buckets: the page's ``data``.
        :raises MalformedAnswer: where a bucket or a row is not what the vendor documents.
        :raises IncompleteAnswer: where a day is told twice and differently.
        """
        found: dict[date, Day] = {}
        for bucket in buckets:
            if not isinstance(bucket, dict):
                raise MalformedAnswer(
                    f"{self._title} sent something other than a day, so nothing of the report was"
                    " used."
                )
            day, is_whole = self._read_bucket(bucket)
            if day not in self._window:
                continue
            made, fingerprint = self._day(day, bucket.get("results"), is_whole=is_whole)
            if day not in self._seen:
                self._seen[day] = fingerprint
                found[day] = made
            elif self._seen[day] != fingerprint:
                raise IncompleteAnswer(
                    f"{self._title} told {day.isoformat()} twice and differently, so its figures"
                    " changed while they were read. Nothing of them was used; they are read again."
                )
        return [found[day] for day in sorted(found)]

    def _day(self, day: date, results: object, *, is_whole: bool) -> tuple[Day, int]:
        """One day, and a fingerprint of what was told of it."""
        if not isinstance(results, list):
            fault = f"{self._title} sent {day.isoformat()} without its list of results."
        elif not is_whole:
            fault = (
                f"{self._title} sent only a part of {day.isoformat()} where whole days were asked"
                " for."
            )
        else:
            try:
                columns = self._read_results(results)
            except MalformedAnswer as error:
                fault = f"{error.message} It is a row of {day.isoformat()}."
            else:
                # Of the rows as a set, because a day told again may list them in another order.
                rows = zip(columns.dimensions, *columns.figures, strict=True)
                return self._make_day(day, columns), hash(frozenset(rows))
        # Raised out here, the error has no context with the rows in it.
        if self._make_faulty_day is None:
            raise MalformedAnswer(f"{fault} Nothing of the report was used.")
        return self._make_faulty_day(day, fault), hash(fault)
