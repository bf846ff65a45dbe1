"""What a vendor's client is given and what it gives back.

Nothing here knows a database, Flask or HTTP. The results are closed types: a field that is not
named here is dropped where the vendor's answer is read, so a prompt or a person's name in an
unexpected place has nowhere to go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from flask_tokenoffset.clock import DayRange
    from flask_tokenoffset.providers.endpoints import Endpoint
    from flask_tokenoffset.providers.http import VendorHTTP
    from flask_tokenoffset.vault import Secret


class UsageRow(NamedTuple):
    """Tokens of one day and one combination of dimensions.

    The four token kinds are disjoint, whatever the vendor calls them. A dimension is ``""`` where
    the vendor says null or does not know it.
    """

    model: str
    service_tier: str
    context_window: str
    batch: str
    uncached_input_tokens: int
    cached_input_tokens: int
    cache_creation_tokens: int
    output_tokens: int
    request_count: int


class CostRow(NamedTuple):
    """What one day cost, by the vendor's own description of it.

    ``cost_nano_usd`` is in billionths of a US dollar, and negative for a credit.
    """

    description: str
    cost_type: str
    model: str
    service_tier: str
    token_type: str
    cost_nano_usd: int


class Columns(NamedTuple):
    """The rows of one day, column by column.

    A window may hold fifteen thousand rows. They travel like this, because an object for each would
    take longer to make than the row takes to read.

    :param dimensions: the texts of each row; a combination comes at most once.
    :param figures: a list for each figure, as long as ``dimensions`` and in the same order.
    """

    dimensions: list[tuple[str, ...]]
    figures: tuple[list[int], ...]

    def rows(self) -> Iterator[tuple[str | int, ...]]:
        """The texts and then the figures of each row."""
        for texts, *figures in zip(self.dimensions, *self.figures, strict=True):
            yield (*texts, *figures)


class UsageDay(NamedTuple):
    """Everything a vendor says was used on one UTC day; no rows means none was.

    :param columns: texts and figures in the order of :class:`UsageRow`.
    """

    day: date
    columns: Columns

    @property
    def rows(self) -> list[UsageRow]:
        """Row by row, with names."""
        return list(map(UsageRow._make, self.columns.rows()))


class CostDay(NamedTuple):
    """Everything a vendor says one UTC day cost; no rows means that it names no cost.

    :param columns: texts and figures in the order of :class:`CostRow`.
    :param fault: what is wrong with the day's report, in whole sentences without a figure. Then the
        day has no rows and its cost is not known, while that of other days stands.
    """

    day: date
    columns: Columns
    fault: str | None = None

    @classmethod
    def faulty(cls, day: date, fault: str) -> CostDay:
        """A day whose cost cannot be read.

        :param day: the UTC day.
        :param fault: why.
        """
        return cls(day, Columns([], ([],)), fault)

    @property
    def rows(self) -> list[CostRow]:
        """Row by row, with names."""
        return list(map(CostRow._make, self.columns.rows()))


class VendorOrganization(NamedTuple):
    """Whose key it is, as far as the promised endpoints tell."""

    id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class WalkThrough:
    """What a person reads before connecting a vendor; every tuple holds whole sentences.

    :param key_page_url: where the vendor lets one create the right key.
    :param steps: how to create and paste the key, in order.
    :param what_is_read: each call and what it yields, made from the endpoints themselves.
    :param what_is_not_read: what never leaves the vendor.
    :param not_covered: surfaces of the vendor whose usage these endpoints do not show.
    :param cadence: when the vendor is asked, and how fresh its figures are.
    :param beyond_reading: what a key of this kind could do besides what it is used for here.
    """

    key_page_url: str
    steps: tuple[str, ...]
    what_is_read: tuple[str, ...]
    what_is_not_read: tuple[str, ...]
    not_covered: tuple[str, ...]
    cadence: tuple[str, ...]
    beyond_reading: tuple[str, ...] = ()


class ReportingClient(Protocol):
    """Reads one organization's usage and cost with one key."""

    def check(self, day: date) -> VendorOrganization:
        """Try every promised endpoint once, as cheaply as possible.

        A key that may read one report and not the other is found here, on submit, and not in the
        background run afterwards.

        :param day: the UTC day to ask for; any closed day will do.
        :raises ProviderError: with a sentence to show beside the key's field.
        """
        ...

    def usage(self, window: DayRange) -> Iterator[list[UsageDay]]:
        """Token counts, one list for each page of the vendor, oldest day first within it.

        Every day that the vendor answered for is there, with no rows where nothing was used. A day
        that is left out counts as not read, never as one without use.

        :param window: the days to read; days outside it never appear.
        :raises ProviderError: at any page; what came before is then not the whole window.
        """
        ...

    def costs(self, window: DayRange) -> Iterator[list[CostDay]]:
        """What the vendor charged, one list for each page, oldest day first within it.

        As with use, a day that is left out is not known. Whatever goes wrong here leaves the use
        that was read as it is: then the cost is not known.

        :param window: the days to read; days outside it never appear.
        :raises ProviderError: at any page; what came before is then not the whole window.
        """
        ...

    def page_count(self, window: DayRange) -> int:
        """How many pages usage and costs together are expected to take, for a progress bar."""
        ...


class Provider(Protocol):
    """One vendor: its name, its words, and how to read it."""

    @property
    def name(self) -> str:
        """The stable identifier, as stored."""
        ...

    @property
    def title(self) -> str:
        """The vendor's name as a person writes it."""
        ...

    @property
    def key_prefix(self) -> str:
        """How the right kind of key begins."""
        ...

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every call a key is used for. There is no other."""
        ...

    @property
    def names_organization(self) -> bool:
        """Whether the promised endpoints tell whose key it is, which then makes a label."""
        ...

    @property
    def walk_through(self) -> WalkThrough:
        """What a person reads before connecting."""
        ...

    def check_key_kind(self, key: Secret) -> None:
        """Look at the key's form; nothing is sent.

        :raises WrongKeyKind: saying which key is needed and where to create it.
        """
        ...

    def open(self, key: Secret, http: VendorHTTP) -> ReportingClient:
        """A client over an HTTP client that was made with the same key.

        :raises WrongKeyKind: as :meth:`check_key_kind` does.
        """
        ...
