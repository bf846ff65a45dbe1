from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, delete, func, insert, select, update
from sqlalchemy.orm import Session

from flask_tokenoffset.errors import KeyStoreUnavailable, KeyVersionUnknown, SealBroken, VaultShut
from flask_tokenoffset.models import (
    Account,
    AccountKind,
    Base,
    Connection,
    ConnectionStatus,
    Credential,
    Person,
    Source,
    SourceKind,
)
from flask_tokenoffset.services.key_rotation import RewrapBatch, rewrap_batch, versions_in_use
from flask_tokenoffset.services.sources.credentials import (
    credential_context,
    sealed_of,
    store_sealed,
)
from flask_tokenoffset.vault import (
    LocalKeyStore,
    SealedSecret,
    Secret,
    Vault,
    WrappedKey,
    generate_key,
    parse_key_ring,
)
from tests.support.campaigns import campaign
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.databases import MakeDatabase

pytestmark = pytest.mark.usefixtures("tables_may_be_there")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD, NEW = generate_key("2026-05"), generate_key("2026-11")
READERS = 4


def vault(*keys: str) -> Vault:
    return Vault(LocalKeyStore(parse_key_ring(list(keys))))


def secret_of(source_id: UUID) -> str:
    return f"sk-admin-{source_id.hex}"


def fill(engine: Engine, count: int) -> list[UUID]:
    """Make connections of two vendors, each with a key of its own sealed under the old master."""
    sealer = vault(OLD)
    account_id, person_id = uuid4(), uuid4()
    connections = [
        Connection(
            source_id=uuid4(),
            account_id=account_id,
            provider=("openai", "anthropic")[number % 2],
        )
        for number in range(count)
    ]
    with Session(engine) as session:
        session.execute(
            insert(Account).values(id=account_id, kind=AccountKind.PERSON, created_at=NOW)
        )
        session.execute(
            insert(Person).values(
                id=person_id, account_id=account_id, user_key="alice", created_at=NOW
            )
        )
        for model, shared in (
            (Source, {"kind": SourceKind.SAMPLED, "label": "Acme", "created_by": person_id}),
            (Connection, {"status": ConnectionStatus.ACTIVE, "key_prefix": "sk-adm"}),
        ):
            session.execute(insert(model), [row_of(each, model) | shared for each in connections])
        session.execute(insert(Credential), [credential_row(sealer, each) for each in connections])
        session.commit()
    return [each.source_id for each in connections]


def row_of(connection: Connection, model: type[Base]) -> dict[str, Any]:
    if model is Source:
        return {
            "id": connection.source_id,
            "account_id": connection.account_id,
            "created_at": NOW,
        }
    return {
        "source_id": connection.source_id,
        "account_id": connection.account_id,
        "provider": connection.provider,
        "refresh_offset_seconds": 0,
        "connected_at": NOW,
    }


def credential_row(sealer: Vault, connection: Connection) -> dict[str, Any]:
    sealed = sealer.seal(
        Secret(secret_of(connection.source_id)),
        credential_context(connection, connection.provider),
    )
    columns = {name: getattr(sealed, name) for name in SealedSecret.__dataclass_fields__}
    return columns | {
        "source_id": connection.source_id,
        "account_id": connection.account_id,
        "created_at": NOW,
    }


KEYS = select(Credential, Connection.provider).join(
    Connection, Connection.source_id == Credential.source_id
)


def opened(session: Session, opener: Vault, source_id: UUID) -> str:
    """Read a key as a sampling worker does."""
    row = session.execute(KEYS.where(Credential.source_id == source_id)).one()
    return opener.open(sealed_of(row[0]), credential_context(row[0], row[1])).reveal()


def rotate(engine: Engine, rewrapper: Vault, *, limit: int) -> list[RewrapBatch]:
    """Rotate to the end, as the command does: one transaction a batch."""
    batches: list[RewrapBatch] = []
    while not batches or batches[-1].remaining:
        with Session(engine) as session:
            after = batches[-1].last_id if batches else None
            batches.append(rewrap_batch(session, rewrapper, after=after, limit=limit))
            session.commit()
    return batches


def all_open_with(engine: Engine, opener: Vault, source_ids: list[UUID]) -> bool:
    with Session(engine) as session:
        found = {
            row[0].source_id: opener.open(sealed_of(row[0]), credential_context(row[0], row[1]))
            for row in session.execute(KEYS.where(Credential.source_id.in_(source_ids)))
        }
    return {each: secret.reveal() for each, secret in found.items()} == {
        each: secret_of(each) for each in source_ids
    }


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    make_tables(engine)
    yield engine
    engine.dispose()


