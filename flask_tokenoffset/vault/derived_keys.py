"""Keys of our own for each purpose, derived from the secret key of the host.

A key for one purpose tells nothing about the key for another. After the host has rotated its secret
(``SECRET_KEY_FALLBACKS``), the former keys are derived too, so that what they signed still counts.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def derive_key(secret_key: str | bytes | None, label: bytes) -> bytes:
    """The key for a purpose: 32 bytes.

    :param secret_key: the host's secret.
    :param label: names the purpose and its version, and what else the key is bound to.
    :raises RuntimeError: the host has lost its secret since start-up, which checks that there is
        one.
    """
    if not secret_key:
        raise RuntimeError("The application has lost its secret key since it was set up.")
    key = secret_key.encode() if isinstance(secret_key, str) else secret_key
    return hmac.new(key, label, hashlib.sha256).digest()


def derive_keys(
    secret_key: str | bytes | None, fallbacks: Iterable[str | bytes] | None, label: bytes
) -> tuple[bytes, ...]:
    """The keys for a purpose, the present one first, then former ones that the host still accepts.

    :param secret_key: the host's secret (``SECRET_KEY``).
    :param fallbacks: its former ones (``SECRET_KEY_FALLBACKS``).
    :param label: as for :func:`derive_key`.
    """
    return tuple(derive_key(each, label) for each in (secret_key, *(fallbacks or ())))
