"""The example's second configuration, with the identity provider of the tests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from example_host_app import own_login
from example_host_app.database import db
from example_host_app.without_login import PROVIDER
from flask_tokenoffset.vault import generate_key
from tests.support.html_page import HtmlPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from flask_tokenoffset.host.mailer import OutgoingMail


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    mails: list[OutgoingMail] = []
    with ExitStack() as stack:
        entry = own_login.provider_of_the_tests(stack)
        made = own_login.create_app(
            {
                "SECRET_KEY": "the host's secret",
                "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'own-login.sqlite'}",
                "TOKENOFFSET_KEYS": generate_key("2026-11"),
                "TOKENOFFSET_OAUTH_PROVIDERS": {PROVIDER: entry},
                "TOKENOFFSET_MAILER": mails.append,
                "PROVIDER_ISSUER": entry["issuer"],
            }
        )
        yield made
        made.extensions["tokenoffset"].queue.close()
        with made.app_context():
            db.engine.dispose()


def test_a_person_comes_through_the_provider_and_is_known_to_the_product(app: Flask) -> None:
    from tests.support.identity_provider import ProviderBrowser

    client = app.test_client()
    home = f"{own_login.ADDRESS}/"
    answer = client.get(home)
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"], base_url=own_login.ADDRESS)
    form = HtmlPage(page.text).form(f"/sign-in/with/{PROVIDER}")
    answer = client.post(form.action, data=form.values, base_url=own_login.ADDRESS)
    at_provider = ProviderBrowser(app.config["PROVIDER_ISSUER"])
    back = at_provider.go(answer.headers["Location"], "ada-there")
    at_provider.close()
    assert back.startswith(own_login.redirect_address())
    answer = client.get(back)
    assert answer.headers["Location"] == "/"
    assert "Hello, newcomer." in client.get(home).text
    sign_out = f"{own_login.PREFIX}/sign-out"
    form = HtmlPage(client.get(sign_out, base_url=own_login.ADDRESS).text).form(sign_out)
    client.post(sign_out, data=form.values, base_url=own_login.ADDRESS)
    assert client.get(home).status_code == 302
