from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from freezegun import freeze_time

from tests.hosts.host_apps import API, PREFIX, form_token, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

SIX_HOSTS = [(csrf, on) for csrf in ("none", "before", "after") for on in (True, False)]


@pytest.fixture(params=SIX_HOSTS, ids=lambda p: f"CSRFProtect {p[0]}, enabled {p[1]}")
def any_host(request: pytest.FixtureRequest, host: Callable[..., Flask]) -> Flask:
    csrf, enabled = request.param
    return host(csrf=csrf, config={"WTF_CSRF_ENABLED": enabled})


def test_our_form_is_accepted_with_its_token_only(any_host: Flask) -> None:
    client = sign_in(any_host.test_client())
    token = form_token(client)
    refused = client.post(f"{PREFIX}/pots", data={})
    assert refused.status_code == 400
    assert "Form expired" in refused.text
    assert client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": token}).status_code == 200
    assert client.post(f"{PREFIX}/pots", headers={"X-CSRFToken": token}).status_code == 200


def test_a_token_of_another_session_is_refused(any_host: Flask) -> None:
    mallory = form_token(sign_in(any_host.test_client(), "mallory"))
    client = sign_in(any_host.test_client())
    form_token(client)
    answer = client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": mallory})
    assert answer.status_code == 400


@pytest.mark.parametrize("csrf", ["before", "after"])
def test_the_hosts_own_protection_goes_on(host: Callable[..., Flask], csrf: str) -> None:
    client = sign_in(host(csrf=csrf).test_client())
    ours = form_token(client)
    theirs = client.get("/host-token").text
    assert client.post("/host-form").status_code == 400
    assert client.post("/host-form", data={"csrf_token": ours}).status_code == 400
    assert client.post("/host-form", data={"csrf_token": theirs}).status_code == 200
    assert client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": theirs}).status_code == 400


def test_an_api_call_passes_the_hosts_protection_as_json(any_host: Flask) -> None:
    client = sign_in(any_host.test_client())
    assert client.post(f"{API}/pots", json={"label": "blue"}).status_code == 201
    as_form = client.post(f"{API}/pots", data={"label": "blue"})
    assert as_form.status_code == 415


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "https://localhost"}, True),  # TLS may end in front of us
        ({"Origin": "http://LOCALHOST:80"}, True),
        ({"Origin": "http://localhost:8080"}, False),
        ({"Origin": "http://evil.localhost"}, False),
        ({"Origin": "http://localhost.evil.example"}, False),
        ({"Origin": "http://localhost:port"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_an_unsafe_request_must_come_from_here(
    host: Callable[..., Flask], headers: dict[str, str], passes: bool
) -> None:
    client = sign_in(host().test_client())
    token = form_token(client)
    page = client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": token}, headers=headers)
    call = client.post(f"{API}/pots", json={"label": "blue"}, headers=headers)
    assert (page.status_code, call.status_code) == ((200, 201) if passes else (403, 403))
    assert client.get(f"{PREFIX}/pots", headers=headers).status_code == 200


def test_a_call_without_body_needs_the_content_type_or_a_token(host: Callable[..., Flask]) -> None:
    client = sign_in(host().test_client())
    url = f"{API}/pots/7e57ab1e-0000-4000-8000-000000000001"
    token = form_token(client)
    assert client.delete(url).status_code == 415
    assert client.delete(url, headers={"X-CSRFToken": "wrong"}).status_code == 415
    assert client.delete(url, headers={"X-CSRFToken": token}).status_code == 204
    assert client.delete(url, content_type="application/json").status_code == 204
    with_body = client.post(
        f"{API}/pots", data="label=x", headers={"X-CSRFToken": token}, content_type="text/plain"
    )
    assert with_body.status_code == 415


def test_a_form_may_stay_open_for_half_a_day(host: Callable[..., Flask]) -> None:
    app = host(config={"WTF_CSRF_TIME_LIMIT": 60})
    with freeze_time("2026-11-20T08:00:00") as clock:
        client = sign_in(app.test_client())
        token = form_token(client)
        for seconds, status in ((12 * 60 * 60, 200), (1, 400)):
            clock.tick(seconds)
            answer = client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": token})
            assert answer.status_code == status


def test_a_form_shown_before_the_secret_key_was_rotated_is_accepted(
    host: Callable[..., Flask],
) -> None:
    app = host()
    client = sign_in(app.test_client())
    token = form_token(client)
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["host secret"])
    assert client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": token}).status_code == 200
    app.config.update(SECRET_KEY_FALLBACKS=["another"])
    assert client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": token}).status_code != 200
