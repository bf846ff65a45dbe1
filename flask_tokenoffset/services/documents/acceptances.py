"""Acceptances: which documents in force a person has not accepted yet, and taking one down.

A person is asked for a document when its first version takes effect, and again when a material
change does. A change that is not material asks nobody again: anyone who accepted the text before it
goes on. Nothing but an act upon a version counts, so there is no acceptance by going on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import aliased

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.errors import Conflict, NamedVersion
from flask_tokenoffset.models import ConsentEvent, ConsentEventType, DocumentEffect, DocumentVersion
from flask_tokenoffset.services.consents.ledger import record_event
from flask_tokenoffset.services.consents.notices import notice_of
from flask_tokenoffset.services.documents.documents import DEFAULT_LANGUAGE, nearest_language

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import BindParameter, ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.models import ConsentMethod, Person
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A version in force that nobody goes on without, and how a person stands to it.

    :param id: the version's.
    :param summary: what changed since the version before.
    :param accepted: whether they need not be asked.
    :param accepted_before: the newest version of the document that they did accept, if any.
    """

    id: UUID
    document: str
    version: str
    language: str
    title: str
    summary: str
    effective_at: datetime
    accepted: bool
    accepted_before: str | None

    @property
    def named(self) -> NamedVersion:
        """The version as an error names it."""
        return NamedVersion(self.id, self.document, self.version, self.language, self.title)


@dataclass(frozen=True, slots=True)
class _Version:
    """A version that has taken effect, and the newest of a person's acts upon it."""

    id: UUID
    document: str
    version: str
    language: str
    sequence: int
    title: str
    summary: str
    material: bool
    acceptance_required: bool
    effective_at: datetime
    act: str | None


@enforces("acceptance-asked-again", "TO-058", off=())
def missing(
    session: Session, account_id: UUID | None, now: datetime, *, language: str = DEFAULT_LANGUAGE
) -> Sequence[Asked]:
    """The documents in force that a person has not accepted, in one query.

    One language is enough: anyone who accepted a document in German is not asked for it in English.

    :param account_id: the person's own account; ``None`` before their first change.
    :param now: the present instant, aware.
    :param language: in which a document is asked for, where it is there in several.
    """
    waiting = []
    in_force = _asked(session, account_id, now)
    for _, translations in groupby(in_force, key=lambda each: each.document):
        by_language = {each.language: each for each in translations}
        if not any(each.accepted for each in by_language.values()):
            waiting.append(by_language[nearest_language(by_language, language)])
    return waiting


def may_be_missing(
    account: InstrumentedAttribute[UUID], now: BindParameter[datetime]
) -> ColumnElement[bool]:
    """The condition that :func:`missing` may find something, for the query that looks a person up.

    It is true too often where a document is there in several languages, or changed immaterially
    since it was accepted, and never false too often.

    :param account: the column that names the person's own account.
    :param now: stands for the present instant.
    """
    later, later_effect = aliased(DocumentVersion), aliased(DocumentEffect)
    followed = (
        select(later.id)
        .join(later_effect, later_effect.document_version_id == later.id)
        .where(
            later.document == DocumentVersion.document,
            later.language == DocumentVersion.language,
            later.sequence > DocumentVersion.sequence,
            later_effect.effective_at <= now,
        )
    )
    given, taken_back = aliased(ConsentEvent), aliased(ConsentEvent)
    accepted = (
        select(given.id)
        .where(
            given.account_id == account,
            given.document_version_id == DocumentVersion.id,
            given.event_type == ConsentEventType.GIVEN,
            ~exists().where(
                taken_back.account_id == given.account_id,
                taken_back.document_version_id == given.document_version_id,
                taken_back.sequence > given.sequence,
                # A list would be written into the statement anew each time it is sent.
                taken_back.event_type != ConsentEventType.SHOWN,
                taken_back.event_type != ConsentEventType.GIVEN,
            ),
        )
        # By itself it would refer to the query around it only, and ask about everyone's account.
        .correlate(DocumentVersion, account.class_)
    )
    return (
        select(DocumentVersion.id)
        .join(DocumentEffect, DocumentEffect.document_version_id == DocumentVersion.id)
        .where(
            DocumentVersion.acceptance_required,
            DocumentEffect.effective_at <= now,
            ~followed.exists(),
            ~accepted.exists(),
        )
        .exists()
    )


