"""AES-256-GCM, and nothing else: the one place that touches a cipher.

The nonce is drawn here and cannot be passed in, because one repeated nonce under one key gives away
the authentication key (NIST SP 800-38D, sections 8.2 and 8.3).
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flask_tokenoffset.errors import SealBroken

#: AES-256: the length of every data key and master key.
KEY_BYTES = 32
#: The nonce length NIST SP 800-38D recommends (96 bits), and the only one used here.
NONCE_BYTES = 12
#: The authentication tag at the end of every ciphertext, never shortened (128 bits).
TAG_BYTES = 16


class Encrypted(NamedTuple):
    """What one encryption yields.

    :param nonce: the 12 bytes drawn for it.
    :param ciphertext: as long as the plaintext, with the 16-byte tag behind it.
    """

    nonce: bytes
    ciphertext: bytes


class Cipher:
    """AES-256-GCM under one key, which cannot be read back from it.

    :param key: exactly 32 bytes.
    :raises ValueError: if the key has another length; AES-128 and AES-192 are not offered.
    """

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            del key  # A traceback that shows local variables must not show it.
            raise ValueError(f"An AES-256 key has exactly {KEY_BYTES} bytes.")
        self._aead = AESGCM(key)

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> Encrypted:
        """Encrypt under a nonce of its own.

        :param plaintext: what to hide.
        :param associated_data: what to bind it to; the same bytes are needed to decrypt.
        """
        nonce = os.urandom(NONCE_BYTES)
        return Encrypted(nonce, self._aead.encrypt(nonce, plaintext, associated_data))

    def decrypt(self, nonce: bytes, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Give the plaintext back, if nothing at all was changed.

        :param nonce: the 12 bytes that :meth:`encrypt` drew.
        :param ciphertext: with its 16-byte tag.
        :param associated_data: the same bytes as for :meth:`encrypt`.
        :raises SealBroken: if key, nonce, ciphertext, tag or associated data differ.
        """
        # The library takes nonces from 8 bytes up; a shorter or longer one is never ours.
        if len(nonce) == NONCE_BYTES and len(ciphertext) >= TAG_BYTES:
            try:
                return self._aead.decrypt(nonce, ciphertext, associated_data)
            except InvalidTag:
                pass
        raise SealBroken(
            "The sealed secret does not open: it was altered, belongs to another row, or was "
            "sealed under another key. Nothing was read; enter the secret again."
        )
