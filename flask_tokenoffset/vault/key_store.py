"""Where master keys live: the protocol for key stores, and the one that reads ``TOKENOFFSET_KEYS``.

A key ring is written ``version:base64`` for each key, separated by commas, the primary first::

    TOKENOFFSET_KEYS="2026-11:…44 characters…,2026-05:…44 characters…"

A key that is absent, misread, short or guessable stops start-up; there is no way to run without.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NoReturn, Protocol, SupportsIndex

from flask_tokenoffset.errors import ConfigurationError, KeyVersionUnknown

from ._aes_gcm import KEY_BYTES, NONCE_BYTES, Cipher
from .envelope import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SETTING = "TOKENOFFSET_KEYS"
_CURE = "Make a key with `python -m flask_tokenoffset keys generate`."

# At most 32 characters: a base64 key in the version's place is longer, so it is never quoted.
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")

# Of 32 random bytes about 30 differ. Fewer than 17 come up once in 10^13 keys by chance, and always
# where a block of 16 bytes or less is repeated.
_FEWEST_DISTINCT_BYTES = 17


class KeyStore(Protocol):
    """Wraps and unwraps data keys under master keys that it keeps to itself.

    Implement it to keep master keys in a KMS or an HSM. ``flask_tokenoffset.testing.key_store`` has
    a conformance suite to run against an implementation.
    """

    @property
    def primary_version(self) -> str:
        """The version of the master key that :meth:`wrap` uses now."""
        ...

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        """Encrypt a data key under the primary master key.

        :param data_key: 32 bytes.
        :param associated_data: what to bind it to, any bytes (a KMS calls it encryption context).
        :raises KeyStoreUnavailable: if the store is down, too slow or throttles.
        """
        ...

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        """Decrypt a data key.

        :param wrapped: what :meth:`wrap` gave.
        :param associated_data: the same bytes as for :meth:`wrap`.
        :raises SealBroken: if the wrapped key or the associated data is another.
        :raises KeyVersionUnknown: if the master key of that version is not there (any more).
        :raises KeyStoreUnavailable: if the store is down, too slow or throttles.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class MasterKey:
    """One master key.

    :param version: its name, at most 32 letters, digits, dots, dashes or underscores.
    :param key: exactly 32 random bytes.
    :raises ConfigurationError: if the name or the key will not do.
    """

    version: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise _refusal(
                "The version in front of a key is not a name. Use at most 32 letters, digits, "
                "dots, dashes or underscores, for example 2026-11."
            )
        if len(self.key) != KEY_BYTES:
            raise _refusal(
                f"Key {self.version} has {len(self.key)} bytes where exactly {KEY_BYTES} are "
                "needed, so nothing can be sealed with it."
            )
        if _is_guessable(self.key):
            raise _refusal(
                f"Key {self.version} is an example, a text or a pattern and not random, so it "
                "protects nothing."
            )

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A MasterKey is neither pickled nor copied.")


@dataclass(frozen=True, slots=True, eq=False)
class KeyRing:
    """The master keys in use: the first seals, all of them open.

    :param keys: at least one; versions and keys all different.
    :raises ConfigurationError: if there is none, or one stands there twice.
    """

    keys: tuple[MasterKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise _refusal(
                "There is no master key, so no secret can be sealed and the application does not "
                "start."
            )
        for one, other in combinations(self.keys, 2):
            if one.version == other.version:
                raise _refusal(
                    f"Version {one.version} stands there twice, so it is not clear which key it "
                    "means. Give each key a version of its own."
                )
            if hmac.compare_digest(one.key, other.key):
                raise _refusal(
                    f"Versions {one.version} and {other.version} are the same key, so changing "
                    "from one to the other would change nothing."
                )

    @property
    def primary(self) -> MasterKey:
        """The key that seals."""
        return self.keys[0]


class LocalKeyStore:
    """Keeps the master keys of a key ring in this process.

    :param key_ring: the first key wraps, all of them unwrap.
    """

    def __init__(self, key_ring: KeyRing) -> None:
        self._primary_version = key_ring.primary.version
        self._ciphers = {master.version: Cipher(master.key) for master in key_ring.keys}

    def __repr__(self) -> str:
        return f"LocalKeyStore(versions={list(self._ciphers)!r})"

    @property
    def primary_version(self) -> str:
        """The version of the first key in the ring."""
        return self._primary_version

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        """Encrypt a data key under the primary key; see :class:`KeyStore`."""
        encrypted = self._ciphers[self._primary_version].encrypt(data_key, associated_data)
        return WrappedKey(self._primary_version, encrypted.nonce + encrypted.ciphertext)

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        """Decrypt a data key under the key of its version; see :class:`KeyStore`."""
        cipher = self._ciphers.get(wrapped.key_version)
        if cipher is None:
            raise KeyVersionUnknown(
                f"The secret was sealed under master key {wrapped.key_version}, which is not in "
                f"{_SETTING}, so it cannot be opened. Put that key back behind the primary one, or "
                "enter the secret again."
            )
        nonce, ciphertext = wrapped.blob[:NONCE_BYTES], wrapped.blob[NONCE_BYTES:]
        return cipher.decrypt(nonce, ciphertext, associated_data)


def generate_key(version: str) -> str:
    """Make a new master key, as one ``version:base64`` entry for ``TOKENOFFSET_KEYS``.

    :param version: its name, for example the month it comes into use.
    :raises ConfigurationError: if the version is not a name.
    """
    master = MasterKey(version, os.urandom(KEY_BYTES))
    return f"{master.version}:{base64.b64encode(master.key).decode('ascii')}"


def parse_key_ring(text_or_list: str | Sequence[str] | None) -> KeyRing:
    """Read ``TOKENOFFSET_KEYS``.

    :param text_or_list: ``version:base64`` entries, separated by commas or as a list, the primary
        first.
    :raises ConfigurationError: if a key is absent or will not do; the message quotes no key.
    """
    try:
        return KeyRing(tuple(_read_entries(text_or_list)))
    except ConfigurationError as error:
        fault = error.with_traceback(None)
    # Raised from here, the traceback has no frame with a key among its local variables.
    del text_or_list
    raise fault


def _read_entries(text_or_list: str | Sequence[str] | None) -> Iterator[MasterKey]:
    entries = text_or_list.split(",") if isinstance(text_or_list, str) else text_or_list or ()
    # A trailing comma is no key, and neither is an empty setting.
    written = [entry.strip() for entry in entries if entry.strip()]
    for number, entry in enumerate(written, start=1):
        version, colon, encoded = entry.partition(":")
        if not colon:
            raise _refusal(f"Entry {number} is not written version:base64, so it cannot be read.")
        yield MasterKey(version.strip(), _decode_base64(encoded.strip(), number))


def _decode_base64(encoded: str, number: int) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        pass
    raise _refusal(f"The key of entry {number} is not base64, so it cannot be read.")


def _is_guessable(key: bytes) -> bool:
    """Say whether a key was plainly not drawn at random.

    Each rule refuses a random key less often than once in 10^13.
    """
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    counts_up_or_down = len(steps) == 1
    is_text = all(0x20 <= byte < 0x7F for byte in key)  # noqa: PLR2004  printable ASCII
    return counts_up_or_down or is_text or len(set(key)) < _FEWEST_DISTINCT_BYTES


def _refusal(sentence: str) -> ConfigurationError:
    return ConfigurationError(_SETTING, f"{sentence} {_CURE}")
