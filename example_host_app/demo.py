"""``make demo``: Fernhill with the extension and simulated vendors, on this machine only.

    python -m example_host_app.demo            serve until Ctrl-C
    python -m example_host_app.demo --check    walk through a first run over HTTP, and end
    python -m example_host_app.demo --without-login    Fernhill without a login of its own

``DATABASE_URL`` and ``TOKENOFFSET_REDIS_URL`` put it on PostgreSQL and on a worker process of its
own; without them it needs neither.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import flask_migrate
from werkzeug.serving import WSGIRequestHandler, make_server

from example_host_app import create_app
from example_host_app.clients import found_clients
from example_host_app.config import HOST, PORT
from example_host_app.database import db
from example_host_app.first_run import walk_through
from example_host_app.legal_texts import publish_texts
from example_host_app.people import Someone, find_or_add, settle_in
from example_host_app.ten_thousand import fill_ferries
from example_host_app.walking import WentWrong
from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.migrations import runner
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.embedded import EmbeddedQueue
from flask_tokenoffset.testing import ANTHROPIC_DEMO_KEY, OPENAI_DEMO_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

PROJECT = Path(__file__).parent.parent
#: How long a worker process may take to end by itself.
WORKER_SECONDS = 15


class _QuietHandler(WSGIRequestHandler):
    """Writes no line per request, so that what the demo says stays in sight."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@click.command()
@click.option("--port", default=PORT, show_default=True, help="0 takes a free one.")
@click.option("--check", is_flag=True, help="Walk through a first run over HTTP, and end.")
@click.option("--without-login", is_flag=True, help="Let people sign in at the extension instead.")
def main(port: int, *, check: bool, without_login: bool) -> None:
    """Serve Fernhill with simulated vendors."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A first run that was cut short has not succeeded; a demo that was ended has.
        signal.signal(number, lambda *_: _end(status=1 if check else 0))
    began = time.monotonic()
    with ExitStack() as stack:
        if check and not os.environ.get("EXAMPLE_DATA_FOLDER"):
            # A first run begins with nothing, and leaves nothing behind.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fernhill-"))
            os.environ["EXAMPLE_DATA_FOLDER"] = folder
        listener = stack.enter_context(listen(0 if check else port))
        address = address_of(listener)
        # Of the environment, so that a worker process is told the same.
        os.environ.update(EXAMPLE_SIMULATE="1", FLASK_DEBUG="0", TOKENOFFSET_PUBLIC_URL=address)
        if without_login:
            os.environ["EXAMPLE_LOGIN"] = "0"
        app = create_app()
        stack.callback(_close, app)
        prepare(app)
        if not check and app.config["LOGIN"]:
            with app.app_context():
                fill_ferries()
        stack.enter_context(working(app))
        stack.enter_context(serving(app, listener))
        click.echo(f"Fernhill is ready after {time.monotonic() - began:.1f} s.")
        if check:
            sys.exit(0 if _walk(app, address) else 1)
        if app.config["LOGIN"]:
            introduce(address)
        else:
            introduce_open_house(address)
        # Awake now and then: a signal that comes just before a wait without an end is seen by
        # nobody, and Ctrl-C would do nothing.
        while not threading.Event().wait(0.5):
            pass


def prepare(app: Flask) -> None:
    """Bring both sets of tables up to date, and let people move in."""
    with app.app_context():
        flask_migrate.upgrade()
        runner.upgrade(db.engine)
        if app.config["LOGIN"]:
            settle_in()
            if app.config["FOOTPRINT"]:
                found_clients()
        if app.config["FOOTPRINT"]:
            publish_texts(app)


@contextmanager
def working(app: Flask) -> Iterator[None]:
    """See that jobs are worked on: by a process of its own where there is Redis."""
    if state_of(app).settings.redis_url is None:
        yield  # Threads of this process do it.
        return
    command = [sys.executable, "-m", "flask", "--app", "example_host_app"]
    worker = subprocess.Popen(  # noqa: S603 - every word of the command is ours
        [*command, "tokenoffset", "worker", "--with-schedule"],
        cwd=PROJECT,
        start_new_session=True,  # Ctrl-C is for us; the worker is then told to end.
    )
    ending = threading.Event()

    def watch() -> None:
        status = worker.wait()
        if not ending.is_set():
            click.echo(f"The worker ended by itself ({status}), so samples only wait.", err=True)

    threading.Thread(target=watch, name="fernhill-worker-watch", daemon=True).start()
    try:
        yield
    finally:
        ending.set()
        worker.terminate()
        try:
            worker.wait(WORKER_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def listen(port: int) -> socket.socket:
    """Take a port, before there is anything to serve: links in mail name it.

    :param port: the one that is wanted; another one if it is taken, and any if it is 0.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError:
        click.echo(f"Port {port} is taken, so another one is used.")
        return socket.create_server((HOST, 0))


