"""S4: without a good master key there is no start-up."""

from __future__ import annotations

import base64
import hashlib
import os
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.vault import KeyRing, LocalKeyStore, MasterKey, generate_key, parse_key_ring

if TYPE_CHECKING:
    from collections.abc import Sequence


def _entry(version: str, key: bytes) -> str:
    return f"{version}:{base64.b64encode(key).decode()}"


def _key(seed: str, length: int = 32) -> bytes:
    """Give bytes that look random and stay the same, so that test names do too."""
    return hashlib.shake_256(seed.encode()).digest(length)


GOOD = _entry("2026-11", _key("good"))
OLD = _entry("2026-05", _key("old"))


@pytest.mark.parametrize(
    "written",
    [
        f"{GOOD},{OLD}",
        f" {GOOD} ,\n {OLD} ,",
        [GOOD, OLD],
        (GOOD, OLD),
    ],
)
def test_a_ring_is_read_with_the_primary_first(written: str | Sequence[str]) -> None:
    ring = parse_key_ring(written)
    assert [master.version for master in ring.keys] == ["2026-11", "2026-05"]
    assert ring.primary.version == "2026-11"
    assert _entry("2026-11", ring.primary.key) == GOOD


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (None, "no master key"),
        ("", "no master key"),
        (" , ,", "no master key"),
        ([], "no master key"),
        ("2026-11", "not written version:base64"),
        (GOOD.partition(":")[2], "not written version:base64"),
        (f"{GOOD},{OLD.partition(':')[2]}", "Entry 2 is not written"),
        ("2026-11:not base64!", "The key of entry 1 is not base64"),
        ("2026-11:AAA", "not base64"),
        ("2026-11:é", "not base64"),
        ("2026-11:", "0 bytes"),
        (_entry("2026-11", _key("any", 16)), "16 bytes"),
        (_entry("2026-11", _key("any", 31)), "31 bytes"),
        (_entry("2026-11", _key("any", 33)), "33 bytes"),
        (_entry("2026-11", _key("any", 64)), "64 bytes"),
        (_entry("2026-11", bytes(32)), "not random"),
        (_entry("2026-11", b"\xff" * 32), "not random"),
        (_entry("2026-11", bytes(range(32))), "not random"),
        (_entry("2026-11", bytes(range(255, 223, -1))), "not random"),
        (_entry("2026-11", _key("any", 16) * 2), "not random"),
        (_entry("2026-11", _key("any", 8) * 4), "not random"),
        (_entry("2026-11", b"\x00\xff" * 16), "not random"),
        (_entry("2026-11", b"example-key-do-not-use-anywhere!"), "not random"),
        (_entry("2026-11", b"correct horse battery staple 123"), "not random"),
        (f"{GOOD},{_entry('2026-11', _key('any'))}", "stands there twice"),
        (f"{GOOD},2026-05:{GOOD.partition(':')[2]}", "the same key"),
        (_entry("", _key("any")), "is not a name"),
        (_entry("two words", _key("any")), "is not a name"),
        (_entry("-11", _key("any")), "is not a name"),
        (_entry("v" * 33, _key("any")), "is not a name"),
        (_entry("2026-é", _key("any")), "is not a name"),
    ],
)
def test_a_bad_ring_names_the_setting_and_the_cure(
    written: str | list[str] | None, words: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_key_ring(written)
    assert refused.value.setting == "TOKENOFFSET_KEYS"
    assert words in str(refused.value)
    assert "`python -m flask_tokenoffset keys generate`" in str(refused.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda encoded: encoded,
        lambda encoded: f"{encoded}:2026-11",
        lambda encoded: f"2026-11:{encoded}!",
        lambda encoded: f"2026-11:{encoded[:40]}",
        lambda encoded: f"2026-11:{encoded},2026-11:{encoded}",
        lambda encoded: f"2026-11:{encoded},2026-05:{encoded}",
    ],
)
def test_a_refusal_shows_no_key_even_with_locals(spoil: Any) -> None:
    encoded = GOOD.partition(":")[2]
    with pytest.raises(ConfigurationError) as refused:
        parse_key_ring(spoil(encoded))
    error = refused.value
    assert encoded[:12] not in str(error)
    assert error.__context__ is None
    # The first frame is this test, which knows the key; the rest is ours.
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    rendered = "".join(lines)
    assert "parse_key_ring" in rendered
    assert encoded[:12] not in rendered
    assert repr(base64.b64decode(encoded))[2:14] not in rendered


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_taken_or_refused_but_never_changed(key: bytes) -> None:
    try:
        ring = parse_key_ring(_entry("v1", key))
    except ConfigurationError as error:
        assert "not random" in str(error)  # noqa: PT017  either way is right, by the bytes drawn
    else:
        assert ring.primary.key == key


def test_random_keys_are_not_taken_for_patterns() -> None:
    for number in range(5_000):
        assert MasterKey(f"v{number}", os.urandom(32)).version == f"v{number}"


def test_a_key_needs_seventeen_different_bytes() -> None:
    # Neither a text nor evenly stepped, so that only the count decides.
    enough = bytes(number * number % 256 for number in (*range(1, 16), 17, 18))
    assert len(set(enough)) == 17
    assert MasterKey("v1", enough + enough[:15]).version == "v1"
    with pytest.raises(ConfigurationError, match="not random"):
        MasterKey("v1", enough[:16] * 2)


def test_generated_keys_differ_and_are_taken() -> None:
    entries = {generate_key(f"v{number}") for number in range(50)}
    ring = parse_key_ring(sorted(entries))
    assert len({master.key for master in ring.keys}) == 50


def test_a_key_is_not_generated_for_a_bad_version() -> None:
    with pytest.raises(ConfigurationError, match="is not a name"):
        generate_key("a:b")


def test_nothing_shows_a_key() -> None:
    ring = parse_key_ring(f"{GOOD},{OLD}")
    shown = f"{ring!r} {ring.primary!r} {LocalKeyStore(ring)!r} {ring} {vars(LocalKeyStore(ring))}"
    assert "2026-11" in shown
    for master in ring.keys:
        assert repr(master.key)[2:-1] not in shown
        assert base64.b64encode(master.key).decode() not in shown


def test_master_keys_are_not_pickled() -> None:
    ring = parse_key_ring(GOOD)
    with pytest.raises(TypeError):
        pickle.dumps(ring)


def test_a_ring_cannot_be_built_empty() -> None:
    with pytest.raises(ConfigurationError, match="no master key"):
        KeyRing(())
