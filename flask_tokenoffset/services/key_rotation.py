"""Changing the master key: every data key is wrapped anew, while everything goes on working."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from sqlalchemy import CursorResult, bindparam, func, select, update

from flask_tokenoffset.errors import KeyVersionUnknown, SealBroken
from flask_tokenoffset.models import Connection, Credential, Identity, IdentityCredential
from flask_tokenoffset.services.identities.refresh_tokens import identity_context, sealed_token_of
from flask_tokenoffset.services.sources.credentials import credential_context, sealed_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from sqlalchemy.orm import InstrumentedAttribute, Session

    from flask_tokenoffset.vault import SealedSecret, SecretContext, Vault

logger = logging.getLogger(__name__)


_Row: TypeAlias = Credential | IdentityCredential


@dataclass(frozen=True, slots=True)
class SealedRows:
    """Where the secrets of one kind stand.

    :param owner: the kind of thing a secret belongs to, for the log.
    :param model: the table of the secrets.
    :param row_id: the column that names a row, which is its owner's id.
    :param owner_id: the same id in the owner's table.
    :param provider: whom the secret is for, in the owner's table.
    :param context: the place a row's secret is sealed for.
    :param sealed: a row's secret, as the vault takes it.
    """

    owner: str
    model: type[_Row]
    row_id: InstrumentedAttribute[UUID]
    owner_id: InstrumentedAttribute[UUID]
    provider: InstrumentedAttribute[str]
    context: Callable[[Any, str], SecretContext]
    sealed: Callable[[Any], SealedSecret]


#: The keys of connected vendors.
VENDOR_KEYS: Final = SealedRows(
    owner="source",
    model=Credential,
    row_id=Credential.source_id,
    owner_id=Connection.source_id,
    provider=Connection.provider,
    context=credential_context,
    sealed=sealed_of,
)
#: The refresh tokens of linked identities.
IDENTITY_TOKENS: Final = SealedRows(
    owner="identity",
    model=IdentityCredential,
    row_id=IdentityCredential.identity_id,
    owner_id=Identity.id,
    provider=Identity.provider,
    context=identity_context,
    sealed=sealed_token_of,
)
#: Everything the vault has sealed.
ALL_SEALED: Final = (VENDOR_KEYS, IDENTITY_TOKENS)


@dataclass(frozen=True, slots=True)
class RewrapBatch:
    """What one batch of a rotation did.

    :param rewrapped: rows now under the primary master key.
    :param refused: rows that no master key at hand opens. They were left as they are; their owners
        have to connect or link again.
    :param last_id: the last row looked at; the next batch goes on after it. None where there was
        nothing to do.
    :param remaining: rows after ``last_id`` under another version than the primary one.
    """

    rewrapped: int
    refused: int
    last_id: UUID | None
    remaining: int


def versions_in_use(session: Session) -> dict[str, int]:
    """How many secrets each master key version protects; versions with none are left out.

    :param session: the caller's session.
    """
    versions: Counter[str] = Counter()
    for rows in ALL_SEALED:
        counted = select(rows.model.key_version, func.count(rows.row_id))
        for version, count in session.execute(counted.group_by(rows.model.key_version)):
            versions[version] += count
    return dict(sorted(versions.items()))


def rewrap_batch(
    session: Session,
    vault: Vault,
    *,
    after: UUID | None,
    limit: int,
    rows: SealedRows = VENDOR_KEYS,
) -> RewrapBatch:
    """Wrap the data keys of some rows under the primary master key. No secret is opened.

    The caller commits after each batch. A rotation that was cut short starts again with
    ``after=None`` and finds only what is left.

    :param session: the caller's session.
    :param vault: knows the old and the new master keys.
    :param after: the ``last_id`` of the batch before; None for the first.
    :param limit: rows at most.
    :param rows: which secrets.
    :raises VaultShut: if the vault is shut.
    :raises KeyStoreUnavailable: if the key store does not answer; nothing of this batch is kept.
    """
    stale = rows.model.key_version != vault.primary_version
    beyond = (stale,) if after is None else (stale, rows.row_id > after)
    found: Sequence[Any] = session.execute(
        select(rows.model, rows.row_id, rows.provider)
        .join(rows.owner_id.class_, rows.owner_id == rows.row_id)
        .where(*beyond)
        .order_by(rows.row_id)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    if not found:
        return RewrapBatch(rewrapped=0, refused=0, last_id=None, remaining=0)
    # All wrapping comes before the first write: a key store may be slow, and a disconnect must
    # not wait for the lock on its row.
    changes = [
        change
        for row, row_id, provider in found
        if (change := _rewrap(vault, rows, row, row_id, provider)) is not None
    ]
    last_id = found[-1][1]
    rewrapped = _write(session, rows, changes) if changes else 0
    for row, _, _ in found:
        session.expire(row)  # What was written went past the objects in the session.
    remaining = select(func.count(rows.row_id)).where(stale, rows.row_id > last_id)
    return RewrapBatch(
        rewrapped=rewrapped,
        refused=len(found) - len(changes),
        last_id=last_id,
        remaining=session.execute(remaining).scalar_one(),
    )


def _rewrap(
    vault: Vault, rows: SealedRows, row: _Row, row_id: UUID, provider: str
) -> dict[str, Any] | None:
    sealed = rows.sealed(row)
    try:
        rewrapped = vault.rewrap(sealed, rows.context(row, provider))
    except (KeyVersionUnknown, SealBroken) as error:
        # One row that cannot be saved must not keep the others under the old key.
        logger.warning(
            "The key of %s %s stays under version %s: %s",
            rows.owner,
            row_id,
            row.key_version,
            error.code,
        )
        return None
    return {
        "row_id": row_id,
        "old_wrapped_key": sealed.wrapped_key,
        "new_wrapped_key": rewrapped.wrapped_key,
        "new_key_version": rewrapped.key_version,
    }


def _write(session: Session, rows: SealedRows, changes: list[dict[str, Any]]) -> int:
    """Write what is still true: a row that was deleted or replaced meanwhile is left alone."""
    statement = (
        update(rows.model)
        .where(
            rows.row_id == bindparam("row_id"),
            rows.model.wrapped_key == bindparam("old_wrapped_key"),
        )
        .values(wrapped_key=bindparam("new_wrapped_key"), key_version=bindparam("new_key_version"))
    )
    # Through the connection, which sends all rows in one go and counts the ones that matched.
    connection = session.connection(bind_arguments={"mapper": rows.model})
    return cast("CursorResult[None]", connection.execute(statement, changes)).rowcount
