"""What mounting the extension costs a page of the host.

Fernhill's own pages are asked for with and without the extension, in turns, in one process. The
queries and Redis calls of each are counted, and the medians of the processor time compared; the
ratio has to stay at or below 1.02. (Processor time, because what else the machine does says nothing
about us; waiting for a database or Redis would show in the counts.)

Then the time to import and to set the extension up is printed beside Flask-Security-Too, the
extension of about our size that hosts know.

    python benchmarks/host_overhead.py [--requests 4000]
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ["FLASK_DEBUG"] = "0"

import redis.connection
from sqlalchemy import event

from example_host_app import create_app
from example_host_app.database import db
from example_host_app.people import ALICE, settle_in
from flask_tokenoffset.vault import generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

MOST_RATIO = 1.02
PAGES = ("/", "/settings", "/workspaces/1")
START_UP_ROUNDS = 7

# Each prints the seconds of the import and of the set-up in an application that has what both need.
START_UP = """
import sys, time
import flask, flask_login, flask_sqlalchemy, flask_wtf, sqlalchemy.orm
from flask import Flask
app = Flask("host")
app.config.update(SECRET_KEY="s" * 40, SQLALCHEMY_DATABASE_URI="sqlite://",
                  SECURITY_PASSWORD_SALT="p" * 40)
db = flask_sqlalchemy.SQLAlchemy(app)
began = time.perf_counter()
{imports}
imported = time.perf_counter()
{set_up}
print(imported - began, time.perf_counter() - imported)
"""
OURS = {
    "imports": "from flask_tokenoffset import TokenOffset",
    "set_up": "app.config.update(TOKENOFFSET_KEYS=sys.argv[1],"
    " TOKENOFFSET_REDIS_URL='redis://127.0.0.1:1')\n"
    "flask_login.LoginManager(app)\nTokenOffset(app)",
}
THEIRS = {
    "imports": "from flask_security import Security, SQLAlchemyUserDatastore\n"
    "from flask_security.models import fsqla_v3",
    "set_up": "fsqla_v3.FsModels.set_db_info(db)\n"
    "class Role(db.Model, fsqla_v3.FsRoleMixin): pass\n"
    "class User(db.Model, fsqla_v3.FsUserMixin): pass\n"
    "Security(app, SQLAlchemyUserDatastore(db, User, Role))",
}


def fernhill(folder: Path, *, footprint: bool) -> Flask:
    """Fernhill with its people, with or without the extension."""
    app = create_app(
        {
            "SECRET_KEY": "benchmark",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / f'{footprint}.sqlite'}",
            "FOOTPRINT": footprint,
            "TOKENOFFSET_KEYS": generate_key("benchmark"),
            # Nothing listens there: a call would be seen, and would fail.
            "TOKENOFFSET_REDIS_URL": "redis://127.0.0.1:1/0",
        }
    )
    with app.app_context():
        db.create_all()
        settle_in()
    return app


def cookie_of(app: Flask) -> str:
    """The cookie of a signed-in person."""
    client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
    assert token
    answer = client.post(
        "/sign-in",
        data={"email": ALICE.email, "password": ALICE.password, "csrf_token": token[1]},
    )
    assert answer.status_code == 303, answer.status
    cookie = client.get_cookie("fernhill")
    assert cookie
    return f"fernhill={cookie.value}"


def ask(app: Flask, path: str, cookie: str) -> float:
    """Ask for a page as a server would; gives the seconds of processor time it took."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": cookie,
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    status = ""

    def start(answered: str, *_: Any) -> Any:
        nonlocal status
        status = answered

    began = time.thread_time()
    body = app.wsgi_app(environ, start)
    size = sum(len(part) for part in body)
    seconds = time.thread_time() - began
    if hasattr(body, "close"):
        body.close()
    assert status.startswith("200"), f"{path}: {status}"
    assert size > 500
    return seconds