def test_a_thousand_keys_are_rewrapped_and_open_without_the_old_master(engine: Engine) -> None:
    source_ids = fill(engine, 1000)
    before = ciphertexts(engine)

    batches = rotate(engine, vault(NEW, OLD), limit=300)

    assert [batch.rewrapped for batch in batches] == [300, 300, 300, 100]
    assert [batch.remaining for batch in batches] == [700, 400, 100, 0]
    assert sum(batch.refused for batch in batches) == 0
    with Session(engine) as session:
        assert versions_in_use(session) == {"2026-11": 1000}
    assert all_open_with(engine, vault(NEW), source_ids)
    assert ciphertexts(engine) == before, "no key was opened to be sealed again"
    with Session(engine) as session, pytest.raises(KeyVersionUnknown):
        opened(session, vault(OLD), source_ids[0])


def ciphertexts(engine: Engine) -> set[tuple[bytes, bytes]]:
    with Session(engine) as session:
        rows = session.execute(select(Credential.nonce, Credential.ciphertext))
        return {(row.nonce, row.ciphertext) for row in rows}


def test_a_rotation_with_nothing_to_do_says_so(engine: Engine) -> None:
    nothing = RewrapBatch(rewrapped=0, refused=0, last_id=None, remaining=0)
    assert rotate(engine, vault(NEW, OLD), limit=10) == [nothing]
    fill(engine, 3)
    assert rotate(engine, vault(OLD, NEW), limit=10) == [nothing]


def test_a_rotation_cut_short_between_batches_goes_on_from_the_start(engine: Engine) -> None:
    source_ids = fill(engine, 25)
    with Session(engine) as session:
        rewrap_batch(session, vault(NEW, OLD), after=None, limit=10)
        session.commit()
        rewrap_batch(session, vault(NEW, OLD), after=None, limit=10)
        session.rollback()  # Killed before the commit.

    with Session(engine) as session:
        assert versions_in_use(session) == {"2026-05": 15, "2026-11": 10}
    assert all_open_with(engine, vault(NEW, OLD), source_ids)

    (batch,) = rotate(engine, vault(NEW, OLD), limit=100)
    assert batch.rewrapped == 15
    assert all_open_with(engine, vault(NEW), source_ids)


class Meanwhile:
    """A key store during whose first answer something else happens in the database."""

    def __init__(self, inner: LocalKeyStore, event: Any) -> None:
        self._inner = inner
        self._event = event
        self.primary_version = inner.primary_version

    def wrap(self, data_key: bytes, associated_data: bytes) -> WrappedKey:
        event, self._event = self._event, None
        if event is not None:
            event()
        return self._inner.wrap(data_key, associated_data)

    def unwrap(self, wrapped: WrappedKey, associated_data: bytes) -> bytes:
        return self._inner.unwrap(wrapped, associated_data)


def rotate_while(engine: Engine, event: Any) -> list[RewrapBatch]:
    store = LocalKeyStore(parse_key_ring([NEW, OLD]))
    return rotate(engine, Vault(Meanwhile(store, event)), limit=100)


def test_a_disconnect_during_the_batch_wins(engine: Engine) -> None:
    gone, *others = fill(engine, 5)

    def disconnect() -> None:
        with Session(engine) as session:
            session.execute(delete(Credential).where(Credential.source_id == gone))
            session.commit()

    (batch,) = rotate_while(engine, disconnect)

    assert (batch.rewrapped, batch.refused) == (4, 0)
    with Session(engine) as session:
        assert session.get(Credential, gone) is None
    assert all_open_with(engine, vault(NEW), others)


def test_a_new_key_stored_during_the_batch_wins(engine: Engine) -> None:
    replaced, *others = fill(engine, 5)

    def connect_again() -> None:
        with Session(engine) as session:
            store(session, replaced, "sk-admin-another-key-altogether", vault(OLD))
            session.commit()

    (batch,) = rotate_while(engine, connect_again)

    assert batch.rewrapped == 4
    with Session(engine) as session:
        assert opened(session, vault(OLD), replaced) == "sk-admin-another-key-altogether"
    rotate(engine, vault(NEW, OLD), limit=100)
    with Session(engine) as session:
        assert opened(session, vault(NEW), replaced) == "sk-admin-another-key-altogether"
    assert all_open_with(engine, vault(NEW), others)


def store(session: Session, source_id: UUID, key: str, sealer: Vault) -> None:
    connection = session.get_one(Connection, source_id)
    sealed = sealer.seal(Secret(key), credential_context(connection, connection.provider))
    store_sealed(session, connection, sealed, now=NOW)


def test_two_rotations_at_once_do_the_work_once(engine: Engine) -> None:
    source_ids = fill(engine, 20)
    second: list[RewrapBatch] = []
    first = rotate_while(engine, lambda: second.extend(rotate(engine, vault(NEW, OLD), limit=100)))
    assert [batch.rewrapped for batch in first + second] == [0, 20]
    assert all_open_with(engine, vault(NEW), source_ids)


