"""What an organization sees of all its members at once: plans in it, and use only as they allow.

**Whose own use is seen.** A member's own account is nobody else's business. What the organization
may see of it is the tokens a month of the plan the member has there, under two rules. Members who
share it are shown by name. The others are only ever added up, all together, and only if there are
at least five of them; the sum leaves out those who are shown by name, so that taking these off it
leads to nobody. No filter makes a smaller group, and neither does suspending a person.

Each of them counts with the middle of the band they are in, never with their own figure. A person
could otherwise compare two sums, with a person and without, or conspire with the other four, and
know what that one uses, to the token: rounding alone does not help against people who may change
their own part until the rounded sum turns over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, func, literal, select, tuple_

from flask_tokenoffset.methodology import band, bands
from flask_tokenoffset.models import (
    Adoption,
    Estimate,
    Membership,
    MembershipStatus,
    Organization,
    Payer,
    Person,
    Plan,
    PlanStatus,
)
from flask_tokenoffset.services.consents.restrictions import processable
from flask_tokenoffset.services.plans.payers import cents_per_month, organization_pays

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

#: Fewer people than this are never added up: anyone who knows their own figure would know too much
#: about the others'.
FEWEST_ADDED_UP: Final = 5


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the members' active plans.

    :param plans: how many.
    :param cents_per_month: what they contribute together.
    """

    plans: int
    cents_per_month: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The plans that members have in an organization, counted.

    :param members: members of any status.
    :param by_payer: active plans by who pays them.
    :param by_band: active plans by the band they contribute for, in the order of bands.
    :param paused: plans that are paused, which contribute nothing.
    :param cents_per_month: what the organization pays, its own plan included.
    """

    members: int
    by_payer: dict[Payer, Share]
    by_band: dict[str, Share]
    paused: int
    cents_per_month: int

    @property
    def active(self) -> Share:
        """All active plans."""
        shares = self.by_payer.values()
        return Share(
            sum(each.plans for each in shares), sum(each.cents_per_month for each in shares)
        )

    @property
    def without_plan(self) -> int:
        """Members without a plan that runs."""
        return self.members - self.active.plans - self.paused


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedUsage:
    """What a member lets the organization see.

    :param tokens_per_month: what their own plan rests on; none without one.
    """

    membership: Membership
    person: Person
    tokens_per_month: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenUsage:
    """The members who share nothing, added up.

    :param people: how many there are; none where fewer than :data:`FEWEST_ADDED_UP`.
    :param tokens_per_month: of their own plans together, each as the middle of its band, to two
        digits; none likewise.
    """

    people: int | None
    tokens_per_month: int | None


def read_totals(session: Session, organization: Organization) -> Totals:
    """Count the plans that members have in an organization, in three queries."""
    payer = case((organization_pays(), Payer.ORGANIZATION), else_=Payer.MEMBER)
    rows = session.execute(
        select(payer, Estimate.band, Plan.status, func.count(), func.sum(Plan.amount_cents))
        .select_from(Membership)
        .join(Organization, Organization.id == Membership.organization_id)
        .join(Plan, Plan.account_id == Membership.account_id)
        .join(Adoption, and_(Adoption.plan_id == Plan.id, Adoption.sequence == _newest()))
        .join(Estimate, Estimate.id == Adoption.estimate_id)
        .where(Membership.organization_id == organization.id, Plan.status != PlanStatus.ENDED)
        .group_by(payer, Estimate.band, Plan.status)
    ).all()
    active = [row for row in rows if row[2] == PlanStatus.ACTIVE]
    return Totals(
        members=session.scalar(
            select(func.count()).where(Membership.organization_id == organization.id)
        )
        or 0,
        by_payer={
            each: _share([row[3:] for row in active if row[0] == each])
            for each in (Payer.ORGANIZATION, Payer.MEMBER)
        },
        by_band={
            each.key: _share([row[3:] for row in active if row[1] == each.key]) for each in bands()
        },
        paused=sum(row[3] for row in rows if row[2] == PlanStatus.PAUSED),
        cents_per_month=cents_per_month(session, organization, without=None),
    )


def list_shared_usage(
    session: Session,
    organization_id: UUID,
    *,
    after: tuple[str, UUID] | None = None,
    limit: int,
) -> list[SharedUsage]:
    """Members who share their own use, by name, with what they share.

    A person who is suspended could not stop sharing, so they are not shown.

    :param organization_id: whose members.
    :param after: sort name and id of the last one shown, for the next page.
    :param limit: how many at most.
    """
    query = (
        _own_plans(organization_id, Membership, Person, Adoption.tokens_per_month)
        .where(
            Membership.usage_shared_at.is_not(None),
            Membership.status == MembershipStatus.ACTIVE,
        )
        .order_by(Membership.sort_name, Membership.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(
            tuple_(Membership.sort_name, Membership.id)
            > tuple_(literal(after[0]), literal(after[1], Membership.id.type))
        )
    return [
        SharedUsage(membership=membership, person=person, tokens_per_month=tokens)
        for membership, person, tokens in session.execute(query)
    ]


def read_hidden_usage(session: Session, organization_id: UUID) -> HiddenUsage:
    """The own use of all members who share none, if there are enough of them.

    :param organization_id: whose members; there is no way to ask for some of them.
    """
    rows = session.execute(
        _own_plans(organization_id, Estimate.band, func.count(Adoption.id))
        .join(Estimate, Estimate.id == Adoption.estimate_id)
        .where(Membership.usage_shared_at.is_(None))
        .group_by(Estimate.band)
    ).all()
    people = sum(count for _, count in rows)
    if people < FEWEST_ADDED_UP:
        return HiddenUsage(people=None, tokens_per_month=None)
    tokens = sum(band(key).midpoint_tokens * count for key, count in rows)
    return HiddenUsage(people=people, tokens_per_month=_two_digits(tokens))


def _two_digits(number: int) -> int:
    """A number rounded to its first two digits."""
    digits = max(len(str(number)) - 2, 0)
    return round(number, -digits)


def _share(rows: list[tuple[int, int]]) -> Share:
    return Share(sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows))


def _newest() -> ColumnElement[int]:
    return (
        select(func.max(Adoption.sequence))
        .where(Adoption.plan_id == Plan.id)
        .correlate(Plan)
        .scalar_subquery()
    )


def _own_plans(organization_id: UUID, *columns: Any) -> Select[Any]:
    """Members of any status, each with the newest adoption of their own plan if it runs."""
    return (
        select(*columns)
        .select_from(Membership)
        .join(Person, Person.id == Membership.person_id)
        .outerjoin(
            Plan, and_(Plan.account_id == Person.account_id, Plan.status != PlanStatus.ENDED)
        )
        .outerjoin(Adoption, and_(Adoption.plan_id == Plan.id, Adoption.sequence == _newest()))
        # Anyone who restricted the processing of their data is counted and shown nowhere.
        .where(Membership.organization_id == organization_id, processable())
    )