@contextmanager
def counted(app: Flask) -> Iterator[dict[str, int]]:
    """Count the queries of an application, and the Redis calls of the process."""
    counts = {"queries": 0, "redis calls": 0}

    def note_query(*_: Any) -> None:
        counts["queries"] += 1

    def note_call(*_: Any, **__: Any) -> None:
        counts["redis calls"] += 1
        raise redis.exceptions.ConnectionError("counted")

    with app.app_context():
        engine = db.engine
    original = redis.connection.AbstractConnection.connect
    redis.connection.AbstractConnection.connect = note_call  # type: ignore[method-assign]
    event.listen(engine, "before_cursor_execute", note_query)
    try:
        yield counts
    finally:
        event.remove(engine, "before_cursor_execute", note_query)
        redis.connection.AbstractConnection.connect = original  # type: ignore[method-assign]


def compare_pages(requests: int) -> bool:
    """Compare Fernhill's pages with and without the extension; gives whether all is well."""
    well = True
    with tempfile.TemporaryDirectory() as folder:
        bare, mounted = (fernhill(Path(folder), footprint=each) for each in (False, True))
        # The entry in Fernhill's navigation is Fernhill's own wish; without it the pages are equal.
        mounted.config["FOOTPRINT"] = False
        cookies = {id(app): cookie_of(app) for app in (bare, mounted)}
        for path in PAGES:
            counts = []
            for app in (bare, mounted):
                for _ in range(50):
                    ask(app, path, cookies[id(app)])
                with counted(app) as count:
                    ask(app, path, cookies[id(app)])
                counts.append(count)
            times: dict[int, list[float]] = {id(bare): [], id(mounted): []}
            gc.collect()
            gc.freeze()
            gc.disable()
            for number in range(requests):
                # In turns, and each first as often as the other, so that both meet the same noise.
                pair = (bare, mounted) if number % 2 else (mounted, bare)
                for app in pair:
                    times[id(app)].append(ask(app, path, cookies[id(app)]))
                if number % 200 == 0:
                    gc.collect()
            gc.enable()
            without, with_it = (statistics.median(times[id(app)]) for app in (bare, mounted))
            ratio = with_it / without
            well &= counts[0] == counts[1] and counts[1]["redis calls"] == 0 and ratio <= MOST_RATIO
            print(
                f"{path:<15} without {without * 1e6:7.1f} us, {counts[0]['queries']} queries;"
                f" with {with_it * 1e6:7.1f} us, {counts[1]['queries']} queries,"
                f" {counts[1]['redis calls']} Redis calls; ratio of medians {ratio:.4f}"
            )
        for app in (bare, mounted):
            with app.app_context():
                db.engine.dispose()
    print(f"{'kept' if well else 'BROKEN'}: no query and no call more, ratio at most {MOST_RATIO}")
    return well


def start_up(code: dict[str, str]) -> tuple[float, float]:
    """The seconds of one import and set-up, in an interpreter of its own."""
    output = subprocess.run(
        [sys.executable, "-c", START_UP.format(**code), generate_key("benchmark")],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    imported, set_up = output.split()
    return float(imported), float(set_up)


def compare_start_up() -> None:
    """Print what importing and setting up costs, beside Flask-Security-Too."""
    extensions = {"flask-tokenoffset": OURS}
    if find_spec("flask_security"):
        extensions["Flask-Security-Too"] = THEIRS
    else:
        print("Flask-Security-Too is not installed (extra «bench»), so there is no comparison.")
    rounds = [
        {name: start_up(code) for name, code in extensions.items()} for _ in range(START_UP_ROUNDS)
    ]
    for name in extensions:
        imported, set_up = (
            statistics.median(each[name][part] for each in rounds) * 1000 for part in (0, 1)
        )
        print(f"{name:<20} import {imported:7.1f} ms, set-up {set_up:7.1f} ms (medians)")


def main() -> int:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=3000, help="of each page and application")
    well = compare_pages(parser.parse_args().requests)
    compare_start_up()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
