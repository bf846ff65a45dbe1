"""Tokens of mailed links: derived when the mail is written, kept as digests only.

A token is a keyed digest over what it is for, the row it opens and a salt in that row. So the
database holds nothing that opens anything, and neither does the outbox: a reader of either lacks
the application's secret. Renewing the salt makes every former link to the row worthless.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

#: Names of what a token opens; they tell apart rows of different tables.
MAGIC_LINK_TOKEN: Final = "magic-link"  # noqa: S105 - a name, not a secret
INVITATION_TOKEN: Final = "invitation"  # noqa: S105 - as above


def new_salt() -> str:
    """256 random bits in hexadecimal."""
    return secrets.token_hex(32)


def derive_token(key: bytes, purpose: str, row_id: UUID, salt: str) -> str:
    """The token of a row: 43 characters of base64url, 256 bits.

    :param key: the application's key for links.
    :param purpose: what the token opens, for example ``invitation``; tells apart rows of different
        tables.
    :param row_id: the row it opens.
    :param salt: what stands in the row.
    """
    text = "\0".join((purpose, str(row_id), salt)).encode()
    raw = hmac.new(key, text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest_of(token: str) -> str:
    """What is kept of a token: 64 hexadecimal digits. The token is long enough to need no salt.

    :param token: as it came in a link; any text.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
