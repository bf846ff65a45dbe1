"""What a visit costs, what it leaves behind, and what its answer says to caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template_string
from jinja2 import DictLoader
from sqlalchemy import func, select

from flask_tokenoffset.blueprints.html import rendering
from flask_tokenoffset.models import Person
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.state import state_of
from tests.hosts.host_apps import (
    API,
    NAVIGATION,
    PREFIX,
    counted_statements,
    form_token,
    pot_pages,
    sign_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from flask import Blueprint, Flask


def people(app: Flask) -> int:
    with app.app_context():
        return state_of(app).session.scalar(select(func.count(Person.id))) or 0


def test_looking_makes_no_person_and_a_first_change_makes_one(host: Callable[..., Flask]) -> None:
    app = host()
    client = sign_in(app.test_client())
    assert "account None" in client.get(f"{PREFIX}/").text
    assert people(app) == 0
    token = form_token(client)
    for _ in range(2):
        saved = client.post(f"{PREFIX}/pots", data={"tokenoffset_csrf": token}).text
        assert "None" not in saved
    assert people(app) == 1
    assert "account None" not in client.get(f"{PREFIX}/").text


def test_a_refused_change_makes_no_person(host: Callable[..., Flask]) -> None:
    app = host()
    client = sign_in(app.test_client())
    client.post(f"{PREFIX}/pots")
    client.post(f"{API}/pots", json={"label": ""})
    assert people(app) == 0


def test_a_visit_begins_a_session_only_where_a_form_is_shown(host: Callable[..., Flask]) -> None:
    client = host().test_client()
    assert "Set-Cookie" not in client.get(f"{PREFIX}/about").headers
    assert "Set-Cookie" not in client.get(f"{API}/openapi.json").headers
    sign_in(client)
    assert "Set-Cookie" not in client.get(f"{PREFIX}/").headers
    assert "Set-Cookie" in client.get(f"{PREFIX}/pots").headers


def test_the_person_is_looked_up_once_and_only_when_needed(host: Callable[..., Flask]) -> None:
    app = host(navigation=NAVIGATION)
    client = sign_in(app.test_client())
    with counted_statements(app) as statements:
        client.get(f"{PREFIX}/about")
        client.get(f"{API}/openapi.json")
    assert statements == []
    with counted_statements(app) as statements:
        client.get(f"{PREFIX}/")
    assert len([each for each in statements if "FROM tokenoffset_person" in each]) == 1
    # Of a person without a row it is not known what they accepted and what they were told.
    assert len(statements) <= 3


def test_answers_are_not_kept_and_not_sniffed(host: Callable[..., Flask]) -> None:
    client = sign_in(host().test_client())
    for path in (f"{PREFIX}/", f"{PREFIX}/about", f"{API}/pots", f"{API}/nowhere"):
        headers = client.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "Content-Security-Policy" not in headers


def test_static_files_are_kept_for_ever_under_their_own_address(
    host: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "style.css").write_text("p {}")
    monkeypatch.setattr(rendering, "STATIC_FOLDER", tmp_path)
    app = host()
    with app.test_request_context():
        address = rendering.View(()).asset("style.css")
    client = sign_in(app.test_client())
    with counted_statements(app) as statements:
        kept = client.get(address, buffered=True)
    assert kept.text == "p {}"
    assert kept.cache_control.max_age == 365 * 24 * 60 * 60
    assert kept.headers["X-Content-Type-Options"] == "nosniff"
    assert statements == []
    assert client.get(address.partition("?")[0], buffered=True).cache_control.max_age is None
    assert client.get(f"{PREFIX}/static/../settings.py").status_code == 404
    (tmp_path / "style.css").write_text("p { color: red }")
    with app.test_request_context():
        assert rendering.View(()).asset("style.css") != address


def test_the_navigation_shows_what_the_visitor_may_see(host: Callable[..., Flask]) -> None:
    page = sign_in(host(navigation=NAVIGATION).test_client()).get(f"{PREFIX}/").text
    assert '<a href="/tokenoffset/" aria-current="page">Dashboard</a>' in page
    assert '<a href="/tokenoffset/about">About</a>' in page
    refused = host(navigation=NAVIGATION).test_client().get(f"{PREFIX}/pots").text
    assert "Dashboard" not in refused
    assert '<a href="/tokenoffset/about">About</a>' in refused


def test_a_partner_layout_takes_our_pages(host: Callable[..., Flask]) -> None:
    app = host(settings={"base_template": "partner.html"})
    app.jinja_loader = DictLoader(
        {
            "partner.html": "<title>{% block title %}{% endblock %} - Shop</title>"
            "<article>{% block content %}{% endblock %}</article>"
        }
    )
    page = sign_in(app.test_client()).get(f"{PREFIX}/").text
    assert "<title>Pots - Shop</title>" in page
    assert page.index("<article>") < page.index("account None") < page.index("</article>")


def test_a_partner_with_other_block_names_overrides_one_file(host: Callable[..., Flask]) -> None:
    app = host(settings={"base_template": "partner.html"})
    app.jinja_loader = DictLoader(
        {
            "partner.html": "<h1>{% block heading %}{% endblock %}</h1>"
            "<article>{% block body %}{% endblock %}</article>",
            "tokenoffset/layout.html": "{% extends tokenoffset.base_template %}"
            "{% block heading %}{% block tokenoffset_title %}{% endblock %}{% endblock %}"
            "{% block body %}{% block tokenoffset_content %}{% endblock %}{% endblock %}",
        }
    )
    page = sign_in(app.test_client()).get(f"{PREFIX}/").text
    assert page == "<h1>Pots</h1><article><p>account None</p></article>"


def test_the_nonce_comes_from_the_host(host: Callable[..., Flask]) -> None:

    @requires(Permission.READ_PUBLISHED)
    def nonce_page() -> str:
        return render_template_string("{{ tokenoffset.nonce() }}")

    def pages(blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/nonce", view_func=nonce_page)

    with_one = host(pages=[pot_pages, pages], settings={"csp_nonce": lambda: "n0nce"})
    assert with_one.test_client().get(f"{PREFIX}/nonce").text == "n0nce"
    assert host(pages=[pages]).test_client().get(f"{PREFIX}/nonce").text == "None"