def accept(
    work: UnitOfWork,
    person: Person,
    version_ids: Collection[UUID],
    *,
    place: str,
    method: ConsentMethod,
    now: datetime,
    settings: Settings,
) -> list[Asked]:
    """Take down that a person accepts documents, an event for each.

    What they have accepted already is left alone, so that doing it twice does it once.

    :param person: the person who accepts, for themselves; locked by the caller.
    :param version_ids: which versions, as they were shown.
    :param place: where in the product, for example ``acceptance-page``.
    :param method: how they said it.
    :param now: the present instant, aware.
    :param settings: say who is responsible and where the data lies; each record keeps that.
    :return: what was accepted now.
    :raises Conflict: one of them is not in force, or need not be accepted; nothing is noted then.
    """
    in_force = {each.id: each for each in _asked(work.session, person.account_id, now)}
    if not in_force.keys() >= set(version_ids):
        raise Conflict(
            "One of these texts is not in force any more, or need not be accepted, so nothing was"
            " noted. Read what is in force now, and decide again."
        )
    accepted = [each for each in in_force.values() if each.id in version_ids and not each.accepted]
    for each in accepted:
        record_event(
            work,
            person=person,
            event_type=ConsentEventType.GIVEN,
            now=now,
            place=place,
            method=method,
            language=each.language,
            document_version_id=each.id,
            actor_id=work.actor_id,
            notice=notice_of(Purpose.SERVICE, settings),
        )
    return accepted


def _asked(session: Session, account_id: UUID | None, now: datetime) -> list[Asked]:
    """Every version in force, in each language, that nobody goes on without; by document."""
    texts = groupby(
        _versions(session, account_id, now), key=lambda each: (each.document, each.language)
    )
    newest_first = (list(versions)[::-1] for _, versions in texts)
    return [_judge(versions) for versions in newest_first if versions[0].acceptance_required]


def _judge(versions: Sequence[_Version]) -> Asked:
    """How a person stands to the version in force.

    :param versions: those of one text that have taken effect, the newest first.
    """
    newest = versions[0]
    # Nothing material has changed since this one, so it counts for all that came after it.
    since = next((each.sequence for each in versions if each.material), 0)
    given = [each for each in versions if each.act == ConsentEventType.GIVEN]
    return Asked(
        id=newest.id,
        document=newest.document,
        version=newest.version,
        language=newest.language,
        title=newest.title,
        summary=newest.summary,
        effective_at=newest.effective_at,
        accepted=any(each.sequence >= since for each in given),
        accepted_before=given[0].version if given else None,
    )


def _versions(session: Session, account_id: UUID | None, now: datetime) -> Iterable[_Version]:
    """Every version that has taken effect, by document, language and age, without its text."""
    rows = session.execute(
        select(
            DocumentVersion.id,
            DocumentVersion.document,
            DocumentVersion.version,
            DocumentVersion.language,
            DocumentVersion.sequence,
            DocumentVersion.title,
            DocumentVersion.summary,
            DocumentVersion.material,
            DocumentVersion.acceptance_required,
            DocumentEffect.effective_at,
            ConsentEvent.event_type,
        )
        .join(DocumentEffect, DocumentEffect.document_version_id == DocumentVersion.id)
        .outerjoin(
            ConsentEvent,
            and_(
                ConsentEvent.document_version_id == DocumentVersion.id,
                ConsentEvent.account_id == account_id,
                ConsentEvent.event_type != ConsentEventType.SHOWN,
            ),
        )
        .where(DocumentEffect.effective_at <= now)
        .order_by(
            DocumentVersion.document,
            DocumentVersion.language,
            DocumentVersion.sequence,
            ConsentEvent.sequence,
        )
    )
    newest: dict[UUID, _Version] = {}
    for row in rows:
        newest[row[0]] = _Version(*row)  # The last of several acts upon one version counts.
    return newest.values()
