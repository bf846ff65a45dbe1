"""The cases: each is one thing that a vault relies on."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import KeyStoreUnavailable, KeyVersionUnknown, SealBroken
from flask_tokenoffset.testing.key_store.expectations import (
    DATA_KEY_BYTES,
    ELSEWHERE,
    HERE,
    expect,
    expect_altered_blob_refused,
    expect_bound,
    expect_opens,
    expect_raises,
    flip,
    new_data_key,
    shows,
)
from flask_tokenoffset.testing.key_store.harness import Fault, KeyStoreCase

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flask_tokenoffset.testing.key_store.harness import KeyStoreHarness

#: The room a row has for a wrapped key, as much as AWS KMS ever answers with.
LONGEST_BLOB_BYTES = 6144
#: Past this a store that hangs holds up a worker; it must give up before.
LONGEST_WAIT_SECONDS = 10.0


def key_store_cases(*, faults: Collection[Fault] = tuple(Fault)) -> tuple[KeyStoreCase, ...]:
    """List the cases.

    :param faults: the faults that can happen to the store under test. A store inside the process
        has none; leave none out for one that is reached over a network.
    """
    return tuple(case for case in _CASES if case.fault is None or case.fault in faults)


# -- What is wrapped comes back --------------------------------------------------------------------


def _gives_back_the_data_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    expect_opens(store, store.wrap(data_key := new_data_key(), HERE), data_key)


def _gives_back_bytes(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    answer = store.unwrap(store.wrap(new_data_key(), HERE), HERE)
    expect(type(answer) is bytes, f"unwrap answers with bytes, not {type(answer).__name__}.")


def _takes_every_byte_in_a_data_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    for first in range(0, 256, DATA_KEY_BYTES):
        data_key = bytes(range(first, first + DATA_KEY_BYTES))
        expect_opens(store, store.wrap(data_key, HERE), data_key)


def _another_process_opens_it(harness: KeyStoreHarness) -> None:
    data_key = new_data_key()
    wrapped = harness.key_store().wrap(data_key, HERE)
    expect_opens(harness.key_store(), wrapped, data_key)


def _serves_threads_at_once(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    data_keys = [new_data_key() for _ in range(32)]

    def there_and_back(data_key: bytes) -> bytes:
        return store.unwrap(store.wrap(data_key, HERE), HERE)

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(there_and_back, data_keys))
    expect(answers == data_keys, "Threads that wrap at once each get their own data key back.")


# -- What a wrapped key looks like -----------------------------------------------------------------


def _has_a_primary_version(harness: KeyStoreHarness) -> None:
    version: object = harness.key_store().primary_version
    expect(isinstance(version, str), "primary_version is text.")
    expect(version != "", "primary_version is not empty.")


def _primary_version_stays(harness: KeyStoreHarness) -> None:
    versions = {harness.key_store().primary_version for _ in range(3)}
    expect(len(versions) == 1, "primary_version stays the same until somebody rotates.")


def _names_the_version_it_used(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    wrapped = store.wrap(new_data_key(), HERE)
    expect(
        wrapped.key_version == store.primary_version,
        "wrap names the primary version as the one it used; a rotation finds rows by it.",
    )


def _blob_is_short_bytes(harness: KeyStoreHarness) -> None:
    blob = harness.key_store().wrap(new_data_key(), HERE).blob
    expect(type(blob) is bytes, "A wrapped key's blob is bytes.")
    expect(
        0 < len(blob) <= LONGEST_BLOB_BYTES,
        f"A wrapped key's blob has 1 to {LONGEST_BLOB_BYTES} bytes; this one has {len(blob)}.",
    )


def _blob_hides_the_data_key(harness: KeyStoreHarness) -> None:
    data_key = new_data_key()
    blob = harness.key_store().wrap(data_key, HERE).blob
    expect(not shows(blob, data_key), "A wrapped key's blob does not show the data key.")


def _wraps_anew_each_time(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    data_key = new_data_key()
    first, second = store.wrap(data_key, HERE), store.wrap(data_key, HERE)
    expect(first.blob != second.blob, "Wrapping one data key twice gives two different blobs.")


# -- It opens in its own place only ----------------------------------------------------------------


def _refuses_another_place(harness: KeyStoreHarness) -> None:
    expect_bound(harness, HERE, ELSEWHERE)


def _refuses_no_place(harness: KeyStoreHarness) -> None:
    expect_bound(harness, HERE, b"")


def _refuses_a_shortened_place(harness: KeyStoreHarness) -> None:
    expect_bound(harness, HERE, HERE[:-1])


def _refuses_a_lengthened_place(harness: KeyStoreHarness) -> None:
    expect_bound(harness, HERE, HERE + b"\x00")


def _refuses_another_case_of_letters(harness: KeyStoreHarness) -> None:
    expect_bound(harness, HERE, HERE.upper())


def _refuses_surrounding_whitespace(harness: KeyStoreHarness) -> None:
    expect_bound(harness, HERE, b" " + HERE + b"\n")


def _binds_bytes_that_are_no_text(harness: KeyStoreHarness) -> None:
    # A store that decodes the place loosely would take these two for the same.
    expect_bound(harness, b"place \xff", b"place \xfe")


def _binds_the_end_of_a_long_place(harness: KeyStoreHarness) -> None:
    expect_bound(harness, b"p" * 1023 + b"1", b"p" * 1023 + b"2")


def _refuses_swapped_blobs(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    here, elsewhere = store.wrap(new_data_key(), HERE), store.wrap(new_data_key(), ELSEWHERE)
    expect_raises(SealBroken, lambda: store.unwrap(elsewhere, HERE))
    expect_raises(SealBroken, lambda: store.unwrap(here, ELSEWHERE))


# -- It opens unaltered only -----------------------------------------------------------------------


def _refuses_an_altered_start(harness: KeyStoreHarness) -> None:
    expect_altered_blob_refused(harness, lambda blob: flip(blob, 0))


def _refuses_an_altered_middle(harness: KeyStoreHarness) -> None:
    expect_altered_blob_refused(harness, lambda blob: flip(blob, len(blob) // 2))


def _refuses_an_altered_end(harness: KeyStoreHarness) -> None:
    expect_altered_blob_refused(harness, lambda blob: flip(blob, len(blob) - 1))


def _refuses_a_shortened_blob(harness: KeyStoreHarness) -> None:
    expect_altered_blob_refused(harness, lambda blob: blob[:-1])


def _refuses_a_lengthened_blob(harness: KeyStoreHarness) -> None:
    expect_altered_blob_refused(harness, lambda blob: blob + b"\x00")


def _refuses_an_empty_blob(harness: KeyStoreHarness) -> None:
    expect_altered_blob_refused(harness, lambda _: b"")


def _refuses_a_foreign_blob(harness: KeyStoreHarness) -> None:
    expect_altered_blob_refused(harness, lambda blob: os.urandom(len(blob)))


# -- Master keys change ----------------------------------------------------------------------------


def _unknown_version_is_named_so(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    stranger = replace(store.wrap(new_data_key(), HERE), key_version="never-existed")
    expect_raises(KeyVersionUnknown, lambda: store.unwrap(stranger, HERE))


def _rotation_changes_the_primary(harness: KeyStoreHarness) -> None:
    before = harness.key_store().primary_version
    harness.rotate()
    expect(harness.key_store().primary_version != before, "Rotating makes a new version primary.")


def _rotation_wraps_under_the_new(harness: KeyStoreHarness) -> None:
    harness.rotate()
    store = harness.key_store()
    wrapped = store.wrap(data_key := new_data_key(), HERE)
    expect(wrapped.key_version == store.primary_version, "After rotating, the new key wraps.")
    expect_opens(store, wrapped, data_key)


def _rotation_still_opens_the_old(harness: KeyStoreHarness) -> None:
    data_key = new_data_key()
    wrapped = harness.key_store().wrap(data_key, HERE)
    harness.rotate()
    harness.rotate()
    expect_opens(harness.key_store(), wrapped, data_key)


def _refuses_a_blob_under_another_version(harness: KeyStoreHarness) -> None:
    wrapped = harness.key_store().wrap(new_data_key(), HERE)
    harness.rotate()
    store = harness.key_store()
    relabelled = replace(wrapped, key_version=store.primary_version)
    # Else a row could claim a version it is not under, and be lost when the old key is destroyed.
    expect_raises(SealBroken, lambda: store.unwrap(relabelled, HERE))


def _destroyed_version_is_named_so(harness: KeyStoreHarness) -> None:
    wrapped = harness.key_store().wrap(new_data_key(), HERE)
    harness.rotate()
    harness.destroy(wrapped.key_version)
    expect_raises(KeyVersionUnknown, lambda: harness.key_store().unwrap(wrapped, HERE))


def _destroying_one_leaves_the_others(harness: KeyStoreHarness) -> None:
    data_key = new_data_key()
    old = harness.key_store().wrap(data_key, HERE)
    harness.rotate()
    rewrapped = harness.key_store().wrap(harness.key_store().unwrap(old, HERE), HERE)
    harness.destroy(old.key_version)
    expect_opens(harness.key_store(), rewrapped, data_key)


# -- It keeps its mouth shut -----------------------------------------------------------------------


def _errors_show_no_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    wrapped = store.wrap(data_key := new_data_key(), HERE)
    error = expect_raises(SealBroken, lambda: store.unwrap(wrapped, ELSEWHERE))
    expect(not shows(str(error).encode(), data_key), "An error's message shows no data key.")
    expect(not shows(str(error).encode(), wrapped.blob), "An error's message shows no blob.")


def _repr_shows_no_key(harness: KeyStoreHarness) -> None:
    store = harness.key_store()
    store.unwrap(store.wrap(data_key := new_data_key(), HERE), HERE)
    expect(not shows(repr(store).encode(), data_key), "A store's repr shows no data key.")


# -- It fails in a way that can be waited out ------------------------------------------------------


def _wrapping_waits_out(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        with harness.failing(fault):
            expect_raises(KeyStoreUnavailable, lambda: store.wrap(new_data_key(), HERE))

    return KeyStoreCase(f"{fault} while wrapping is unavailable", check, fault)


def _unwrapping_waits_out(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        wrapped = store.wrap(new_data_key(), HERE)
        with harness.failing(fault):
            expect_raises(KeyStoreUnavailable, lambda: store.unwrap(wrapped, HERE))

    return KeyStoreCase(f"{fault} while unwrapping is unavailable", check, fault)


def _recovers(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        wrapped = store.wrap(data_key := new_data_key(), HERE)
        with harness.failing(fault):
            expect_raises(KeyStoreUnavailable, lambda: store.unwrap(wrapped, HERE))
        expect_opens(store, wrapped, data_key)

    return KeyStoreCase(f"{fault} passes and the same store opens again", check, fault)


def _gives_up_in_time(fault: Fault) -> KeyStoreCase:
    def check(harness: KeyStoreHarness) -> None:
        store = harness.key_store()
        started = time.monotonic()
        with harness.failing(fault):
            expect_raises(KeyStoreUnavailable, lambda: store.wrap(new_data_key(), HERE))
        seconds = time.monotonic() - started
        expect(
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
