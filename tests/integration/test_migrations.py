from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import flask_migrate
import pytest
from alembic import op
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from flask import Flask, appcontext_pushed
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Engine, Integer, create_engine, event, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.migrations import (
    VERSION_TABLE,
    include_name,
    include_object,
    is_ours,
    runner,
)
from flask_tokenoffset.migrations.host import protect_host_migrations
from flask_tokenoffset.models import TABLE_PREFIX, Base
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.state import EXTENSION_KEY, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskCliRunner

REPLICAS = 4


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def table_names(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def scalar(engine: Engine, statement: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(statement)).scalar()


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def schema(engine: Engine) -> set[str]:
    """Every table, constraint, index and trigger in the database's own words."""
    if engine.dialect.name == "sqlite":
        statement = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> :version"
    else:
        statement = """
            SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> :version
            UNION ALL
            SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
              FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> :version
            UNION ALL
            SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length,
                             is_nullable, column_default)
              FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> :version
            UNION ALL
            SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL
            SELECT pg_get_functiondef(oid) FROM pg_proc
             WHERE pronamespace = 'public'::regnamespace"""
    with engine.connect() as connection:
        lines = connection.execute(text(statement), {"version": VERSION_TABLE}).scalars()
        # The order of constraints inside CREATE TABLE says nothing.
        return {" ".join(sorted(line.replace(",", " ").split())) for line in lines}


# --- our own migrations ---------------------------------------------------------------------------


def test_an_empty_database_migrates_to_what_the_models_describe(
    engine: Engine, database_url: str
) -> None:
    assert runner.current(engine) is None
    assert not runner.is_current(engine)
    assert any("tokenoffset_account" in line for line in runner.check(engine))

    runner.upgrade(engine)

    assert runner.check(engine) == []
    assert runner.current(engine) == runner.head()
    assert runner.is_current(engine)
    migrated = schema(engine)
    runner.downgrade(engine, "base")
    Base.metadata.create_all(engine)
    assert migrated == schema(engine)
    assert any("kind" in line and "sampled" in line for line in migrated), "the partial index"
    assert any("TRIGGER" in line and "tokenoffset_consent_event" in line for line in migrated)


def test_check_notices_a_column_a_person_dropped(engine: Engine) -> None:
    runner.upgrade(engine)
    execute(engine, "ALTER TABLE tokenoffset_plan DROP COLUMN version")
    assert any("version" in line for line in runner.check(engine))


def test_every_downgrade_leads_back_up_again(engine: Engine) -> None:
    execute(engine, "CREATE TABLE host_order (id INTEGER PRIMARY KEY)")
    runner.upgrade(engine)
    whole = schema(engine)
    for script in scripts().walk_revisions():
        runner.downgrade(engine, cast("str", script.down_revision or "base"))
        runner.upgrade(engine)
        assert schema(engine) == whole
    runner.downgrade(engine, "base")
    assert table_names(engine) == {VERSION_TABLE, "host_order"}
    assert runner.current(engine) is None


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "flask_tokenoffset:migrations")
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def test_there_is_one_head() -> None:
    assert scripts().get_heads() == [runner.head()]


def test_every_table_and_the_version_table_carry_the_prefix() -> None:
    assert all(is_ours(name) for name in Base.metadata.tables)
    assert is_ours(VERSION_TABLE)
    assert not is_ours("host_order")
    assert not is_ours(None)


def test_the_hosts_tables_and_version_are_not_drift_of_ours(engine: Engine) -> None:
    execute(
        engine,
        "CREATE TABLE host_order (id INTEGER PRIMARY KEY)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('the-hosts')",
    )
    runner.upgrade(engine)
    assert runner.check(engine) == []
    assert scalar(engine, "SELECT version_num FROM alembic_version") == "the-hosts"


