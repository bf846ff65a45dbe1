"""S3: one conformance suite, three kinds of key store, and proof that it catches bad ones."""

from __future__ import annotations

import base64
import itertools
import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from flask_tokenoffset.errors import KeyStoreUnavailable, KeyVersionUnknown, SealBroken
from flask_tokenoffset.testing.key_store import Fault, KeyStoreCase, key_store_cases
from flask_tokenoffset.vault import (
    KeyRing,
    KeyStore,
    LocalKeyStore,
    MasterKey,
    Secret,
    SecretContext,
    Vault,
    WrappedKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# -- In the process --------------------------------------------------------------------------------


class LocalHarness:
    def __init__(self) -> None:
        self.keys = [MasterKey("v1", os.urandom(32))]

    def key_store(self) -> KeyStore:
        return LocalKeyStore(KeyRing(tuple(self.keys)))

    def rotate(self) -> None:
        self.keys.insert(0, MasterKey(f"v{len(self.keys) + 1}", os.urandom(32)))

    def destroy(self, version: str) -> None:
        self.keys = [key for key in self.keys if key.version != version]

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        raise AssertionError(f"A key ring in the process cannot be {fault}.")
        yield


# -- A KMS: an API with an encryption context, which names its own errors --------------------------


class KMSError(Exception):
    """What the service answers, with a code of its own."""


class FakeKMS:
    """The service: keys by name, ciphertexts that carry their key's name, a text-only context."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.fault: Fault | None = None

    def encrypt(self, key_id: str, plaintext: bytes, context: dict[str, str]) -> bytes:
        key = self._key(key_id)
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(key).encrypt(nonce, plaintext, self._canonical(context))
        return json.dumps([key_id, base64.b64encode(sealed).decode()]).encode()

    def decrypt(self, key_id: str, blob: bytes, context: dict[str, str]) -> bytes:
        key = self._key(key_id)
        try:
            named, encoded = json.loads(blob)
            sealed = base64.b64decode(encoded, validate=True)
        except (ValueError, TypeError):
            raise KMSError("InvalidCiphertextException") from None
        if named != key_id:
            raise KMSError("IncorrectKeyException")
        try:
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], self._canonical(context))
        except (InvalidTag, ValueError):
            raise KMSError("InvalidCiphertextException") from None

    def _key(self, key_id: str) -> bytes:
        if self.fault is Fault.DOWN:
            raise ConnectionError("connection refused")
        if self.fault is Fault.SLOW:
            time.sleep(0.05)
            raise TimeoutError("read timed out")
        if self.fault is Fault.THROTTLED:
            raise KMSError("ThrottlingException")
        if key_id not in self.keys:
            raise KMSError("NotFoundException")
        return self.keys[key_id]

    @staticmethod
    def _canonical(context: dict[str, str]) -> bytes:
        return json.dumps(context, sort_keys=True).encode()


class KMSKeyStore:
    """What a partner writes: the service's calls and errors in the vault's words."""

    def __init__(self, service: FakeKMS, primary_version: str) -> None:
        self._service = service
        self._primary_version = primary_version

    @property
    def primary_version(self) -> str:
        return self._primary_version

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        version = self._primary_version
        blob = self._ask(self._service.encrypt, version, data_key, self._context(associated_data))
        return WrappedKey(version, blob)

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        context = self._context(associated_data)
        return self._ask(self._service.decrypt, wrapped.key_version, wrapped.blob, context)

    @staticmethod
    def _context(associated_data: bytes) -> dict[str, str]:
        return {"tokenoffset": base64.b64encode(associated_data).decode()}

    @staticmethod
    def _ask(call: Callable[[str, bytes, dict[str, str]], bytes], *arguments: Any) -> bytes:
        try:
            return call(*arguments)
        except OSError:
            raise KeyStoreUnavailable("The KMS does not answer. Try again later.") from None
        except KMSError as error:
            match str(error):
                case "ThrottlingException":
                    raise KeyStoreUnavailable("The KMS throttles. Try again later.") from None
                case "NotFoundException":
                    raise KeyVersionUnknown("The KMS has no such key.") from None
                case _:
                    raise SealBroken("The KMS refuses the wrapped key.") from None


class KMSHarness:
    def __init__(self) -> None:
        self.service = FakeKMS()
        self.numbers = itertools.count(1)
        self.rotate()

    def key_store(self) -> KeyStore:
        return KMSKeyStore(self.service, self.primary)

    def rotate(self) -> None:
        self.primary = f"alias/tokenoffset-{next(self.numbers)}"
        self.service.keys[self.primary] = os.urandom(32)

    def destroy(self, version: str) -> None:
        del self.service.keys[version]

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        self.service.fault = fault
        yield
        self.service.fault = None


# -- An HSM: sessions and key handles, keys that never leave, another cipher -----------------------


class HSMError(Exception):
    """What the device answers: a number."""


class FakeHSM:
    """The device: handles change with every session; keys are found by label."""

    DEVICE_REMOVED, SESSION_COUNT, KEY_HANDLE_INVALID, ENCRYPTED_DATA_INVALID = (
        0x32,
        0xB1,
        0x60,
        0x40,
    )

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fault: Fault | None = None
        self._handles: dict[int, str] = {}
        self._numbers = itertools.count(1000)

    def find(self, label: str) -> int | None:
        self._answer()
        if label not in self.objects:
            return None
        handle = next(self._numbers)
        self._handles[handle] = label
        return handle

    def wrap(self, handle: int, plaintext: bytes, associated_data: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher(handle).encrypt(nonce, plaintext, associated_data)

    def unwrap(self, handle: int, blob: bytes, associated_data: bytes) -> bytes:
        try:
            return self._cipher(handle).decrypt(blob[:12], blob[12:], associated_data)
        except (InvalidTag, ValueError):
            raise HSMError(self.ENCRYPTED_DATA_INVALID) from None

    def _cipher(self, handle: int) -> AESGCMSIV:
        self._answer()
        key = self.objects.get(self._handles.pop(handle))
        if key is None:
            raise HSMError(self.KEY_HANDLE_INVALID)
        return AESGCMSIV(key)

    def _answer(self) -> None:
        if self.fault is Fault.SLOW:
            time.sleep(0.05)
        if self.fault is not None:
            busy = self.fault is Fault.THROTTLED
            raise HSMError(self.SESSION_COUNT if busy else self.DEVICE_REMOVED)


class HSMKeyStore:
    """Finds a key's handle by label for each call, because handles do not outlive a session."""

    def __init__(self, device: FakeHSM, primary_version: str) -> None:
        self._device = device
        self._primary_version = primary_version

    @property
    def primary_version(self) -> str:
        return self._primary_version

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        version = self._primary_version
        return WrappedKey(version, self._ask(self._device.wrap, version, data_key, associated_data))

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return self._ask(self._device.unwrap, wrapped.key_version, wrapped.blob, associated_data)

    def _ask(
        self,
        call: Callable[[int, bytes, bytes], bytes],
        version: str,
        octets: bytes,
        associated_data: bytes,
    ) -> bytes:
        try:
            handle = self._device.find(version)
            if handle is not None:
                return call(handle, octets, associated_data)
        except HSMError as error:
            if error.args[0] == FakeHSM.ENCRYPTED_DATA_INVALID:
                raise SealBroken("The HSM refuses the wrapped key.") from None
            raise KeyStoreUnavailable("The HSM does not answer. Try again later.") from None
        raise KeyVersionUnknown("The HSM holds no such key.")


class HSMHarness:
    def __init__(self) -> None:
        self.device = FakeHSM()
        self.numbers = itertools.count(1)
        self.rotate()

    def key_store(self) -> KeyStore:
        return HSMKeyStore(self.device, self.primary)

    def rotate(self) -> None:
        self.primary = f"tokenoffset-{next(self.numbers)}"
        self.device.objects[self.primary] = os.urandom(32)

    def destroy(self, version: str) -> None:
        del self.device.objects[version]

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        self.device.fault = fault
        yield
        self.device.fault = None


# -- The suite -------------------------------------------------------------------------------------


@pytest.mark.promise("TS-005")
@pytest.mark.parametrize("case", key_store_cases(faults=()), ids=str)
def test_the_local_key_store_conforms(case: KeyStoreCase) -> None:
    case.run(LocalHarness)


@pytest.mark.promise("TS-005")
@pytest.mark.parametrize("case", key_store_cases(), ids=str)
@pytest.mark.parametrize("harness", [KMSHarness, HSMHarness])
def test_external_key_stores_conform(
    case: KeyStoreCase, harness: type[KMSHarness | HSMHarness]
) -> None:
    case.run(harness)


@pytest.mark.promise("TS-005")
@pytest.mark.parametrize("harness", [LocalHarness, KMSHarness, HSMHarness])
def test_a_vault_works_over_any_of_them(
    harness: Callable[[], LocalHarness | KMSHarness | HSMHarness],
) -> None:
    world = harness()
    here = SecretContext("connections", "1", "account-1", "openai", "key")
    secret = Secret("sk-admin-0123456789abcdef")
    sealed = Vault(world.key_store()).seal(secret, here)
    world.rotate()
    rewrapped = Vault(world.key_store()).rewrap(sealed, here)
    assert rewrapped.ciphertext == sealed.ciphertext
    world.destroy(sealed.key_version)
    assert Vault(world.key_store()).open(rewrapped, here) == secret
    with pytest.raises(KeyVersionUnknown):
        Vault(world.key_store()).open(sealed, here)


def test_there_are_enough_cases_with_names_of_their_own() -> None:
    assert len(key_store_cases(faults=())) >= 25
    assert len({str(case) for case in key_store_cases()}) == len(key_store_cases())
    for fault in Fault:
        chosen = set(key_store_cases(faults={fault})) - set(key_store_cases(faults=()))
        assert len(chosen) >= 3
        assert {case.fault for case in chosen} == {fault}


# -- The suite catches bad stores ------------------------------------------------------------------


class IgnoresContext(LocalKeyStore):
    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        return super().wrap(data_key, b"")

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return super().unwrap(wrapped, b"")


class StripsContext(LocalKeyStore):
    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        return super().wrap(data_key, associated_data.strip())

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return super().unwrap(wrapped, associated_data.strip())


class DecodesContextLoosely(LocalKeyStore):
    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        return super().wrap(data_key, associated_data.decode(errors="replace").encode())

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return super().unwrap(wrapped, associated_data.decode(errors="replace").encode())


class CutsContext(LocalKeyStore):
    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        return super().wrap(data_key, associated_data[:256])

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return super().unwrap(wrapped, associated_data[:256])


class WrapsNothing(LocalKeyStore):
    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        return WrappedKey(self.primary_version, data_key)

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return wrapped.blob


class NamesTheWrongVersion(LocalKeyStore):
    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        return WrappedKey("latest", super().wrap(data_key, associated_data).blob)

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return super().unwrap(WrappedKey(self.primary_version, wrapped.blob), associated_data)


class LetsErrorsThrough(LocalKeyStore):
    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        try:
            return super().unwrap(wrapped, associated_data)
        except SealBroken as error:
            raise ValueError("bad tag") from error


class QuotesTheBlob(LocalKeyStore):
    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        try:
            return super().unwrap(wrapped, associated_data)
        except SealBroken:
            raise SealBroken(f"Cannot open {wrapped.blob.hex()}.") from None


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (IgnoresContext, "refuses another place"),
        (StripsContext, "refuses surrounding whitespace"),
        (DecodesContextLoosely, "binds bytes that are no text"),
        (CutsContext, "binds the end of a long place"),
        (WrapsNothing, "blob hides the data key"),
        (WrapsNothing, "wraps anew each time"),
        (WrapsNothing, "refuses an altered end"),
        (NamesTheWrongVersion, "names the version it used"),
        (NamesTheWrongVersion, "unknown version is named so"),
        (LetsErrorsThrough, "refuses an altered start"),
        (QuotesTheBlob, "errors show no key"),
    ],
)
def test_a_bad_store_fails_the_case_that_is_meant_for_it(
    bad: type[LocalKeyStore], name: str
) -> None:
    class BadHarness(LocalHarness):
        def key_store(self) -> KeyStore:
            return bad(KeyRing(tuple(self.keys)))

    [case] = [case for case in key_store_cases() if case.name == name]
    case.run(LocalHarness)
    with pytest.raises(AssertionError):
        case.run(BadHarness)


@pytest.mark.parametrize(
    "case", [case for case in key_store_cases() if case.fault is not None], ids=str
)
def test_a_store_that_calls_an_outage_a_broken_seal_fails(case: KeyStoreCase) -> None:
    class Panicking(KMSKeyStore):
        @staticmethod
        def _ask(call: Callable[[str, bytes, dict[str, str]], bytes], *arguments: Any) -> bytes:
            try:
                return call(*arguments)
            except (OSError, KMSError):
                raise SealBroken("Something is wrong.") from None

    class PanickingHarness(KMSHarness):
        def key_store(self) -> KeyStore:
            return Panicking(self.service, self.primary)

    with pytest.raises(AssertionError, match="raises KeyStoreUnavailable here"):
        case.run(PanickingHarness)
