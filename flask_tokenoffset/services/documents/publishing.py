"""Publishing a version of a legal text: what it must be, and when it may take effect."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import (
    LONGEST_DOCUMENT,
    LONGEST_LANGUAGE,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    DocumentEffect,
    DocumentNotice,
    DocumentVersion,
    new_id,
)
from flask_tokenoffset.services.documents.documents import (
    NOTICE_PERIOD,
    find_version,
    history,
    needs_notice,
    whole_second_after,
)
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.documents.documents import Standing
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: Characters of the longest text, far beyond any terms ever written.
LONGEST_TEXT: Final = 500_000
#: What stands in a text that a person has yet to complete, as in ``[[name of the company]]``.
OPEN_MARK: Final = "[["
#: Words that no version can be called, because a page of ours has that address.
TAKEN_VERSIONS: Final = frozenset({"compare"})

_DOCUMENT: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text that is to be published.

    :param document: which document it is a version of, a word such as ``privacy-policy``.
    :param version: what the version is called, for example ``2026-11-20``.
    :param sequence: which of the versions in this language it is, from 1 on.
    :param text: in Markdown.
    :param summary: what changed since the version before, in a sentence or two.
    :param material: whether the change matters to people.
    :param acceptance_required: whether nobody goes on without having accepted it.
    :param effective_at: when it is to take effect: a moment, a time after its publication, or none
        for at once.
    """

    document: str
    version: str
    sequence: int
    title: str
    text: str = field(repr=False)
    summary: str
    material: bool
    acceptance_required: bool
    language: str = "en"
    effective_at: datetime | timedelta | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the text, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def intended_at(self, now: datetime) -> datetime:
        """When it is to take effect, if it is published now."""
        if isinstance(self.effective_at, datetime):
            return self.effective_at
        return now + (self.effective_at or timedelta(0))


@dataclass(frozen=True, slots=True)
class Published:
    """What became of publishing.

    :param is_new: false where the very same was published before.
    """

    version: DocumentVersion
    is_new: bool


def publish(
    work: UnitOfWork, draft: Draft, now: datetime, *, allow_template: bool = False
) -> Published:
    """Publish a version; of a material change everyone is told, which a worker does.

    Publishing the very same again changes nothing.

    :param now: the present instant, aware.
    :param allow_template: whether a text may hold the marks of a template, for trying things out.
    :raises InvalidInput: the text or what is said about it cannot be published, or it names a time
        of effect that is too early.
    :raises Conflict: it does not follow the version before, or something else is published under
        its name.
    """
    _check(draft)
    if not allow_template:
        refuse_template(draft.text)
    session = work.session
    _hold(session, draft.document)
    if published := find_version(session, draft.document, draft.version, draft.language):
        refuse_another_text(published, draft)
        return Published(published, is_new=False)
    _follow(history(session, draft.document, draft.language), draft, now)
    announced = _translation_announced(session, draft)
    intended = _intended(draft, now, is_announced=announced is not None)
    version = _insert(session, draft, intended, now)
    _begin(work, version, announced, now)
    return Published(version, is_new=True)


@enforces("published-text-never-changes", "TO-058", off=None)
def refuse_another_text(published: DocumentVersion, draft: Draft) -> None:
    """Refuse to publish something else under the name of a version that is published.

    :raises Conflict: it is not the very same.
    """
    said: Mapping[str, tuple[object, object]] = {
        "text": (published.digest, draft.digest),
        "title": (published.title, draft.title),
        "sequence": (published.sequence, draft.sequence),
        "summary": (published.summary, draft.summary),
        "material": (published.material, draft.material),
        "acceptance": (published.acceptance_required, draft.acceptance_required),
        # Counted from the publication, which was then.
        "effective": (published.intended_effective_at, draft.intended_at(published.published_at)),
    }
    if different := [name for name, (before, after) in said.items() if before != after]:
        raise Conflict(
            f"{draft.document} {draft.version} ({draft.language}) is published already, with"
            f" another {', '.join(different)}. A published version never changes; give this one a"
            f" name of its own and publish it as the next version."
        )


