"""S2: what a secret is bound to is written down without ambiguity."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from flask_tokenoffset.vault import SealedSecret, SecretContext, WrappedKey
from flask_tokenoffset.vault.envelope import associated_data

Place = tuple[int, tuple[str, str, str, str, str], str]

# Few characters, digits among them, so that elements run into one another often.
element = st.text("ab1\x00", min_size=1, max_size=3)
places = st.tuples(
    st.integers(min_value=0, max_value=12),
    st.tuples(element, element, element, element, element),
    element,
)


def _encode(place: Place) -> bytes:
    schema_version, elements, data_key_id = place
    return associated_data(schema_version, SecretContext(*elements), data_key_id)


@given(places, places)
@example((1, ("ab", "c", "d", "e", "f"), "g"), (1, ("a", "bc", "d", "e", "f"), "g"))
@example((1, ("1", "c", "d", "e", "f"), "g"), (11, ("c", "d", "e", "f", "g"), "g"))
def test_two_different_places_are_never_written_alike(one: Place, other: Place) -> None:
    assume(one != other)
    assert _encode(one) != _encode(other)


@given(places)
def test_one_place_is_always_written_alike(place: Place) -> None:
    assert _encode(place) == _encode(place)


def test_the_writing_is_pinned() -> None:
    # Stored ciphertexts depend on it: if this fails, every sealed secret has become unreadable.
    context = SecretContext("connections", "7", "é", "openai", "key")
    assert associated_data(1, context, "ab") == (
        b"\x00\x00\x00\x011"
        b"\x00\x00\x00\x0bconnections"
        b"\x00\x00\x00\x017"
        b"\x00\x00\x00\x02\xc3\xa9"
        b"\x00\x00\x00\x06openai"
        b"\x00\x00\x00\x03key"
        b"\x00\x00\x00\x02ab"
    )


FIELDS = ("table", "row_id", "account_id", "vendor", "field")


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(("value", "error"), [("", ValueError), (7, TypeError), (None, TypeError)])
def test_a_place_names_every_element(name: str, value: Any, error: type[Exception]) -> None:
    elements: dict[str, Any] = dict.fromkeys(FIELDS, "x")
    assert SecretContext(**elements).table == "x"
    with pytest.raises(error, match=name):
        SecretContext(**{**elements, name: value})


def test_representations_show_no_bytes() -> None:
    sealed = SealedSecret(1, "2026-11", "id-canary", b"wrapped-canary", b"nonce-canary", b"canary")
    assert repr(sealed) == "SealedSecret(schema_version=1, key_version='2026-11')"
    assert repr(WrappedKey("2026-11", b"canary")) == "WrappedKey(key_version='2026-11')"
