"""S1: AES-256-GCM only, with a nonce that nobody can hand in."""

from __future__ import annotations

import inspect
import json
import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from flask_tokenoffset.errors import SealBroken
from flask_tokenoffset.vault import KeyStore, LocalKeyStore, Vault
from flask_tokenoffset.vault._aes_gcm import Cipher

WYCHEPROOF = "WYCHEPROOF_DIRECTORY"

# D. McGrew and J. Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B, the four
# AES-256 cases with a 96-bit nonce (13 to 16): key, nonce, plaintext, associated data, ciphertext,
# tag, all in hexadecimal.
_KEY = "feffe9928665731c6d6a8f9467308308" * 2
_NONCE = "cafebabefacedbaddecaf888"
_PLAINTEXT = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
_CIPHERTEXT = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
)
KNOWN_ANSWERS = {
    "case 13": ("00" * 32, "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    "case 14": (
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
    "case 15": (_KEY, _NONCE, _PLAINTEXT, "", _CIPHERTEXT, "b094dac5d93471bdec1a502270e3cc6c"),
    "case 16": (
        _KEY,
        _NONCE,
        _PLAINTEXT[:120],
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        _CIPHERTEXT[:120],
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
}


@pytest.mark.parametrize("case", KNOWN_ANSWERS.values(), ids=KNOWN_ANSWERS)
def test_known_answers_decrypt(case: tuple[str, ...]) -> None:
    key, nonce, plaintext, associated_data, ciphertext, tag = map(bytes.fromhex, case)
    assert Cipher(key).decrypt(nonce, ciphertext + tag, associated_data) == plaintext


@pytest.mark.parametrize("case", KNOWN_ANSWERS.values(), ids=KNOWN_ANSWERS)
def test_known_answers_with_any_one_bit_changed_do_not(case: tuple[str, ...]) -> None:
    key, nonce, _, associated_data, ciphertext, tag = map(bytes.fromhex, case)
    cipher = Cipher(key)
    for bit in range(len(tag) * 8):
        with pytest.raises(SealBroken):
            cipher.decrypt(nonce, ciphertext + _with_bit_flipped(tag, bit), associated_data)
    for bit in range(len(nonce) * 8):
        with pytest.raises(SealBroken):
            cipher.decrypt(_with_bit_flipped(nonce, bit), ciphertext + tag, associated_data)
    with pytest.raises(SealBroken):
        cipher.decrypt(nonce, ciphertext + tag, associated_data + b"\x00")


@dataclass(frozen=True)
class NistVector:
    """One case of NIST's CAVP file for decryption; ``plaintext`` is None where it must fail."""

    key: bytes
    nonce: bytes
    ciphertext: bytes
    associated_data: bytes
    plaintext: bytes | None


def nist_vectors() -> list[NistVector]:
    """The cases with our sizes: 256-bit key, 96-bit nonce, 128-bit tag."""
    path = resources.files("cryptography_vectors") / "ciphers/AES/GCM/gcmDecrypt256.rsp"
    vectors: list[NistVector] = []
    sizes: dict[str, int] = {}
    fields: dict[str, bytes] = {}
    failed = False
    for line in [*path.read_text(encoding="ascii").splitlines(), ""]:
        if match := re.fullmatch(r"\[(\w+) = (\d+)\]", line):
            sizes[match[1]] = int(match[2])
        elif match := re.fullmatch(r"(\w+) = ?(\w*)", line):
            if match[1] != "Count":
                fields[match[1]] = bytes.fromhex(match[2])
        elif line == "FAIL":
            failed = True
        elif not line and fields:
            if (sizes["IVlen"], sizes["Taglen"]) == (96, 128):
                vectors.append(
                    NistVector(
                        key=fields["Key"],
                        nonce=fields["IV"],
                        ciphertext=fields["CT"] + fields["Tag"],
                        associated_data=fields["AAD"],
                        plaintext=None if failed else fields["PT"],
                    )
                )
            fields, failed = {}, False
    return vectors


def test_the_vectors_of_nist_open_or_are_refused_as_they_say() -> None:
    vectors = nist_vectors()
    assert len(vectors) == 375
    assert 100 < sum(vector.plaintext is None for vector in vectors) < 300
    for vector in vectors:
        cipher = Cipher(vector.key)
        sealed = (vector.nonce, vector.ciphertext, vector.associated_data)
        if vector.plaintext is None:
            with pytest.raises(SealBroken):
                cipher.decrypt(*sealed)
        else:
            assert cipher.decrypt(*sealed) == vector.plaintext


if WYCHEPROOF in os.environ:
    # C2SP/wycheproof is not published as a package. Where the variable names a checkout of it,
    # its vectors are run as well as NIST's.
    def test_the_wycheproof_vectors_pass() -> None:
        directory = Path(os.environ[WYCHEPROOF])
        tests = _wycheproof_tests(directory / "testvectors_v1" / "aes_gcm_test.json")
        assert len(tests) >= 60
        assert {test["result"] for test in tests} == {"valid", "invalid"}
        for test in tests:
            cipher = Cipher(bytes.fromhex(test["key"]))
            nonce, associated_data = bytes.fromhex(test["iv"]), bytes.fromhex(test["aad"])
            ciphertext = bytes.fromhex(test["ct"] + test["tag"])
            if test["result"] == "valid":
                answer = cipher.decrypt(nonce, ciphertext, associated_data)
                assert answer == bytes.fromhex(test["msg"]), test["tcId"]
            else:
                with pytest.raises(SealBroken):
                    cipher.decrypt(nonce, ciphertext, associated_data)


def _wycheproof_tests(path: Path) -> list[dict[str, Any]]:
    groups = json.loads(path.read_text(encoding="utf-8"))["testGroups"]
    ours = {"keySize": 256, "ivSize": 96, "tagSize": 128}
    return [test for group in groups if ours.items() <= group.items() for test in group["tests"]]


def _with_bit_flipped(octets: bytes, bit: int) -> bytes:
    number = int.from_bytes(octets, "big") ^ (1 << bit)
    return number.to_bytes(len(octets), "big")


@pytest.mark.parametrize(
    "function", [Cipher.encrypt, Vault.seal, Vault.rewrap, KeyStore.wrap, LocalKeyStore.wrap]
)
def test_no_nonce_can_be_handed_in(function: Any) -> None:
    parameters = inspect.signature(function).parameters
    assert len(parameters) >= 2
    assert not {"nonce", "iv"} & set(parameters)
    kinds = {parameter.kind for parameter in parameters.values()}
    assert kinds == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


def test_no_nonce_repeats_in_many_encryptions_under_one_key() -> None:
    cipher = Cipher(os.urandom(32))
    nonces = {cipher.encrypt(b"text", b"").nonce for _ in range(200_000)}
    assert len(nonces) == 200_000
    assert {len(nonce) for nonce in nonces} == {12}


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_only_256_bit_keys_are_taken(length: int) -> None:
    with pytest.raises(ValueError, match="exactly 32 bytes"):
        Cipher(os.urandom(length))


@pytest.mark.parametrize("length", [0, 8, 11, 13, 16])
def test_only_96_bit_nonces_are_taken(length: int) -> None:
    cipher = Cipher(os.urandom(32))
    with pytest.raises(SealBroken):
        cipher.decrypt(os.urandom(length), os.urandom(20), b"")


@pytest.mark.parametrize("length", range(16))
def test_less_than_a_tag_is_no_ciphertext(length: int) -> None:
    cipher = Cipher(os.urandom(32))
    with pytest.raises(SealBroken):
        cipher.decrypt(os.urandom(12), os.urandom(length), b"")
