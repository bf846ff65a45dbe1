"""S1, S6, S15, read from the source: how secrets are compared, and who touches a cipher."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import flask_tokenoffset.vault

PACKAGE = Path(flask_tokenoffset.vault.__file__).parent
SOURCES = {path.name: path for path in sorted(PACKAGE.glob("*.py"))}

#: What a piece of key material is called in this package.
SECRET_NAMES = {"_value", "data_key", "key", "plaintext", "reveal", "secret", "value"}


def plain_comparisons(source: str) -> list[str]:
    """Find ``==``, ``!=`` and ``in`` over anything that is named like key material."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            compared = any(isinstance(way, ast.Eq | ast.NotEq | ast.In) for way in node.ops)
            if compared and any(_is_secret(side) for side in (node.left, *node.comparators)):
                found.append(ast.unparse(node))
    return found


def _is_secret(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        # A call is what it answers with: len(key) is no secret, secret.reveal() is one.
        return isinstance(node.func, ast.Attribute) and node.func.attr in SECRET_NAMES
    if isinstance(node, ast.Subscript):
        return _is_secret(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr in SECRET_NAMES
    return isinstance(node, ast.Name) and node.id in SECRET_NAMES


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("one.key == other.key", 1),
        ("data_key != b''", 1),
        ("secret.reveal() == text", 1),
        ("self._value[:6] == prefix", 1),
        ("plaintext in known", 1),
        ("hmac.compare_digest(one.key, other.key)", 0),
        ("len(key) == 32", 0),
        ("one.version == other.version", 0),
        ("value is None", 0),
    ],
)
def test_the_finder_finds_plain_comparisons_only(source: str, count: int) -> None:
    assert len(plain_comparisons(source)) == count


@pytest.mark.parametrize("path", SOURCES.values(), ids=SOURCES)
def test_key_material_is_never_compared_plainly(path: Path) -> None:
    found = plain_comparisons(path.read_text(encoding="utf-8"))
    # A person's own typing, looked at for a space: nothing is learned from how long it takes.
    allowed = ["' ' in key"] if path.name == "secret.py" else []
    assert found == allowed


def test_no_generated_equality_compares_master_keys() -> None:
    for kind in (flask_tokenoffset.vault.MasterKey, flask_tokenoffset.vault.KeyRing):
        assert kind.__eq__ is object.__eq__


@pytest.mark.parametrize("path", SOURCES.values(), ids=SOURCES)
def test_one_module_touches_a_cipher_and_it_is_aes_gcm(path: Path) -> None:
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cryptography")
        for alias in node.names
    }
    if path.name == "_aes_gcm.py":
        assert imported == {
            "cryptography.exceptions.InvalidTag",
            "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
        }
    else:
        assert not imported
