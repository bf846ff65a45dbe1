"""The arithmetic of the audit log: keys, canonical text, keyed digests. It touches no database.

Every event holds a keyed digest over all of its fields, the digest of the event before it among
them, so that nothing can be altered, removed, put in or moved without the key. The end of a chain
carries a seal under another key, because a chain that was cut short is a whole chain otherwise.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from flask_tokenoffset.vault.derived_keys import derive_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: What stands in the place of the digest before a chain's first event.
GENESIS: Final = "0" * 64


class Signed(Enum):
    """What is signed: its label, and every field the digest covers, in order."""

    EVENT = (
        "flask-tokenoffset audit event v1",
        (
            "id",
            "account_id",
            "sequence",
            "occurred_at",
            "action",
            "actor_id",
            "subject_type",
            "subject_id",
            "details",
            "origin_digest",
            "previous_digest",
            "key_id",
        ),
    )
    ORIGIN = (
        "flask-tokenoffset audit origin v1",
        ("event_id", "account_id", "address", "user_agent", "salt", "recorded_at"),
    )
    HEAD = (
        "flask-tokenoffset audit head v1",
        ("account_id", "length", "head_digest", "key_id"),
    )

    def __init__(self, label: str, fields: tuple[str, ...]) -> None:
        self.label = label
        self.fields = fields


@dataclass(frozen=True, slots=True)
class AuditKey:
    """What one secret of the application signs with.

    :param id: tells which secret it was, and nothing else about it; it stands in each row.
    """

    id: str
    _keys: Mapping[Signed, bytes] = field(repr=False)

    def sign(self, what: Signed, values: Mapping[str, Any]) -> str:
        """The keyed digest of a row: 64 hexadecimal digits.

        :param values: the row's values by name; the digest itself and others are passed over.
        """
        text = canonical([values[name] for name in what.fields])
        return hmac.new(self._keys[what], text, hashlib.sha256).hexdigest()

    def signed(self, what: Signed, values: Mapping[str, Any], digest: str) -> bool:
        """Whether a digest is the row's own."""
        return hmac.compare_digest(self.sign(what, values).encode(), digest.encode())


class AuditKeys:
    """The keys of all secrets that count: the present one signs, all of them verify.

    :param keys: the present one first.
    """

    def __init__(self, keys: Iterable[AuditKey]) -> None:
        self._by_id = {each.id: each for each in keys}
        self.present = next(iter(self._by_id.values()))

    def find(self, key_id: str) -> AuditKey | None:
        """The key a row names, if it is known."""
        return self._by_id.get(key_id)

    @classmethod
    def derive(
        cls, secret_key: str | bytes | None, former: Iterable[str | bytes] | None = None
    ) -> AuditKeys:
        """Derive the keys from the application's secrets.

        :param secret_key: the present one (``SECRET_KEY``).
        :param former: those before it (``SECRET_KEY_FALLBACKS``).
        """
        former = tuple(former or ())
        columns = [derive_keys(secret_key, former, what.label.encode()) for what in Signed]
        names = derive_keys(secret_key, former, b"flask-tokenoffset audit key id v1")
        return cls(
            AuditKey(hashlib.sha256(name).hexdigest()[:16], dict(zip(Signed, keys, strict=True)))
            for name, *keys in zip(names, *columns, strict=True)
        )


def canonical(values: list[Any]) -> bytes:
    """One text for some values, and the same for no others.

    JSON tells a text from a number and one value from the next; ids and times have one form each.

    :param values: texts, whole numbers, truth values, ``None``, ids, aware times, and mappings and
        lists of those.
    """
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), default=_plain)
    return text.encode("ascii")


def _plain(value: object) -> str:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} cannot be signed.")
