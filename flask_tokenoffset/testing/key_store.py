"""A conformance suite for key stores, to run in the CI of whoever writes one.

Describe the store under test with a :class:`KeyStoreHarness`, then let pytest run the cases::

    @pytest.mark.parametrize("case", key_store_cases(), ids=str)
    def test_our_key_store(case):
        case.run(OurHarness)

Each case asks for a fresh harness. A case that fails raises :exc:`AssertionError` with a sentence
that says what a vault relies on and what the store did instead.
"""

from __future__ import annotations

import base64
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from flask_tokenoffset.errors import (
    KeyStoreUnavailable,
    KeyVersionUnknown,
    SealBroken,
    TokenOffsetError,
)
from flask_tokenoffset.vault import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractContextManager

    from flask_tokenoffset.vault import KeyStore

#: The room a row has for a wrapped key, as much as AWS KMS ever answers with.
LONGEST_BLOB_BYTES = 6144
#: Past this a store that hangs holds up a worker; it must give up before.
LONGEST_WAIT_SECONDS = 10.0

_DATA_KEY_BYTES = 32
_HERE = b"\x00\x00\x00\x0bconnections\x00\x00\x00\x011"
_ELSEWHERE = b"\x00\x00\x00\x0bconnections\x00\x00\x00\x012"


class Fault(StrEnum):
    """What can happen to a key store that lives elsewhere."""

    DOWN = "down"
    SLOW = "slow"
    THROTTLED = "throttled"


class KeyStoreHarness(Protocol):
    """The key store under test, and the levers the cases pull."""

    def key_store(self) -> KeyStore:
        """Make a key store over the present master keys, as a new process would."""
        ...

    def rotate(self) -> None:
        """Add a master key and make it the primary one; the older ones stay."""
        ...

    def destroy(self, version: str) -> None:
        """Take the master key of a version away for good."""
        ...

    def failing(self, fault: Fault) -> AbstractContextManager[None]:
        """Let the store fail in this way while the context lasts."""
        ...


@dataclass(frozen=True, slots=True)
class KeyStoreCase:
    """One thing a vault relies on.

    :param name: what it is.
    :param check: raises :exc:`AssertionError` if a store does not keep to it.
    :param fault: the fault it lets the store meet, if any.
    """

    name: str
    check: Callable[[KeyStoreHarness], None]
    fault: Fault | None = None

    def __str__(self) -> str:
        return self.name

    def run(self, factory: Callable[[], KeyStoreHarness]) -> None:
        """Check a fresh harness.

        :param factory: makes a harness with one master key at the least.
        :raises AssertionError: if the store does not keep to it.
        """
        self.check(factory())


def key_store_cases(*, faults: Collection[Fault] = tuple(Fault)) -> tuple[KeyStoreCase, ...]:
    """List the cases.

    :param faults: the faults that can happen to the store under test. A store inside the process
        has none; leave none out for one that is reached over a network.
    """
    return tuple(case for case in _CASES if case.fault is None or case.fault in faults)


# -- What is wrapped comes back --------------------------------------------------------------------


def _gives_back_the_data_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    _expect_opens(store, store.wrap(data_key := _new_data_key(), _HERE), data_key)


