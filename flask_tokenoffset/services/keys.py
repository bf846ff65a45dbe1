"""Changing the master key: every data key is wrapped anew, while everything goes on working."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import CursorResult, bindparam, func, select, update

from flask_tokenoffset.errors import KeyVersionUnknown, SealBroken
from flask_tokenoffset.models import Connection, Credential
from flask_tokenoffset.services.credentials import credential_context, sealed_of

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.vault import Vault

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RewrapBatch:
    """What one batch of a rotation did.

    :param rewrapped: rows now under the primary master key.
    :param refused: rows that no master key at hand opens. They were left as they are; their keys
        have to be entered again.
    :param last_id: the last row looked at; the next batch goes on after it. None where there was
        nothing to do.
    :param remaining: rows after ``last_id`` under another version than the primary one.
    """

    rewrapped: int
    refused: int
    last_id: UUID | None
    remaining: int


def versions_in_use(session: Session) -> dict[str, int]:
    """How many stored keys each master key version protects; versions with none are left out.

    :param session: the door's session.
    """
    counted = select(Credential.key_version, func.count(Credential.source_id))
    rows = session.execute(counted.group_by(Credential.key_version).order_by("key_version"))
    return {row[0]: row[1] for row in rows}


def rewrap_batch(session: Session, vault: Vault, *, after: UUID | None, limit: int) -> RewrapBatch:
    """Wrap the data keys of some rows under the primary master key. No key is opened.

    The door commits after each batch. A rotation that was cut short starts again with
    ``after=None`` and finds only what is left.

    :param session: the door's session.
    :param vault: knows the old and the new master keys.
    :param after: the ``last_id`` of the batch before; None for the first.
    :param limit: rows at most.
    :raises VaultShut: if the vault is shut.
    :raises KeyStoreUnavailable: if the key store does not answer; nothing of this batch is kept.
    """
    stale = Credential.key_version != vault.primary_version
    beyond = (stale,) if after is None else (stale, Credential.source_id > after)
    rows = session.execute(
        select(Credential, Connection.provider)
        .join(Connection, Connection.source_id == Credential.source_id)
        .where(*beyond)
        .order_by(Credential.source_id)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    if not rows:
        return RewrapBatch(rewrapped=0, refused=0, last_id=None, remaining=0)
    # All wrapping comes before the first write: a key store may be slow, and a disconnect must
    # not wait for the lock on its row.
    changes = [
        change
        for credential, provider in rows
        if (change := _rewrap(vault, credential, provider)) is not None
    ]
    last_id = rows[-1][0].source_id
    rewrapped = _write(session, changes) if changes else 0
    for credential, _ in rows:
        session.expire(credential)  # What was written went past the objects in the session.
    remaining = select(func.count(Credential.source_id)).where(
        stale, Credential.source_id > last_id
    )
    return RewrapBatch(
        rewrapped=rewrapped,
        refused=len(rows) - len(changes),
        last_id=last_id,
        remaining=session.execute(remaining).scalar_one(),
    )


def _rewrap(vault: Vault, credential: Credential, provider: str) -> dict[str, Any] | None:
    sealed = sealed_of(credential)
    try:
        rewrapped = vault.rewrap(sealed, credential_context(credential, provider))
    except (KeyVersionUnknown, SealBroken) as error:
        # One row that cannot be saved must not keep the others under the old key.
        logger.warning(
            "The key of source %s stays under version %s: %s",
            credential.source_id,
            credential.key_version,
            error.code,
        )
        return None
    return {
        "row_id": credential.source_id,
        "old_wrapped_key": sealed.wrapped_key,
        "new_wrapped_key": rewrapped.wrapped_key,
        "new_key_version": rewrapped.key_version,
    }


def _write(session: Session, changes: list[dict[str, Any]]) -> int:
    """Write what is still true: a row that was deleted or replaced meanwhile is left alone."""
    statement = (
        update(Credential)
        .where(
            Credential.source_id == bindparam("row_id"),
            Credential.wrapped_key == bindparam("old_wrapped_key"),
        )
        .values(wrapped_key=bindparam("new_wrapped_key"), key_version=bindparam("new_key_version"))
    )
    # Through the connection, which sends all rows in one go and counts the ones that matched.
    connection = session.connection(bind_arguments={"mapper": Credential})
    return cast("CursorResult[None]", connection.execute(statement, changes)).rowcount