def test_rows_that_open_no_more_are_counted_and_do_not_hold_up_the_others(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    altered, lost, *others = fill(engine, 6)
    with Session(engine) as session:
        session.execute(
            update(Credential).where(Credential.source_id == altered).values(wrapped_key=b"x" * 60)
        )
        session.execute(
            update(Credential).where(Credential.source_id == lost).values(key_version="2024-01")
        )
        session.commit()

    batches = rotate(engine, vault(NEW, OLD), limit=2)

    assert sum(batch.rewrapped for batch in batches) == 4
    assert sum(batch.refused for batch in batches) == 2
    assert batches[-1].remaining == 0
    assert {SealBroken.code, KeyVersionUnknown.code} == {
        record.getMessage().rsplit(": ")[-1] for record in caplog.records
    }
    assert all_open_with(engine, vault(NEW), others)
    with Session(engine) as session:
        assert versions_in_use(session) == {"2024-01": 1, "2026-05": 1, "2026-11": 4}


def test_a_row_moved_to_another_connection_is_not_rewrapped(engine: Engine) -> None:
    first, second = fill(engine, 2)
    with Session(engine) as session:
        stolen = sealed_of(session.get_one(Credential, first))
        store_sealed(session, session.get_one(Connection, second), stolen, now=NOW)
        session.commit()
    (batch,) = rotate(engine, vault(NEW, OLD), limit=10)
    assert (batch.rewrapped, batch.refused) == (1, 1)


@pytest.mark.parametrize("error", [KeyStoreUnavailable, VaultShut])
def test_a_key_store_that_is_down_stops_the_batch_and_changes_nothing(
    engine: Engine, error: type[Exception]
) -> None:
    source_ids = fill(engine, 3)

    def fail() -> None:
        raise error("Not now.")

    with pytest.raises(error):
        rotate_while(engine, fail)
    assert all_open_with(engine, vault(OLD), source_ids)


def test_a_key_is_stored_replaced_and_stays_with_its_account(engine: Engine) -> None:
    (source_id,) = fill(engine, 1)
    with Session(engine) as session:
        store(session, source_id, "sk-admin-the-second-key", vault(NEW, OLD))
        session.commit()
        assert opened(session, vault(NEW), source_id) == "sk-admin-the-second-key"
        session.execute(delete(Credential))
        store(session, source_id, "sk-admin-the-third-key", vault(NEW, OLD))
        session.commit()
        assert opened(session, vault(NEW), source_id) == "sk-admin-the-third-key"
        assert session.execute(select(func.count(Credential.source_id))).scalar_one() == 1


# --- the whole thing, under fire ------------------------------------------------------------------

ROTATION = """
import os, sys
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from flask_tokenoffset.services.key_rotation import rewrap_batch
from flask_tokenoffset.vault import LocalKeyStore, Vault, parse_key_ring
engine = create_engine(sys.argv[1])
vault = Vault(LocalKeyStore(parse_key_ring(os.environ["KEYS"])))
last_id, remaining = None, 1
while remaining:
    with Session(engine) as session:
        batch = rewrap_batch(session, vault, after=last_id, limit=200)
        print("wrote", flush=True)
        session.commit()
    last_id, remaining = batch.last_id, batch.remaining
    print("committed", flush=True)
"""


class Reader:
    """Opens keys at random, as workers would, until it is stopped."""

    def __init__(self, engine: Engine, source_ids: list[UUID]) -> None:
        self.reads = 0
        self.failures: list[Exception] = []
        self._engine = engine
        self._source_ids = source_ids
        self._stop = Event()
        self._thread = Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        opener = vault(NEW, OLD)
        while not self._stop.is_set():
            source_id = random.choice(self._source_ids)
            try:
                with Session(self._engine) as session:
                    assert opened(session, opener, source_id) == secret_of(source_id)
            except Exception as error:  # noqa: BLE001 - shown by the assertion
                self.failures.append(error)
            self.reads += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@campaign("keys", short=2_500, full=10_000)
def test_thousands_of_keys_four_readers_and_a_rotation_killed_again_and_again(
    postgres_database: MakeDatabase, keys: int
) -> None:
    url = postgres_database()
    engine = create_engine(url)
    make_tables(engine)
    source_ids = fill(engine, keys)
    readers = [Reader(engine, source_ids) for _ in range(READERS)]
    kills = 0
    try:
        for stop_at in ("wrote", "committed", "wrote", "committed", None):
            kills += run_rotation(url, stop_at=stop_at)
    finally:
        for reader in readers:
            reader.stop()

    assert kills == 4
    assert [reader.failures for reader in readers] == [[]] * READERS
    assert all(reader.reads > 100 for reader in readers)
    with Session(engine) as session:
        assert versions_in_use(session) == {"2026-11": keys}
    assert all_open_with(engine, vault(NEW), source_ids)
    engine.dispose()


def run_rotation(url: str, *, stop_at: str | None) -> bool:
    """Run a rotation in a process of its own; kill it in its third batch, at the line given."""
    with subprocess.Popen(
        [sys.executable, "-c", ROTATION, url],
        env=os.environ | {"KEYS": f"{NEW},{OLD}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += line.strip() == stop_at
            if seen == 3:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return True
    assert process.returncode == 0
    return False
