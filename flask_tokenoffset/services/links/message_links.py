"""What each message leads to: a link that opens something, or a page where something is done.

The sending of mail knows no feature; it is handed a :class:`FeatureLinks` and asks that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.models import (
    DocumentEffect,
    DocumentVersion,
    Erasure,
    ErasureStatus,
    Invitation,
    MagicLink,
    MessageKind,
    OutboundMessage,
    ProductUpdate,
)
from flask_tokenoffset.services.erasures.receipts import RECEIPT_TOKEN
from flask_tokenoffset.services.links.product_updates import wants_updates
from flask_tokenoffset.services.links.unsubscribing import unsubscribe_token
from flask_tokenoffset.services.mail.sending import Link
from flask_tokenoffset.services.shared.tokens import (
    INVITATION_TOKEN,
    MAGIC_LINK_TOKEN,
    derive_token,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

#: How long news about the product is news.
GIVE_UP_ON_UPDATES: Final = timedelta(days=7)
#: How long the last message to a person is tried whose account was erased. After that its address
#: goes without it, because nothing may be left thirty days after they asked for the deletion.
RECEIPT_TRIED: Final = timedelta(hours=11)


@dataclass(frozen=True, slots=True)
class FeatureLinks:
    """Finds what a message leads to, in the tables of the feature it is about.

    :param link_key: the application's key for links.
    """

    link_key: bytes = field(repr=False)

    def find(self, session: Session, message: OutboundMessage, now: datetime) -> Link | None:
        """The link that a message carries, if it still works."""
        which = message.reference_id
        if which is None:
            return None
        link: Link | None = None
        match message.kind:
            case MessageKind.MAGIC_LINK:
                link = _magic_link(session, which, self.link_key, now)
            case MessageKind.INVITATION:
                link = _invitation(session, which, self.link_key, now)
            case MessageKind.DOCUMENT_CHANGED:
                link = _announcement(session, which, now)
            case MessageKind.DELETION_REQUESTED | MessageKind.DELETION_REMINDER:
                link = _deletion(session, which)
            case MessageKind.ACCOUNT_FORGOTTEN:
                link = _receipt(session, which, self.link_key, now)
            case MessageKind.PRODUCT_UPDATE:
                link = _way_out(message, self.link_key, now)
        return link

    def is_wanted(self, session: Session, message: OutboundMessage, now: datetime) -> bool:
        """Whether a message that nobody needs is still wanted."""
        return wants_updates(session, message, now)

    def written_by_operator(
        self, session: Session, message: OutboundMessage
    ) -> tuple[Mapping[str, str], str]:
        """Subject and text of an update; nothing of any other message."""
        if message.kind != MessageKind.PRODUCT_UPDATE:
            return {}, ""
        update = session.get_one(ProductUpdate, message.reference_id)
        return {"subject": update.subject}, update.text


def _way_out(message: OutboundMessage, link_key: bytes, now: datetime) -> Link | None:
    """The page on which a person asks for no more news, as long as this is news."""
    if message.account_id is None or now - message.created_at > GIVE_UP_ON_UPDATES:
        return None
    return Link(f"/unsubscribe/{unsubscribe_token(link_key, message.account_id)}", None)


def _magic_link(session: Session, link_id: UUID, link_key: bytes, now: datetime) -> Link | None:
    link = session.get(MagicLink, link_id)
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    token = derive_token(link_key, MAGIC_LINK_TOKEN, link.id, link.salt)
    return Link(f"/links/{token}", link.expires_at)


def _invitation(
    session: Session, invitation_id: UUID, link_key: bytes, now: datetime
) -> Link | None:
    invitation = session.get(Invitation, invitation_id)
    if (
        invitation is None
        or invitation.accepted_at is not None
        or invitation.cancelled_at is not None
        or invitation.expires_at <= now
    ):
        return None
    token = derive_token(link_key, INVITATION_TOKEN, invitation.id, invitation.salt)
    return Link(f"/invitations/{token}", invitation.expires_at)


def _deletion(session: Session, erasure_id: UUID) -> Link | None:
    """The page on which a deletion is taken back, as long as it can be."""
    erasure = session.get(Erasure, erasure_id)
    if erasure is None or erasure.status != ErasureStatus.WAITING:
        return None
    return Link("/privacy/deletion", erasure.due_at)


def _receipt(session: Session, erasure_id: UUID, link_key: bytes, now: datetime) -> Link | None:
    """The receipt of an erasure; the message with it is tried for some hours only."""
    erasure = session.get(Erasure, erasure_id)
    if erasure is None or erasure.finished_at is None:
        return None
    if now >= erasure.finished_at + RECEIPT_TRIED:
        return None
    token = derive_token(link_key, RECEIPT_TOKEN, erasure.id, erasure.salt)
    return Link(f"/erasures/{token}", None)


def _announcement(session: Session, document_version_id: UUID, now: datetime) -> Link | None:
    """The page of a version, as long as it is announced and has not taken effect."""
    version = session.get(DocumentVersion, document_version_id)
    effect = session.get(DocumentEffect, document_version_id)
    effective_at = None if effect is None else effect.effective_at
    if version is None or (effective_at is not None and effective_at <= now):
        return None
    return Link(
        f"/documents/{version.document}/{version.version}?language={version.language}",
        effective_at,
    )
