"""What a case expects of a key store, said in sentences when it is not so."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import SealBroken, TokenOffsetError
from flask_tokenoffset.vault import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.testing.key_store.harness import KeyStoreHarness
    from flask_tokenoffset.vault import KeyStore

DATA_KEY_BYTES: Final = 32
#: Two places that differ in their last byte, as the vault writes them.
HERE: Final = b"\x00\x00\x00\x0bconnections\x00\x00\x00\x011"
ELSEWHERE: Final = b"\x00\x00\x00\x0bconnections\x00\x00\x00\x012"


def new_data_key() -> bytes:
    """Make a data key as the vault does."""
    return os.urandom(DATA_KEY_BYTES)


def expect(kept: bool, sentence: str) -> None:  # noqa: FBT001  reads like an assert statement
    """Raise :exc:`AssertionError` with the sentence unless it is kept."""
    if not kept:
        raise AssertionError(sentence)


def expect_opens(store: KeyStore, wrapped: WrappedKey, data_key: bytes) -> None:
    """Expect a wrapped key to open in :data:`HERE`."""
    expect(store.unwrap(wrapped, HERE) == data_key, "unwrap gives back what was wrapped.")


def expect_raises(kind: type[TokenOffsetError], call: Callable[[], object]) -> TokenOffsetError:
    """Expect an error of this kind, and give it."""
    try:
        call()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(
            f"The store raises {kind.__name__} here; it raised {type(error).__name__}."
        ) from error
    raise AssertionError(f"The store raises {kind.__name__} here; it answered.")


def expect_bound(harness: KeyStoreHarness, place: bytes, other_place: bytes) -> None:
    """Expect what is wrapped for one place to stay shut in the other."""
    store = harness.key_store()
    wrapped = store.wrap(data_key := new_data_key(), place)
    # Without this a store that refuses everything would pass.
    expect(store.unwrap(wrapped, place) == data_key, "It opens in its own place.")
    expect_raises(SealBroken, lambda: store.unwrap(wrapped, other_place))


def expect_altered_blob_refused(harness: KeyStoreHarness, alter: Callable[[bytes], bytes]) -> None:
    """Expect a wrapped key to stay shut once its blob is altered."""
    store = harness.key_store()
    wrapped = store.wrap(data_key := new_data_key(), HERE)
    expect_opens(store, wrapped, data_key)
    altered = WrappedKey(wrapped.key_version, alter(wrapped.blob))
    expect_raises(SealBroken, lambda: store.unwrap(altered, HERE))


def flip(blob: bytes, position: int) -> bytes:
    """Change one bit of the byte at a position."""
    return blob[:position] + bytes([blob[position] ^ 0x01]) + blob[position + 1 :]


def shows(text: bytes, key: bytes) -> bool:
    """Say whether a key stands in a text: as it is, in hexadecimal, in base64 or as a repr."""
    written = (key, key.hex().encode(), base64.b64encode(key), repr(key)[2:-1].encode())
    return any(form in text for form in written)
