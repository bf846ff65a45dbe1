"""What a person was told when they decided, kept under the digest of its own words.

A notice has every particular that ISO/IEC TS 27560 wants of one, as it was then. Two people who
were told the same share a row; anyone who changes a word afterwards is found, because the digest
does not fit any more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

from flask_tokenoffset.data_map.purposes import NOTICES, Purpose
from flask_tokenoffset.models import ConsentNotice
from flask_tokenoffset.services.audit.chain import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.settings import Settings


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told.

    :param particulars: by their names; texts and lists of texts.
    """

    particulars: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical particulars, 64 hexadecimal digits."""
        return digest_of_particulars(self.particulars)


def notice_of(purpose: Purpose, settings: Settings, language: str = "en") -> Notice:
    """What a person is told about a purpose at present.

    :param purpose: which one.
    :param settings: say who is responsible, where the data lies and under which law.
    :param language: the language of the words, as a BCP 47 tag.
    """
    about = NOTICES[purpose]
    return Notice(
        {
            "purpose": str(purpose),
            "title": about.title,
            "notice": f"{about.sentence} {about.refusal}",
            "language": language,
            "legal_basis": str(about.basis),
            "data_kinds": list(about.data_kinds),
            "controller": settings.controller,
            "privacy_contact": settings.privacy_contact,
            "storage_place": settings.storage_place,
            "retention": about.retention,
            "jurisdiction": settings.jurisdiction,
            "recipients": list(about.recipients),
            "withdrawal": about.withdrawal,
        }
    )


def keep_notice(session: Session, notice: Notice, now: datetime) -> str:
    """Keep a notice, unless it is kept already.

    :param notice: what a person is told.
    :param now: the present instant, aware.
    :return: its digest.
    """
    digest = notice.digest
    dialect = session.get_bind(mapper=ConsentNotice).dialect.name
    insert_or_ignore = postgresql.insert if dialect == postgresql.dialect.name else sqlite.insert
    session.execute(
        insert_or_ignore(ConsentNotice)
        .values(digest=digest, particulars=dict(notice.particulars), recorded_at=now)
        .on_conflict_do_nothing()
    )
    return digest


def digest_of_particulars(particulars: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical text of a notice's particulars.

    :param particulars: as they stand in the notice.
    """
    text = canonical(["flask-tokenoffset consent notice v1", dict(particulars)])
    return hashlib.sha256(text).hexdigest()
