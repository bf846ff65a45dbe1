"""Token counts by kind: whole numbers that never lose or gain a token unnoticed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal


class TokenKind(StrEnum):
    """The four disjoint kinds of token. They are always kept apart: each takes its own energy."""

    UNCACHED_INPUT = "uncached_input"
    CACHED_INPUT = "cached_input"
    CACHE_CREATION = "cache_creation"
    OUTPUT = "output"


_POSITIONS: Final = {kind: position for position, kind in enumerate(TokenKind)}


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """How many tokens of each kind.

    :param uncached_input_tokens: input the model read afresh.
    :param cached_input_tokens: input the vendor read from a cache.
    :param cache_creation_tokens: input the vendor read and kept in a cache.
    :param output_tokens: what the model wrote, reasoning included.
    :raises ValueError: a count is negative.
    :raises TypeError: a count is not a whole number.
    """

    uncached_input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_creation_tokens: int = 0
    output_tokens: int = 0

    def __post_init__(self) -> None:
        uncached, cached, creation, output = self.counts()
        # Thousands are made for one projection, so the usual case is looked at in one go.
        if type(uncached) is type(cached) is type(creation) is type(output) is int and (
            (uncached | cached | creation | output) >= 0
        ):
            return
        for kind, count in zip(TokenKind, self.counts(), strict=True):
            # A bool is an int to Python, and never a number of tokens to us.
            if type(count) is not int:
                raise TypeError(f"{kind} tokens must be a whole number, not {count!r}.")
            if count < 0:
                raise ValueError(f"{kind} tokens cannot be negative, but {count} was given.")

    @classmethod
    def zero(cls) -> Self:
        """No tokens at all."""
        return cls()

    @classmethod
    def sum(cls, many: Iterable[TokenCounts]) -> Self:
        """Add any number of counts up, kind by kind.

        :param many: the counts; none at all give :meth:`zero`.
        """
        totals = [0, 0, 0, 0]
        for counts in many:
            totals[0] += counts.uncached_input_tokens
            totals[1] += counts.cached_input_tokens
            totals[2] += counts.cache_creation_tokens
            totals[3] += counts.output_tokens
        return cls(*totals)

    @classmethod
    def split(cls, total_tokens: int, shares: Mapping[TokenKind, Decimal | Fraction | int]) -> Self:
        """Spread a total over the kinds in given proportions.

        :param total_tokens: tokens of all kinds together.
        :param shares: a weight for each kind, in any unit; a kind left out weighs nothing.
        :returns: counts that add up to ``total_tokens`` exactly; see :func:`apportion`.
        """
        weights = [Fraction(shares.get(kind, 0)) for kind in TokenKind]
        return cls(*apportion(total_tokens, weights))

    @property
    def total(self) -> int:
        """Tokens of all kinds together."""
        return sum(self.counts())

    def counts(self) -> tuple[int, int, int, int]:
        """The four counts, in the order of :class:`TokenKind`."""
        return (
            self.uncached_input_tokens,
            self.cached_input_tokens,
            self.cache_creation_tokens,
            self.output_tokens,
        )

    def of(self, kind: TokenKind) -> int:
        """The count of one kind."""
        return self.counts()[_POSITIONS[kind]]

    def scaled(self, factor: Fraction | Decimal | int) -> TokenCounts:
        """These counts times a factor, as whole tokens again.

        The total is rounded once (half to even), and the kinds add up to it; see
        :func:`rounded_together`.

        :param factor: what to multiply by, not negative.
        :raises ValueError: the factor is negative.
        """
        exact = Fraction(factor)
        if exact < 0:
            raise ValueError("Tokens cannot be scaled by a negative factor.")
        return TokenCounts(*rounded_together([count * exact for count in self.counts()]))

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts.sum((self, other))


def apportion(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Share a whole number out in proportion to weights, without losing or gaining one.

    :param total: the number to share out, not negative.
    :param weights: one weight for each part, none negative; all zero only if ``total`` is zero too.
    :returns: one whole number for each weight, adding up to the total; see
        :func:`rounded_together`.
    :raises ValueError: nothing to share out by, or a negative number.
    """
    whole = Fraction(sum(weights))
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("Neither what is shared out nor a weight can be negative.")
    if not whole:
        if total:
            raise ValueError(f"{total} tokens cannot be shared out: every weight is zero.")
        return [0] * len(weights)
    return rounded_together([total * weight / whole for weight in weights])


def rounded_together(exact: Sequence[Fraction]) -> list[int]:
    """Round amounts to whole numbers that add up to their rounded sum (half to even).

    Each amount is rounded down; what is then missing goes, one by one, to those that lost most (the
    method of the largest remainder), ties to the earlier one. None is off by as much as one, and
    whole amounts stay as they are.

    :param exact: the amounts, none negative.
    """
    parts = [amount.numerator // amount.denominator for amount in exact]
    missing = round(sum(exact)) - sum(parts)
    by_loss = sorted(range(len(exact)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_loss[:missing]:
        parts[at] += 1
    return parts