def test_nothing_of_alembic_is_imported_with_the_filter_or_the_runner() -> None:
    check = (
        "import sys, flask_tokenoffset.migrations.host, flask_tokenoffset.migrations.runner\n"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_database_without_partial_indexes_is_refused_with_the_cure() -> None:
    elsewhere = SimpleNamespace(dialect=SimpleNamespace(name="mysql"))
    with pytest.raises(ConfigurationError, match=r"mysql.*Use PostgreSQL or SQLite"):
        runner.upgrade(cast("Engine", elsewhere))


def test_a_drafted_migration_mends_the_drift_and_can_be_read(
    engine: Engine, tmp_path: Path
) -> None:
    runner.upgrade(engine)
    execute(engine, "ALTER TABLE tokenoffset_plan DROP COLUMN created_at")

    runner.draft(engine, "Date each plan", revision="9999", folder=tmp_path)

    (written,) = tmp_path.glob("*.py")
    migration = written.read_text()
    assert written.name == "9999_date_each_plan.py"
    assert '"""Date each plan.' in migration
    assert f'down_revision = "{runner.head()}"' in migration.replace("'", '"')
    assert "sa.Column('created_at', sa.DateTime(timezone=True), nullable=False)" in migration
    assert "flask_tokenoffset" not in migration
    compile(migration, written, "exec")


# --- one at a time --------------------------------------------------------------------------------

REPLICA = """
import sys
import warnings
from sqlalchemy import create_engine
from flask_tokenoffset.migrations import runner
import alembic.command
engine = create_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
runner.upgrade(engine)
assert runner.is_current(engine)
"""


def test_replicas_that_boot_at_once_all_succeed(database_url: str, engine: Engine) -> None:
    replicas = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", REPLICA, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(REPLICAS)
    ]
    for replica in replicas:
        assert replica.stdout is not None
        assert replica.stdout.readline() == "ready\n"
    for replica in replicas:
        assert replica.stdin is not None
        replica.stdin.write("go\n")
        replica.stdin.flush()
    errors = [replica.communicate(timeout=60)[1] for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0] * REPLICAS, errors
    assert runner.check(engine) == []
    assert scalar(engine, f"SELECT count(*) FROM {VERSION_TABLE}") == 1


