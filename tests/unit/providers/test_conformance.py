"""The conformance suite passes the vendors there are, and finds what is wrong with others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.errors import IncompleteAnswer, MalformedAnswer, ProviderError
from flask_tokenoffset.providers import Columns, UsageDay
from flask_tokenoffset.providers.vendors.openai import OpenAIClient, OpenAIProvider
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    OPENAI_DEMO_KEY,
    OPENAI_ORDINARY_KEY,
)
from flask_tokenoffset.testing.provider import ProviderCase, provider_cases
from flask_tokenoffset.testing.simulators import SIMULATORS
from tests.unit.providers.vendors import ANTHROPIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import httpx

    from flask_tokenoffset.providers import Provider, VendorOrganization
    from flask_tokenoffset.providers.http import VendorHTTP
    from flask_tokenoffset.vault import Secret

KEYS = {"anthropic": ANTHROPIC_DEMO_KEY, "openai": OPENAI_DEMO_KEY}
OTHER_KEYS = [ANTHROPIC_ORDINARY_KEY, OPENAI_ORDINARY_KEY]


class Harness:
    """A vendor of ours, or one that is wrong, before the simulator."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._simulator = SIMULATORS[provider.name][0]()

    def provider(self) -> Provider:
        return self._provider

    def key(self) -> str:
        return KEYS[self._provider.name]

    def other_keys(self) -> Sequence[str]:
        return OTHER_KEYS

    def transport(self) -> httpx.BaseTransport:
        return self._simulator.transport()

    def days(self) -> tuple[date, date]:
        return self._simulator.today - timedelta(days=62), self._simulator.today


@pytest.mark.parametrize("case", provider_cases(), ids=str)
def test_the_vendors_that_are_there_conform(vendor: Any, case: ProviderCase) -> None:
    case.run(Harness(vendor.provider))


# --- and what is wrong is found -------------------------------------------------------------------


class ChecksOneEndpoint(OpenAIClient):
    def check(self, day: date) -> VendorOrganization:
        from flask_tokenoffset.providers import VendorOrganization

        list(self.usage(DayRange(day, day + timedelta(days=1))))
        return VendorOrganization(None, None)


class ReadsADayTooMany(OpenAIClient):
    def usage(self, window: DayRange) -> Iterator[list[UsageDay]]:
        return super().usage(DayRange(window.start - timedelta(days=1), window.end))


class LosesTheLastDay(OpenAIClient):
    def usage(self, window: DayRange) -> Iterator[list[UsageDay]]:
        for page in super().usage(window):
            yield [each for each in page if each.day != window.end - timedelta(days=1)]


class GivesFractions(OpenAIClient):
    def usage(self, window: DayRange) -> Iterator[list[UsageDay]]:
        for page in super().usage(window):
            yield [
                UsageDay(
                    each.day,
                    Columns(
                        each.columns.dimensions,
                        tuple([value / 2 for value in column] for column in each.columns.figures),  # type: ignore[misc]
                    ),
                )
                for each in page
            ]


class SwallowsFailures(OpenAIClient):
    def usage(self, window: DayRange) -> Iterator[list[UsageDay]]:
        try:
            yield from super().usage(window)
        except ProviderError:
            return


class TakesAnythingForAReport(OpenAIClient):
    def usage(self, window: DayRange) -> Iterator[list[UsageDay]]:
        try:
            yield from super().usage(window)
        except MalformedAnswer:
            raise IncompleteAnswer("Something is missing.") from None


class QuotesTheKey(OpenAIClient):
    @staticmethod
    def explain(refused: Any) -> str:
        return f"No such key: {OPENAI_DEMO_KEY}"


@dataclass(frozen=True, slots=True)
class WrongProvider(OpenAIProvider):
    client: type[OpenAIClient] = OpenAIClient
    any_key: bool = False

    def check_key_kind(self, key: Secret) -> None:
        if not self.any_key:
            OpenAIProvider.check_key_kind(self, key)

    def open(self, key: Secret, http: VendorHTTP) -> OpenAIClient:
        OpenAIProvider.open(self, key, http)
        return self.client(http)


@pytest.mark.parametrize(
    ("provider", "caught_by"),
    [
        (replace(WrongProvider(), key_prefix=""), "can be enabled"),
        (WrongProvider(any_key=True), "refuses other keys without quoting them"),
        (WrongProvider(client=ChecksOneEndpoint), "tries every endpoint when a key is checked"),
        (WrongProvider(client=ReadsADayTooMany), "reads every day of the window once"),
        (WrongProvider(client=LosesTheLastDay), "reads two halves as it reads the whole"),
        (WrongProvider(client=GivesFractions), "gives figures that can be kept"),
        (WrongProvider(client=QuotesTheKey), "explains a refused key without showing it"),
        (WrongProvider(client=TakesAnythingForAReport), "takes no other answer for a report"),
        (WrongProvider(client=SwallowsFailures), "fails where a page fails"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_vendor_that_is_wrong_is_caught(provider: WrongProvider, caught_by: str) -> None:
    (case,) = [each for each in provider_cases() if each.name == caught_by]
    with pytest.raises(AssertionError):
        case.run(Harness(provider))


def test_a_vendor_that_refuses_its_own_key_is_caught() -> None:
    harness = Harness(OpenAIProvider())
    harness.key = lambda: ANTHROPIC.key  # type: ignore[method-assign]
    (case,) = [each for each in provider_cases() if each.name == "accepts its own kind of key"]
    with pytest.raises(AssertionError, match="of the right kind is accepted"):
        case.run(harness)
