"""Fernhill, the partner product in ``example_host_app``, with and without the extension."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, func, select

from example_host_app import create_app, footprint
from example_host_app.clients import ALMANAC, FERRIES, Client, organization_of
from example_host_app.database import db
from example_host_app.demo import prepare
from example_host_app.models import User
from example_host_app.people import (
    ALICE,
    BOB,
    DAGNY,
    EMEKA,
    IRIS,
    NORA,
    STRANGER,
    TO_TRY,
    VERA,
    Someone,
)
from example_host_app.ten_thousand import MEMBERS, fill_ferries
from flask_tokenoffset.models import Membership, Organization, Person, Plan
from flask_tokenoffset.permissions import Permission, declared
from flask_tokenoffset.testing import ANTHROPIC_DEMO_KEY
from flask_tokenoffset.vault import generate_key
from tests.support.html_page import Element, HtmlPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

ROOT = Path(__file__).parent.parent.parent
HOST_PAGES = ("/", "/settings", "/workspaces/1", "/no-such-page", "/static/fernhill.css")
DEMO = [sys.executable, "-m", "example_host_app.demo"]


@pytest.fixture
def fernhill(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Call it for Fernhill with its people in it; settings go in as keywords."""
    with settling(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One Fernhill with its people in it, for tests that only look."""
    with settling(tmp_path_factory.mktemp("settled")) as make:
        yield make()


@contextmanager
def settling(folder: Path) -> Iterator[Callable[..., Flask]]:
    made: list[Flask] = []

    def make(**settings: Any) -> Flask:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EXAMPLE_DATA_FOLDER", str(folder))
            app = create_app(
                {
                    "SECRET_KEY": "fernhill's secret",
                    "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / f'{len(made)}.sqlite'}",
                    "SIMULATE": True,
                    "TOKENOFFSET_KEYS": generate_key("test"),
                    **settings,
                }
            )
        made.append(app)
        prepare(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        if app.config["FOOTPRINT"] and app.config.get("TOKENOFFSET_EMBEDDED_QUEUE"):
            app.extensions["tokenoffset"].queue.close()


def signed_in(app: Flask, someone: Someone = ALICE) -> FlaskClient:
    client = app.test_client()
    form = HtmlPage(client.get("/sign-in").text).forms[0]
    answer = client.post(
        "/sign-in", data={**form.values, "email": someone.email, "password": someone.password}
    )
    assert answer.status_code == 303
    return client


def submit(client: FlaskClient, path: str, action: str, **fields: str) -> TestResponse:
    """Send a form of a page as a browser would."""
    form = HtmlPage(client.get(path).text).form(action)
    return client.post(form.action, data={**form.values, **fields})


def footprint_pages(app: Flask, **values: Any) -> list[str]:
    """Every page of the extension that can be opened by a link, about oneself and a client."""
    paths = []
    # Where identity providers send people back to is no page, and no link leads there.
    no_pages = {"tokenoffset.pages.identity_callback"}
    for rule in app.url_map.iter_rules():
        if rule.endpoint in no_pages or is_for_operators(app, rule.endpoint):
            continue
        ours = rule.endpoint.startswith(("tokenoffset.pages.", "tokenoffset.organization."))
        if ours and "GET" in (rule.methods or ()) and rule.arguments <= values.keys():
            built = rule.build({name: values[name] for name in rule.arguments})
            assert built is not None
            paths.append(built[1])
    return sorted(paths)


def is_for_operators(app: Flask, endpoint: str) -> bool:
    return declared(app.view_functions[endpoint]) is Permission.HANDLE_REQUESTS


# --- the mounting ---------------------------------------------------------------------------------


def test_mounting_takes_fewer_than_25_lines() -> None:
    lines = Path(footprint.__file__).read_text(encoding="utf-8").splitlines()
    assert 5 < len(lines) < 25
    for path in (ROOT / "example_host_app").glob("*.py"):
        mounts = "TokenOffset(" in path.read_text(encoding="utf-8")
        assert mounts == (path.name == "footprint.py"), path.name


def test_the_documents_show_the_mounting_as_it_is() -> None:
    mounting = Path(footprint.__file__).read_text(encoding="utf-8")
    _, _, body = mounting.partition("def mount_footprint")
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert f"def mount_footprint{body}" in tutorial


# --- Fernhill's own pages -------------------------------------------------------------------------


class Visit:
    """What a visit to a page of Fernhill's was like."""

    def __init__(self, app: Flask, client: FlaskClient, path: str) -> None:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            statements.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        answer = client.get(path)
        event.remove(engine, "before_cursor_execute", note)
        self.status = answer.status_code
        self.headers = {
            name: re.sub(r"nonce-[\w-]+", "nonce", value)
            for name, value in answer.headers
            if name not in {"Date", "Content-Length", "Set-Cookie", "ETag", "Last-Modified"}
        }
        self.cookies = [value.partition("=")[0] for value in answer.headers.getlist("Set-Cookie")]
        self.statements = statements
        text = re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", answer.text)
        self.text = re.sub(r"\s*<li><a href=\"/(footprint/|mailbox)\".*</li>", "", text)
        answer.close()


def test_fernhills_own_pages_are_as_they_were(
    fernhill: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = fernhill(TOKENOFFSET_REDIS_URL="redis://127.0.0.1:1/0")
    bare = fernhill(FOOTPRINT=False)
    calls: list[str] = []

    def note_call(_connection: Any) -> None:
        calls.append("connect")
        raise redis.ConnectionError("counted")

    monkeypatch.setattr(redis.connection.AbstractConnection, "connect", note_call)
    clients = signed_in(mounted), signed_in(bare)
    for path in HOST_PAGES:
        with_it, without = (
            Visit(app, client, path) for app, client in zip((mounted, bare), clients, strict=True)
        )
        assert vars(with_it) == vars(without), path
    assert Visit(mounted, mounted.test_client(), "/sign-in").cookies == ["fernhill"]
    assert calls == []


def test_a_page_that_does_not_exist_is_answered_by_fernhill(
    fernhill: Callable[..., Flask],
) -> None:
    client = signed_in(fernhill())
    for path in ("/no-such-page", "/workspaces/2"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "There is no such page" in answer.text
    assert signed_in(client.application, STRANGER).get("/workspaces/2").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "way_on"),
    [
        ("/settings", "/settings"),
        ("/footprint/", "/footprint/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
        ("/\t/elsewhere.example/", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_on_to_fernhill_only(
    fernhill: Callable[..., Flask], wanted: str, way_on: str
) -> None:
    client = signed_in(fernhill(FOOTPRINT=False))
    answer = client.get("/sign-in", query_string={"next": wanted})
    assert answer.headers["Location"] == way_on


def test_a_wrong_password_and_a_missing_token_are_refused(fernhill: Callable[..., Flask]) -> None:
    client = fernhill(FOOTPRINT=False).test_client()
    wrong = {"email": ALICE.email, "password": STRANGER.password}
    assert client.post("/sign-in", data=wrong).status_code == 400
    token = HtmlPage(client.get("/sign-in").text).forms[0].values
    assert client.post("/sign-in", data={**token, **wrong}).status_code == 422
    assert client.get("/").status_code == 302


# --- the extension's pages in Fernhill ------------------------------------------------------------


def test_the_extensions_pages_keep_to_fernhills_policy(fernhill: Callable[..., Flask]) -> None:
    app = fernhill()
    client = signed_in(app)
    source = id_in(
        submit(client, "/footprint/sources/connect/anthropic", "anthropic", key=ANTHROPIC_DEMO_KEY)
    )
    estimate = id_in(submit(client, "/footprint/bands", "/estimates"))
    adopted = submit(client, f"/footprint/estimates/{estimate}", "/plan/adoptions")
    assert adopted.status_code == 303
    values = {"source_id": source, "estimate_id": estimate, "provider": "openai"}
    paths = footprint_pages(app, **values, **client_ids(app, ALMANAC, BOB))
    own = [path for path in paths if "/organizations/" not in path]
    assert {"/footprint/", "/footprint/plan", f"/footprint/sources/{source}"} < set(own)
    assert len(paths) > len(own) + 10
    for path in paths:
        answer = client.get(path)
        if "/organizations/" in path and (source in path or estimate in path):
            assert answer.status_code == 404, path
            continue
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        (nonce,) = re.findall(r"script-src 'nonce-([\w-]{20,})';", policy)
        assert "unsafe" not in policy
        if answer.mimetype != "text/html":
            continue  # A file, which shows nothing.
        page = HtmlPage(answer.text)
        assert "Fernhill" in page.title, path
        assert {"link", "script"} <= {each.tag for each in page.elements}, path
        for element in page.elements:
            check_against_policy(element, nonce)


def test_anyone_who_answers_requests_at_fernhill_sees_the_queue(
    fernhill: Callable[..., Flask],
) -> None:
    app = fernhill()
    client = signed_in(app, ALICE)
    path = "/footprint/privacy/requests"
    asked = submit(client, path, "/requests", kind="question", statement="Who sees my use?")
    assert asked.status_code == 303
    assert client.get("/footprint/requests").status_code == 403
    page = HtmlPage(signed_in(app, VERA).get("/footprint/requests").text)
    assert "Question" in page.text
    assert ALICE.email not in page.text


def client_ids(app: Flask, client: Client, someone: Someone) -> dict[str, Any]:
    """The id of a client's organization, and of a person's membership in it."""
    with app.app_context():
        organization = organization_of(client)
        assert organization is not None
        membership = db.session.scalars(
            select(Membership)
            .join(Person, Person.id == Membership.person_id)
            .where(Membership.organization_id == organization.id, Person.email == someone.email)
        ).one()
        return {"organization_id": organization.id, "membership_id": membership.id}


def check_against_policy(element: Element, nonce: str) -> None:
    names = set(element.attributes)
    assert element.tag != "style", element
    assert "style" not in names, element
    assert not {name for name in names if name.startswith("on")}, element
    if element.tag == "script":
        assert element.attributes["src"].startswith("/"), element
        assert element.attributes["nonce"] == nonce
    if element.tag == "link":
        assert element.attributes["href"].startswith("/"), element


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ("style", {}),
        ("p", {"style": "color: red"}),
        ("button", {"onclick": "alert(1)"}),
        ("script", {"nonce": "n", "src": "https://elsewhere.example/s.js"}),
        ("script", {"nonce": "another", "src": "/s.js"}),
        ("link", {"href": "https://elsewhere.example/s.css"}),
    ],
)
def test_what_would_break_the_policy_is_noticed(tag: str, attributes: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        check_against_policy(Element(tag, attributes), "n")


def id_in(answer: TestResponse) -> str:
    """The id in the address a form led to."""
    assert answer.status_code == 303, answer.text
    (found,) = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", answer.headers["Location"])
    return str(found)


# --- the clients and their people -----------------------------------------------------------------


def test_the_demo_is_settled_once(fernhill: Callable[..., Flask]) -> None:
    app = fernhill()
    counted = User, Organization, Person, Membership, Plan
    with app.app_context():
        before = [db.session.scalar(select(func.count()).select_from(each)) for each in counted]
    prepare(app)
    with app.app_context():
        after = [db.session.scalar(select(func.count()).select_from(each)) for each in counted]
    assert before == after
    assert before[1] == 2
    # Whatever happens to it in the demo, the client does not come a second time.
    ids = client_ids(app, ALMANAC, ALICE)
    path = f"/footprint/organizations/{ids['organization_id']}/settings"
    assert submit(signed_in(app), path, "/name", name="Other").status_code == 303
    prepare(app)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Organization)) == 2


@pytest.mark.parametrize(
    ("someone", "landing", "shown", "hidden"),
    [
        (ALICE, "dashboard", {"Members", "Settings"}, set()),
        (BOB, "dashboard", {"Members", "Settings"}, set()),
        (DAGNY, "dashboard", {"Members"}, {"Settings"}),
        (EMEKA, "membership", {"Membership"}, {"Members", "Settings", "Dashboard"}),
    ],
    ids=lambda value: value.name if isinstance(value, Someone) else None,
)
def test_each_role_lands_on_a_page_of_its_own(
    settled: Flask,
    someone: Someone,
    landing: str,
    shown: set[str],
    hidden: set[str],
) -> None:
    client = signed_in(settled, someone)
    base = f"/footprint/organizations/{client_ids(settled, ALMANAC, ALICE)['organization_id']}/"
    path = base + {"dashboard": "", "membership": "membership"}[landing]
    organizations = HtmlPage(client.get("/footprint/organizations").text)
    assert organizations.link("Harbour Almanac") == path
    page = client.get(path)
    assert page.status_code == 200
    tabs = {
        element.text
        for element in HtmlPage(page.text).elements
        if element.attributes.get("href", "").startswith(base)
    }
    assert shown <= tabs
    assert not hidden & tabs


@pytest.mark.parametrize("someone", [STRANGER, NORA, IRIS], ids=lambda each: each.name)
def test_who_does_not_belong_sees_nothing(settled: Flask, someone: Someone) -> None:
    client = signed_in(settled, someone)
    base = f"/footprint/organizations/{client_ids(settled, ALMANAC, ALICE)['organization_id']}"
    for path in ("/", "/members", "/membership", "/settings"):
        assert client.get(base + path).status_code == 404
    assert "Harbour Almanac" not in client.get("/footprint/organizations").text


def test_everyone_on_offer_signs_in_with_one_press(fernhill: Callable[..., Flask]) -> None:
    app = fernhill()
    page = HtmlPage(app.test_client().get("/sign-in").text)
    offered = {form.values["email"]: form.values for form in page.forms[1:]}
    assert set(offered) == {someone.email for _, people in TO_TRY for someone, _ in people}
    for values in offered.values():
        client = app.test_client()
        token = HtmlPage(client.get("/sign-in").text).forms[0].values["csrf_token"]
        assert client.post("/sign-in", data={**values, "csrf_token": token}).status_code == 303
        assert client.get("/").status_code == 200
    # A Fernhill that is not a demo offers nobody.
    plain = fernhill(SIMULATE=False).test_client().get("/sign-in")
    assert len(HtmlPage(plain.text).forms) == 1


def test_ten_thousand_members_come_once_and_their_page_opens(
    fernhill: Callable[..., Flask],
) -> None:
    app = fernhill()
    result = app.test_cli_runner().invoke(args=["fernhill", "seed-scale"])
    assert result.exit_code == 0, result.output
    assert "9,995 people came aboard" in result.output
    ids = client_ids(app, FERRIES, NORA)
    with app.app_context():
        assert fill_ferries() == 0
        theirs = Membership.organization_id == ids["organization_id"]
        assert db.session.scalar(select(func.count()).where(theirs)) == MEMBERS
    client = signed_in(app, NORA)
    answer = client.get(f"/footprint/organizations/{ids['organization_id']}/members")
    assert answer.status_code == 200
    assert "More than 1,000 members" in answer.text
    found = client.get(
        f"/footprint/organizations/{ids['organization_id']}/members?search=quentin+rask"
    )
    assert "Quentin Rask" in found.text
    assert "Aila" not in found.text


def test_an_account_is_deleted_here_and_in_the_extension(
    fernhill: Callable[..., Flask],
) -> None:
    app = fernhill()
    client = signed_in(app, EMEKA)
    wrong = submit(client, "/settings", "/settings/delete", password=ALICE.password)
    assert wrong.status_code == 422
    done = submit(client, "/settings", "/settings/delete", password=EMEKA.password)
    assert done.status_code == 303
    assert client.get("/").status_code == 302
    with app.app_context():
        assert db.session.scalar(select(User).where(User.email == EMEKA.email)) is None
        assert db.session.scalar(select(Person).where(Person.email == EMEKA.email)) is None


def test_the_only_owner_of_an_organization_is_not_deleted(fernhill: Callable[..., Flask]) -> None:
    app = fernhill()
    client = signed_in(app)
    refused = submit(client, "/settings", "/settings/delete", password=ALICE.password)
    assert refused.status_code == 409
    assert "Nobody else owns «Harbour Almanac»" in refused.text
    assert client.get("/").status_code == 200


def test_without_a_login_of_its_own_fernhill_takes_the_extensions(
    fernhill: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMPLE_OIDC_ISSUER", "https://login.company.example")
    monkeypatch.setenv("EXAMPLE_OIDC_CLIENT_ID", "fernhill")
    monkeypatch.setenv("EXAMPLE_OIDC_CLIENT_SECRET", "known to both")
    app = fernhill(LOGIN=False)
    client = app.test_client()
    turned_away = client.get("/")
    assert turned_away.status_code == 302
    sign_in = client.get(turned_away.headers["Location"])
    assert "your company" in sign_in.text
    policy = sign_in.headers["Content-Security-Policy"]
    assert "form-action 'self' https://login.company.example;" in policy
    form = HtmlPage(sign_in.text).form("/sign-in/mail")
    client.post(form.action, data={**form.values, "email": "ada@company.example"})
    link = urlsplit(mailed_link(client, "ada@company.example")).path
    form = HtmlPage(client.get(link).text).form(link)
    assert client.post(form.action, data=form.values).headers["Location"] == "/"
    assert "Hello, newcomer." in client.get("/").text
    assert client.get("/footprint/organizations").status_code == 200
    # Nothing of Fernhill's own login is left.
    assert client.get("/sign-in").status_code == 404


def mailed_link(client: FlaskClient, address: str) -> str:
    """The link in the newest mail to an address, once it is there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        page = HtmlPage(client.get("/mailbox", query_string={"to": address}).text)
        found = [url for url in page.links() if url.startswith("http://127.0.0.1")]
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address}")


# --- migrations -----------------------------------------------------------------------------------


def test_fernhills_migrations_do_not_touch_the_extensions_tables(
    fernhill: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    app = fernhill()
    with app.app_context(), db.engine.connect() as connection:
        unfiltered = compare_metadata(MigrationContext.configure(connection), db.metadata)
        dropped = {change[1].name for change in unfiltered if change[0] == "remove_table"}
    assert "tokenoffset_account" in dropped, "without the filter they would be dropped"
    result = app.test_cli_runner().invoke(args=["db", "check"])
    assert result.exit_code == 0, result.output
    # A change of Fernhill's own is still found.
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE document ADD COLUMN colour TEXT")
    result = app.test_cli_runner().invoke(args=["db", "check"])
    assert result.exit_code != 0
    assert "colour" in caplog.messages[-1]
    assert "tokenoffset" not in caplog.messages[-1]


# --- settings made up, and the command line -------------------------------------------------------


def test_secrets_are_made_once_and_readable_by_their_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "TOKENOFFSET_KEYS", "TOKENOFFSET_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EXAMPLE_DATA_FOLDER", str(tmp_path / "data"))
    first, second = create_app(), create_app()
    for name in ("SECRET_KEY", "TOKENOFFSET_KEYS"):
        assert first.config[name] == second.config[name]
        assert len(first.config[name]) > 32
    kept = {path.name: path for path in (tmp_path / "data").iterdir()}
    assert set(kept) == {"secret-key", "master-key"}
    for path in kept.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setenv("EXAMPLE_DATA_FOLDER", str(tmp_path / "other"))
    assert create_app().config["TOKENOFFSET_KEYS"] != first.config["TOKENOFFSET_KEYS"]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@db/fernhill", "postgresql+psycopg://u:p@db/fernhill"),
        ("postgres://db/fernhill", "postgresql+psycopg://db/fernhill"),
        ("postgresql+psycopg://db/fernhill", "postgresql+psycopg://db/fernhill"),
        ("sqlite:///here.sqlite", "sqlite:///here.sqlite"),
    ],
)
def test_a_database_address_gets_the_driver_that_is_installed(
    monkeypatch: pytest.MonkeyPatch, given: str, used: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    app = create_app({"SECRET_KEY": "s", "FOOTPRINT": False})
    assert app.config["SQLALCHEMY_DATABASE_URI"] == used


def test_the_commands_work_before_anything_was_set_up(tmp_path: Path) -> None:
    flask = [sys.executable, "-m", "flask", "--app", "example_host_app", "tokenoffset"]
    environment = {**os.environ, "EXAMPLE_DATA_FOLDER": str(tmp_path)}
    for arguments, said in ((["--help"], "worker"), (["db", "upgrade"], "The tables are at")):
        done = subprocess.run(
            [*flask, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


# --- the demo -------------------------------------------------------------------------------------


def test_a_first_run_succeeds_on_postgresql_with_a_worker_of_its_own(
    tmp_path: Path, postgres_database: Callable[[], str], redis_url: str
) -> None:
    environment = {
        "EXAMPLE_DATA_FOLDER": str(tmp_path),
        "DATABASE_URL": postgres_database(),
        "TOKENOFFSET_REDIS_URL": redis_url,
    }
    done = subprocess.run(
        [*DEMO, "--check"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it worked" in done.stdout
    assert " no " not in done.stdout


def test_a_busy_port_is_stepped_around_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = subprocess.Popen(
            [*DEMO, "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "EXAMPLE_DATA_FOLDER": str(tmp_path), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert demo.stdout is not None
        said = ""
        for line in demo.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        with socket.create_connection(("127.0.0.1", served_port(said))):
            pass
        demo.send_signal(signal.SIGINT)
        try:
            _, complaints = demo.communicate(timeout=30)
        finally:
            demo.kill()  # Of use only where it did not end.
    assert f"Port {port} is taken" in said, complaints
    assert served_port(said) != port
    assert demo.returncode == 0
    assert "Traceback" not in complaints
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", served_port(said)))


def served_port(said: str) -> int:
    (port,) = re.findall(r"http://127.0.0.1:(\d+)", said)
    return int(port)
