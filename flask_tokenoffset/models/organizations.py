"""Organizations, their members, and invitations to become one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from flask_tokenoffset.models.accounts import LONGEST_EMAIL, LONGEST_NAME, Account, Person
from flask_tokenoffset.models.base import Base, primary_key
from flask_tokenoffset.models.identities import DIGEST_LENGTH


class PayerRule(StrEnum):
    """Who pays for the plans an organization's members have in it."""

    ORGANIZATION = "organization"
    MEMBER = "member"
    MEMBER_CHOOSES = "member-chooses"


class Payer(StrEnum):
    """Who pays one plan."""

    #: A person, for the plan of their own account.
    PERSON = "person"
    #: An organization, for its own plan or for a member's.
    ORGANIZATION = "organization"
    #: A member, for the plan they have in an organization.
    MEMBER = "member"


class MembershipStatus(StrEnum):
    """Whether a member may act."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Organization(Base):
    """A partner's client. Its sources, estimates, plan and records belong to its account."""

    __tablename__ = "tokenoffset_organization"
    __table_args__ = (
        CheckConstraint("default_coverage_percent BETWEEN 0 AND 1000", name="coverage_range"),
        CheckConstraint("cap_cents_per_month >= 0", name="cap_not_negative"),
    )

    id: Mapped[UUID] = primary_key()
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), unique=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    payer_rule: Mapped[str] = mapped_column(String(20))
    #: The band and coverage of the plan that a new member begins with; none begins with none.
    default_band: Mapped[str | None] = mapped_column(String(40))
    default_coverage_percent: Mapped[int] = mapped_column(Integer)
    #: The most the organization pays a month for its own plan and its members' together.
    cap_cents_per_month: Mapped[int | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    created_at: Mapped[datetime]
    #: Closed by its owner; nobody can act in it any more.
    closed_at: Mapped[datetime | None]


class Membership(Base):
    """One person's place in one organization, with one role."""

    __tablename__ = "tokenoffset_membership"
    __table_args__ = (
        UniqueConstraint("organization_id", "person_id"),
        # The members page in its order, read from where the page before it ended.
        Index(None, "organization_id", "sort_name", "id"),
        Index(None, "organization_id", "role"),
    )

    id: Mapped[UUID] = primary_key()
    organization_id: Mapped[UUID] = mapped_column(ForeignKey(Organization.id))
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    #: The account of the plan the member has in this organization.
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    #: The member's display name and address in lower case, to sort by and to search in.
    sort_name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    search_text: Mapped[str] = mapped_column(String(LONGEST_NAME + 1 + LONGEST_EMAIL))
    #: What the member chose where the rule lets members choose.
    chosen_payer: Mapped[str | None] = mapped_column(String(20))
    #: Since when the member lets the organization see the usage of their own account.
    usage_shared_at: Mapped[datetime | None]
    joined_at: Mapped[datetime]


class Invitation(Base):
    """An offer of one role in one organization to one address; the token is kept as a digest."""

    __tablename__ = "tokenoffset_invitation"
    __table_args__ = (
        Index(None, "organization_id", "created_at", "id"),
        Index(None, "organization_id", "email"),
    )

    id: Mapped[UUID] = primary_key()
    organization_id: Mapped[UUID] = mapped_column(ForeignKey(Organization.id))
    email: Mapped[str] = mapped_column(String(LONGEST_EMAIL))
    role: Mapped[str] = mapped_column(String(20))
    invited_by: Mapped[UUID] = mapped_column(ForeignKey(Person.id), index=True)
    salt: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    token_digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True)
    created_at: Mapped[datetime]
    #: When it was sent last; sending again makes the former link worthless.
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None] = mapped_column(ForeignKey(Person.id), index=True)
    cancelled_at: Mapped[datetime | None]