def test_threads_migrate_their_own_databases_one_after_another(tmp_path: Path) -> None:
    engines = [create_engine(f"sqlite:///{tmp_path / str(n)}.sqlite") for n in range(REPLICAS)]
    failures: list[BaseException] = []
    start = Barrier(REPLICAS)

    def boot(engine: Engine) -> None:
        try:
            start.wait()
            runner.upgrade(engine)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [Thread(target=boot, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for engine in engines:
        assert runner.check(engine) == []
        engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_index = op.create_index

    def fail_at_the_last_table(name: str, table: str, *arguments: Any, **options: Any) -> None:
        if table == "tokenoffset_billing_record":
            raise RuntimeError("power cut")
        create_index(name, table, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_index", fail_at_the_last_table)
        with pytest.raises(RuntimeError, match="power cut"):
            runner.upgrade(engine)
    assert table_names(engine) == set()

    runner.upgrade(engine)
    assert runner.check(engine) == []


@pytest.mark.parametrize("isolation_level", ["AUTOCOMMIT", "REPEATABLE READ"])
def test_a_hosts_isolation_level_does_not_weaken_the_lock(
    postgres_database: Callable[[], str], isolation_level: str
) -> None:
    url = postgres_database()
    engine = create_engine(url, isolation_level=cast("Any", isolation_level))
    other = create_engine(url)
    failures: list[BaseException] = []

    def boot() -> None:
        try:
            runner.upgrade(engine)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    second = Thread(target=boot)
    with other.begin() as first:
        first.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": runner.ADVISORY_LOCK})
        second.start()
        second.join(timeout=1)
        assert second.is_alive(), "the second waits for the first"
        Base.metadata.create_all(first)
        first.execute(text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) PRIMARY KEY)"))
        first.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES (:head)"), {"head": runner.head()})
    second.join()
    assert failures == [], "the second sees what the first has committed"
    assert runner.is_current(other)
    engine.dispose()
    other.dispose()


# --- SQLite's foreign keys ------------------------------------------------------------------------

PARENT_AND_CHILD = (
    "CREATE TABLE tokenoffset_parent (id INTEGER PRIMARY KEY)",
    """CREATE TABLE tokenoffset_child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL
       REFERENCES tokenoffset_parent (id) ON DELETE CASCADE)""",
    "INSERT INTO tokenoffset_parent VALUES (7)",
    "INSERT INTO tokenoffset_child VALUES (1, 7)",
)


def with_foreign_keys_on(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def switch_on(connection: Any, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def make_parent_anew(operations: Any) -> None:
    """Alter a table as SQLite has to: copy it, drop it, rename the copy."""
    with operations.batch_alter_table("tokenoffset_parent", recreate="always") as table:
        table.add_column(Column("extra", Integer))


def upgrade_altering_parent(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the migrations, the first statement of which alters the parent table."""
    create_table = op.create_table

    def after_altering(name: str, *arguments: Any, **options: Any) -> None:
        if name == "tokenoffset_account":
            make_parent_anew(op)
        create_table(name, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", after_altering)
        runner.upgrade(engine)
    columns = inspect(engine).get_columns("tokenoffset_parent")
    assert "extra" in {column["name"] for column in columns}


def test_altering_a_table_keeps_its_child_rows_though_the_host_has_foreign_keys_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = with_foreign_keys_on(create_engine(f"sqlite:///{tmp_path / 'host.sqlite'}"))
    execute(engine, *PARENT_AND_CHILD)

    upgrade_altering_parent(engine, monkeypatch)

    assert scalar(engine, "SELECT count(*) FROM tokenoffset_child") == 1
    assert scalar(engine, "PRAGMA foreign_keys") == 1, "the pool never holds a connection without"
    with pytest.raises(IntegrityError):
        execute(engine, "INSERT INTO tokenoffset_child VALUES (2, 99)")
    engine.dispose()


def test_a_host_that_sends_begin_itself_is_migrated_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = with_foreign_keys_on(create_engine(f"sqlite:///{tmp_path / 'host.sqlite'}"))

    @event.listens_for(engine, "begin")
    def send_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    execute(engine, *PARENT_AND_CHILD)
    upgrade_altering_parent(engine, monkeypatch)
    assert runner.is_current(engine)
    assert scalar(engine, "SELECT count(*) FROM tokenoffset_child") == 1
    engine.dispose()


def test_without_the_runner_the_child_rows_would_be_gone(tmp_path: Path) -> None:
    engine = with_foreign_keys_on(create_engine(f"sqlite:///{tmp_path / 'host.sqlite'}"))
    execute(engine, *PARENT_AND_CHILD)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        make_parent_anew(Operations(MigrationContext.configure(connection)))
    assert scalar(engine, "SELECT count(*) FROM tokenoffset_child") == 0
    engine.dispose()


def test_an_in_memory_database_survives_its_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = with_foreign_keys_on(create_engine("sqlite://", poolclass=StaticPool))
    execute(engine, *PARENT_AND_CHILD)
    upgrade_altering_parent(engine, monkeypatch)
    assert runner.is_current(engine)
    assert scalar(engine, "SELECT count(*) FROM tokenoffset_child") == 1
    assert scalar(engine, "PRAGMA foreign_keys") == 1
    engine.dispose()


# --- the host's own migrations --------------------------------------------------------------------


class Host:
    """A host with one table of its own, our tables beside it, and a ``migrations`` folder."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.app = Flask("host", root_path=str(folder))
        self.app.config["SQLALCHEMY_DATABASE_URI"] = database_url
        self.db = SQLAlchemy(self.app)
        self.folder = str(folder / "migrations")

        self.db.Table("order", Column("id", Integer, primary_key=True))
        with self.app.app_context():
            runner.upgrade(self.db.engine)

    def migrate(self, **arguments: Any) -> flask_migrate.Migrate:
        return flask_migrate.Migrate(self.app, self.db, directory=self.folder, **arguments)

    def autogenerate(self) -> str:
        """The text of the migration that ``flask db migrate`` writes."""
        cli = self.app.test_cli_runner()
        assert cli.invoke(args=["db", "init"]).exit_code == 0
        # Flask-Migrate's own env.py, but for the line that would switch off the loggers of the
        # tests after this one.
        environment = Path(self.folder, "env.py")
        log_setup = "fileConfig(config.config_file_name)\n"
        assert log_setup in environment.read_text()
        environment.write_text(environment.read_text().replace(log_setup, ""))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'get_engine' is deprecated", DeprecationWarning)
            result = cli.invoke(args=["db", "migrate"])
        assert result.exit_code == 0, result.output
        (written,) = Path(self.folder, "versions").glob("*.py")
        return written.read_text()


@pytest.fixture
def host(database_url: str, tmp_path: Path) -> Iterator[Host]:
    host = Host(database_url, tmp_path)
    yield host
    with host.app.app_context():
        host.db.engine.dispose()


def assert_only_the_hosts_own(migration: str) -> None:
    assert "op.create_table('order'" in migration
    assert TABLE_PREFIX not in migration


def test_without_the_filter_the_host_would_drop_our_tables(host: Host) -> None:
    host.migrate()
    migration = host.autogenerate()
    assert "op.drop_table('tokenoffset_credential')" in migration
    assert f"op.drop_table('{VERSION_TABLE}')" in migration


@pytest.mark.parametrize(
    "arguments",
    [{"include_object": include_object}, {"include_name": include_name}],
    ids=["include_object", "include_name"],
)
def test_with_the_filter_passed_the_host_leaves_our_tables_alone(
    host: Host, arguments: dict[str, Any]
) -> None:
    host.migrate(**arguments)
    assert_only_the_hosts_own(host.autogenerate())


def test_the_filter_is_put_in_where_the_host_forgot_it(host: Host) -> None:
    host.migrate()
    assert protect_host_migrations(host.app)
    assert_only_the_hosts_own(host.autogenerate())


def test_the_filter_is_put_in_when_migrate_is_made_after_us(host: Host) -> None:
    assert not protect_host_migrations(host.app)
    with host.app.app_context():
        assert "migrate" not in host.app.extensions
    host.migrate()
    assert_only_the_hosts_own(host.autogenerate())


def test_waiting_for_migrate_ends_when_it_is_there(host: Host) -> None:
    protect_host_migrations(host.app)
    assert list(appcontext_pushed.receivers_for(host.app))
    migrate = host.migrate()
    with host.app.app_context():
        assert migrate is host.app.extensions["migrate"].migrate
    assert not list(appcontext_pushed.receivers_for(host.app))


def test_the_hosts_own_hook_goes_on_deciding_about_the_hosts_tables(host: Host) -> None:
    seen: list[str] = []

    def without_audit(_object: object, name: str, type_: str, *_: object) -> bool:
        seen.append(name)
        return not (type_ == "table" and name == "audit")

    with host.app.app_context():
        execute(host.db.engine, "CREATE TABLE audit (id INTEGER PRIMARY KEY)")
    host.migrate(include_object=without_audit)
    for _ in range(3):
        protect_host_migrations(host.app)
    migration = host.autogenerate()
    assert_only_the_hosts_own(migration)
    assert "audit" not in migration
    assert seen.count("order") == 1, "wrapped once, however often it is asked for"
    assert not any(is_ours(name) for name in seen)
    assert "include_name" not in host.app.extensions["migrate"].configure_args


# --- the commands ---------------------------------------------------------------------------------


def mount(host: Host, **settings: Any) -> FlaskCliRunner:
    host.app.extensions[EXTENSION_KEY] = State(
        settings=Settings(**settings),
        db=host.db,
        url_prefix="/ai",
        **dict.fromkeys(
            ("user_loader", "clock", "vault", "gateway", "queue", "attempts"), cast("Any", None)
        ),
    )
    return host.app.test_cli_runner()


def test_the_commands_bring_the_tables_up_and_down_and_say_where_they_are(host: Host) -> None:
    cli = mount(host)

    def run(*arguments: str) -> tuple[int, str]:
        result = cli.invoke(tokenoffset, ["db", *arguments])
        return result.exit_code, result.output

    assert run("upgrade") == (0, f"The tables are at {runner.head()}.\n")
    assert run("current")[0] == 0
    assert run("check")[0] == 0

    assert run("downgrade", "base")[0] == 1, "it asks, and nobody answered"
    assert run("current")[0] == 0
    assert run("downgrade", "base", "--yes")[0] == 0

    code, output = run("current")
    assert code == 1
    assert "flask tokenoffset db upgrade" in output
    code, output = run("check")
    assert code == 1
    assert "op.create_table('tokenoffset_account'" in output


def test_a_blocked_migration_ends_in_a_sentence(
    postgres_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(postgres_database(), tmp_path)
    monkeypatch.setattr(runner, "TURN_SECONDS", 1)
    with host.app.app_context():
        engine = host.db.engine
    with engine.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": runner.ADVISORY_LOCK})
        result = mount(host).invoke(tokenoffset, ["db", "upgrade"])
    assert result.exit_code == 1
    assert "Nothing was changed" in result.output
    engine.dispose()


def test_a_second_bind_holds_our_tables_and_the_hosts_database_none(
    database_url: str, tmp_path: Path
) -> None:
    app = Flask("host")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'host.sqlite'}"
    app.config["SQLALCHEMY_BINDS"] = {"ours": database_url}
    db = SQLAlchemy(app)
    host = cast("Host", SimpleNamespace(app=app, db=db))

    result = mount(host, bind_key="ours").invoke(tokenoffset, ["db", "upgrade"])

    assert result.exit_code == 0, result.output
    with app.app_context():
        assert runner.check(db.engines["ours"]) == []
        assert table_names(db.engine) == set()
        for engine in db.engines.values():
            engine.dispose()

    missing = mount(host, bind_key="elsewhere").invoke(tokenoffset, ["db", "upgrade"])
    assert missing.exit_code == 1
    assert "TOKENOFFSET_BIND_KEY: SQLALCHEMY_BINDS has no bind 'elsewhere'" in missing.output
