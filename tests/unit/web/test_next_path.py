"""Wherever ``next`` claims to lead, it leads to a path of this host."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.blueprints.access.next_path import local_path

ELSEWHERE = [
    "",
    "plan",
    "?next=/x",
    "https://evil.example/",
    "HTTPS://evil.example/",
    "http:evil.example",
    "https:/evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    " //evil.example",
    "/ /evil.example",
    "/%2f/evil.example",
    "/%2F%2Fevil.example",
    "%2f%2fevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:%20a=b",
    "/a//evil.example",
    "/..//evil.example",
    "//ada@evil.example",
    "//ada:secret@app.example.com@evil.example",
    "https://app.example.com@evil.example",
    "javascript:alert(1)",
    "data:text/html,hello",
    "/\u2215/evil.example",
    "/\uff0f/evil.example",
    "/\u202eevil",
    "/" + "a" * 500,
    "//[::1",
    "/\0",
]
HERE = [
    "/",
    "/tokenoffset/plan",
    "/tokenoffset/plan?done=adopted&next=https://evil.example",
    "/base/tokenoffset/organizations/0b1c/members?search=a%20b",
    "/caf%C3%A9/a%20b",
    "/plan#history",
]


@pytest.mark.parametrize("text", ELSEWHERE, ids=ascii)
def test_what_may_lead_elsewhere_is_not_followed(text: str) -> None:
    assert local_path(text, "/home") == "/home"


@pytest.mark.parametrize("text", HERE)
def test_a_path_of_this_host_is_followed(text: str) -> None:
    assert local_path(text, "/home") == text


def test_nothing_is_the_default() -> None:
    assert local_path(None, "/home") == "/home"


@given(
    st.one_of(
        st.text(),
        st.text(alphabet="/\\%2f5cF:@?#.ea \t\n0d"),
        st.from_regex(r"/[/\\%.]{0,4}[a-z2f5c]{0,6}", fullmatch=True),
    )
)
def test_whatever_is_followed_stays_on_the_host(text: str) -> None:
    base = "https://app.example.com/tokenoffset/confirm"
    found = local_path(text, "/home")
    joined = urlsplit(urljoin(base, found))
    assert (joined.scheme, joined.netloc) == ("https", "app.example.com")
    # Browsers read a backslash as a slash and leave tabs and line ends out.
    as_browsers_read = found.replace("\\", "/").translate({9: None, 10: None, 13: None}).strip()
    assert not as_browsers_read.startswith("//")
    assert as_browsers_read == found
