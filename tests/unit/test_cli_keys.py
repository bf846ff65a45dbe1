from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.models import (
    Account,
    AccountKind,
    Connection,
    ConnectionStatus,
    Credential,
    Person,
    Source,
    SourceKind,
)
from flask_tokenoffset.services.sources.credentials import (
    credential_context,
    sealed_of,
    store_sealed,
)
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.state import EXTENSION_KEY, State
from flask_tokenoffset.vault import LocalKeyStore, Secret, Vault, generate_key, parse_key_ring
from tests.support.tables import make_tables
from tests.support.world import HeldQueue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD, NEW = generate_key("2026-05"), generate_key("2026-11")


class Host:
    """An application whose settings can be changed between two commands, as deployments do."""

    def __init__(self, database_url: str) -> None:
        self.app = Flask("host")
        self.app.config["SQLALCHEMY_DATABASE_URI"] = database_url
        self.db = SQLAlchemy(self.app)
        with self.app.app_context():
            make_tables(self.db.engine)

    def use(self, *keys: str, shut_because: str | None = None) -> Vault:
        vault = Vault(LocalKeyStore(parse_key_ring(list(keys))), shut_because=shut_because)
        self.app.extensions[EXTENSION_KEY] = State(
            settings=Settings(keys=keys),
            db=self.db,
            url_prefix="/ai",
            vault=vault,
            queue=HeldQueue(),
            **dict.fromkeys(("user_loader", "clock", "gateway", "attempts"), cast("Any", None)),
        )
        return vault

    def connect(self, count: int, vault: Vault) -> None:
        account = Account(id=uuid4(), kind=AccountKind.PERSON, created_at=NOW)
        person = Person(id=uuid4(), account_id=account.id, user_key=str(account.id), created_at=NOW)
        with self.app.app_context():
            session = cast("Session", self.db.session)
            session.add(account)
            session.flush()
            session.add(person)
            session.flush()
            for _ in range(count):
                source = Source(
                    id=uuid4(),
                    account_id=account.id,
                    kind=SourceKind.SAMPLED,
                    label="Acme",
                    created_by=person.id,
                    created_at=NOW,
                )
                connection = Connection(
                    source_id=source.id,
                    account_id=account.id,
                    provider="openai",
                    status=ConnectionStatus.ACTIVE,
                    key_prefix="sk-adm",
                    refresh_offset_seconds=0,
                    connected_at=NOW,
                )
                session.add(source)
                session.flush()
                session.add(connection)
                session.flush()
                sealed = vault.seal(
                    Secret("sk-admin-0123456789abcdef"), credential_context(connection, "openai")
                )
                store_sealed(session, connection, sealed, now=NOW)
            session.commit()

    def run(self, *arguments: str) -> tuple[int, str]:
        result = self.app.test_cli_runner().invoke(tokenoffset, ["keys", *arguments])
        return result.exit_code, result.output


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(f"sqlite:///{tmp_path / 'host.sqlite'}")
    yield host
    with host.app.app_context():
        host.db.engine.dispose()


# --- generate -------------------------------------------------------------------------------------


def without_an_application(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "FLASK_APP"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", *command],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
    )


