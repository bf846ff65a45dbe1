"""S2 to S5, S12: a secret opens in its own place, under its own key, or not at all."""

from __future__ import annotations

import os
import sqlite3
import traceback
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import (
    KeyStoreUnavailable,
    KeyVersionUnknown,
    SealBroken,
    VaultError,
    VaultShut,
)
from flask_tokenoffset.vault import (
    KeyRing,
    LocalKeyStore,
    MasterKey,
    SealedSecret,
    Secret,
    SecretContext,
    Vault,
    WrappedKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-admin-canary-4f9c2d7be1"
OLD, NEW = MasterKey("2026-05", os.urandom(32)), MasterKey("2026-11", os.urandom(32))
HERE = SecretContext("connections", "1", "account-1", "openai", "key")
ELSEWHERE = replace(HERE, row_id="2")


def make_vault(*keys: MasterKey) -> Vault:
    return Vault(LocalKeyStore(KeyRing(keys or (OLD,))))


class BrokenKeyStore:
    """Raises one error from everything it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def primary_version(self) -> str:
        raise self.error

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        raise self.error

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        raise self.error


@given(st.text(st.characters(), min_size=1))
def test_what_was_sealed_opens_in_its_place(text: str) -> None:
    vault = make_vault()
    assert vault.open(vault.seal(Secret(text), HERE), HERE).reveal() == text


@pytest.mark.promise("TO-003", "TS-005")
def test_nothing_readable_is_stored() -> None:
    sealed = make_vault().seal(Secret(KEY), HERE)
    stored = b"".join((sealed.wrapped_key, sealed.nonce, sealed.ciphertext))
    assert not any(KEY[start : start + 4].encode() in stored for start in range(len(KEY) - 3))
    assert len(sealed.nonce) == 12
    assert len(sealed.ciphertext) == len(KEY) + 16


@pytest.mark.promise("TO-003")
def test_without_the_applications_key_the_ciphertext_is_useless() -> None:
    sealed = make_vault(OLD).seal(Secret(KEY), HERE)
    assert make_vault(OLD).open(sealed, HERE) == Secret(KEY)
    # A thief makes a ring of their own, even with the version's own name.
    with pytest.raises(SealBroken):
        make_vault(MasterKey(OLD.version, os.urandom(32))).open(sealed, HERE)
    with pytest.raises(KeyVersionUnknown, match="2026-05"):
        make_vault(NEW).open(sealed, HERE)


@pytest.mark.promise("TO-003")
@pytest.mark.parametrize("name", [element.name for element in fields(SecretContext)])
def test_altering_one_element_of_the_place_breaks_the_seal(name: str) -> None:
    vault = make_vault()
    sealed = vault.seal(Secret(KEY), HERE)
    elsewhere = replace(HERE, **{name: "other"})
    for attempt in (vault.open, vault.rewrap):
        with pytest.raises(SealBroken):
            attempt(sealed, elsewhere)
    assert vault.open(sealed, HERE) == Secret(KEY)


@pytest.mark.promise("TO-003")
def test_two_rows_swapped_by_raw_sql_do_not_open() -> None:
    vault = make_vault()
    database = sqlite3.connect(":memory:")
    columns = [column.name for column in fields(SealedSecret)]
    database.execute(f"CREATE TABLE connections (id TEXT, {', '.join(columns)})")

    def insert(context: SecretContext, secret: Secret) -> None:
        sealed = vault.seal(secret, context)
        values = [context.row_id, *(getattr(sealed, name) for name in columns)]
        database.execute(f"INSERT INTO connections VALUES ({', '.join('?' * len(values))})", values)

    def load(row_id: str) -> SealedSecret:
        select = f"SELECT {', '.join(columns)} FROM connections WHERE id = ?"
        return SealedSecret(*database.execute(select, [row_id]).fetchone())

    insert(HERE, Secret(KEY))
    insert(ELSEWHERE, Secret("sk-admin-another-key-1234"))
    assert vault.open(load("1"), HERE) == Secret(KEY)
    database.execute("UPDATE connections SET id = CASE id WHEN '1' THEN '2' ELSE '1' END")
    for context in (HERE, ELSEWHERE):
        with pytest.raises(SealBroken):
            vault.open(load(context.row_id), context)
    database.close()


@pytest.mark.parametrize("column", ["wrapped_key", "nonce", "ciphertext"])
def test_flipping_any_byte_breaks_the_seal(column: str) -> None:
    vault = make_vault()
    sealed = vault.seal(Secret(KEY), HERE)
    octets: bytes = getattr(sealed, column)
    for position in range(len(octets)):
        for mask in (0x01, 0x80, 0xFF):
            altered = bytearray(octets)
            altered[position] ^= mask
            with pytest.raises(SealBroken):
                vault.open(_with(sealed, column, bytes(altered)), HERE)


@pytest.mark.parametrize("column", ["wrapped_key", "nonce", "ciphertext"])
def test_shortening_lengthening_or_emptying_a_column_breaks_the_seal(column: str) -> None:
    vault = make_vault()
    sealed = vault.seal(Secret(KEY), HERE)
    octets: bytes = getattr(sealed, column)
    for altered in (octets[:-1], octets[1:], octets + b"\x00", b""):
        with pytest.raises(SealBroken):
            vault.open(_with(sealed, column, altered), HERE)


@pytest.mark.parametrize("column", ["data_key_id", "wrapped_key", "nonce", "ciphertext"])
def test_exchanging_one_column_with_a_newer_seal_of_the_same_place_breaks_both(column: str) -> None:
    vault = make_vault()
    first, second = (vault.seal(Secret(KEY), HERE) for _ in range(2))
    for sealed, other in ((first, second), (second, first)):
        with pytest.raises(SealBroken):
            vault.open(_with(sealed, column, getattr(other, column)), HERE)


@pytest.mark.parametrize("version", [0, 2, -1])
def test_another_schema_version_is_refused(version: int) -> None:
    vault = make_vault()
    sealed = replace(vault.seal(Secret(KEY), HERE), schema_version=version)
    for attempt in (vault.open, vault.rewrap):
        with pytest.raises(SealBroken, match=f"layout {version}"):
            attempt(sealed, HERE)


def _with(sealed: SealedSecret, column: str, value: Any) -> SealedSecret:
    return replace(sealed, **{column: value})


# -- A data key each (S3) --------------------------------------------------------------------------


class WatchingKeyStore(LocalKeyStore):
    """Remembers what it was asked to wrap and unwrap."""

    def __init__(self, key_ring: KeyRing) -> None:
        super().__init__(key_ring)
        self.wrapped: list[tuple[bytes, bytes]] = []
        self.unwrapped: list[bytes] = []

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        self.wrapped.append((data_key, associated_data))
        return super().wrap(data_key, associated_data)

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        self.unwrapped.append(associated_data)
        return super().unwrap(wrapped, associated_data)


@pytest.mark.promise("TS-005")
def test_every_secret_has_a_256_bit_data_key_of_its_own() -> None:
    store = WatchingKeyStore(KeyRing((OLD,)))
    vault = Vault(store)
    sealed = [vault.seal(Secret(KEY), HERE) for _ in range(200)]
    assert len({data_key for data_key, _ in store.wrapped}) == 200
    assert {len(data_key) for data_key, _ in store.wrapped} == {32}
    for column in ("data_key_id", "wrapped_key", "nonce", "ciphertext"):
        assert len({getattr(one, column) for one in sealed}) == 200


def test_wrapping_and_unwrapping_are_bound_to_the_same_place() -> None:
    store = WatchingKeyStore(KeyRing((OLD,)))
    vault = Vault(store)
    sealed = vault.seal(Secret(KEY), HERE)
    vault.open(sealed, HERE)
    assert [bound_to for _, bound_to in store.wrapped] == store.unwrapped
    for element in (*(getattr(HERE, each.name) for each in fields(HERE)), sealed.data_key_id):
        assert element.encode() in store.unwrapped[0]
    assert OLD.version.encode() not in store.unwrapped[0]


# -- Rotation (S5) ---------------------------------------------------------------------------------


def test_rewrapping_changes_the_wrapped_key_and_nothing_else() -> None:
    sealed = make_vault(OLD).seal(Secret(KEY), HERE)
    rewrapped = make_vault(NEW, OLD).rewrap(sealed, HERE)
    assert (sealed.key_version, rewrapped.key_version) == ("2026-05", "2026-11")
    assert rewrapped.wrapped_key != sealed.wrapped_key
    assert rewrapped == replace(
        sealed, key_version=rewrapped.key_version, wrapped_key=rewrapped.wrapped_key
    )


@pytest.mark.promise("TO-003")
def test_the_four_steps_of_a_rotation_never_lose_a_secret() -> None:
    rows = {
        context: make_vault(OLD).seal(Secret(f"{KEY}-{context.row_id}"), context)
        for context in (replace(HERE, row_id=str(number)) for number in range(20))
    }

    def all_open(vault: Vault) -> bool:
        return all(
            vault.open(sealed, context) == Secret(f"{KEY}-{context.row_id}")
            for context, sealed in rows.items()
        )

    added, made_primary, retired = make_vault(OLD, NEW), make_vault(NEW, OLD), make_vault(NEW)
    assert all_open(added)
    assert added.primary_version == "2026-05"
    assert all_open(made_primary)
    for context in list(rows):
        # Both sides of a deployment read on while rows are rewrapped one by one, and a rewrap that
        # was interrupted after its commit runs again.
        rows[context] = made_primary.rewrap(rows[context], context)
        rows[context] = made_primary.rewrap(rows[context], context)
        assert all_open(added)
        assert all_open(made_primary)
    assert {sealed.key_version for sealed in rows.values()} == {retired.primary_version}
    assert all_open(retired)


def test_a_row_left_behind_names_the_key_it_needs() -> None:
    sealed = make_vault(OLD).seal(Secret(KEY), HERE)
    for attempt in (make_vault(NEW).open, make_vault(NEW).rewrap):
        with pytest.raises(KeyVersionUnknown, match="2026-05, which is not in TOKENOFFSET_KEYS"):
            attempt(sealed, HERE)


# -- Failing closed (S4, S12) ----------------------------------------------------------------------

ATTEMPTS: dict[str, Callable[[Vault, SealedSecret], object]] = {
    "seal": lambda vault, sealed: vault.seal(Secret(KEY), HERE),
    "open": lambda vault, sealed: vault.open(sealed, HERE),
    "rewrap": lambda vault, sealed: vault.rewrap(sealed, HERE),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_shut_vault_says_why_and_asks_no_key_store(
    attempt: Callable[[Vault, SealedSecret], object],
) -> None:
    sealed = make_vault().seal(Secret(KEY), HERE)
    attempt(make_vault(), sealed)
    untouchable = BrokenKeyStore(AssertionError("asked"))
    with pytest.raises(VaultShut) as refused:
        attempt(Vault(untouchable, shut_because="The debugger is on."), sealed)
    assert refused.value.message == "The debugger is on."


@pytest.mark.parametrize("reason", ["The debugger is on.", ""])
def test_any_reason_shuts_it(reason: str) -> None:
    vault = Vault(LocalKeyStore(KeyRing((OLD,))), shut_because=reason)
    assert vault.shut_because == reason
    with pytest.raises(VaultShut):
        vault.seal(Secret(KEY), HERE)
    # It is no secret, and the one who mends the mounting needs it.
    assert vault.primary_version == "2026-05"


def test_an_open_vault_has_no_reason() -> None:
    assert make_vault().shut_because is None


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyStoreUnavailable("Down."), KeyStoreUnavailable),
        (KeyVersionUnknown("Gone."), KeyVersionUnknown),
        (SealBroken("Altered."), SealBroken),
        (VaultError("Other."), VaultError),
        (OSError("connection lost"), KeyStoreUnavailable),
        (TimeoutError(), KeyStoreUnavailable),
        (ValueError("canary-in-a-message"), KeyStoreUnavailable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_a_failing_key_store_leaves_as_a_vault_error(
    attempt: Callable[[Vault, SealedSecret], object], error: Exception, kind: type[VaultError]
) -> None:
    sealed = make_vault().seal(Secret(KEY), HERE)
    with pytest.raises(VaultError) as refused:
        attempt(Vault(BrokenKeyStore(error)), sealed)
    assert type(refused.value) is kind
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_a_primary_version_that_cannot_be_told_is_a_vault_error() -> None:
    with pytest.raises(KeyStoreUnavailable, match="TimeoutError"):
        _ = Vault(BrokenKeyStore(TimeoutError())).primary_version


def test_an_answer_that_is_no_data_key_is_refused() -> None:
    class ShortKeyStore(LocalKeyStore):
        def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
            return super().unwrap(wrapped, associated_data)[:16]

    sealed = make_vault().seal(Secret(KEY), HERE)
    vault = Vault(ShortKeyStore(KeyRing((OLD,))))
    for attempt in (vault.open, vault.rewrap):
        with pytest.raises(KeyStoreUnavailable, match="not a data key"):
            attempt(sealed, HERE)


# -- Tracebacks (S8) -------------------------------------------------------------------------------


class LeakyKeyStore(WatchingKeyStore):
    """Opens, and then fails to wrap, with key material in locals, message and cause."""

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        written = data_key.hex()
        self.wrapped.append((data_key, associated_data))
        try:
            raise ValueError(written)
        except ValueError as error:
            raise KeyStoreUnavailable("The key store is down.") from error


def test_a_failed_rewrap_shows_no_data_key_with_locals() -> None:
    sealed = make_vault().seal(Secret(KEY), HERE)
    store = LeakyKeyStore(KeyRing((OLD,)))
    with pytest.raises(KeyStoreUnavailable, match="The key store is down") as refused:
        Vault(store).rewrap(sealed, HERE)
    # An error reporter may walk a context that a printed traceback leaves out.
    assert refused.value.__context__ is None
    _expect_hidden(refused.value, store.wrapped[0][0])


@pytest.mark.parametrize("column", ["nonce", "ciphertext"])
def test_a_broken_seal_shows_no_data_key_and_no_secret_with_locals(column: str) -> None:
    store = WatchingKeyStore(KeyRing((OLD,)))
    vault = Vault(store)
    sealed = vault.seal(Secret(KEY), HERE)
    altered = bytearray(getattr(sealed, column))
    altered[0] ^= 1
    with pytest.raises(SealBroken) as refused:
        vault.open(_with(sealed, column, bytes(altered)), HERE)
    _expect_hidden(refused.value, store.wrapped[0][0])


def test_a_failed_seal_shows_no_secret_with_locals() -> None:
    with pytest.raises(KeyStoreUnavailable) as refused:
        Vault(BrokenKeyStore(OSError())).seal(Secret(KEY), HERE)
    _expect_hidden(refused.value, OLD.key)


def _expect_hidden(error: BaseException, key: bytes) -> None:
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    rendered = "".join(lines)
    # The place is no secret; it proves that the vault's own locals are rendered.
    assert "row_id='1'" in rendered
    for canary in (KEY, repr(key)[2:-1], key.hex(), repr(OLD.key)[2:-1]):
        assert canary not in rendered
