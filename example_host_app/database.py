"""Fernhill's database and its migrations."""

from __future__ import annotations

from pathlib import Path

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from flask_tokenoffset.migrations import include_object

__all__ = ["Model", "db", "migrate"]


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

# Without the filter, «flask db migrate» would write DROP TABLE for the extension's tables.
migrate = Migrate(
    directory=str(Path(__file__).parent / "migrations"), include_object=include_object
)
