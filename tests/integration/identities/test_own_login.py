"""A9 to A11: the login of our own, its session and its cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask_login
import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_tokenoffset import TokenOffset
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.models import ReauthenticationProof
from flask_tokenoffset.vault import generate_key
from tests.support.erasing import let_time_pass
from tests.support.linking import OWN_LOGIN, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.support.world import Browser, World

HTTPS: dict[str, Any] = {
    "SESSION_COOKIE_SECURE": True,
    "PREFERRED_URL_SCHEME": "https",
    "TOKENOFFSET_PUBLIC_URL": "https://localhost",
}


def account(browser: Browser) -> str | None:
    """Whose account a browser is in, if anyone is signed in."""
    answer = browser.api("GET", "/me")
    return str(answer.get_json()["id"]) if answer.status_code == 200 else None


def by_mail(scene: Scene, address: str, next_path: str | None = None) -> Browser:
    """A new browser in which a person has signed in by a mailed link."""
    browser = scene.new_browser()
    fields = {"email": address} | ({} if next_path is None else {"next": next_path})
    assert browser.submit("/sign-in", "/sign-in/mail", **fields).status_code == 303
    scene.world.work()
    link = scene.world.mail.link_to(address)
    assert browser.submit(link, link).status_code == 303
    return browser


# --- signing in -----------------------------------------------------------------------------------


def test_a_page_leads_to_the_sign_in_and_back(own: Scene) -> None:
    browser = own.new_browser()
    answer = browser.get("/billing-records?page=2")
    assert answer.status_code == 303
    page = browser.page(answer.headers["Location"].removeprefix("/tokenoffset"))
    form = page.form("/sign-in/with/acme")
    answer = browser.client.post(form.action, data=form.values)
    back = own.acme.go(answer.headers["Location"], "ada-there")
    assert (
        own.complete_flow(browser, back).headers["Location"]
        == "/tokenoffset/billing-records?page=2"
    )
    assert browser.get("/billing-records").status_code == 200


def test_a_second_sign_in_opens_the_same_account_and_tells_its_owner(own: Scene) -> None:
    first, second = by_mail(own, "ada@example.com"), by_mail(own, "ada@example.com")
    assert account(first) == account(second) is not None
    own.world.work()
    assert own.world.mail.kinds_to("ada@example.com").count("signed-in") == 2
    events = first.api("GET", "/audit-events").get_json()["items"]
    assert [each["action"] for each in events].count("person.signed-in") == 2


def test_an_account_that_signed_in_by_mail_may_link_an_identity_and_sign_in_by_it(
    own: Scene,
) -> None:
    first = by_mail(own, "ada@example.com")
    assert own.link(first, "ada-there").status_code == 303
    assert account(own.signed_in("ada-there")) == account(first)


def test_signing_in_without_a_form_of_ours_is_refused(own: Scene) -> None:
    browser = own.new_browser()
    assert browser.client.post("/tokenoffset/sign-in/with/acme").status_code == 400
    assert browser.client.get("/tokenoffset/sign-in/with/acme").status_code == 405
    assert own.acme.calls == []


@pytest.mark.promise("TG-013")
def test_sign_ins_through_one_network_address_are_limited_and_others_go_on(own: Scene) -> None:
    browser = own.new_browser()
    form = browser.page("/sign-in").form("/sign-in/with/acme")
    for _ in range(300):
        assert browser.client.post(form.action, data=form.values).status_code == 303
    answer = browser.client.post(form.action, data=form.values)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    other = browser.client.post(form.action, data=form.values, environ_overrides=elsewhere)
    assert other.status_code == 303
    # What anyone can write into a header makes no other address.
    forged = {"X-Forwarded-For": "203.0.113.10"}
    assert browser.client.post(form.action, data=form.values, headers=forged).status_code == 429


def test_an_unknown_provider_signs_nobody_in(own: Scene) -> None:
    browser = own.new_browser()
    token = browser.page("/sign-in").hidden_fields()
    answer = browser.client.post("/tokenoffset/sign-in/with/initech", data=token)
    assert answer.status_code == 404


def test_in_a_host_with_users_there_is_no_sign_in_of_ours(scene: Scene) -> None:
    for path in ("/sign-in", "/sign-out"):
        assert scene.world.ada.get(path).status_code == 404
    back = scene.acme.go(scene.begin_flow(scene.world.ada), "ada-there")
    assert scene.complete_flow(scene.world.ada, back).status_code == 303


def test_the_hosts_own_routes_know_the_person(own: Scene) -> None:
    app = own.world.app

    def whoami() -> str:
        return str(flask_login.current_user.name)

    app.add_url_rule("/whoami", "whoami", flask_login.login_required(whoami))
    nobody, ada = own.new_browser(), own.signed_in("ada-there")
    answer = nobody.client.get("/whoami")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/tokenoffset/sign-in?next=%2Fwhoami"
    ada.api("PATCH", "/me", {"display_name": "Ada"})
    assert ada.client.get("/whoami").text == "Ada"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "\t//evil.example/",
        "/\n/evil.example/",
        "/%09/evil.example/",
        "/%2f%2fevil.example/",
        "/%2F/evil.example",
        "/%5cevil.example/",
        "/%252f/evil.example/",
        "/./\\evil.example",
        "http:evil.example",
        "http:///evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "//user:pw@evil.example/",
        "/@evil.example//",
        "evil.example",
        "//evil.example:443/%2e%2e",
        "/" + "a" * 600,
        " /tokenoffset/",
        "/tokenoffset/\u2028",
    ],
)
def test_afterwards_nobody_is_sent_elsewhere(own: Scene, path: str) -> None:
    browser = own.new_browser()
    address = own.begin_sign_in(browser, next_path=path)
    back = own.acme.go(address, "ada-there")
    assert own.complete_flow(browser, back).headers["Location"] == "/tokenoffset/"


# --- the session ----------------------------------------------------------------------------------


def test_a_planted_cookie_is_of_no_use(own: Scene) -> None:
    """Fixation: what the attacker put into the victim's session is gone, and opens nothing."""
    attacker, victim = own.new_browser(), own.new_browser()
    attacker.page("/sign-in")
    planted = attacker.client.get_cookie("session")
    assert planted is not None
    with attacker.client.session_transaction() as theirs:
        theirs["planted"] = "by the attacker"
    planted = attacker.client.get_cookie("session")
    assert planted is not None
    victim.client.set_cookie("session", planted.value)
    own.sign_in(victim, "victim-there")
    assert account(victim) is not None
    assert account(attacker) is None
    with victim.client.session_transaction() as now:
        assert "planted" not in now
    assert victim.client.get_cookie("session") != planted