def address_of(listener: socket.socket) -> str:
    """Where a browser finds what listens there."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


@contextmanager
def serving(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve in background threads while the context lasts."""
    server = make_server(
        HOST,
        listener.getsockname()[1],
        app,
        threaded=True,
        request_handler=_QuietHandler,
        fd=listener.fileno(),
    )
    thread = threading.Thread(target=server.serve_forever, name="fernhill-server", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def introduce(address: str) -> None:
    """Say where it is and what there is to try."""
    click.echo(
        f"""
  {address}

  The sign-in page offers people to be: owner, administrator, auditor and member of
  two organizations, and somebody who belongs to neither. «Mailbox» shows their mail.

  Follow «AI footprint» and try
    1. a band, if you only know roughly how much AI you use
    2. connecting a vendor; these keys open the simulated ones:
         Anthropic   {ANTHROPIC_DEMO_KEY}
         OpenAI      {OPENAI_DEMO_KEY}
    3. adopting the estimate that comes of it, and changing the coverage
    4. as Alice, inviting somebody to Harbour Almanac; as Iris, accepting from the mailbox
    5. as Nora, changing the plans of 10,000 members at once
    6. as Charlie, seeing nothing of it
    7. «Documents»: the privacy policy changes in three weeks; compare its two versions

  No vendor is called and no money moves. Ctrl-C ends it."""
    )


def introduce_open_house(address: str) -> None:
    """Say where it is when Fernhill has no login of its own."""
    click.echo(
        f"""
  {address}

  This Fernhill has no login of its own. Type any address to sign in with, and follow the
  link that arrives at {address}/mailbox in the same browser. Ctrl-C ends it."""
    )


def _walk(app: Flask, address: str) -> bool:
    """Walk through a first run with two people nobody has seen before."""
    tag = os.urandom(4).hex()
    newcomer = Someone(f"newcomer-{tag}@fernhill.example", "Nell Comer", "new-to-all-this")
    companion = Someone(f"companion-{tag}@fernhill.example", "Cora Panion", "comes-along-gladly")
    with app.app_context():
        for someone in (newcomer, companion):
            find_or_add(someone)
        db.session.commit()

    def verify_log() -> str:
        done = app.test_cli_runner().invoke(tokenoffset, ["audit", "verify"])
        if done.exit_code:
            raise WentWrong(done.output)
        return done.output.strip()

    return walk_through(address, newcomer, companion, verify_log=verify_log, say=click.echo)


def _close(app: Flask) -> None:
    queue = state_of(app).queue
    if isinstance(queue, EmbeddedQueue):
        queue.close()
    with app.app_context():
        db.engine.dispose()


def _end(*, status: int) -> None:
    # Once is enough: an impatient second Ctrl-C must not cut the tidying-up short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    click.echo("\nGood-bye.")
    raise SystemExit(status)


if __name__ == "__main__":
    main()
