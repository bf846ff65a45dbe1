"""Sealed refresh tokens as rows: where each one belongs, and how it is written and taken out."""

from __future__ import annotations

import logging
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, cast

from sqlalchemy import CursorResult, delete, select

from flask_tokenoffset.errors import KeyVersionUnknown, SealBroken
from flask_tokenoffset.models import Identity, IdentityCredential
from flask_tokenoffset.vault import SealedSecret, SecretContext

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.vault import Secret, Vault

logger = logging.getLogger(__name__)


def identity_context(row: Identity | IdentityCredential, provider: str) -> SecretContext:
    """The place a refresh token belongs to, and the only one where it opens.

    :param row: the identity or its credential.
    :param provider: the identity's provider.
    """
    row_id = row.id if isinstance(row, Identity) else row.identity_id
    return SecretContext(
        table=IdentityCredential.__tablename__,
        row_id=str(row_id),
        account_id=str(row.account_id),
        vendor=provider,
        field="refresh_token",
    )


def sealed_token_of(credential: IdentityCredential) -> SealedSecret:
    """The sealed token in a row, as the vault takes it.

    :param credential: the row.
    """
    return SealedSecret(
        **{field.name: getattr(credential, field.name) for field in fields(SealedSecret)}
    )


def store_token(
    session: Session, identity: Identity, token: Secret, *, vault: Vault, now: datetime
) -> None:
    """Keep an identity's refresh token, in the place of the one before if there was one.

    :param identity: the identity, already in the database.
    :raises VaultError: it cannot be sealed; nothing is stored.
    """
    sealed = vault.seal(token, identity_context(identity, identity.provider))
    put_back(session, identity, sealed, now=now)


def put_back(session: Session, identity: Identity, sealed: SealedSecret, *, now: datetime) -> None:
    """Keep a sealed token of an identity.

    :param identity: the identity it was sealed for.
    :param sealed: the token.
    """
    session.execute(delete(IdentityCredential).where(IdentityCredential.identity_id == identity.id))
    session.add(
        IdentityCredential(
            identity_id=identity.id,
            account_id=identity.account_id,
            created_at=now,
            **asdict(sealed),
        )
    )
    session.flush()


def take_out(session: Session, identity: Identity) -> SealedSecret | None:
    """Take an identity's refresh token out of the database.

    A token that is used twice is taken for stolen by providers that rotate them, and the whole
    family is void. Anyone who has taken it out is the only one who uses it.

    :param identity: the identity.
    """
    session.flush()
    credential = session.scalar(
        select(IdentityCredential)
        .where(IdentityCredential.identity_id == identity.id)
        .execution_options(populate_existing=True)
    )
    if credential is None:
        return None
    sealed = sealed_token_of(credential)
    session.expunge(credential)
    taken = session.execute(
        delete(IdentityCredential)
        .where(
            IdentityCredential.identity_id == identity.id,
            IdentityCredential.data_key_id == sealed.data_key_id,
        )
        .execution_options(synchronize_session=False)
    )
    return sealed if cast("CursorResult[None]", taken).rowcount == 1 else None


def open_token(sealed: SealedSecret, identity: Identity, vault: Vault) -> Secret | None:
    """Open a refresh token that was taken out; ``None`` where no master key at hand opens it.

    :param sealed: the token.
    :param identity: whose it is.
    """
    try:
        return vault.open(sealed, identity_context(identity, identity.provider))
    except (KeyVersionUnknown, SealBroken) as error:
        logger.warning("The token of identity %s does not open: %s", identity.id, error.code)
        return None
