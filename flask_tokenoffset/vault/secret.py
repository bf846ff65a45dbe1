"""A secret in memory, and what may be learned from a vendor's key without keeping it."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, SupportsIndex, final

from flask_tokenoffset.errors import InvalidInput

#: Below this length the six characters shown would be too large a part of the key.
SHORTEST_KEY_CHARACTERS: Final = 20
#: Longer than any vendor's key, short enough to refuse a pasted file.
LONGEST_KEY_CHARACTERS: Final = 512
#: How much of a key is kept readable, so that a person can tell which key it is.
KEY_PREFIX_CHARACTERS: Final = 6


@final
class Secret:
    """Text that shows itself only when asked by name: ``secret.reveal()``.

    Everything that would turn it into text or bytes on the way past is refused with
    :exc:`TypeError`: ``str``, ``format``, f-strings, JSON, pickle, ``copy``. So is what would give
    a piece of it away: length, iteration, ordering, and the hash, which is a fingerprint. It
    compares equal only to another :class:`Secret`, in constant time. A secret is never empty, so
    its truth value says nothing and is simply true. Its ``repr`` is ``Secret(hidden)``, safe in a
    traceback that shows local variables.

    :param value: the text to hide.
    :raises TypeError: if it is not text.
    :raises ValueError: if it is empty.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            del value  # A traceback that shows local variables must not show it.
            raise TypeError("A Secret holds text.")
        if not value:
            raise ValueError("A Secret holds at least one character.")
        self._value = value

    def reveal(self) -> str:
        """Give the text. Keep it out of variables: pass it straight to what needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __str__(self) -> NoReturn:
        raise TypeError("A Secret does not turn into text; call reveal() where it is needed.")

    def __format__(self, format_spec: str) -> NoReturn:
        raise TypeError("A Secret is not formatted; call reveal() where it is needed.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(encode(self), encode(other))

    __hash__ = None  # type: ignore[assignment]  # Python's own way to say "not hashable".

    # pickle, copy and deepcopy all ask one of these.
    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A Secret is neither pickled nor copied.")

    def __getstate__(self) -> NoReturn:
        raise TypeError("A Secret is neither pickled nor copied.")


def encode(secret: Secret) -> bytes:
    """Give a secret's bytes, to encrypt or compare them.

    Lone surrogates pass, because a failing ``encode`` raises an error that carries the whole text.
    """
    return secret.reveal().encode("utf-8", "surrogatepass")


def decode(plaintext: bytes) -> Secret:
    """Turn the bytes of :func:`encode` back into a secret."""
    return Secret(plaintext.decode("utf-8", "surrogatepass"))


def key_prefix(secret: Secret) -> str:
    """Give exactly the first six characters of a key, to be stored when the key is stored.

    They are read once, at the write, so that showing them later never opens the key.

    :param secret: a vendor's key.
    :raises InvalidInput: beside the field ``key``, if it has fewer than 20 characters.
    """
    if len(secret.reveal()) < SHORTEST_KEY_CHARACTERS:
        raise InvalidInput({"key": _TOO_SHORT})
    return secret.reveal()[:KEY_PREFIX_CHARACTERS]


def read_key(text: str) -> Secret:
    """Read a vendor's key as a person typed or pasted it.

    Whitespace around it is dropped. Whether the vendor accepts it is not known here.

    :param text: what was typed.
    :raises InvalidInput: beside the field ``key``, with a sentence that never quotes the key.
    """
    fault = _find_fault(text.strip())
    if fault is None:
        return Secret(text.strip())
    # A key with one wrong character is still nearly a key: keep it out of a traceback's locals.
    del text
    raise InvalidInput({"key": fault})


_TOO_SHORT = (
    f"The key has fewer than {SHORTEST_KEY_CHARACTERS} characters, so it is not whole. "
    "Copy all of it from the vendor's page."
)


def _find_fault(key: str) -> str | None:
    if not key:
        return "No key was entered. Paste the key that the vendor showed you."
    if not key.isascii():
        return (
            "The key holds a character that no key has, perhaps an invisible one or a dash that a "
            "word processor changed. Copy it again from the vendor's page."
        )
    if " " in key or not key.isprintable():
        return (
            "The key has a space, a line break or a control character inside. "
            "Copy it again in one piece."
        )
    if len(key) < SHORTEST_KEY_CHARACTERS:
        return _TOO_SHORT
    if len(key) > LONGEST_KEY_CHARACTERS:
        return (
            f"The text has more than {LONGEST_KEY_CHARACTERS} characters, which no key has. "
            "Paste the key alone."
        )
    return None
