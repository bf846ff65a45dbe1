"""The sealed pieces of an archive: each opens in its own row only."""

from __future__ import annotations

import base64
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from flask_tokenoffset.models import ExportPart
from flask_tokenoffset.vault import SealedSecret, Secret, SecretContext

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Export
    from flask_tokenoffset.vault import Vault


def part_context(export_id: UUID, account_id: UUID, number: int) -> SecretContext:
    """The place a piece belongs to, and the only one where it opens.

    :param number: which piece it is, from 0 on.
    """
    return SecretContext(
        table=ExportPart.__tablename__,
        row_id=f"{export_id}:{number}",
        account_id=str(account_id),
        vendor="none",
        field="content",
    )


def store_part(
    session: Session,
    piece: bytes,
    *,
    export_id: UUID,
    account_id: UUID,
    number: int,
    vault: Vault,
) -> None:
    """Seal a piece and keep it.

    :param piece: some bytes of the archive.
    :param number: which piece it is, from 0 on.
    :raises VaultError: it cannot be sealed; nothing is stored.
    """
    # The vault seals text.
    text = Secret(base64.b64encode(piece).decode("ascii"))
    sealed = vault.seal(text, part_context(export_id, account_id, number))
    session.execute(
        insert(ExportPart).values(
            export_id=export_id, account_id=account_id, number=number, **asdict(sealed)
        )
    )


def open_parts(session: Session, export: Export, vault: Vault) -> tuple[bytes, ...]:
    """The pieces of an archive, in order.

    :raises VaultError: one of them does not open.
    """
    rows = session.scalars(
        select(ExportPart).where(ExportPart.export_id == export.id).order_by(ExportPart.number)
    ).all()
    return tuple(
        base64.b64decode(
            vault.open(
                _sealed(row), part_context(export.id, export.account_id, row.number)
            ).reveal()
        )
        for row in rows
    )


def _sealed(row: ExportPart) -> SealedSecret:
    return SealedSecret(**{each.name: getattr(row, each.name) for each in fields(SealedSecret)})
