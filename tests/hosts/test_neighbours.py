"""What stands beside our routes stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.hosts.host_apps import API, PREFIX, counted_statements, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def test_the_hosts_pages_get_no_cookie_no_header_and_no_query(host: Callable[..., Flask]) -> None:
    app = host()
    with counted_statements(app) as statements:
        answer = app.test_client().get("/")
    assert answer.text == "host home"
    assert set(answer.headers.keys()) == {"Content-Type", "Content-Length"}
    assert statements == []


def test_the_hosts_error_page_stays_its_own(host: Callable[..., Flask]) -> None:
    client = host().test_client()
    for path in ("/nowhere", f"{PREFIX}/nowhere", "/api/v1/nowhere"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (404, "<h1>host not found</h1>")


def test_nothing_of_ours_is_registered_on_the_application_itself(
    host: Callable[..., Flask],
) -> None:
    app = host(csrf="none")
    assert app.before_request_funcs.get(None, []) == []
    assert app.after_request_funcs.get(None, []) == []
    assert app.url_value_preprocessors.get(None, []) == []
    assert list(app.error_handler_spec[None]) == [404]
    assert "tokenoffset" not in app.jinja_env.globals
    host_template = app.jinja_env.from_string("{{ tokenoffset is defined }}")
    with app.test_request_context("/"):
        assert host_template.render() == "False"


def test_the_hosts_own_404_handler_does_not_answer_for_the_api(host: Callable[..., Flask]) -> None:
    answer = sign_in(host().test_client()).get(f"{API}/nowhere")
    assert answer.content_type == "application/problem+json"


def test_two_applications_in_one_process_do_not_mix(host: Callable[..., Flask]) -> None:
    first = host(url_prefix="/first", settings={"login_url": "/first-login"})
    second = host(url_prefix="/second", login=True, pages=(), config={"SECRET_KEY": "other"})
    answer = first.test_client().get("/first/")
    assert answer.location.startswith("/first-login?")
    assert second.test_client().get("/first/").status_code == 404
    assert second.test_client().get("/second/").status_code == 404
    assert first.test_client().get("/first/api/v1/openapi.json").get_json()["servers"] == [
        {"url": "/first/api/v1"}
    ]
    assert second.test_client().get("/second/api/v1/openapi.json").get_json()["servers"] == [
        {"url": "/second/api/v1"}
    ]


def test_the_frame_may_be_mounted_at_the_root(host: Callable[..., Flask]) -> None:
    client = sign_in(host(url_prefix="/").test_client())
    assert client.get("/about").text == "About pots"
    assert client.get("/").text == "host home"
    assert client.get("/api/v1/pots").status_code == 200
