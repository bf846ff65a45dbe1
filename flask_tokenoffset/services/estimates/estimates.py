"""Estimates made from a band or a typed amount, and the storing of any.

An estimate is never edited; a newer one is made. Making one never touches a plan. Those that rest
on samples are made in :mod:`flask_tokenoffset.services.sampling.estimates`; all are found again by
:mod:`flask_tokenoffset.services.estimates.reading`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.methodology import (
    CURRENT_BANDS_VERSION,
    Band,
    ModelUsage,
    Projection,
    TokenCounts,
    band,
    band_for,
    class_aware,
    estimate_environment,
    published,
)
from flask_tokenoffset.models import (
    Estimate,
    Person,
    Source,
    SourceKind,
    new_id,
)
from flask_tokenoffset.services.estimates import figures
from flask_tokenoffset.services.shared.many_rows import insert_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.clock import DayRange


#: The most tokens a month a person may type. Nothing is capped in use that is measured; this only
#: keeps a slip of the finger out of the books.
MOST_TOKENS_PER_MONTH: Final = 10**15

#: How an estimate was come by, beside the tiers of a projection.
QUALITY_BAND: Final = "band"
QUALITY_TYPED: Final = "typed"
QUALITY_COMBINED: Final = "combined"

_LABELS: Final = {
    SourceKind.BAND: "Band",
    SourceKind.CUSTOM: "Your own amount",
    SourceKind.COMBINED: "All connections together",
}
_UNITS: Final = {
    "": 1,
    "k": 10**3,
    "thousand": 10**3,
    "m": 10**6,
    "million": 10**6,
    "b": 10**9,
    "billion": 10**9,
}
#: What stands between digits must group thousands: in much of the world “1,5” is one and a half.
_AMOUNT: Final = re.compile(
    r"(?P<number>(?:\d{1,3}(?:(?P<mark>[,_ ])\d{3})(?:(?P=mark)\d{3})*|\d+)(?:\.\d+)?)"
    r"\s*(?P<unit>[a-z]*)"
)
_LONGEST_AMOUNT: Final = 40


@dataclass(frozen=True, slots=True)
class Preview:
    """What an estimate would say, before anything is stored."""

    band: Band
    tokens: TokenCounts
    models: tuple[ModelUsage, ...]
    figures: figures.Figures


def parse_tokens(text: str) -> int:
    """Read a typed number of tokens a month: ``5000000``, ``5,000,000``, ``5M`` or ``1.5 billion``.

    :param text: what a person typed.
    :raises InvalidInput: it is no such number; the field is ``tokens_per_month``.
    """
    match = _AMOUNT.fullmatch(text.strip().lower()) if len(text) <= _LONGEST_AMOUNT else None
    if match is None or match["unit"] not in _UNITS:
        raise InvalidInput(
            {
                "tokens_per_month": "Type a number of tokens a month, such as 5,000,000 or 5M."
                " Only digits, commas between thousands, one decimal point, and k, M or B are"
                " understood."
            }
        )
    exact = Decimal(re.sub(r"[,_ ]", "", match["number"])) * _UNITS[match["unit"]]
    return check_tokens(int(exact.to_integral_value()))


def check_tokens(tokens_per_month: int) -> int:
    """Refuse a number of tokens that nobody can have meant.

    :raises InvalidInput: the field is ``tokens_per_month``.
    """
    if not 0 < tokens_per_month <= MOST_TOKENS_PER_MONTH:
        raise InvalidInput(
            {
                "tokens_per_month": "The number of tokens a month must be more than 0 and at most"
                f" {MOST_TOKENS_PER_MONTH:,}. Check what was typed."
            }
        )
    return tokens_per_month


@cache
def preview_band(key: str) -> Preview:
    """What picking a band would say.

    :param key: for example ``"worker"``.
    :raises InvalidInput: there is no such band; the field is ``band``.
    """
    chosen = band(key)
    return _preview(chosen, chosen.midpoint)


def preview_amount(tokens_per_month: int) -> Preview:
    """What a typed amount would say, with the token mix of the band it falls into.

    :raises InvalidInput: nobody can have meant this number; the field is ``tokens_per_month``.
    """
    chosen = band_for(check_tokens(tokens_per_month))
    return _preview(chosen, chosen.split(tokens_per_month))


def _preview(chosen: Band, tokens: TokenCounts) -> Preview:
    models = (ModelUsage.of_class(chosen.model_class, tokens),)
    environment = estimate_environment(models)
    return Preview(chosen, tokens, models, figures.from_json(figures.to_json(models, environment)))


def estimate_from_band(
    session: Session, *, account_id: UUID, person: Person, key: str, now: datetime
) -> Estimate:
    """An estimate at a band's midpoint.

    :param key: for example ``"worker"``.
    :raises InvalidInput: there is no such band; the field is ``band``.
    """
    preview = preview_band(key)
    return _from_preview(session, account_id, person, SourceKind.BAND, QUALITY_BAND, preview, now)


def estimate_from_amount(
    session: Session, *, account_id: UUID, person: Person, tokens_per_month: int, now: datetime
) -> Estimate:
    """An estimate of an amount a person typed.

    :raises InvalidInput: nobody can have meant this number; the field is ``tokens_per_month``.
    """
    preview = preview_amount(tokens_per_month)
    return _from_preview(
        session, account_id, person, SourceKind.CUSTOM, QUALITY_TYPED, preview, now
    )


def _from_preview(
    session: Session,
    account_id: UUID,
    person: Person,
    kind: SourceKind,
    quality: str,
    preview: Preview,
    now: datetime,
) -> Estimate:
    source = own_source(session, account_id, person.id, kind, now)
    return store_estimate(
        session,
        source=source,
        created_by=person.id,
        band_key=preview.band.key,
        quality=quality,
        models=preview.models,
        now=now,
    )


def estimate_many_from_band(
    session: Session,
    *,
    sources: Mapping[UUID, UUID | None],
    person_id: UUID,
    key: str,
    now: datetime,
) -> dict[UUID, UUID]:
    """An estimate at a band's midpoint for each of many accounts, in at most two statements.

    :param sources: each account, with the source of its bands where it has one already.
    :param person_id: who makes them.
    :param key: the band's.
    :return: the estimate's id by account.
    """
    known = {account: source or new_id() for account, source in sources.items()}
    missing = [account_id for account_id, source_id in sources.items() if source_id is None]
    if missing:
        insert_many(
            session,
            Source,
            {
                "kind": SourceKind.BAND,
                "label": _LABELS[SourceKind.BAND],
                "created_by": person_id,
                "created_at": now,
            },
            {"id": [known[account_id] for account_id in missing], "account_id": missing},
        )
    preview = preview_band(key)
    made = {account_id: new_id() for account_id in known}
    insert_many(
        session,
        Estimate,
        {
            "source_kind": SourceKind.BAND,
            "band": preview.band.key,
            "created_by": person_id,
            "created_at": now,
            "quality": QUALITY_BAND,
            **_figures_of(preview.models, None),
        },
        {"id": made.values(), "account_id": made, "source_id": known.values()},
    )
    return made


def own_source(
    session: Session, account_id: UUID, person_id: UUID, kind: SourceKind, now: datetime
) -> Source:
    """The account's one source of a kind, made if need be."""
    statement = select(Source).where(Source.account_id == account_id, Source.kind == kind)
    source = session.scalar(statement)
    if source is not None:
        return source
    try:
        with session.begin_nested():
            source = Source(
                id=new_id(),
                account_id=account_id,
                kind=kind,
                label=_LABELS[kind],
                created_by=person_id,
                created_at=now,
            )
            session.add(source)
    except IntegrityError:
        return session.scalars(statement).one()
    return source


