"""What a sealed secret is made of, and what it is bound to.

Envelope encryption: each secret is encrypted under a data key of its own, and only that data key is
encrypted ("wrapped") under the master key, by a key store. A new master key therefore touches the
wrapped keys and no ciphertext.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, fields
from typing import Final

#: The layout below. A change of what is bound, or how, takes the next number.
SCHEMA_VERSION: Final = 1

_LENGTH_PREFIX_BYTES = 4


@dataclass(frozen=True, slots=True)
class SecretContext:
    """The place a secret belongs to. Sealed for one place, it opens in no other.

    :param table: the name of the table that holds it.
    :param row_id: the row's own id.
    :param account_id: the account the row belongs to.
    :param vendor: the vendor the secret is for.
    :param field: the field it fills, for example ``key``.
    :raises TypeError: if one of them is not text.
    :raises ValueError: if one of them is empty: it would bind the secret to no place.
    """

    table: str
    row_id: str
    account_id: str
    vendor: str
    field: str

    def __post_init__(self) -> None:
        for element in fields(self):
            value = getattr(self, element.name)
            if not isinstance(value, str):
                raise TypeError(f"The {element.name} of a secret's context is text.")
            if not value:
                raise ValueError(f"The {element.name} of a secret's context is empty.")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as a key store gives it away: encrypted under one of its master keys.

    :param key_version: the version of the master key that wrapped it.
    :param blob: whatever that key store needs to unwrap it.
    """

    key_version: str
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret as it is stored, column by column.

    :param schema_version: the layout it was sealed with.
    :param key_version: the version of the master key that wrapped the data key.
    :param data_key_id: a random name of the data key, which ciphertext and wrapped key share.
    :param wrapped_key: the data key, wrapped by the key store.
    :param nonce: 12 bytes.
    :param ciphertext: with its 16-byte tag.
    """

    schema_version: int
    key_version: str
    data_key_id: str = field(repr=False)
    wrapped_key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def associated_data(schema_version: int, context: SecretContext, data_key_id: str) -> bytes:
    """Write down, without ambiguity, where a secret belongs.

    Each element stands behind its length, so no two different places are ever written alike. The
    version of the master key is left out on purpose: rewrapping changes it and must not touch the
    ciphertext.

    :param schema_version: the layout.
    :param context: the secret's place.
    :param data_key_id: the name of the data key.
    """
    elements = (str(schema_version), *astuple(context), data_key_id)
    return b"".join(_length_prefixed(element.encode()) for element in elements)


def _length_prefixed(element: bytes) -> bytes:
    return len(element).to_bytes(_LENGTH_PREFIX_BYTES, "big") + element