@pytest.mark.parametrize("command", ["flask_tokenoffset", "flask tokenoffset"])
def test_a_key_is_made_without_an_application(command: str, tmp_path: Path) -> None:
    made = without_an_application(*command.split(), "keys", "generate", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    (key,) = made.stdout.splitlines()
    assert parse_key_ring(key).primary.version == f"{datetime.now(UTC):%Y-%m}"
    assert "secret store" in made.stderr, "advice goes where a pipe does not carry it"
    assert key.split(":")[1] not in made.stderr


def test_other_commands_say_that_they_need_an_application(tmp_path: Path) -> None:
    refused = without_an_application("flask_tokenoffset", "keys", "status", folder=tmp_path)
    assert refused.returncode != 0
    assert "FLASK_APP" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_other_commands_find_the_application_by_flask_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop.py").write_text("from flask import Flask\napp = Flask('shop')\n")
    status = subprocess.run(
        [sys.executable, "-m", "flask_tokenoffset", "keys", "status"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"FLASK_APP": "shop"},
    )
    assert "flask-tokenoffset is not set up on this application" in status.stderr


def test_each_key_is_another_and_carries_the_version_asked_for(host: Host) -> None:
    first, second = (host.run("generate", "--version", "2027-01")[1] for _ in range(2))
    assert first != second
    assert first.startswith("2027-01:")


def test_a_version_that_is_no_name_is_refused_in_a_sentence(host: Host) -> None:
    code, output = host.run("generate", "--version", "no name")
    assert code == 1
    assert "not a name" in output
    assert "Traceback" not in output


# --- rotate and status ----------------------------------------------------------------------------


def test_rotate_moves_every_key_and_tells_how_far_it_is(host: Host) -> None:
    host.connect(5, host.use(OLD))
    host.use(NEW, OLD)
    assert host.run("status")[1].splitlines() == [
        "2026-11: 0  (primary)",
        "2026-05: 5",
        "Run «flask tokenoffset keys rotate» before you retire an older master key.",
    ]

    code, output = host.run("rotate", "--batch-size", "2")

    assert code == 0
    assert output.splitlines() == [
        "2 keys are now under 2026-11, 3 to go.",
        "4 keys are now under 2026-11, 1 to go.",
        "5 keys are now under 2026-11, 0 to go.",
        "Every stored key is under 2026-11. The older master keys may be retired.",
    ]
    vault = host.use(NEW)
    assert host.run("status") == (0, "2026-11: 5  (primary)\n")
    with host.app.app_context():
        for credential in host.db.session.query(Credential):
            vault.open(sealed_of(credential), credential_context(credential, "openai"))


def test_rotate_fails_while_a_key_is_still_under_an_old_master(host: Host) -> None:
    host.connect(1, host.use(OLD))
    lost = generate_key("2024-01")
    host.connect(2, host.use(lost))
    host.use(NEW, OLD)

    code, output = host.run("rotate")

    assert code == 1
    assert "2 keys are still under 2024-01; keep those master keys" in output
    host.use(NEW, OLD, lost)
    assert host.run("rotate")[0] == 0


def test_rotate_with_nothing_stored_succeeds(host: Host) -> None:
    host.use(NEW, OLD)
    assert host.run("rotate")[0] == 0


def test_a_shut_vault_ends_in_its_own_sentence(host: Host) -> None:
    host.connect(1, host.use(OLD))
    host.use(NEW, OLD, shut_because="The vault is shut while a debugger is on.")
    assert host.run("rotate") == (1, "Error: The vault is shut while a debugger is on.\n")
    assert host.run("status")[0] == 0


@pytest.mark.parametrize("size", ["0", "10001", "many"])
def test_a_batch_size_that_makes_no_sense_is_refused(host: Host, size: str) -> None:
    host.use(NEW)
    assert host.run("rotate", "--batch-size", size)[0] == 2


def test_no_command_shows_a_secret(host: Host) -> None:
    host.connect(2, host.use(OLD))
    host.use(NEW, OLD)
    shown = "".join(host.run(*command)[1] for command in (["status"], ["rotate"], ["status"]))
    assert "sk-admin" not in shown
    assert all(entry.split(":")[1] not in shown for entry in (OLD, NEW))


# --- the group ------------------------------------------------------------------------------------


def test_the_group_lists_every_command_and_each_can_be_imported(host: Host) -> None:
    help_text = host.app.test_cli_runner().invoke(tokenoffset, ["--help"]).output
    for name in ("db", "keys"):
        assert name in help_text
        assert host.app.test_cli_runner().invoke(tokenoffset, [name, "--help"]).exit_code == 0


def test_an_unknown_command_is_refused(host: Host) -> None:
    assert host.app.test_cli_runner().invoke(tokenoffset, ["no-such-command"]).exit_code == 2
