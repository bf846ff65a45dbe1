"""Our own migrations beside the host's, and the filter that keeps the host's away from our tables.

Alembic compares a whole database with a host's models and drops what it does not know. Hand the
filter to Flask-Migrate, so that ours are left alone::

    from flask_tokenoffset.migrations import include_object

    migrate = Migrate(app, db, include_object=include_object)

The commands are ``flask tokenoffset db ...`` over :mod:`flask_tokenoffset.migrations.runner`.
Nothing here imports Alembic, so that a host may take the filter anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.host.tables import TABLE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.schema import SchemaItem

__all__ = ["VERSION_TABLE", "include_name", "include_object", "is_ours"]

#: Where Alembic notes which of our migrations have run. The host's own is ``alembic_version``.
VERSION_TABLE: Final = f"{TABLE_PREFIX}alembic_version"


def is_ours(table_name: str | None) -> bool:
    """Whether a table belongs to this package, in this release or any other.

    The prefix decides and not the list of present models, so that a host's autogenerate leaves
    alone what an older or newer release has made.

    :param table_name: without its schema; None (Alembic's name of the default schema) is not ours.
    """
    return table_name is not None and table_name.startswith(TABLE_PREFIX)


def include_object(
    object_: SchemaItem,  # noqa: ARG001 - the signature is Alembic's
    name: str | None,
    type_: str,
    reflected: bool,  # noqa: ARG001, FBT001 - the signature is Alembic's
    compare_to: SchemaItem | None,  # noqa: ARG001 - the signature is Alembic's
) -> bool:
    """Alembic's ``include_object`` for a host: everything but our tables.

    :param object_: the table, column, index or constraint.
    :param name: its name.
    :param type_: ``"table"``, ``"column"``, ``"index"`` and so on.
    :param reflected: whether it was found in the database.
    :param compare_to: its counterpart, if there is one.
    """
    return not (type_ == "table" and is_ours(name))


def include_name(
    name: str | None,
    type_: str,
    parent_names: Mapping[str, str | None],  # noqa: ARG001 - the signature is Alembic's
) -> bool:
    """Alembic's ``include_name`` for a host: everything but our tables, which are not even read.

    :param name: the name of a schema, table, column, index or constraint in the database.
    :param type_: ``"schema"``, ``"table"``, ``"column"`` and so on.
    :param parent_names: the names of what it stands in.
    """
    return not (type_ == "table" and is_ours(name))
