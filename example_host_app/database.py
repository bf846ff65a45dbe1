"""Fernhill's database and its migrations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, event
from sqlalchemy.orm import DeclarativeBase

from flask_tokenoffset.migrations import include_object

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Connection

__all__ = ["Model", "db", "init_app", "migrate"]


class Model(DeclarativeBase):
    """What every model of Fernhill begins with."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Model)

# Without the filter, “flask db migrate” would write DROP TABLE for the extension's tables.
migrate = Migrate(
    directory=str(Path(__file__).parent / "migrations"), include_object=include_object
)


def init_app(app: Flask) -> None:
    """Give the application its database and its migrations."""
    db.init_app(app)
    migrate.init_app(app, db)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "begin", _wait_for_the_turn)


def _wait_for_the_turn(connection: Connection) -> None:
    """Let SQLite's writers wait for each other from the start.

    A transaction that has read and then wants to write is refused at once while another one is
    writing, whatever the time-out: the threads that sample would meet a person's click like that.
    """
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
