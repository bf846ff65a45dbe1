from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask_login import LoginManager, UserMixin, login_user

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.flask_login import flask_login_user
from tests.hosts.host_apps import API, PREFIX, form_token, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable


def test_flask_login_sends_a_visitor_to_its_page_and_knows_who_comes_back(
    host: Callable[..., Flask],
) -> None:
    client = host(login=True).test_client()
    answer = client.get(f"{PREFIX}/pots?a=1")
    assert answer.status_code == 302
    assert urlsplit(answer.location).path == "/sign-in"
    assert parse_qs(urlsplit(answer.location).query) == {"next": [f"{PREFIX}/pots?a=1"]}
    client.post("/host-login")
    assert client.get(f"{PREFIX}/pots").status_code == 200


def test_the_key_is_the_primary_key_and_not_the_login_id(host: Callable[..., Flask]) -> None:
    app = host(login=True)
    client = app.test_client()
    with client:
        key = client.post("/host-login").text
        client.get("/")
        user = flask_login_user()
    assert user is not None
    assert (user.key, user.name, user.email, user.email_verified) == (key, "ada", None, False)


def test_a_user_without_a_primary_key_is_an_error_with_a_cure() -> None:
    app = Flask("host")
    app.secret_key = "secret"
    manager = LoginManager(app)
    manager.request_loader(lambda _: None)
    with app.test_request_context():
        assert flask_login_user() is None
        user = UserMixin()
        user.id = "login name"
        login_user(user)
        with pytest.raises(ConfigurationError, match=r"user_loader=\.\.\."):
            flask_login_user()


def test_a_host_without_flask_login_is_told_to_pass_a_hook() -> None:
    with (
        Flask("host").test_request_context(),
        pytest.raises(ConfigurationError, match="no Flask-Login"),
    ):
        flask_login_user()


def test_a_host_with_a_login_url_gets_the_way_back(host: Callable[..., Flask]) -> None:
    client = host(settings={"login_url": "/sign-in?from=us"}).test_client()
    answer = client.get(f"{PREFIX}/pots?a=1&b=%2F")
    assert answer.status_code == 303
    query = parse_qs(urlsplit(answer.location).query)
    assert query == {"from": ["us"], "next": [f"{PREFIX}/pots?a=1&b=%2F"]}


def test_the_way_back_counts_the_place_where_the_host_is_mounted(
    host: Callable[..., Flask],
) -> None:
    client = host(settings={"login_url": "/sign-in"}).test_client()
    answer = client.get(f"{PREFIX}/pots", base_url="http://localhost/shop")
    assert answer.location == "/shop/sign-in?next=%2Fshop%2Ftokenoffset%2Fpots"


def test_after_a_form_the_way_back_is_our_first_page(host: Callable[..., Flask]) -> None:
    answer = host(settings={"login_url": "/sign-in"}).test_client().post(f"{PREFIX}/pots")
    assert answer.location == "/sign-in?next=%2Ftokenoffset"


@pytest.mark.parametrize("path", ["//evil.example/x", "/%2F/evil.example", "/\\evil.example"])
def test_the_way_back_is_a_path_of_this_host(host: Callable[..., Flask], path: str) -> None:
    from flask_tokenoffset.blueprints.access.context import send_to_sign_in

    app = host(settings={"login_url": "/sign-in"}, url_prefix="")
    with app.test_request_context(path):
        location = send_to_sign_in().location  # type: ignore[union-attr]
    (way_back,) = parse_qs(urlsplit(location).query)["next"]
    assert way_back.startswith("/")
    assert way_back[1:2] not in {"/", "\\"}


@pytest.mark.parametrize("options", [{}, {"login": True, "login_view": None}])
def test_a_host_without_a_sign_in_page_says_so(
    host: Callable[..., Flask], options: dict[str, object]
) -> None:
    answer = host(**options).test_client().get(f"{PREFIX}/pots")
    assert answer.status_code == 401
    assert "You are not signed in" in answer.text


def test_the_login_url_helps_where_flask_login_names_no_page(host: Callable[..., Flask]) -> None:
    app = host(login=True, login_view=None, settings={"login_url": "/sign-in"})
    assert app.test_client().get(f"{PREFIX}/pots").location.startswith("/sign-in?")


@pytest.mark.parametrize("options", [{}, {"login": True}, {"settings": {"login_url": "/x"}}])
def test_the_api_never_redirects_but_refuses(
    host: Callable[..., Flask], options: dict[str, object]
) -> None:
    app = host(**options)
    answer = app.test_client().get(f"{API}/pots")
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "sign-in-required"


def test_one_request_remembers_nothing_of_the_last(host: Callable[..., Flask]) -> None:
    app = host()
    client = app.test_client()
    with app.app_context():  # shared by all requests, as in some hosts' tests
        sign_in(client, "ada")
        client.post(f"{API}/pots", json={"label": "a"})
        first = client.get(f"{PREFIX}/").text
        sign_in(client, "bob")
        second = client.get(f"{PREFIX}/").text
        ids = {client.get(f"{API}/nowhere").headers["X-Request-Id"] for _ in range(2)}
        tokens = {form_token(sign_in(app.test_client(), key)) for key in ("ada", "bob")}
    assert len(ids) == len(tokens) == 2
    assert "account None" not in first
    assert "account None" in second
