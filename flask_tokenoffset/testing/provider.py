"""A conformance suite for vendors, to run in the CI of a project that adds one.

Describe the vendor under test with a :class:`ProviderHarness`, then let pytest run the cases::

    @pytest.mark.parametrize("case", provider_cases(), ids=str)
    def test_our_vendor(case):
        case.run(OurHarness())

A case that fails raises :exc:`AssertionError` with a sentence that says what is relied on and what
the vendor's module did instead.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.errors import KeyRefused, MalformedAnswer, ProviderError, WrongKeyKind
from flask_tokenoffset.providers import CostRow, UsageRow, VendorHTTP
from flask_tokenoffset.providers.conformity import faults_of
from flask_tokenoffset.vault import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    import httpx

    from flask_tokenoffset.providers import CostDay, Provider, ReportingClient, UsageDay

_LONGEST_DIMENSION = 200
_LARGEST_FIGURE = 2**63 - 1


class ProviderHarness(Protocol):
    """The vendor under test, and what answers in its place."""

    def provider(self) -> Provider:
        """Give what the entry point names."""
        ...

    def key(self) -> str:
        """Give a key that the transport accepts."""
        ...

    def other_keys(self) -> Sequence[str]:
        """Give keys of another kind, which are to be refused by their form alone."""
        ...

    def transport(self) -> httpx.BaseTransport:
        """Make what answers as the vendor does, with use and cost on each of the days."""
        ...

    def days(self) -> tuple[date, date]:
        """Say the first day to read and the day after the last; more than one page of them."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderCase:
    """One thing that is relied on.

    :param name: what it is.
    :param check: raises :exc:`AssertionError` if a vendor's module does not keep to it.
    """

    name: str
    check: Callable[[ProviderHarness], None]

    def __str__(self) -> str:
        return self.name

    def run(self, harness: ProviderHarness) -> None:
        """Check a vendor's module.

        :param harness: describes it.
        :raises AssertionError: if it does not keep to it.
        """
        self.check(harness)


def provider_cases() -> tuple[ProviderCase, ...]:
    """List the cases."""
    return _CASES


class _Network:
    """Stands before the harness's transport: counts the calls, and spoils some of them."""

    def __init__(self, harness: ProviderHarness) -> None:
        self._inner = harness.transport()
        self.calls: list[tuple[str, str, str]] = []
        self.fails_at: int | None = None
        self.answers: tuple[int, object] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.host, request.url.path))
        if self.fails_at is not None and len(self.calls) >= self.fails_at:
            return _response(500, {})
        if self.answers is not None:
            return _response(*self.answers)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _response(status: int, body: object) -> httpx.Response:
    import httpx  # noqa: PLC0415 - the suite alone needs it, and only here

    return httpx.Response(status, content=json.dumps(body).encode())


@contextmanager
def _opened(harness: ProviderHarness, network: _Network | None = None) -> Iterator[ReportingClient]:
    provider, key = harness.provider(), Secret(harness.key())
    # httpx asks a transport for these two methods, and for no base class.
    transport: Any = network or _Network(harness)
    with VendorHTTP(
        provider.name,
        provider.endpoints,
        key,
        transport=transport,
        sleep=lambda _seconds: None,
    ) as http:
        yield provider.open(key, http)


def _window(harness: ProviderHarness) -> DayRange:
    return DayRange(*harness.days())


def _read(client: ReportingClient, window: DayRange) -> tuple[list[UsageDay], list[CostDay]]:
    return (
        [day for page in client.usage(window) for day in page],
        [day for page in client.costs(window) for day in page],
    )


# -- Before anything is sent -----------------------------------------------------------------------


def _can_be_enabled(harness: ProviderHarness) -> None:
    provider = harness.provider()
    faults = faults_of(provider, getattr(provider, "name", ""))
    _expect(not faults, f"It can be enabled, but {'; '.join(faults)}.")


def _accepts_its_key(harness: ProviderHarness) -> None:
    try:
        harness.provider().check_key_kind(Secret(harness.key()))
    except WrongKeyKind as error:
        raise AssertionError(f"A key of the right kind is accepted, not: {error}") from None


def _refuses_other_keys(harness: ProviderHarness) -> None:
    provider = harness.provider()
    # More of the key than how it begins, and still not a whole one.
    piece = harness.key()[: len(provider.key_prefix) + 4]
    for other in [*harness.other_keys(), piece, f"{harness.key()} x"]:
        try:
            provider.check_key_kind(Secret(other))
        except WrongKeyKind as error:
            _expect(other not in str(error), "A refusal never quotes the key.")
        else:
            raise AssertionError("A key of another kind, or half of one, raises WrongKeyKind.")


# -- What is read ----------------------------------------------------------------------------------


def _tries_every_endpoint(harness: ProviderHarness) -> None:
    network = _Network(harness)
    with _opened(harness, network) as client:
        client.check(harness.days()[0])
    listed = {(each.method, each.host, each.path) for each in harness.provider().endpoints}
    _expect(set(network.calls) == listed, "check() calls each listed endpoint, to find what fails.")


