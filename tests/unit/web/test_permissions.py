from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.permissions import Permission, declared, requires
from tests.hosts.host_apps import API, KNOWN_ID, PREFIX, form_token, make_host, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Flask


def test_a_page_without_a_permission_stops_start_up() -> None:
    def pages(blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/forgotten", "forgotten", lambda: "")

    with pytest.raises(RuntimeError, match=r"tokenoffset\.pages\.forgotten.*no permission"):
        make_host(pages=[pages])


def test_an_api_route_that_is_no_operation_stops_start_up() -> None:
    @requires(Permission.READ_PUBLISHED)
    def undocumented() -> str:
        return ""

    def operations(blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/undocumented", view_func=undocumented)

    with pytest.raises(RuntimeError, match=r"tokenoffset\.api\.undocumented.*no operation"):
        make_host(operations=[operations])


def test_a_host_without_a_secret_key_stops_start_up() -> None:
    with pytest.raises(Exception, match="SECRET_KEY: it is missing"):
        make_host(config={"SECRET_KEY": None})


def test_every_route_of_ours_declares_a_permission(host: Callable[..., Flask]) -> None:
    app = host()
    ours = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(PREFIX)]
    assert len(ours) > 8
    assert all(declared(app.view_functions[rule.endpoint]) for rule in ours)


CALLS = [
    ("GET", f"{PREFIX}/"),
    ("GET", f"{PREFIX}/pots"),
    ("POST", f"{PREFIX}/pots"),
    ("GET", f"{API}/pots"),
    ("POST", f"{API}/pots"),
    ("GET", f"{API}/pots/{KNOWN_ID}"),
    ("DELETE", f"{API}/pots/{KNOWN_ID}"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_stranger_is_refused_where_a_person_is_served(
    host: Callable[..., Flask], method: str, path: str
) -> None:
    app = host()
    stranger, person = app.test_client(), sign_in(app.test_client())
    headers = {"X-CSRFToken": form_token(person)}
    json = {"label": "blue"} if path == f"{API}/pots" and method == "POST" else None
    assert stranger.open(path, method=method, json=json).status_code == 401
    assert person.open(path, method=method, json=json, headers=headers).status_code < 300


@pytest.mark.parametrize("path", [f"{PREFIX}/about", f"{API}/openapi.json"])
def test_a_stranger_may_read_what_is_published(host: Callable[..., Flask], path: str) -> None:
    assert host().test_client().get(path).status_code == 200


def test_a_view_that_lost_its_permission_is_closed(host: Callable[..., Flask]) -> None:
    app = host()
    app.view_functions["tokenoffset.pages.about"] = lambda: "open"
    assert app.test_client().get(f"{PREFIX}/about").status_code == 403
