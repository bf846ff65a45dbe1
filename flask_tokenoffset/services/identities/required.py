"""Identities that a person cannot be without: the one the host requires, and the last way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from flask_tokenoffset.errors import NotPermitted
from flask_tokenoffset.models import Identity, SignInAddress

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.settings import Settings


def check_required(session: Session, person: Person, settings: Settings) -> None:
    """Refuse a person who lacks the identity that the host requires to join an organization.

    :param person: who wants to join.
    :raises NotPermitted: they have none linked, or its address is of no domain that may come.
    """
    if settings.required_identity is None:
        return
    provider = settings.oauth_providers[settings.required_identity]
    linked = session.scalars(
        select(Identity).where(
            Identity.person_id == person.id,
            Identity.provider == provider.name,
            Identity.issuer == provider.issuer,
        )
    )
    if any(
        provider.allows_address(identity.email, verified=identity.email_verified)
        for identity in linked
    ):
        return
    domains = (
        f" with a verified address at {', '.join(provider.allowed_domains)}"
        if provider.allowed_domains
        else ""
    )
    raise NotPermitted(
        f"To join an organization here, an account at {provider.title}{domains} must be linked to"
        " yours. Link it under «Linked identities», then try again."
    )


def has_other_way_in(session: Session, identity: Identity, settings: Settings) -> bool:
    """Whether the owner of an identity could sign in without it."""
    if settings.required_identity is not None:
        usable = [settings.required_identity]
    else:
        usable = list(settings.oauth_providers)
        by_mail = exists().where(SignInAddress.person_id == identity.person_id)
        if session.scalar(select(by_mail)):
            return True
    others = exists().where(
        Identity.person_id == identity.person_id,
        Identity.id != identity.id,
        Identity.provider.in_(usable),
    )
    return bool(session.scalar(select(others)))