def _gives_back_bytes(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    answer = store.unwrap(store.wrap(_new_data_key(), _HERE), _HERE)
    _expect(type(answer) is bytes, f"unwrap answers with bytes, not {type(answer).__name__}.")


def _takes_every_byte_in_a_data_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    for first in range(0, 256, _DATA_KEY_BYTES):
        data_key = bytes(range(first, first + _DATA_KEY_BYTES))
        _expect_opens(store, store.wrap(data_key, _HERE), data_key)


def _another_process_opens_it(harness: KeyStoreHarness) -> None:
    data_key = _new_data_key()
    wrapped = harness.key_store().wrap(data_key, _HERE)
    _expect_opens(harness.key_store(), wrapped, data_key)


def _serves_threads_at_once(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    data_keys = [_new_data_key() for _ in range(32)]

    def there_and_back(data_key: bytes) -> bytes:
        return store.unwrap(store.wrap(data_key, _HERE), _HERE)

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(there_and_back, data_keys))
    _expect(answers == data_keys, "Threads that wrap at once each get their own data key back.")


# -- What a wrapped key looks like -----------------------------------------------------------------


def _has_a_primary_version(harness: KeyStoreHarness) -> None:
    version: object = harness.key_store().primary_version
    _expect(isinstance(version, str), "primary_version is text.")
    _expect(version != "", "primary_version is not empty.")


def _primary_version_stays(harness: KeyStoreHarness) -> None:
    versions = {harness.key_store().primary_version for _ in range(3)}
    _expect(len(versions) == 1, "primary_version stays the same until somebody rotates.")


def _names_the_version_it_used(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    wrapped = store.wrap(_new_data_key(), _HERE)
    _expect(
        wrapped.key_version == store.primary_version,
        "wrap names the primary version as the one it used; a rotation finds rows by it.",
    )


def _blob_is_short_bytes(harness: KeyStoreHarness) -> None:
    blob = harness.key_store().wrap(_new_data_key(), _HERE).blob
    _expect(type(blob) is bytes, "A wrapped key's blob is bytes.")
    _expect(
        0 < len(blob) <= LONGEST_BLOB_BYTES,
        f"A wrapped key's blob has 1 to {LONGEST_BLOB_BYTES} bytes; this one has {len(blob)}.",
    )


def _blob_hides_the_data_key(harness: KeyStoreHarness) -> None:
    data_key = _new_data_key()
    blob = harness.key_store().wrap(data_key, _HERE).blob
    _expect(not _shows(blob, data_key), "A wrapped key's blob does not show the data key.")


def _wraps_anew_each_time(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    data_key = _new_data_key()
    first, second = store.wrap(data_key, _HERE), store.wrap(data_key, _HERE)
    _expect(first.blob != second.blob, "Wrapping one data key twice gives two different blobs.")


# -- It opens in its own place only ----------------------------------------------------------------


def _refuses_another_place(harness: KeyStoreHarness) -> None:
    _expect_bound(harness, _HERE, _ELSEWHERE)


def _refuses_no_place(harness: KeyStoreHarness) -> None:
    _expect_bound(harness, _HERE, b"")


def _refuses_a_shortened_place(harness: KeyStoreHarness) -> None:
    _expect_bound(harness, _HERE, _HERE[:-1])


def _refuses_a_lengthened_place(harness: KeyStoreHarness) -> None:
    _expect_bound(harness, _HERE, _HERE + b"\x00")


def _refuses_another_case_of_letters(harness: KeyStoreHarness) -> None:
    _expect_bound(harness, _HERE, _HERE.upper())


def _refuses_surrounding_whitespace(harness: KeyStoreHarness) -> None:
    _expect_bound(harness, _HERE, b" " + _HERE + b"\n")


def _binds_bytes_that_are_no_text(harness: KeyStoreHarness) -> None:
    # A store that decodes the place loosely would take these two for the same.
    _expect_bound(harness, b"place \xff", b"place \xfe")


def _binds_the_end_of_a_long_place(harness: KeyStoreHarness) -> None:
    _expect_bound(harness, b"p" * 1023 + b"1", b"p" * 1023 + b"2")


def _refuses_swapped_blobs(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    here, elsewhere = store.wrap(_new_data_key(), _HERE), store.wrap(_new_data_key(), _ELSEWHERE)
    _expect_raises(SealBroken, lambda: store.unwrap(elsewhere, _HERE))
    _expect_raises(SealBroken, lambda: store.unwrap(here, _ELSEWHERE))


# -- It opens unaltered only -----------------------------------------------------------------------


def _refuses_an_altered_start(harness: KeyStoreHarness) -> None:
    _expect_altered_blob_refused(harness, lambda blob: _flip(blob, 0))


def _refuses_an_altered_middle(harness: KeyStoreHarness) -> None:
    _expect_altered_blob_refused(harness, lambda blob: _flip(blob, len(blob) // 2))


def _refuses_an_altered_end(harness: KeyStoreHarness) -> None:
    _expect_altered_blob_refused(harness, lambda blob: _flip(blob, len(blob) - 1))


def _refuses_a_shortened_blob(harness: KeyStoreHarness) -> None:
    _expect_altered_blob_refused(harness, lambda blob: blob[:-1])


def _refuses_a_lengthened_blob(harness: KeyStoreHarness) -> None:
    _expect_altered_blob_refused(harness, lambda blob: blob + b"\x00")


def _refuses_an_empty_blob(harness: KeyStoreHarness) -> None:
    _expect_altered_blob_refused(harness, lambda _: b"")


def _refuses_a_foreign_blob(harness: KeyStoreHarness) -> None:
    _expect_altered_blob_refused(harness, lambda blob: os.urandom(len(blob)))


# -- Master keys change ----------------------------------------------------------------------------


def _unknown_version_is_named_so(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    stranger = replace(store.wrap(_new_data_key(), _HERE), key_version="never-existed")
    _expect_raises(KeyVersionUnknown, lambda: store.unwrap(stranger, _HERE))


def _rotation_changes_the_primary(harness: KeyStoreHarness) -> None:
    before = harness.key_store().primary_version
    harness.rotate()
    _expect(harness.key_store().primary_version != before, "Rotating makes a new version primary.")


def _rotation_wraps_under_the_new(harness: KeyStoreHarness) -> None:
    harness.rotate()
    store = harness.key_store()
    wrapped = store.wrap(data_key := _new_data_key(), _HERE)
    _expect(wrapped.key_version == store.primary_version, "After rotating, the new key wraps.")
    _expect_opens(store, wrapped, data_key)


def _rotation_still_opens_the_old(harness: KeyStoreHarness) -> None:
    data_key = _new_data_key()
    wrapped = harness.key_store().wrap(data_key, _HERE)
    harness.rotate()
    harness.rotate()
    _expect_opens(harness.key_store(), wrapped, data_key)


def _refuses_a_blob_under_another_version(harness: KeyStoreHarness) -> None:
    wrapped = harness.key_store().wrap(_new_data_key(), _HERE)
    harness.rotate()
    store = harness.key_store()
    relabelled = replace(wrapped, key_version=store.primary_version)
    # Else a row could claim a version it is not under, and be lost when the old key is destroyed.
    _expect_raises(SealBroken, lambda: store.unwrap(relabelled, _HERE))


def _destroyed_version_is_named_so(harness: KeyStoreHarness) -> None:
    wrapped = harness.key_store().wrap(_new_data_key(), _HERE)
    harness.rotate()
    harness.destroy(wrapped.key_version)
    _expect_raises(KeyVersionUnknown, lambda: harness.key_store().unwrap(wrapped, _HERE))


def _destroying_one_leaves_the_others(harness: KeyStoreHarness) -> None:
    data_key = _new_data_key()
    old = harness.key_store().wrap(data_key, _HERE)
    harness.rotate()
    rewrapped = harness.key_store().wrap(harness.key_store().unwrap(old, _HERE), _HERE)
    harness.destroy(old.key_version)
    _expect_opens(harness.key_store(), rewrapped, data_key)


# -- It keeps its mouth shut -----------------------------------------------------------------------


def _errors_show_no_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    wrapped = store.wrap(data_key := _new_data_key(), _HERE)
    error = _expect_raises(SealBroken, lambda: store.unwrap(wrapped, _ELSEWHERE))
    _expect(not _shows(str(error).encode(), data_key), "An error's message shows no data key.")
    _expect(not _shows(str(error).encode(), wrapped.blob), "An error's message shows no blob.")


def _repr_shows_no_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    store.unwrap(store.wrap(data_key := _new_data_key(), _HERE), _HERE)
    _expect(not _shows(repr(store).encode(), data_key), "A store's repr shows no data key.")


# -- It fails in a way that can be waited out ------------------------------------------------------


def _wrapping_waits_out(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        with harness.failing(fault):
            _expect_raises(KeyStoreUnavailable, lambda: store.wrap(_new_data_key(), _HERE))

    return KeyStoreCase(f"{fault} while wrapping is unavailable", check, fault)


def _unwrapping_waits_out(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        wrapped = store.wrap(_new_data_key(), _HERE)
        with harness.failing(fault):
            _expect_raises(KeyStoreUnavailable, lambda: store.unwrap(wrapped, _HERE))

    return KeyStoreCase(f"{fault} while unwrapping is unavailable", check, fault)


def _recovers(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        wrapped = store.wrap(data_key := _new_data_key(), _HERE)
        with harness.failing(fault):
            _expect_raises(KeyStoreUnavailable, lambda: store.unwrap(wrapped, _HERE))
        _expect_opens(store, wrapped, data_key)

    return KeyStoreCase(f"{fault} passes and the same store opens again", check, fault)


def _gives_up_in_time(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        started = time.monotonic()
        with harness.failing(fault):
            _expect_raises(KeyStoreUnavailable, lambda: store.wrap(_new_data_key(), _HERE))
        seconds = time.monotonic() - started
        _expect(
            seconds < LONGEST_WAIT_SECONDS,
            f"A store gives up within {LONGEST_WAIT_SECONDS:g} s; this one took {seconds:.1f} s.",
        )

    return KeyStoreCase(f"{fault} is given up in time", check, fault)


# -- The list --------------------------------------------------------------------------------------


def _case(check: Callable[[KeyStoreHarness], None]) -> KeyStoreCase:
    return KeyStoreCase(check.__name__.strip("_").replace("_", " "), check)


_CASES = (
    *(
        _case(check)
        for check in (
            _gives_back_the_data_key,
            _gives_back_bytes,
            _takes_every_byte_in_a_data_key,
            _another_process_opens_it,
            _serves_threads_at_once,
            _has_a_primary_version,
            _primary_version_stays,
            _names_the_version_it_used,
            _blob_is_short_bytes,
            _blob_hides_the_data_key,
            _wraps_anew_each_time,
            _refuses_another_place,
            _refuses_no_place,
            _refuses_a_shortened_place,
            _refuses_a_lengthened_place,
            _refuses_another_case_of_letters,
            _refuses_surrounding_whitespace,
            _binds_bytes_that_are_no_text,
            _binds_the_end_of_a_long_place,
            _refuses_swapped_blobs,
            _refuses_an_altered_start,
            _refuses_an_altered_middle,
            _refuses_an_altered_end,
            _refuses_a_shortened_blob,
            _refuses_a_lengthened_blob,
            _refuses_an_empty_blob,
            _refuses_a_foreign_blob,
            _unknown_version_is_named_so,
            _rotation_changes_the_primary,
            _rotation_wraps_under_the_new,
            _rotation_still_opens_the_old,
            _refuses_a_blob_under_another_version,
            _destroyed_version_is_named_so,
            _destroying_one_leaves_the_others,
            _errors_show_no_key,
            _repr_shows_no_key,
        )
    ),
    *(_wrapping_waits_out(fault) for fault in Fault),
    *(_unwrapping_waits_out(fault) for fault in Fault),
    *(_recovers(fault) for fault in Fault),
    _gives_up_in_time(Fault.SLOW),
)


# -- What the cases say ----------------------------------------------------------------------------


def _new_data_key() -> bytes:
    return os.urandom(_DATA_KEY_BYTES)


def _expect(kept: bool, sentence: str) -> None:  # noqa: FBT001  reads like an assert statement
    if not kept:
        raise AssertionError(sentence)


def _expect_opens(store: KeyStore, wrapped: WrappedKey, data_key: bytes) -> None:
    _expect(store.unwrap(wrapped, _HERE) == data_key, "unwrap gives back what was wrapped.")


def _expect_raises(kind: type[TokenOffsetError], call: Callable[[], object]) -> TokenOffsetError:
    try:
        call()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(
            f"The store raises {kind.__name__} here; it raised {type(error).__name__}."
        ) from error
    raise AssertionError(f"The store raises {kind.__name__} here; it answered.")


def _expect_bound(harness: KeyStoreHarness, place: bytes, other_place: bytes) -> None:
    store = harness.key_store()
    wrapped = store.wrap(data_key := _new_data_key(), place)
    # Without this a store that refuses everything would pass.
    _expect(store.unwrap(wrapped, place) == data_key, "It opens in its own place.")
    _expect_raises(SealBroken, lambda: store.unwrap(wrapped, other_place))


def _expect_altered_blob_refused(harness: KeyStoreHarness, alter: Callable[[bytes], bytes]) -> None:
    store = harness.key_store()
    wrapped = store.wrap(data_key := _new_data_key(), _HERE)
    _expect_opens(store, wrapped, data_key)
    altered = WrappedKey(wrapped.key_version, alter(wrapped.blob))
    _expect_raises(SealBroken, lambda: store.unwrap(altered, _HERE))


def _flip(blob: bytes, position: int) -> bytes:
    return blob[:position] + bytes([blob[position] ^ 0x01]) + blob[position + 1 :]


def _shows(text: bytes, key: bytes) -> bool:
    """Say whether a key stands in a text: as it is, in hexadecimal, in base64 or as a repr."""
    written = (key, key.hex().encode(), base64.b64encode(key), repr(key)[2:-1].encode())
    return any(form in text for form in written)