def test_the_token_of_a_form_shown_before_the_sign_in_is_refused_afterwards(own: Scene) -> None:
    browser = own.new_browser()
    before = browser.page("/sign-in").hidden_fields()["tokenoffset_csrf"]
    own.sign_in(browser, "ada-there")
    answer = browser.client.post("/tokenoffset/sign-out", data={"tokenoffset_csrf": before})
    assert answer.status_code == 400
    assert account(browser) is not None


def test_signing_in_as_another_person_leaves_nothing_of_the_first(own: Scene) -> None:
    browser = own.signed_in("ada-there")
    first = account(browser)
    with browser.client.session_transaction() as theirs:
        theirs["of the first"] = "something"
    back = own.globex.go(own.begin_sign_in(signed_out(browser), "globex"), "ben-there")
    own.complete_flow(browser, back)
    assert account(browser) not in {first, None}
    with browser.client.session_transaction() as theirs:
        assert "of the first" not in theirs


def test_a_stolen_cookie_is_worth_nothing_after_the_sign_out(own: Scene) -> None:
    victim, thief = own.signed_in("ada-there"), own.new_browser()
    stolen = victim.client.get_cookie("session")
    assert stolen is not None
    thief.client.set_cookie("session", stolen.value)
    assert account(thief) == account(victim)
    assert victim.submit("/sign-out", "/sign-out").status_code == 303
    assert account(thief) is None
    own.sign_in(victim, "ada-there")
    assert account(victim) is not None
    assert account(thief) is None


def test_signing_out_takes_the_reauthentication_proofs_along(own: Scene) -> None:
    browser = own.signed_in("ada-there")
    signed_out(browser)
    assert own.world.rows(ReauthenticationProof) == {"tokenoffset_fresh_proof": []}


def test_signing_out_takes_a_form(own: Scene) -> None:
    browser = own.signed_in("ada-there")
    assert browser.get("/sign-out").status_code == 200
    assert browser.client.post("/tokenoffset/sign-out").status_code == 400
    assert account(browser) is not None


def test_closing_the_account_ends_every_login(own: Scene) -> None:
    first, second = own.signed_in("ada-there"), own.signed_in("ada-there")
    answer = first.api("DELETE", "/me", {"confirm": True})
    assert answer.status_code == 202, answer.text
    let_time_pass(own.world, days=29)
    assert account(first) == account(second) is not None
    let_time_pass(own.world, days=1)
    assert account(first) is None
    assert account(second) is None
    again = own.signed_in("ada-there")
    assert account(again) is not None
    assert account(second) is None


