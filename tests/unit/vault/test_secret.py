"""S8, S10: a secret hides itself, and six characters are all that may be known of a key."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import string
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.vault import Secret, key_prefix, read_key

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "sk-admin-canary-4f9c2d7be1"
KEY_CHARACTERS = string.ascii_letters + string.digits + "-_."


def test_reveal_gives_the_text() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "leak",
    [
        str,
        format,
        lambda secret: f"{secret}",
        lambda secret: f"{secret:>40}",
        "{}".format,
        lambda secret: "%s" % secret,  # noqa: UP031  likewise
        lambda secret: "x" + secret,
        bytes,
        json.dumps,
        lambda secret: json.dumps({"key": secret}),
        pickle.dumps,
        lambda secret: pickle.dumps([secret], protocol=0),
        copy.copy,
        copy.deepcopy,
        lambda secret: secret.__reduce__(),
        lambda secret: secret.__getstate__(),
        vars,
        len,
        list,
        iter,
        hash,
        lambda secret: {secret},
        lambda secret: secret[:6],
        lambda secret: "s" in secret,
        lambda secret: secret < Secret("b"),
        lambda secret: secret >= Secret("b"),
        lambda secret: sorted([secret, Secret("b")]),
        int,
    ],
)
def test_every_way_past_reveal_is_refused(leak: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as refused:
        leak(Secret(CANARY))
    assert CANARY not in str(refused.value)


def test_repr_is_the_same_for_every_secret() -> None:
    assert repr(Secret(CANARY)) == repr(Secret("other")) == "Secret(hidden)"
    assert f"{Secret(CANARY)!r}" == "Secret(hidden)"


def test_equal_only_to_a_secret_of_the_same_text() -> None:
    same, other = Secret(CANARY), Secret(CANARY[:-1])
    assert Secret(CANARY) == same
    assert Secret(CANARY) != other
    assert Secret("\ud800") == Secret("\ud800")
    plain: object = CANARY
    assert Secret(CANARY) != plain


def test_equality_is_asked_of_compare_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bytes, bytes]] = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        asked.append((one, other))
        return False

    monkeypatch.setattr("flask_tokenoffset.vault.secret.hmac.compare_digest", compare_digest)
    assert Secret("a") != Secret("a")
    assert asked == [(b"a", b"a")]


@pytest.mark.parametrize(("value", "error"), [("", ValueError), (b"bytes", TypeError)])
def test_holds_only_text_that_is_there(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Secret(value)


def _rendered_with_locals(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def test_a_traceback_with_locals_shows_a_plain_local_but_no_secret() -> None:
    def use(secret: Secret) -> None:
        plain = "visible-" + "canary"
        raise RuntimeError(len(plain))

    with pytest.raises(RuntimeError) as raised:
        use(Secret("".join(reversed(CANARY))))
    rendered = _rendered_with_locals(raised.value)
    # The plain local proves that locals are rendered at all.
    assert "visible-canary" in rendered
    assert "Secret(hidden)" in rendered
    assert "".join(reversed(CANARY)) not in rendered


def test_a_log_line_does_not_carry_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    caplog.handler.handleError = lambda record: None  # type: ignore[method-assign]  # pytest re-raises
    logging.getLogger("vault").warning("%r %s", Secret(CANARY), "seen")
    logging.getLogger("vault").warning("%s", Secret(CANARY))
    assert "Secret(hidden) seen" in caplog.text
    assert CANARY not in caplog.text


# -- Reading a key ---------------------------------------------------------------------------------


@given(
    key=st.text(KEY_CHARACTERS, min_size=20, max_size=512),
    before=st.text(" \t\r\n", max_size=4),
    after=st.text(" \t\r\n", max_size=4),
)
def test_a_key_is_read_without_the_whitespace_around_it(key: str, before: str, after: str) -> None:
    assert read_key(before + key + after).reveal() == key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No key was entered"),
        (" \n\t", "No key was entered"),
        ("sk-admin-0123456789", "fewer than 20 characters"),
        ("k" * 513, "more than 512 characters"),
        ("sk-admin\u20130123456789abcdef", "character that no key has"),
        ("sk-admin-\u200b0123456789abcdef", "character that no key has"),
        ("sk-admin-0123456789\u00a0abcdef", "character that no key has"),
        ("sk-admin-0123456789 abcdef", "inside"),
        ("sk-admin-0123456789\nabcdef", "inside"),
        ("sk-admin-0123456789\x00abcdef", "inside"),
        ("sk-admin-0123456789\x7fabcdef", "inside"),
    ],
)
def test_what_is_no_key_is_refused_with_its_own_sentence(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_key(text)
    assert list(refused.value.errors) == ["key"]
    assert words in refused.value.errors["key"]


def test_the_bounds_of_a_key_are_20_and_512_characters() -> None:
    assert read_key("k" * 20).reveal() == "k" * 20
    assert read_key("k" * 512).reveal() == "k" * 512
    for length in (19, 513):
        with pytest.raises(InvalidInput):
            read_key("k" * length)


@given(key=st.text(KEY_CHARACTERS, min_size=8, max_size=19).filter(lambda key: key.strip()))
def test_a_refusal_never_quotes_the_key(key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_key(key)
    assert key not in str(refused.value)


def test_a_refused_key_is_in_no_frame_of_ours() -> None:
    half = "sk-admin-canary"
    with pytest.raises(InvalidInput) as refused:
        read_key(f"{half} 4f9c2d7be1")
    error = refused.value
    # From the second frame on it is ours; the first is this test, which knows the key.
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next
    rendered = _rendered_with_locals(error)
    assert "fault = " in rendered
    assert half not in rendered


# -- The six characters ----------------------------------------------------------------------------


@given(st.text(KEY_CHARACTERS, min_size=20, max_size=512))
def test_exactly_the_first_six_characters_are_kept(key: str) -> None:
    assert key_prefix(Secret(key)) == key[:6]
    assert len(key_prefix(Secret(key))) == 6


def test_a_short_key_keeps_no_characters() -> None:
    assert key_prefix(Secret("k" * 20)) == "k" * 6
    with pytest.raises(InvalidInput) as refused:
        key_prefix(Secret("k" * 19))
    assert "fewer than 20 characters" in refused.value.errors["key"]
