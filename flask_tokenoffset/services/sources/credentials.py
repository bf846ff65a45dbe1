"""Sealed vendor keys as rows: where each one belongs, and how it is read and written.

Nothing here opens a key; see ``docs/explanation/secrets.md``.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, cast

from sqlalchemy import CursorResult, update

from flask_tokenoffset.models import Connection, Credential
from flask_tokenoffset.vault import SealedSecret, SecretContext

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def credential_context(row: Connection | Credential, provider: str) -> SecretContext:
    """The place a vendor key belongs to, and the only one where it opens.

    :param row: the connection (before its credential exists) or the credential.
    :param provider: the connection's vendor, for example ``openai``.
    """
    return SecretContext(
        table=Credential.__tablename__,
        row_id=str(row.source_id),
        account_id=str(row.account_id),
        vendor=provider,
        field="key",
    )


def sealed_of(credential: Credential) -> SealedSecret:
    """The sealed key in a row, as the vault takes it.

    :param credential: the row.
    """
    return SealedSecret(
        **{field.name: getattr(credential, field.name) for field in fields(SealedSecret)}
    )


def store_sealed(
    session: Session, connection: Connection, sealed: SealedSecret, *, now: datetime
) -> None:
    """Keep a connection's sealed key, in the place of the one before if there was one.

    :param session: the caller's session.
    :param connection: the connection, already in the database.
    :param sealed: sealed for ``credential_context(connection, connection.provider)``.
    :param now: the present instant, aware.
    """
    columns = asdict(sealed) | {"created_at": now}
    # All columns in one statement: written one by one where they changed, the new key could end
    # up beside a key version that a rotation has just written.
    replaced = session.execute(
        update(Credential)
        .where(
            Credential.source_id == connection.source_id,
            Credential.account_id == connection.account_id,
        )
        .values(**columns)
    )
    if cast("CursorResult[None]", replaced).rowcount == 0:
        session.add(
            Credential(source_id=connection.source_id, account_id=connection.account_id, **columns)
        )
        session.flush()
