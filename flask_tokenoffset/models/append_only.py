"""Tables whose rows the database itself refuses to change or delete, no matter who asks.

One way out is left, because nothing personal may stay for ever: the rows of an account that was
erased can be deleted once its last retained record has come to its end (``Account.released_at``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import DDL, event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import FromClause

#: The function that PostgreSQL's triggers call, with the message as its argument.
REFUSE: Final = """
CREATE OR REPLACE FUNCTION tokenoffset_refuse_change() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_ARGV[1] = 'released' THEN
        IF EXISTS (
            SELECT 1 FROM tokenoffset_account
            WHERE id = OLD.account_id AND released_at IS NOT NULL
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$ LANGUAGE plpgsql
"""


def append_only(
    table: str, message: str, *, until_released: bool = False
) -> Mapping[str, tuple[str, ...]]:
    """The statements that make a table append-only, by dialect and in order.

    :param table: its name.
    :param message: what the database says when a person tries.
    :param until_released: whether the rows of a released account may be deleted; the table has an
        ``account_id`` then.
    """
    argument = "released" if until_released else "never"
    unless_released = (
        """WHEN NOT EXISTS (
            SELECT 1 FROM tokenoffset_account
            WHERE id = OLD.account_id AND released_at IS NOT NULL
        )"""
        if until_released
        else ""
    )
    return {
        "postgresql": (
            REFUSE,
            f"""
            CREATE TRIGGER {table}_append_only
            BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION tokenoffset_refuse_change('{message}', '{argument}')
            """,
            f"""
            CREATE TRIGGER {table}_no_truncate
            BEFORE TRUNCATE ON {table} FOR EACH STATEMENT
            EXECUTE FUNCTION tokenoffset_refuse_change('{message}', '{argument}')
            """,
        ),
        "sqlite": (
            f"""
            CREATE TRIGGER {table}_no_update
            BEFORE UPDATE ON {table}
            BEGIN SELECT RAISE(ABORT, '{message}'); END
            """,
            f"""
            CREATE TRIGGER {table}_no_delete
            BEFORE DELETE ON {table} {unless_released}
            BEGIN SELECT RAISE(ABORT, '{message}'); END
            """,
        ),
    }


def make_append_only(
    table: FromClause, message: str, *, until_released: bool = False
) -> Mapping[str, tuple[str, ...]]:
    """Have a table refuse changes from the moment it is created; migrations do the same.

    :param table: a table of ours.
    :param message: as for :func:`append_only`.
    :param until_released: as for :func:`append_only`.
    :return: the statements.
    """
    statements = append_only(str(table), message, until_released=until_released)
    for dialect, of_dialect in statements.items():
        for statement in of_dialect:
            event.listen(
                table,
                "after_create",
                DDL(statement.replace("%", "%%")).execute_if(dialect=dialect),  # type: ignore[no-untyped-call]
            )
    return statements