def _reads_the_window(harness: ProviderHarness) -> None:
    window = _window(harness)
    with _opened(harness) as client:
        for report in _read(client, window):
            days = [each.day for each in report]
            _expect(bool(days), "There is use and cost in these days, and both are read.")
            _expect(all(day in window for day in days), "No day outside the window appears.")
            _expect(len(set(days)) == len(days), "No day appears twice.")
            _expect(days == sorted(days), "Days come oldest first.")
            _expect(
                days == list(window),
                "Every day that the vendor answered for is there; one left out counts as not read.",
            )
        _expect(client.page_count(window) > 0, "page_count() foretells at least one page.")


def _reads_halves_alike(harness: ProviderHarness) -> None:
    start, end = harness.days()
    middle = start + (end - start) // 2
    with _opened(harness) as client:
        usage, costs = _read(client, DayRange(start, end))
        halves = _read(client, DayRange(start, middle)), _read(client, DayRange(middle, end))
    (first_usage, first_costs), (second_usage, second_costs) = halves
    _expect(
        _told(usage) == _told(first_usage) + _told(second_usage)
        and _told(costs) == _told(first_costs) + _told(second_costs),
        "Two halves of a window say together what the whole says.",
    )


def _told(report: Sequence[UsageDay | CostDay]) -> list[tuple[date, set[tuple[object, ...]]]]:
    return [(each.day, set(each.columns.rows())) for each in report]


def _figures_can_be_kept(harness: ProviderHarness) -> None:
    with _opened(harness) as client:
        usage, costs = _read(client, _window(harness))
    for row in [row for day in usage for row in day.rows]:
        _expect_row(row, len(UsageRow._fields) - 5, lowest=0)
    for cost_row in [row for day in costs for row in day.rows]:
        _expect_row(cost_row, len(CostRow._fields) - 1, lowest=-_LARGEST_FIGURE)
    for columns in [each.columns for each in usage] + [each.columns for each in costs]:
        distinct = len(set(columns.dimensions)) == len(columns.dimensions)
        _expect(distinct, "A combination of dimensions comes once a day.")


def _expect_row(row: tuple[str | int, ...], texts: int, *, lowest: int) -> None:
    for text in row[:texts]:
        fits = isinstance(text, str) and len(text) <= _LONGEST_DIMENSION and text.isprintable()
        _expect(fits, "A dimension is a text of at most 200 printable characters.")
    for figure in row[texts:]:
        fits = type(figure) is int and lowest <= figure <= _LARGEST_FIGURE
        _expect(fits, f"A figure is a whole number that can be kept, not {figure!r}.")


# -- What goes wrong -------------------------------------------------------------------------------


def _explains_a_refused_key(harness: ProviderHarness) -> None:
    network = _Network(harness)
    network.answers = 401, {"error": {"message": f"no such key: {harness.key()}"}}
    for error in _failures(harness, network):
        _expect(isinstance(error, KeyRefused), f"A 401 raises KeyRefused, not {error!r}.")
        told = f"{error} {getattr(error, 'vendor_message', '')}"
        _expect(harness.key() not in told, "What a refusal says never holds the key.")


def _another_shape_is_no_report(harness: ProviderHarness) -> None:
    bodies: tuple[object, ...] = ({}, [], {"error": "in maintenance"}, None)
    for body in bodies:
        network = _Network(harness)
        network.answers = 200, body
        for error in _failures(harness, network):
            _expect(
                isinstance(error, MalformedAnswer),
                f"An answer of another shape raises MalformedAnswer, not {error!r}:"
                " else it would count as no use.",
            )


def _failures(harness: ProviderHarness, network: _Network) -> Iterator[Exception]:
    window = _window(harness)
    with _opened(harness, network) as client:
        for attempt in (
            lambda: client.check(window.start),
            lambda: list(client.usage(window)),
            lambda: list(client.costs(window)),
        ):
            try:
                attempt()
            except Exception as error:  # noqa: BLE001 - the case says which it must be
                yield error
            else:
                raise AssertionError("What cannot be read raises, and is never an empty report.")


def _half_a_window_is_a_failure(harness: ProviderHarness) -> None:
    counted = _Network(harness)
    with _opened(harness, counted) as client:
        list(client.usage(_window(harness)))
    _expect(len(counted.calls) > 1, "The harness's days take more than one page of use.")
    broken = _Network(harness)
    broken.fails_at = len(counted.calls)
    with _opened(harness, broken) as client:
        try:
            list(client.usage(_window(harness)))
        except ProviderError:
            return
    raise AssertionError("A page that fails makes the window fail, and is not left out.")


def _expect(holds: object, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)


_CASES = (
    ProviderCase("can be enabled", _can_be_enabled),
    ProviderCase("accepts its own kind of key", _accepts_its_key),
    ProviderCase("refuses other keys without quoting them", _refuses_other_keys),
    ProviderCase("tries every endpoint when a key is checked", _tries_every_endpoint),
    ProviderCase("reads every day of the window once", _reads_the_window),
    ProviderCase("reads two halves as it reads the whole", _reads_halves_alike),
    ProviderCase("gives figures that can be kept", _figures_can_be_kept),
    ProviderCase("explains a refused key without showing it", _explains_a_refused_key),
    ProviderCase("takes no other answer for a report", _another_shape_is_no_report),
    ProviderCase("fails where a page fails", _half_a_window_is_a_failure),
)
