"""Keeps secrets: sealed at rest, hidden in memory, opened only in their own row.

See ``docs/explanation/secrets.md`` for how, and how to change the master key.
"""

from __future__ import annotations

from .envelope import SCHEMA_VERSION, SealedSecret, SecretContext, WrappedKey
from .key_store import KeyRing, KeyStore, LocalKeyStore, MasterKey, generate_key, parse_key_ring
from .secret import Secret, key_prefix, read_key
from .vault import Vault

__all__ = [
    "SCHEMA_VERSION",
    "KeyRing",
    "KeyStore",
    "LocalKeyStore",
    "MasterKey",
    "SealedSecret",
    "Secret",
    "SecretContext",
    "Vault",
    "WrappedKey",
    "generate_key",
    "key_prefix",
    "parse_key_ring",
    "read_key",
]
