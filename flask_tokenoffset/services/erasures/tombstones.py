"""Tombstones: that a person was erased, readable only with the key and the host's key of the user.

An older copy of the database brings everyone back who was erased after it was made. The
tombstones, kept outside of the copies, say who: a keyed digest over the host's key of the user.
Nobody can be found by one who does not hold both the application's secret and the host's users.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import select

from flask_tokenoffset.models import Person, Tombstone
from flask_tokenoffset.vault.derived_keys import derive_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

#: Rows read at a time.
BATCH: Final = 500
_LABEL: Final = b"flask-tokenoffset tombstone v1"
_ID_LABEL: Final = b"flask-tokenoffset tombstone key id v1"


@dataclass(frozen=True, slots=True)
class TombstoneKeys:
    """The keys that tombstones are made with: by the id that stands beside each digest.

    :param present: the id of the one that makes new ones.
    :param by_id: all of them, those of former secrets as well.
    """

    present: str
    by_id: Mapping[str, bytes]

    @classmethod
    def derive(cls, secret_key: str | bytes | None, former: Iterable[str | bytes] | None) -> Self:
        """Derive the keys from the application's secrets.

        :param secret_key: the present one (``SECRET_KEY``).
        :param former: those before it (``SECRET_KEY_FALLBACKS``).
        """
        former = tuple(former or ())
        keys = derive_keys(secret_key, former, _LABEL)
        names = derive_keys(secret_key, former, _ID_LABEL)
        by_id = {
            hashlib.sha256(name).hexdigest()[:16]: key
            for name, key in zip(names, keys, strict=True)
        }
        return cls(next(iter(by_id)), by_id)

    def digest(self, user_key: str, key_id: str | None = None) -> str:
        """The mark of one of the host's users: 64 hexadecimal digits.

        :param user_key: the host's own key for the user.
        :param key_id: the key to make it with; the present one without it.
        """
        key = self.by_id[key_id or self.present]
        return hmac.new(key, user_key.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Mark:
    """A tombstone, from the table or from a line kept outside of it."""

    user_digest: str
    key_id: str
    erased_at: datetime


def put_up(session: Session, user_key: str, *, keys: TombstoneKeys, erased_at: datetime) -> None:
    """Say that a person was erased. Anyone who is erased again has the newer instant.

    :param user_key: the host's own key for the user.
    """
    digest = keys.digest(user_key)
    tombstone = session.get(Tombstone, digest)
    if tombstone is None:
        session.add(Tombstone(user_digest=digest, key_id=keys.present, erased_at=erased_at))
    else:
        tombstone.erased_at = max(tombstone.erased_at, erased_at)
    session.flush()


def read_marks(session: Session, *, since: datetime | None = None) -> Iterator[Mark]:
    """Every tombstone, the oldest first.

    :param since: only those of erasures from then on.
    """
    rows = session.execute(
        select(Tombstone.user_digest, Tombstone.key_id, Tombstone.erased_at)
        .where(*([] if since is None else [Tombstone.erased_at >= since]))
        .order_by(Tombstone.erased_at, Tombstone.user_digest)
    )
    for row in rows:
        yield Mark(*row)


@dataclass(frozen=True, slots=True)
class Returned:
    """A person who was erased and stands in the database again.

    :param erased_at: when they were.
    """

    person_id: UUID
    erased_at: datetime


def find_returned(
    session: Session, marks: Iterable[Mark], *, keys: TombstoneKeys
) -> tuple[list[Returned], int]:
    """Anyone who was erased and is there all the same, because an older copy was restored.

    A person with the same key who came after the erasure is a new person, and is left alone.

    :param marks: the tombstones.
    :param keys: of the present secret and all former ones.
    :return: them, and how many marks were made with a secret that is not known.
    """
    by_digest: dict[str, dict[str, datetime]] = {}
    unknown = 0
    for mark in marks:
        if mark.key_id not in keys.by_id:
            unknown += 1
            continue
        of_key = by_digest.setdefault(mark.key_id, {})
        known = of_key.get(mark.user_digest)
        of_key[mark.user_digest] = mark.erased_at if known is None else max(known, mark.erased_at)
    returned: list[Returned] = []
    for person_id, user_key, created_at in _people(session) if by_digest else ():
        erased = [
            of_key[digest]
            for key_id, of_key in by_digest.items()
            if (digest := keys.digest(user_key, key_id)) in of_key
        ]
        if erased and created_at < max(erased):
            returned.append(Returned(person_id, max(erased)))
    return returned, unknown


def _people(session: Session) -> Iterator[tuple[UUID, str, datetime]]:
    """Everyone who was not forgotten, in batches."""
    last: UUID | None = None
    while True:
        rows = session.execute(
            select(Person.id, Person.user_key, Person.created_at)
            .where(Person.forgotten_at.is_(None), *([] if last is None else [Person.id > last]))
            .order_by(Person.id)
            .limit(BATCH)
        ).all()
        for row in rows:
            yield row[0], row[1], row[2]
        if len(rows) < BATCH:
            return
        last = rows[-1][0]
