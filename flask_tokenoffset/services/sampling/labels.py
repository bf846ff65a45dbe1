"""What connections are called. It is what tells two of one vendor apart: keys begin alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import Account, AuditAction, Connection, ConnectionStatus, Source
from flask_tokenoffset.services.consents.restrictions import refuse_if_restricted
from flask_tokenoffset.services.shared.names import check_name
from flask_tokenoffset.services.sources.listing import refuse_disconnected, sampled_source

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.unit_of_work import UnitOfWork

LONGEST_LABEL: Final = 120


def check_label(label: str | None) -> str:
    """A label as it is stored, or "" if none was given that anyone could see.

    :raises InvalidInput: it is too long, or holds what no text field sends (PostgreSQL could not
        even store a NUL) or what turns the words around it on a page.
    """
    return check_name(label, field="label", label="label", longest=LONGEST_LABEL)


def taken_labels(session: Session, account_id: UUID) -> frozenset[str]:
    """What an account's connections are called that are not disconnected, in small letters."""
    labels = session.scalars(
        select(Source.label)
        .join(Connection, Connection.source_id == Source.id)
        .where(
            Connection.account_id == account_id,
            Connection.status != ConnectionStatus.DISCONNECTED,
        )
    )
    return frozenset(label.casefold() for label in labels)


def refuse_taken_label(session: Session, account_id: UUID, label: str) -> None:
    """Refuse to call two connections the same: nothing else on a page would tell them apart.

    :param label: as it is stored; "" for none.
    :raises InvalidInput: another connection is called so already; the field is ``label``.
    """
    if label and label.casefold() in taken_labels(session, account_id):
        raise InvalidInput(
            {"label": f"Another connection is called «{label}» already. Choose another label."}
        )


def label_of_connection(session: Session, account_id: UUID, typed: str | None, vendors: str) -> str:
    """A label that tells the connection from every other one.

    :param typed: the person's own words, if they gave any.
    :param vendors: what it is called without them; a number is added where that is taken.
    :raises InvalidInput: the words cannot be a label, or another connection is called so.
    """
    label = check_label(typed)
    taken = taken_labels(session, account_id)
    if label:
        refuse_taken_label(session, account_id, label)
        return label
    label, number = vendors[:LONGEST_LABEL], 2
    while label.casefold() in taken:
        ending = f" {number}"
        label, number = vendors[: LONGEST_LABEL - len(ending)] + ending, number + 1
    return label


def rename(work: UnitOfWork, *, account_id: UUID, source_id: UUID, label: str) -> Source:
    """Call a connection something else. Nothing that was read or is paid changes.

    :param label: the person's own words.
    :raises NotFound: the account has no such sampled source.
    :raises Conflict: it is disconnected.
    :raises InvalidInput: nothing was typed, the words cannot be a label, or another connection is
        called so; the field is ``label``.
    :raises Restricted: the person restricted the processing of their data.
    """
    session = work.session
    refuse_if_restricted(session, account_id)
    # Two that take the same label at once are looked at one after the other.
    session.execute(
        select(Account.id).where(Account.id == account_id).with_for_update(key_share=True)
    )
    source, connection = sampled_source(session, account_id, source_id)
    refuse_disconnected(connection)
    wanted = check_label(label)
    if not wanted:
        raise InvalidInput({"label": "Type what this connection is to be called."})
    if wanted == source.label:
        return source
    if wanted.casefold() != source.label.casefold():
        refuse_taken_label(session, account_id, wanted)
    source.label = wanted
    session.flush()
    work.record(
        AuditAction.SOURCE_RENAMED,
        account_id=account_id,
        subject_type="source",
        subject_id=source_id,
        provider=connection.provider,
    )
    return source
