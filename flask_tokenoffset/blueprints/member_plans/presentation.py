"""Members' plans in words: who set which part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.html.outcomes import Notice
from flask_tokenoffset.methodology import band, bands
from flask_tokenoffset.models import Payer, PayerRule, PlanStatus
from flask_tokenoffset.services.member_plans.bulk_worker import (
    CAP_REACHED,
    ORGANIZATION_CLOSED,
    PRICE_CHANGED,
    REQUESTER_MAY_NOT,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.services.member_plans.plans import MemberPlan

#: The rules as the form of the terms words them.
RULE_TITLES: Final[Mapping[PayerRule, str]] = {
    PayerRule.ORGANIZATION: "The organization pays",
    PayerRule.MEMBER: "Each member pays",
    PayerRule.MEMBER_CHOOSES: "Each member chooses",
}
RULE_SENTENCES: Final[Mapping[PayerRule, str]] = {
    PayerRule.ORGANIZATION: "Administrators say what each member's plan contributes.",
    PayerRule.MEMBER: "Members say themselves what their plans contribute. What the organization"
    " paid until then is paused until the member resumes it.",
    PayerRule.MEMBER_CHOOSES: "The organization pays until a member chooses to. Whoever pays says"
    " what the plan contributes.",
}
#: Why a change to many plans was stopped.
STOPPED: Final[Mapping[str, str]] = {
    REQUESTER_MAY_NOT: "Whoever asked for it may not change members' plans any more. What was"
    " changed until then stays.",
    ORGANIZATION_CLOSED: "The organization was closed.",
    CAP_REACHED: "The organization would have paid more than its monthly cap. What was changed"
    " until then stays.",
    PRICE_CHANGED: "The method that prices plans was changed meanwhile, so the amount would not"
    " have been the one that was shown. What was changed until then stays.",
}


#: By what was done and where the plan stands then: an address alone can claim anything.
PLAN_NOTICES: Final[Mapping[tuple[str, str], Notice]] = {
    ("adopted", PlanStatus.ACTIVE): Notice("Adopted", "The plan contributes this from now on."),
    ("adopted", PlanStatus.PAUSED): Notice(
        "Adopted", "The plan contributes this once it is resumed; it is still paused."
    ),
    ("pause", PlanStatus.PAUSED): Notice(
        "Paused", "Months that begin while the plan is paused are not recorded."
    ),
    ("resume", PlanStatus.ACTIVE): Notice(
        "Resumed", "The plan goes on with the amount that was adopted last."
    ),
    ("end", PlanStatus.ENDED): Notice("Ended", "No further months are recorded."),
}


def band_choices() -> list[dict[str, str]]:
    """The bands, as cards to choose one from."""
    return [{"value": each.key, "title": each.name, "text": each.description} for each in bands()]


def band_options() -> list[tuple[str, str]]:
    """The bands, as options of a list."""
    return [(each.key, each.name) for each in bands()]


def band_title(key: str) -> str:
    """What a band is called."""
    return band(key).name


def payer_label(plan: MemberPlan, *, own: bool) -> str:
    """Who pays a plan, and who said so.

    :param own: whether the member reads it.
    """
    member = "You" if own else "The member"
    payer = member if plan.payer is Payer.MEMBER else "The organization"
    if plan.payer_is_chosen:
        return f"{payer}, as {'you' if own else 'the member'} chose"
    if plan.rule is PayerRule.MEMBER_CHOOSES:
        return f"{payer}, until {'you choose' if own else 'the member chooses'}"
    return f"{payer}, by the organization's terms"


def setter_label(plan: MemberPlan, *, own: bool) -> str:
    """Who set the amount of a plan that there is.

    :param own: whether the member reads it.
    """
    if plan.adopted_by_member:
        return "You" if own else "The member"
    return "An administrator"
