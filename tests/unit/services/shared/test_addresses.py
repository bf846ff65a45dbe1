from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.services.shared.addresses import read_address, same_address


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.Lovelace+work@Example.ORG\r\n", "ada.lovelace+work@example.org"),
        ("o'hara@mail.example.co.uk", "o'hara@mail.example.co.uk"),
        ("ben@xn--bcher-kva.example", "ben@xn--bcher-kva.example"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ],
)
def test_an_address_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert read_address(typed) == kept
    assert same_address(typed, kept)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "ada@localhost",
        "ada@example..org",
        "ada@-example.org",
        "ada@127.0.0.1",
        "ada@example.org.",
        ".ada@example.org",
        "a..da@example.org",
        "a" * 65 + "@example.org",
        "ada@" + "a" * 64 + ".org",
        "ada@" + ".".join(["a" * 60] * 5),
        "ada@example.org,ben@example.org",
        "ada@example.org\nBcc: ben@example.org",
        "ada\x00@example.org",
        "ada smith@example.org",
        '"ada smith"@example.org',
        "Ada <ada@example.org>",
        '=HYPERLINK("http://example.org")',
        "ada@[192.0.2.1]",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_address(typed)
    assert refused.value.errors["email"].startswith("This is not an e-mail address.")
    assert not same_address(typed, typed)


@pytest.mark.parametrize(
    "look_alike",
    [
        "\u0430da@example.org",  # A Cyrillic a.
        "ada@ex\u0430mple.org",
        "\uff41da@example.org",  # A full-width a.
        "ada\u200b@example.org",  # A space of no width.
        "ada\uff20example.org",  # A full-width @.
        "ada@example\u3002org",  # An ideographic full stop, which IDNA reads as a dot.
        "\u212aim@example.org",  # The Kelvin sign, which Unicode's lower case makes a k.
        "ada@example.org\u2028",
    ],
)
def test_a_look_alike_is_no_address_and_equals_none(look_alike: str) -> None:
    with pytest.raises(InvalidInput, match="plain alphabet"):
        read_address(look_alike)
    plain = unicodedata.normalize("NFKC", look_alike).strip().lower()
    assert not same_address(look_alike, plain)
    assert not same_address(look_alike, "ada@example.org")
    assert not same_address(look_alike, look_alike)


def test_no_address_equals_nothing() -> None:
    assert not same_address(None, None)
    assert not same_address("ada@example.org", None)


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_kept_is_plain_and_stays_as_it_is(local_part: str, domain: str) -> None:
    try:
        kept = read_address(f"{local_part}@{domain}")
    except InvalidInput:
        return
    assert kept.isascii()
    assert kept == kept.lower()
    assert kept.count("\n") == kept.count("\r") == kept.count("\0") == 0
    assert read_address(kept) == kept
