"""Legal texts: which versions there are, which one counts, and which one is coming.

A version is published once and never changes. When it counts is written apart from it, as its
*effect*: at once or at the time it names for a first version and for a change that is not material;
for a material change only when everyone was told, and then fourteen days later at the earliest
(:mod:`flask_tokenoffset.services.documents.notices`). Publishing is in
:mod:`flask_tokenoffset.services.documents.publishing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased, defer

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import NOTICE_DAYS, DocumentEffect, DocumentNotice, DocumentVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import BindParameter, ColumnElement, Select
    from sqlalchemy.orm import Session

#: The language that is shown where a document is not to be had in the one that was asked for.
DEFAULT_LANGUAGE: Final = "en"
#: The time between the notice of a material change, to everyone, and its effect.
NOTICE_PERIOD: Final = timedelta(days=NOTICE_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The version of a document that counts now."""

    document: str
    version: DocumentVersion
    effective_at: datetime
    #: When everyone had been told of it; none where nobody had to be.
    notice_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A version, and since when it counts or will."""

    version: DocumentVersion
    #: None as long as people are still being told.
    effective_at: datetime | None
    #: When everyone had been told of it; none where nobody had to be, or not everyone has been.
    notice_at: datetime | None

    @property
    def not_before(self) -> datetime:
        """The earliest time from which it can count."""
        return self.effective_at or self.version.intended_effective_at

    def counts_at(self, now: datetime) -> bool:
        """Whether it has taken effect."""
        return self.effective_at is not None and self.effective_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A material change that is coming, as the banner tells it.

    :param not_before: the earliest time at which it takes effect.
    :param is_certain: whether that is when it does, because everyone was told.
    """

    document: str
    version: str
    language: str
    title: str
    summary: str
    not_before: datetime
    is_certain: bool


def in_force(session: Session, now: datetime, language: str = DEFAULT_LANGUAGE) -> list[InForce]:
    """The version of each document that counts now, in the order of the documents' names.

    :param now: the present instant, aware.
    :param language: the one wanted; a document that is not published in it is shown in English,
        or in the language it has.
    """
    newer_version, newer_effect = aliased(DocumentVersion), aliased(DocumentEffect)
    newer_counts = exists().where(
        newer_version.document == DocumentVersion.document,
        newer_version.language == DocumentVersion.language,
        newer_version.sequence > DocumentVersion.sequence,
        newer_effect.document_version_id == newer_version.id,
        newer_effect.effective_at <= now,
    )
    rows = session.execute(
        select(DocumentVersion, DocumentEffect.effective_at, DocumentEffect.notice_at)
        .join(DocumentEffect, DocumentEffect.document_version_id == DocumentVersion.id)
        .where(DocumentEffect.effective_at <= now, ~newer_counts)
        .order_by(DocumentVersion.document)
        # Who only asks which version counts need not carry all of its text about.
        .options(defer(DocumentVersion.text))
    )
    found = [
        InForce(
            document=version.document,
            version=version,
            effective_at=effective_at,
            notice_at=notice_at,
        )
        for version, effective_at, notice_at in rows
    ]
    return [
        min(versions, key=lambda each: _distance(each.version.language, language))
        for _, versions in groupby(found, key=attrgetter("document"))
    ]


def required(session: Session, now: datetime, language: str = DEFAULT_LANGUAGE) -> list[InForce]:
    """The versions in force that nobody goes on without having accepted.

    :param now: the present instant, aware.
    :param language: as for :func:`in_force`.
    """
    return [each for each in in_force(session, now, language) if each.version.acceptance_required]


def upcoming(session: Session, now: datetime, language: str = DEFAULT_LANGUAGE) -> list[Standing]:
    """What is published and does not count yet, by document, the earliest first.

    :param now: the present instant, aware.
    :param language: as for :func:`in_force`.
    """
    found = _standings(
        session,
        _with_standing()
        .where(or_(DocumentEffect.effective_at.is_(None), DocumentEffect.effective_at > now))
        .order_by(DocumentVersion.document, DocumentVersion.sequence)
        .options(defer(DocumentVersion.text)),
    )
    return [
        each
        for _, versions in groupby(found, key=lambda each: each.version.document)
        for each in _in_one_language(list(versions), language)
    ]


def changes_are_coming(now: BindParameter[datetime]) -> ColumnElement[bool]:
    """The condition that :func:`coming_changes` finds something, for the query about a user.

    :param now: stands for the present instant.
    """
    return (
        select(DocumentVersion.id)
        .outerjoin(DocumentEffect, DocumentEffect.document_version_id == DocumentVersion.id)
        .where(_is_coming(now))
        .exists()
    )