def test_the_last_way_in_cannot_be_unlinked(own: Scene) -> None:
    browser = own.signed_in("ada-there")
    identity_id = own.only_identity()
    unlink = f"/identities/{identity_id}/unlink"
    answer = browser.submit(unlink, unlink)
    assert answer.status_code == 409
    assert "your only way to sign in" in answer.text
    assert browser.api("DELETE", f"/identities/{identity_id}").status_code == 409
    assert own.link(browser, "ada-at-globex", "globex").status_code == 303
    assert browser.api("DELETE", f"/identities/{identity_id}").status_code == 204
    assert account(browser) is not None
    # The proof went with the account that had given it.
    last = own.only_identity()
    assert browser.api("DELETE", f"/identities/{last}").status_code == 403
    other = own.signed_in("ada-at-globex", "globex")
    assert other.api("DELETE", f"/identities/{last}").status_code == 409


def test_a_mailed_link_is_a_way_in_that_can_stay_the_last(own: Scene) -> None:
    browser = by_mail(own, "ada@example.com")
    own.link(browser, "ada-there")
    assert browser.api("DELETE", f"/identities/{own.only_identity()}").status_code == 204


# --- cookies --------------------------------------------------------------------------------------


@pytest.mark.promise("TG-012")
def test_every_cookie_is_secure_and_closed_to_scripts(make_world: Callable[..., World]) -> None:
    own = Scene(make_world, **OWN_LOGIN, **HTTPS)
    browser = own.new_browser()
    seen: list[tuple[str, set[str]]] = []
    inner = own.world.app.wsgi_app

    def noting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            for name, value in headers:
                if name == "Set-Cookie":
                    cookie, *attributes = (each.strip() for each in value.split(";"))
                    seen.append((cookie.partition("=")[0], {each.lower() for each in attributes}))
            return start_response(status, headers, *rest)

        return inner(environ, start)

    own.world.app.wsgi_app = noting  # type: ignore[method-assign]  # as Flask documents it
    own.sign_in(browser, "ada-there")
    assert account(browser) is not None
    signed_out(browser)
    by_mail(own, "ada@example.com")
    assert {name for name, _ in seen} == {"session", "__Host-tokenoffset_browser"}
    for name, attributes in seen:
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes, name
        assert not any(each.startswith("domain=") for each in attributes), name


def make_app(**settings: Any) -> Flask:
    app = Flask("host")
    app.config.update(
        SECRET_KEY="the host's secret",
        SQLALCHEMY_DATABASE_URI="sqlite://",
        TOKENOFFSET_KEYS=generate_key("2026-11"),
        TOKENOFFSET_EMBEDDED_QUEUE=True,
        TOKENOFFSET_SIGN_IN="identity",
        SESSION_COOKIE_SECURE=True,
    )
    app.config.update(settings)
    SQLAlchemy(app)
    return app


@pytest.mark.promise("TG-012")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SESSION_COOKIE_SECURE", False),
        ("SESSION_COOKIE_HTTPONLY", False),
        ("SESSION_COOKIE_SAMESITE", "Strict"),
        ("SESSION_COOKIE_SAMESITE", "None"),
    ],
)
def test_a_host_whose_session_cookie_is_open_does_not_start(setting: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        TokenOffset(make_app(**{setting: value}))
    TokenOffset(make_app())


def test_a_host_with_a_login_of_its_own_does_not_start() -> None:
    app = make_app()
    flask_login.LoginManager(app)
    with pytest.raises(ConfigurationError, match="Remove that LoginManager"):
        TokenOffset(app)
    with pytest.raises(ConfigurationError, match="Remove one of them"):
        TokenOffset(make_app(), user_loader=lambda: HostUser(key="1"))


def test_a_login_that_a_host_sets_up_afterwards_is_found_out() -> None:
    app = make_app()
    TokenOffset(app)
    flask_login.LoginManager(app)
    with app.test_request_context("/"), pytest.raises(ConfigurationError, match="taken the place"):
        app.extensions["tokenoffset"].user_loader()


def signed_out(browser: Browser) -> Browser:
    """The same browser after a sign-out."""
    assert browser.submit("/sign-out", "/sign-out").status_code == 303
    return browser


# --- a required identity --------------------------------------------------------------------------


def test_a_required_identity_is_the_only_way_in(make_world: Callable[..., World]) -> None:
    own = Scene(make_world, **OWN_LOGIN, TOKENOFFSET_REQUIRED_IDENTITY="globex")
    browser = own.new_browser()
    page = browser.page("/sign-in")
    assert page.has_form("/sign-in/with/globex")
    assert not page.has_form("/sign-in/with/acme")
    assert not page.has_form("/sign-in/mail")
    token = page.hidden_fields()
    for path in ("with/acme", "mail"):
        answer = browser.client.post(
            f"/tokenoffset/sign-in/{path}", data={**token, "email": "ada@example.com"}
        )
        assert answer.status_code == 404
    own.sign_in(browser, "ada-there", "globex")
    assert account(browser) is not None
    # Another one may be linked, but it is no way in.
    assert own.link(browser, "ada-at-acme").status_code == 303
    globex = next(each.id for each in own.identities() if each.provider == "globex")
    assert browser.api("DELETE", f"/identities/{globex}").status_code == 409
