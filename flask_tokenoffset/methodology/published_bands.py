"""The published bands: a rough answer for those who cannot measure how much AI they use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology.constants import Source, load, versions
from flask_tokenoffset.methodology.model_classes import ModelClass
from flask_tokenoffset.methodology.tokens import TokenCounts, TokenKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_BANDS: Final = "bands"
#: The bands shown where nobody asks for other ones.
CURRENT_BANDS_VERSION: Final = "2026-05"


@dataclass(frozen=True)
class Band:
    """A range of monthly use.

    :param key: stable name, for example ``agentic``.
    :param name: for a reader.
    :param description: what such a month looks like, in a sentence.
    :param low_tokens: lower edge in tokens a month, itself still in the band below.
    :param high_tokens: upper edge, included; None where there is none.
    :param midpoint_tokens: what the band stands for, in tokens a month. Roughly geometric: use is
        spread unevenly, and an arithmetic middle would overstate it.
    :param mix_percent: the share of each kind of token, adding up to 100.
    :param model_class: the class of model such use mostly goes to.
    :param sources: where the edges and the mix come from.
    :param note: a sentence on that.
    :param version: of the bands.
    """

    key: str
    name: str
    description: str
    low_tokens: int
    high_tokens: int | None
    midpoint_tokens: int
    mix_percent: Mapping[TokenKind, Decimal]
    model_class: ModelClass
    sources: tuple[Source, ...]
    note: str
    version: str

    @property
    def midpoint(self) -> TokenCounts:
        """The midpoint by kind of token."""
        return self.split(self.midpoint_tokens)

    def split(self, tokens_per_month: int) -> TokenCounts:
        """Spread a total over the kinds the way this band's users typically do.

        :param tokens_per_month: tokens of all kinds together.
        :returns: counts that add up to exactly that.
        """
        return TokenCounts.split(tokens_per_month, self.mix_percent)


def bands_versions() -> tuple[str, ...]:
    """The versions of the bands, oldest first."""
    return versions(_BANDS)


@cache
def bands(version: str = CURRENT_BANDS_VERSION) -> tuple[Band, ...]:
    """The bands of a version, smallest first.

    :param version: one of :func:`bands_versions`.
    :raises InvalidInput: nobody published such a version; the field is ``method_version``.
    """
    file = load(_BANDS, version)
    return tuple(
        Band(
            key=entry["key"],
            name=entry["name"],
            description=entry["description"],
            low_tokens=entry["low_tokens"],
            high_tokens=entry.get("high_tokens"),
            midpoint_tokens=entry["midpoint_tokens"],
            mix_percent=MappingProxyType(
                {TokenKind(kind): Decimal(share) for kind, share in entry["mix_percent"].items()}
            ),
            model_class=ModelClass(entry["model_class"]),
            sources=file.cited(entry["sources"]),
            note=entry["note"],
            version=version,
        )
        for entry in file.content["band"]
    )


def band(key: str, version: str = CURRENT_BANDS_VERSION) -> Band:
    """One band by its key.

    :param key: for example ``agentic``.
    :param version: one of :func:`bands_versions`.
    :raises InvalidInput: there is no such band; the field is ``band``.
    """
    for candidate in bands(version):
        if candidate.key == key:
            return candidate
    known = ", ".join(candidate.key for candidate in bands(version))
    raise InvalidInput({"band": f"There is no band called {key!r}. Choose one of {known}."})


def band_for(tokens_per_month: int, version: str = CURRENT_BANDS_VERSION) -> Band:
    """The band a monthly use falls into. An upper edge still belongs to its band.

    :param tokens_per_month: tokens of all kinds together.
    :param version: one of :func:`bands_versions`.
    :raises ValueError: the number is negative.
    """
    if tokens_per_month < 0:
        raise ValueError("Nobody uses fewer than no tokens a month.")
    for candidate in bands(version)[:-1]:
        if candidate.high_tokens is not None and tokens_per_month <= candidate.high_tokens:
            return candidate
    return bands(version)[-1]
