"""The vault: seals a secret for its row, and opens it there only."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import KeyStoreUnavailable, SealBroken, VaultError, VaultShut

from ._aes_gcm import KEY_BYTES, Cipher
from .envelope import SCHEMA_VERSION, SealedSecret, SecretContext, WrappedKey, associated_data
from .secret import Secret, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from .key_store import KeyStore

_DATA_KEY_ID_BYTES = 16


class Vault:
    """Seals and opens secrets with data keys that a key store wraps.

    Every failure is a :exc:`~flask_tokenoffset.errors.VaultError`. It leaves without the key
    store's own traceback and chain, whose local variables may hold a data key.

    :param key_store: keeps the master keys.
    :param shut_because: a sentence, where the vault must stay shut, for example while a debugger
        that shows local variables is on; None where it may be used. A callable is asked each time,
        since a debugger may be switched on after start-up.
    """

    def __init__(
        self,
        key_store: KeyStore,
        *,
        shut_because: str | Callable[[], str | None] | None = None,
    ) -> None:
        self._key_store = key_store
        self._shut_because = shut_because

    @property
    def shut_because(self) -> str | None:
        """Why the vault is shut, or None; to be said before a person is asked for a key."""
        if callable(self._shut_because):
            return self._shut_because()
        return self._shut_because

    @property
    def primary_version(self) -> str:
        """The master key version that seals now. No secret: readable while the vault is shut.

        :raises VaultError: if the key store cannot tell.
        """
        try:
            return self._key_store.primary_version
        except Exception as error:  # noqa: BLE001  a foreign key store may raise anything
            fault = _bare(error)
        raise fault

    def seal(self, secret: Secret, context: SecretContext) -> SealedSecret:
        """Encrypt a secret under a fresh data key, for one place.

        :param secret: what to hide.
        :param context: the row and field it belongs to.
        :raises VaultShut: if the vault is shut.
        :raises KeyStoreUnavailable: if the key store does not answer.
        """
        self.require_open()
        data_key_id = secrets.token_hex(_DATA_KEY_ID_BYTES)
        bound_to = associated_data(SCHEMA_VERSION, context, data_key_id)
        # If wrapping fails, nothing was ever encrypted under this data key.
        data_key = os.urandom(KEY_BYTES)
        wrapped = self._wrap(data_key, bound_to)
        encrypted = Cipher(data_key).encrypt(encode(secret), bound_to)
        return SealedSecret(
            schema_version=SCHEMA_VERSION,
            key_version=wrapped.key_version,
            data_key_id=data_key_id,
            wrapped_key=wrapped.blob,
            nonce=encrypted.nonce,
            ciphertext=encrypted.ciphertext,
        )

    def open(self, sealed: SealedSecret, context: SecretContext) -> Secret:
        """Decrypt a secret in its place.

        :param sealed: as :meth:`seal` or :meth:`rewrap` made it.
        :param context: the row and field it was found in.
        :raises VaultShut: if the vault is shut.
        :raises SealBroken: if it was altered or belongs elsewhere.
        :raises KeyVersionUnknown: if its master key is not there any more.
        :raises KeyStoreUnavailable: if the key store does not answer.
        """
        self.require_open()
        bound_to = _bound_to(sealed, context)
        # Neither the data key nor the plaintext becomes a local variable.
        cipher = Cipher(self._unwrap(sealed, bound_to))
        return decode(cipher.decrypt(sealed.nonce, sealed.ciphertext, bound_to))

    def rewrap(self, sealed: SealedSecret, context: SecretContext) -> SealedSecret:
        """Wrap a secret's data key under the primary master key, without opening the secret.

        Ciphertext, nonce and data key id stay as they are, so a reader that holds the old row and
        a reader that holds the new one both open it.

        :param sealed: as stored now.
        :param context: the row and field it was found in.
        :raises VaultShut: if the vault is shut.
        :raises SealBroken: if it was altered or belongs elsewhere.
        :raises KeyVersionUnknown: if its master key is not there any more.
        :raises KeyStoreUnavailable: if the key store does not answer.
        """
        self.require_open()
        bound_to = _bound_to(sealed, context)
        wrapped = self._wrap(self._unwrap(sealed, bound_to), bound_to)
        return replace(sealed, key_version=wrapped.key_version, wrapped_key=wrapped.blob)

    def require_open(self) -> None:
        """Find out whether the vault may be used, before a person's key travels anywhere.

        :raises VaultShut: if it may not.
        """
        reason = self.shut_because
        if reason is not None:
            raise VaultShut(reason)

    def _wrap(self, data_key: bytes, bound_to: bytes) -> WrappedKey:
        try:
            return self._key_store.wrap(data_key, bound_to)
        except Exception as error:  # noqa: BLE001  a foreign key store may raise anything
            fault = _bare(error)
        del data_key  # A traceback that shows local variables must not show it.
        raise fault

    def _unwrap(self, sealed: SealedSecret, bound_to: bytes) -> bytes:
        wrapped = WrappedKey(sealed.key_version, sealed.wrapped_key)
        try:
            data_key = self._key_store.unwrap(wrapped, bound_to)
        except Exception as error:  # noqa: BLE001  a foreign key store may raise anything
            fault = _bare(error)
        else:
            if len(data_key) == KEY_BYTES:
                return data_key
            del data_key
            fault = KeyStoreUnavailable(
                "The key store answered with something that is not a data key, so the secret "
                "stays sealed. Check the key store."
            )
        raise fault


def _bound_to(sealed: SealedSecret, context: SecretContext) -> bytes:
    if sealed.schema_version != SCHEMA_VERSION:
        raise SealBroken(
            f"The secret says it was sealed with layout {sealed.schema_version}, which this "
            "release does not know, so it stays sealed. Upgrade flask-tokenoffset, or enter the "
            "secret again."
        )
    return associated_data(sealed.schema_version, context, sealed.data_key_id)


def _bare(error: Exception) -> VaultError:
    """Keep what a key store's error says, and none of what hangs on it."""
    if not isinstance(error, VaultError):
        # Its message may quote anything, so only its kind is told.
        return KeyStoreUnavailable(
            f"The key store failed ({type(error).__name__}), so the secret stays sealed. "
            "Try again later; if it lasts, check the key store."
        )
    error.__cause__ = None
    error.__context__ = None
    return error.with_traceback(None)
