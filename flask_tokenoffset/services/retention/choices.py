"""How long an account's records are kept: the rule, shortened by operator, plan and tenant.

The shortest counts. A member's account in an organization follows the organization's plan and
choices as well as its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import InvalidInput, NotFound, RetentionNotConfirmed
from flask_tokenoffset.models import (
    Account,
    AuditAction,
    BillingRecord,
    DailyUsage,
    Estimate,
    Membership,
    Organization,
    RetentionChoice,
    UsageSeries,
)
from flask_tokenoffset.services.retention.every_rule import RULES
from flask_tokenoffset.services.retention.rules import find_rule, operator_days, plan_days
from flask_tokenoffset.services.shared.periods import day_cutoff, period_end

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.services.retention.rule_types import RetentionRule
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long an account's records of one kind are kept, and what could be chosen.

    :param days: what counts now.
    :param longest_days: the longest that may be chosen: the operator's, or the plan's.
    :param chosen_days: what was chosen; ``None`` where nothing was.
    """

    rule: RetentionRule
    days: int
    longest_days: int
    chosen_days: int | None

    @property
    def shortest_days(self) -> int:
        """The shortest that may be chosen."""
        return min(self.rule.shortest_days, self.longest_days)


def days_for(session: Session, rule_name: str, account_id: UUID, settings: Settings) -> int:
    """Days for which an account's records of one kind are kept: the shortest of all that is said.

    :param rule_name: a rule with a period, or this raises :exc:`ValueError`.
    """
    return days_by_account(session, rule_name, [account_id], settings)[account_id]


def days_by_account(
    session: Session, rule_name: str, account_ids: Collection[UUID], settings: Settings
) -> dict[UUID, int]:
    """The same for many accounts, in two questions to the database at most."""
    rule = find_rule(rule_name)
    longest = operator_days(rule, settings)
    if longest is None:
        raise ValueError(f"The rule {rule_name} has no period of its own.")
    kept = dict.fromkeys(account_ids, longest)
    if not (rule.follows_plan or rule.tenants_choose):
        return kept
    owners: dict[UUID, list[UUID]] = {each: [each] for each in kept}
    for member, owner in session.execute(
        select(Membership.account_id, Organization.account_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.account_id.in_(kept))
    ):
        owners[member].append(owner)
    said = _said(session, rule, {each for several in owners.values() for each in several}, settings)
    for account_id, several in owners.items():
        kept[account_id] = shortest_of(
            longest, *(days for owner in several for days in said.get(owner, ()))
        )
    return kept


@enforces("retention-is-the-shortest-said", "TS-010", "TG-009", off=365)
def shortest_of(longest: int, *shortened: int) -> int:
    """The period that counts, in days.

    :param longest: what the operator allows.
    :param shortened: what plans and tenants say.
    """
    return min((longest, *shortened))


def _said(
    session: Session, rule: RetentionRule, account_ids: Collection[UUID], settings: Settings
) -> Mapping[UUID, list[int]]:
    """What plans and choices say of accounts, in days."""
    said: dict[UUID, list[int]] = defaultdict(list)
    by_plan = plan_days(settings) if rule.follows_plan else {}
    rows = session.execute(
        select(Account.id, Account.retention_plan, RetentionChoice.days)
        .outerjoin(
            RetentionChoice,
            (RetentionChoice.account_id == Account.id) & (RetentionChoice.rule == rule.name),
        )
        .where(Account.id.in_(account_ids))
    )
    for account_id, plan, chosen in rows:
        if plan is not None and plan in by_plan:
            said[account_id].append(by_plan[plan])
        if chosen is not None:
            said[account_id].append(chosen)
    return said


def kept_by(session: Session, account_id: UUID | None, settings: Settings) -> list[Kept]:
    """What an account may shorten, and how it stands.

    :param account_id: ``None`` for a person who has never changed anything here.
    """
    account = session.get(Account, account_id) if account_id else None
    chosen: dict[str, int] = {}
    if account is not None:
        chosen = {
            each.rule: each.days
            for each in session.scalars(
                select(RetentionChoice).where(RetentionChoice.account_id == account.id)
            )
        }
    return [
        _kept(rule, account.retention_plan if account else None, chosen.get(rule.name), settings)
        for rule in RULES
        if rule.tenants_choose
    ]


def _kept(rule: RetentionRule, plan: str | None, chosen: int | None, settings: Settings) -> Kept:
    longest = operator_days(rule, settings) or 0
    if rule.follows_plan and plan is not None:
        longest = min(longest, plan_days(settings).get(plan, longest))
    days = longest if chosen is None else min(chosen, longest)
    return Kept(rule=rule, days=days, longest_days=longest, chosen_days=chosen)