def store_estimate(
    session: Session,
    *,
    source: Source,
    created_by: UUID | None,
    band_key: str,
    quality: str,
    models: Sequence[ModelUsage],
    now: datetime,
    run_id: UUID | None = None,
    window: DayRange | None = None,
    projection: Projection | None = None,
    cost_nano_usd_per_month: int | None = None,
    notes: Sequence[tuple[str, str]] = (),
) -> Estimate:
    """Work out what tokens mean, and keep both.

    :param band_key: the band the tokens fall into.
    :param quality: how the tokens were come by; a tier of a projection or one of ours.
    :param models: the tokens a month that the rest follows from.
    :param window: the days that were read.
    :param cost_nano_usd_per_month: what the vendor would charge, where it is known.
    :param notes: what a reader should know beside what the projection notes.
    """
    estimate = Estimate(
        id=new_id(),
        account_id=source.account_id,
        source_id=source.id,
        source_kind=source.kind,
        band=band_key,
        run_id=run_id,
        created_by=created_by,
        created_at=now,
        window_start=window.start if window else None,
        window_end=window.end if window else None,
        quality=quality,
        cost_nano_usd_per_month=cost_nano_usd_per_month,
        **_figures_of(models, projection, notes),
    )
    session.add(estimate)
    session.flush()
    return estimate


def _figures_of(
    models: Sequence[ModelUsage],
    projection: Projection | None,
    notes: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """What an estimate says of an amount of use, by the methods as they stand."""
    published_method, class_aware_method = published(), class_aware()
    environment = estimate_environment(models, published_method, class_aware_method)
    tokens = environment.tokens
    return {
        "uncached_input_tokens_per_month": tokens.uncached_input_tokens,
        "cached_input_tokens_per_month": tokens.cached_input_tokens,
        "cache_creation_tokens_per_month": tokens.cache_creation_tokens,
        "output_tokens_per_month": tokens.output_tokens,
        "published_version": published_method.version,
        "class_aware_version": class_aware_method.version,
        "bands_version": CURRENT_BANDS_VERSION,
        "figures": figures.to_json(models, environment, projection=projection, notes=notes),
    }