@enforces("fourteen-days-of-notice", "TS-013", off=None)
def refuse_short_notice(intended: datetime, now: datetime) -> None:
    """Refuse a material change that is to take effect before the time for notice has passed.

    :param intended: when it is to take effect.
    :param now: the present instant, aware.
    :raises InvalidInput: that is too early; the sentence says what is the earliest.
    """
    if intended - now < NOTICE_PERIOD:
        earliest = whole_second_after(now + NOTICE_PERIOD)
        raise InvalidInput(
            {
                "effective": "A material change takes effect 14 days after everyone was told, at"
                f" the earliest. If it is published now, that is {earliest:%Y-%m-%dT%H:%M:%SZ};"
                " telling everyone takes a few minutes, so take a later time than that."
            }
        )


@enforces("no-change-behind-an-unannounced-one", "TS-013", off=None)
def refuse_to_overtake(previous: Standing) -> None:
    """Refuse a version as long as people are being told of the one before.

    A later text contains the material change of the one before it. If it could take effect first,
    that change would come without its notice.

    :param previous: the version before.
    :raises Conflict: not everyone was told of it.
    """
    if previous.effective_at is None:
        raise Conflict(
            f"People are still being told of {previous.version.document}"
            f" {previous.version.version}, so nothing can follow it yet. Try again once its notice"
            " has gone to everyone; «flask tokenoffset documents list» says when it has."
        )


def refuse_template(text: str) -> None:
    """Refuse a text in which something is left to be filled in.

    :raises InvalidInput: it holds a mark.
    """
    if OPEN_MARK in text:
        line = text[: text.index(OPEN_MARK)].count("\n") + 1
        raise InvalidInput(
            {
                "text": f"Line {line} of the text still holds a mark of a template: «[[...]]»."
                " Have a lawyer complete the text and take every mark out, then publish it."
            }
        )


def _check(draft: Draft) -> None:
    """Refuse what the tables cannot hold, or what could have no address."""
    errors: dict[str, str] = {}
    if not _fits(_DOCUMENT, draft.document, LONGEST_DOCUMENT):
        errors["document"] = (
            "The document's name must be words in lower case joined by hyphens, 40 characters at"
            " most, as in «privacy-policy»."
        )
    if not _fits(_VERSION, draft.version, LONGEST_DOCUMENT) or draft.version in TAKEN_VERSIONS:
        errors["version"] = (
            "The version's name must be letters, digits, dots, hyphens and underscores, 40 at most,"
            " as in «2026-11-20»; «compare» is taken."
        )
    if not _fits(_LANGUAGE, draft.language, LONGEST_LANGUAGE):
        errors["language"] = "The language must be a tag such as «en» or «pt-BR»."
    for name, value, longest in (
        ("title", draft.title, LONGEST_TITLE),
        ("summary", draft.summary, LONGEST_SUMMARY),
        ("text", draft.text, LONGEST_TEXT),
    ):
        if not value.strip() or len(value) > longest or "\x00" in value:
            errors[name] = (
                f"The {name} must not be empty, {longest:,} characters at most, and must not"
                " contain the character NUL."
            )
    if errors:
        raise InvalidInput(errors)


def _fits(pattern: re.Pattern[str], value: str, longest: int) -> bool:
    return len(value) <= longest and pattern.fullmatch(value) is not None


def _hold(session: Session, document: str) -> None:
    """Let nobody else publish a version of the document before this transaction has ended."""
    session.execute(
        select(DocumentVersion.id)
        .where(DocumentVersion.document == document)
        .order_by(DocumentVersion.id)
        .with_for_update()
    )