def _is_coming(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return and_(
        DocumentVersion.material,
        # A first version changes nothing for anyone.
        DocumentVersion.sequence > 1,
        or_(DocumentEffect.effective_at.is_(None), DocumentEffect.effective_at > now),
    )


@enforces("banner-of-material-changes", "TO-058", off=())
def coming_changes(
    session: Session, now: datetime, language: str = DEFAULT_LANGUAGE
) -> Sequence[Change]:
    """The material changes that have not taken effect, for the banner; one short statement.

    :param now: the present instant, aware.
    :param language: as for :func:`in_force`.
    """
    not_before = func.coalesce(DocumentEffect.effective_at, DocumentVersion.intended_effective_at)
    rows = session.execute(
        select(
            DocumentVersion.document,
            DocumentVersion.version,
            DocumentVersion.language,
            DocumentVersion.title,
            DocumentVersion.summary,
            not_before,
            DocumentEffect.effective_at.is_not(None),
        )
        .outerjoin(DocumentEffect, DocumentEffect.document_version_id == DocumentVersion.id)
        .where(_is_coming(now))
        .order_by(DocumentVersion.document, DocumentVersion.version)
    )
    changes = [
        Change(
            document=document,
            version=version,
            language=of_language,
            title=title,
            summary=summary,
            not_before=moment,
            is_certain=is_certain,
        )
        for document, version, of_language, title, summary, moment, is_certain in rows
    ]
    return [
        min(translations, key=lambda each: _distance(each.language, language))
        for _, translations in groupby(changes, key=lambda each: (each.document, each.version))
    ]


def find_version(
    session: Session, document: str, version: str, language: str = DEFAULT_LANGUAGE
) -> DocumentVersion | None:
    """One version of a document in exactly one language.

    :param document: its name, for example ``privacy-policy``.
    :param version: what the version is called.
    """
    return session.scalar(
        select(DocumentVersion).where(
            DocumentVersion.document == document,
            DocumentVersion.version == version,
            DocumentVersion.language == language,
        )
    )


def history(session: Session, document: str, language: str = DEFAULT_LANGUAGE) -> list[Standing]:
    """Every version of a document in one language, the newest first; empty if there is none.

    :param document: its name.
    :param language: as for :func:`in_force`.
    """
    found = _standings(
        session,
        _with_standing()
        .where(DocumentVersion.document == document)
        .order_by(DocumentVersion.sequence.desc())
        .options(defer(DocumentVersion.text)),
    )
    return _in_one_language(found, language)


def languages_of(session: Session, document: str) -> list[str]:
    """The languages a document is published in, in alphabetical order."""
    return list(
        session.scalars(
            select(DocumentVersion.language)
            .where(DocumentVersion.document == document)
            .distinct()
            .order_by(DocumentVersion.language)
        )
    )


def all_standings(session: Session) -> list[Standing]:
    """Every version of every document in every language, for the operator."""
    return _standings(
        session,
        _with_standing()
        .order_by(DocumentVersion.document, DocumentVersion.language, DocumentVersion.sequence)
        .options(defer(DocumentVersion.text)),
    )


@enforces("material-change-takes-effect-after-notice", "TO-058", "TS-013", off=False)
def needs_notice(*, material: bool, sequence: int) -> bool:
    """Whether everyone has to be told of a version before it can take effect.

    :param material: whether the change matters to people.
    :param sequence: which version it is; the first one changes nothing for anyone.
    """
    return material and sequence > 1


def whole_second_after(moment: datetime) -> datetime:
    """The first whole second that is not before a moment, in UTC.

    SQLite rounds to milliseconds when it counts fourteen days, at times upwards.
    """
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def effect_after_notice(intended: datetime, notice_at: datetime) -> datetime:
    """When a material change takes effect, once everyone was told.

    :param intended: the time it was published for.
    :param notice_at: when the last one was told.
    """
    return max(intended, whole_second_after(notice_at + NOTICE_PERIOD))


def _with_standing() -> Select[DocumentVersion, datetime | None, datetime | None]:
    return (
        select(
            DocumentVersion,
            DocumentEffect.effective_at,
            func.coalesce(DocumentEffect.notice_at, DocumentNotice.completed_at),
        )
        .outerjoin(DocumentEffect, DocumentEffect.document_version_id == DocumentVersion.id)
        .outerjoin(DocumentNotice, DocumentNotice.document_version_id == DocumentVersion.id)
    )


def _standings(
    session: Session,
    statement: Select[DocumentVersion, datetime | None, datetime | None],
) -> list[Standing]:
    return [
        Standing(version=version, effective_at=effective_at, notice_at=notice_at)
        for version, effective_at, notice_at in session.execute(statement)
    ]


def _in_one_language(found: Sequence[Standing], wanted: str) -> list[Standing]:
    """Those in the language that comes nearest to what was asked for."""
    if not found:
        return []
    language = nearest_language({each.version.language for each in found}, wanted)
    return [each for each in found if each.version.language == language]


def nearest_language(languages: Iterable[str], wanted: str) -> str:
    """Of some languages the one to show: the one wanted, a kin of it, English, or the first.

    :param languages: one at least.
    :param wanted: a tag such as ``en`` or ``pt-BR``.
    """
    return min(languages, key=lambda each: _distance(each, wanted))


def _distance(language: str, wanted: str) -> tuple[int, str]:
    if language == wanted:
        return 0, language
    if language.partition("-")[0] == wanted.partition("-")[0]:
        return 1, language
    return (2 if language == DEFAULT_LANGUAGE else 3), language