def choose(
    work: UnitOfWork,
    *,
    account_id: UUID,
    rule_name: str,
    days: int,
    confirmed: bool,
    person_id: UUID,
    settings: Settings,
    now: datetime,
) -> None:
    """Keep an account's records for a shorter time, or again for as long as its plan allows.

    :param days: the new period.
    :param confirmed: whether the person who asks was told what goes, and wants that.
    :param person_id: who chooses.
    :raises NotFound: no such period can be chosen.
    :raises InvalidInput: it is longer than allowed, or too short; the field is ``days``.
    :raises RetentionNotConfirmed: records would go; it says which.
    """
    session = work.session
    # One choice at a time, so that what is told is what happens.
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())
    kept = next(
        (each for each in kept_by(session, account_id, settings) if each.rule.name == rule_name),
        None,
    )
    if kept is None:
        raise NotFound("There is no such period to choose.")
    refuse_lengthening(kept, days)
    if days == kept.days and kept.chosen_days is not None:
        return
    if days < kept.days and not confirmed:
        going = what_goes(session, account_id, rule_name, days=days, now=now)
        raise RetentionNotConfirmed(
            f"Whatever is older than {days} days will be deleted, and nothing brings it back: at"
            f" this moment {going}. Nothing was changed yet. Confirm it to go on."
        )
    session.merge(
        RetentionChoice(
            account_id=account_id, rule=rule_name, days=days, chosen_by=person_id, chosen_at=now
        )
    )
    session.flush()
    work.record(
        AuditAction.RETENTION_SHORTENED,
        account_id=account_id,
        subject_type="retention",
        subject_id=None,
        rule=rule_name,
        days=days,
        days_before=kept.days,
    )


@enforces("retention-choices-only-shorten", "TO-043", "TS-010", off=None)
def refuse_lengthening(kept: Kept, days: int) -> None:
    """Refuse a period that is longer than an account's plan and rule allow.

    :param kept: how it stands.
    :param days: what is asked for.
    :raises InvalidInput: it is longer, or shorter than the pages need; the field is ``days``.
    """
    if days > kept.longest_days:
        raise InvalidInput(
            {
                "days": f"This is kept for {kept.longest_days} days at most. A period can be"
                f" shortened and never made longer; type {kept.longest_days} or less."
            }
        )
    if days < kept.shortest_days:
        raise InvalidInput(
            {
                "days": f"The pages need this for {kept.shortest_days} days. Type"
                f" {kept.shortest_days} or more."
            }
        )


def what_goes(
    session: Session, account_id: UUID, rule_name: str, *, days: int, now: datetime
) -> str:
    """What a shorter period would have deleted of an account at this moment, in words."""
    accounts = [account_id, *_members(session, account_id)]
    if rule_name == "usage":
        count = session.scalar(
            select(func.count(func.distinct(DailyUsage.day)))
            .join(UsageSeries, UsageSeries.id == DailyUsage.series_id)
            .where(UsageSeries.account_id.in_(accounts), DailyUsage.day <= day_cutoff(now, days))
        )
        return _counted(count or 0, "day of usage", "days of usage")
    if rule_name == "estimates":
        count = session.scalar(
            select(func.count(Estimate.id)).where(
                Estimate.account_id.in_(accounts), Estimate.created_at <= period_end(now, days)
            )
        )
        return "up to " + _counted(count or 0, "estimate", "estimates")
    count = session.scalar(
        select(func.count(BillingRecord.id)).where(
            BillingRecord.account_id.in_(accounts), BillingRecord.due_at <= period_end(now, days)
        )
    )
    return _counted(count or 0, "billing record", "billing records")


def _members(session: Session, account_id: UUID) -> Collection[UUID]:
    return session.scalars(
        select(Membership.account_id)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Organization.account_id == account_id)
    ).all()


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def set_plan(work: UnitOfWork, *, account_id: UUID, plan: str | None, settings: Settings) -> None:
    """Give an account a retention plan, or take it away.

    :param plan: a name in ``TOKENOFFSET_RETENTION_PLANS``; ``None`` for the rules alone.
    :raises NotFound: there is no such account.
    :raises InvalidInput: there is no such plan; the field is ``plan``.
    """
    plans = plan_days(settings)
    if plan is not None and plan not in plans:
        raise InvalidInput(
            {"plan": f"There is no retention plan {plan!r}. There are {', '.join(sorted(plans))}."}
        )
    account = work.session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise NotFound("There is no such account, so no plan was set.")
    if account.retention_plan == plan:
        return
    account.retention_plan = plan
    work.session.flush()
    work.record(
        AuditAction.RETENTION_PLAN_SET,
        account_id=account_id,
        subject_type="retention",
        subject_id=None,
        retention_plan=plan,
        days=plans.get(plan) if plan is not None else None,
    )