def _follow(versions: list[Standing], draft: Draft, now: datetime) -> None:
    """Refuse what does not come right after the newest version, in number and in time."""
    # history() falls back to another language, which counts for itself.
    versions = [each for each in versions if each.version.language == draft.language]
    expected = len(versions) + 1
    if draft.sequence != expected:
        raise Conflict(
            f"{draft.document} ({draft.language}) has {len(versions)} published versions, so the"
            f" next one has the sequence {expected}, not {draft.sequence}. Publish what is missing"
            " first, or correct the number."
        )
    if not versions:
        return
    previous = versions[0]
    refuse_to_overtake(previous)
    if draft.intended_at(now) < previous.not_before:
        raise InvalidInput(
            {
                "effective": f"{draft.document} {previous.version.version} takes effect at"
                f" {previous.not_before:%Y-%m-%dT%H:%M:%SZ}, and what follows it cannot do so"
                " before. Take that time or a later one."
            }
        )


def _intended(draft: Draft, now: datetime, *, is_announced: bool) -> datetime:
    """When a version is to take effect.

    :param is_announced: whether people were told of the same change in another language.
    """
    intended = draft.intended_at(now)
    if intended < now:
        raise InvalidInput(
            {
                "effective": f"The time {intended:%Y-%m-%dT%H:%M:%SZ} is past, and nothing takes"
                " effect before it is published. Leave the line out for at once, or take a later"
                " time."
            }
        )
    if needs_notice(material=draft.material, sequence=draft.sequence) and not is_announced:
        refuse_short_notice(intended, now)
    return intended


@dataclass(frozen=True, slots=True)
class _Announcement:
    """The notice of a change in another language, which is the notice of all its translations.

    :param effect: none as long as people are being told.
    """

    effect: DocumentEffect | None


def _translation_announced(session: Session, draft: Draft) -> _Announcement | None:
    """The notice that has begun of the same version in another language."""
    if not needs_notice(material=draft.material, sequence=draft.sequence):
        return None
    translations = session.execute(
        select(DocumentEffect, DocumentNotice.document_version_id)
        .select_from(DocumentVersion)
        .outerjoin(DocumentEffect, DocumentEffect.document_version_id == DocumentVersion.id)
        .outerjoin(DocumentNotice, DocumentNotice.document_version_id == DocumentVersion.id)
        .where(
            DocumentVersion.document == draft.document,
            DocumentVersion.version == draft.version,
            DocumentVersion.material,
            DocumentVersion.sequence > 1,
        )
    )
    for effect, notice_id in translations:
        if notice_id is not None:
            return _Announcement(effect)
    return None


def _insert(session: Session, draft: Draft, intended: datetime, now: datetime) -> DocumentVersion:
    version = DocumentVersion(
        id=new_id(),
        document=draft.document,
        version=draft.version,
        language=draft.language,
        sequence=draft.sequence,
        title=draft.title,
        text=draft.text,
        digest=draft.digest,
        summary=draft.summary,
        material=draft.material,
        acceptance_required=draft.acceptance_required,
        published_at=now,
        intended_effective_at=intended,
    )
    try:
        with session.begin_nested():
            session.add(version)
    except IntegrityError:
        # Only the first versions of a document can meet here: later ones wait for each other.
        raise Conflict(
            f"Somebody else has just published {draft.document} {draft.version}"
            f" ({draft.language}), so nothing was changed. Publish again to see whether it is the"
            " same."
        ) from None
    return version


def _begin(
    work: UnitOfWork, version: DocumentVersion, announced: _Announcement | None, now: datetime
) -> None:
    """Let a version take effect when it is to, or have everyone told of it first."""
    told = needs_notice(material=version.material, sequence=version.sequence)
    if not told or (announced is not None and announced.effect is not None):
        effective_at, notice_at = version.intended_effective_at, None
        if announced is not None and announced.effect is not None:
            effective_at = max(effective_at, announced.effect.effective_at)
            notice_at = announced.effect.notice_at
        work.session.add(
            DocumentEffect(
                document_version_id=version.id,
                material=told,
                notice_at=notice_at,
                effective_at=effective_at,
            )
        )
    elif announced is None:
        work.session.add(
            DocumentNotice(
                document_version_id=version.id,
                people_notified=0,
                people_unreached=0,
                started_at=now,
            )
        )
        work.enqueue(Task.DOCUMENT_NOTICE, version.id)
    work.session.flush()
