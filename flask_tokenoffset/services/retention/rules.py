"""How long everything is kept: one table as data, which the purge, the pages and the docs read.

A rule names its tables, the clock its period is counted by, the longest period, and what is done at
the end of it. What the policies we keep to say stands in columns of the same row, and the period
that counts is the shortest of them and of our own: nobody types it. The operator, a plan and a
tenant may shorten it further (:mod:`flask_tokenoffset.services.retention.choices`), and nothing can
lengthen it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.settings import Settings


#: A year of a period, so that no leap day makes it longer.
DAYS_OF_A_YEAR: Final = 365


class Policy(StrEnum):
    """The policies that say something about retention."""

    TOKEN_OFFSET = "Token Offset"  # noqa: S105 - a name
    TOKEN_SCOPE = "TokenScope"  # noqa: S105 - a name
    TOKENGRIP = "Tokengrip"
    TOKEN_BYTE = "TokenByte"  # noqa: S105 - a name


class RetentionAction(StrEnum):
    """What is done once a period is over."""

    DELETE = "delete"
    #: The whole account goes; see services/erasures/requests.py.
    ERASE = "erase"
    #: The content goes, and an empty row stays that others' history names.
    EMPTY = "empty"
    #: An append-only chain is deleted whole, because taking out a part would break it.
    END_CHAIN = "end chain"
    #: It goes by itself: Redis and files forget by their own clocks.
    EXPIRE = "expire"
    #: It goes with what it belongs to.
    FOLLOW = "follow"
    #: It is about nobody, and stays.
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class Stated:
    """What a policy says of a kind of records.

    :param words: in a few words.
    :param days: the longest that it allows; ``None`` where it names no number.
    """

    words: str
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long one kind of records is kept.

    :param name: a word with hyphens; the data map and the settings call it by this.
    :param title: what it is, for a person.
    :param tables: whose rows it is about, without our prefix; none for what is no table.
    :param clock: the column the period is counted by, as ``table.column``; ``None`` where it is
        kept for as long as something else.
    :param begins: the same in words, after "days after", or after "for as long as".
    :param our_days: the longest that we keep it ourselves, whatever a policy would allow.
    :param shortest_days: nothing may be shortened below this, because the pages need it.
    :param action: what is done at the end.
    :param why: why it is kept at all, in a sentence.
    :param sources: what the policies say of it.
    :param setting: the setting that holds the period, where it has one of its own; in days, or in
        years where its name ends so.
    :param follows_plan: whether the retention plan of an account shortens it.
    :param tenants_choose: whether a person or an organization may shorten it for themselves.
    :param each_tick: whether it is looked at every minute, because the period is short.
    """

    name: str
    title: str
    tables: tuple[str, ...] = ()
    clock: str | None = None
    begins: str
    our_days: int | None = None
    shortest_days: int = 1
    action: RetentionAction = RetentionAction.DELETE
    why: str
    sources: Mapping[Policy, Stated] = field(default_factory=dict)
    setting: str | None = None
    follows_plan: bool = False
    tenants_choose: bool = False
    each_tick: bool = False

    @property
    def days(self) -> int | None:
        """The longest that it may be kept: the shortest of all that is stated."""
        stated = [each.days for each in self.sources.values() if each.days is not None]
        if self.our_days is not None:
            stated.append(self.our_days)
        return min(stated, default=None)

    @property
    def strictest(self) -> tuple[str, ...]:
        """Who states the period that counts."""
        if self.days is None:
            return ()
        policies = [policy for policy, each in self.sources.items() if each.days == self.days]
        return tuple(str(policy) for policy in policies) or ("this extension",)


_USAGE_SOURCES: Final[Mapping[Policy, Stated]] = MappingProxyType(
    {
        Policy.TOKEN_OFFSET: Stated("pruned"),
        Policy.TOKEN_SCOPE: Stated("30, 90, 365 or 730 days by plan, can be shortened", 730),
        Policy.TOKENGRIP: Stated("7 or 90 days by plan, or as agreed"),
        Policy.TOKEN_BYTE: Stated("12 months at most", 365),
    }
)
_AFTER_THE_ACCOUNT: Final = Stated("while the account lives and for a set period after")
_OF_NOBODY: Final = "they say nothing about a person"
#: Three years: so long after an account ended somebody may still ask for a proof of what was
#: agreed and done in it.
_PROOF_DAYS: Final = 3 * DAYS_OF_A_YEAR
#: Two years, for which 11 CCR § 7101 (a) wants requests and their answers kept.
_REQUEST_DAYS: Final = 2 * DAYS_OF_A_YEAR

#: Every rule there is, in the order in which the purge takes them: what names others goes first.
RULES: Final[tuple[RetentionRule, ...]] = (
    RetentionRule(
        name="usage",
        title="Daily usage and cost, as vendors report it",
        tables=("daily_usage", "daily_cost", "kept_day", "usage_series", "cost_line"),
        clock="daily_usage.day",
        begins="the day it is about began",
        our_days=365,
        shortest_days=7,
        why="Estimates and charts are made from it.",
        sources=_USAGE_SOURCES,
        follows_plan=True,
        tenants_choose=True,
    ),
    RetentionRule(
        name="estimates",
        title="Estimates that no plan rests on, but for the newest of each source",
        tables=("estimate",),
        clock="estimate.created_at",
        begins="it was made",
        our_days=365,
        shortest_days=7,
        why="They show how the use of AI changed.",
        sources={
            Policy.TOKEN_OFFSET: _AFTER_THE_ACCOUNT,
            Policy.TOKEN_BYTE: Stated("12 months at most, as usage", 365),
        },
        tenants_choose=True,
    ),
    RetentionRule(
        name="sample-runs",
        title="Runs that read a vendor's usage, unless an estimate that is kept names them",
        tables=("sample_run",),
        clock="sample_run.finished_at",
        begins="it ended",
        our_days=365,
        why="They say which days were read, and why a reading failed.",
        sources={
            Policy.TOKEN_OFFSET: Stated("pruned"),
            Policy.TOKEN_BYTE: Stated("12 months at most, as usage", 365),
        },
    ),
    RetentionRule(
        name="billing",
        title="Simulated billing records",
        tables=("billing_record",),
        clock="billing_record.due_at",
        begins="the month fell due",
        our_days=365,
        # The present month and the one before must be there, or the month would count as missing.
        shortest_days=62,
        why="They show what a plan would have been charged.",
        sources={
            Policy.TOKEN_OFFSET: _AFTER_THE_ACCOUNT,
            Policy.TOKEN_BYTE: Stated("12 months at most", 365),
        },
        tenants_choose=True,
    ),
    RetentionRule(
        name="plans",
        title="Plans, and the ledger of what was adopted",
        tables=("plan", "adoption", "plan_status_change"),
        begins="the account lives",
        action=RetentionAction.FOLLOW,
        why="They say what a person chose to contribute; they go with the account.",
        sources={Policy.TOKEN_OFFSET: _AFTER_THE_ACCOUNT},
    ),
    RetentionRule(
        name="account",
        title="The account, and everything of a person that no other rule names",
        tables=(
            "account",
            "person",
            "source",
            "connection",
            "identity",
            "sign_in_address",
            "retention_choice",
        ),
        clock="erasure.requested_at",
        begins="its deletion was asked for",
        our_days=30,
        action=RetentionAction.ERASE,
        why="Until then the deletion can be taken back. An empty row stays, which names nobody.",
        shortest_days=0,
        setting="deletion_grace_days",
        sources={
            Policy.TOKEN_OFFSET: _AFTER_THE_ACCOUNT,
            Policy.TOKEN_SCOPE: Stated("30 days after deletion", 30),
            Policy.TOKEN_BYTE: Stated("30 days after deletion", 30),
        },
    ),
    RetentionRule(
        name="credentials",
        title="Sealed keys of vendors and tokens of linked identities",
        tables=("credential", "identity_credential"),
        begins="the connection or the link lasts",
        action=RetentionAction.FOLLOW,
        why="Usage is read with them; disconnecting or unlinking deletes them at once.",
    ),
    RetentionRule(
        name="organizations",
        title="Organizations that were closed, with all that belongs to them",
        tables=("organization", "membership"),
        clock="organization.closed_at",
        begins="the organization was closed",
        our_days=365,
        action=RetentionAction.EMPTY,
        why="Its books may be looked at for a year. An empty row stays, which names nobody.",
        sources={Policy.TOKEN_OFFSET: _AFTER_THE_ACCOUNT},
    ),
    RetentionRule(
        name="invitations",
        title="Invitations to organizations",
        tables=("invitation",),
        clock="invitation.expires_at",
        begins="it expired",
        our_days=90,
        why="Whoever invited sees what became of it.",
    ),
    RetentionRule(
        name="bulk-changes",
        title="Changes to the plans of many members at once",
        tables=("bulk_change", "bulk_change_target"),
        clock="bulk_change.finished_at",
        begins="it was finished",
        our_days=365,
        why="Administrators see what was changed for whom.",
    ),
    RetentionRule(
        name="messages",
        title="Mail that was sent or given up; its text is never stored",
        tables=("outbound_message",),
        clock="outbound_message.created_at",
        begins="it was written",
        our_days=90,
        why="Shows whether a notice was sent, and to which address.",
        sources={Policy.TOKEN_OFFSET: Stated("pruned")},
    ),
    RetentionRule(
        name="links",
        title="Mailed links",
        tables=("magic_link",),
        clock="magic_link.expires_at",
        begins="it expired",
        our_days=1,
        why="A link that comes late is answered as one that has expired.",
        each_tick=True,
    ),
    RetentionRule(
        name="identity-attempts",
        title="Trips to an identity provider",
        tables=("identity_attempt",),
        clock="identity_attempt.expires_at",
        begins="it expired",
        our_days=1,
        why="A trip that ends late is answered as one that has expired.",
        each_tick=True,
    ),
    RetentionRule(
        name="fresh-proofs",
        title="Proofs of a fresh sign-in",
        tables=("fresh_proof",),
        clock="fresh_proof.proved_at",
        begins="it was given",
        our_days=1,
        why="What matters is done only shortly after a sign-in.",
        each_tick=True,
    ),
    RetentionRule(
        name="idempotency",
        title="Answers to calls that may be repeated",
        tables=("idempotency_record",),
        clock="idempotency_record.created_at",
        begins="the call",
        our_days=1,
        why="A call that is sent twice counts once.",
        each_tick=True,
    ),
    RetentionRule(
        name="audit-origins",
        title="Network address and browser behind a change",
        tables=("audit_origin",),
        clock="audit_origin.recorded_at",
        begins="the change",
        our_days=365,
        shortest_days=0,
        why="Misuse can be traced for a while.",
        sources={Policy.TOKEN_SCOPE: Stated("for a limited time")},
        setting="audit_origin_days",
        each_tick=True,
    ),
    RetentionRule(
        name="exports",
        title="Archives of everything held about a person; their content goes when the link ends",
        tables=("export", "export_part"),
        clock="export.requested_at",
        begins="it was asked for",
        our_days=90,
        why="Shows that a request for access was answered.",
    ),
    RetentionRule(
        name="legal-remains",
        title="What law requires to be kept of an erased account",
        tables=("legal_remain",),
        clock="legal_remain.kept_until",
        begins="the end that each one names",
        our_days=0,
        shortest_days=0,
        why="The law that each one names requires it.",
    ),
    RetentionRule(
        name="consents",
        title="What a person accepted, consented to and withdrew",
        tables=("consent_event",),
        clock="person.forgotten_at",
        begins="the account was erased or closed, or its last legal remain ended",
        our_days=_PROOF_DAYS,
        shortest_days=0,
        action=RetentionAction.END_CHAIN,
        why="Whoever relies on a consent must be able to prove it. It names people by id alone.",
        setting="proof_years",
        sources={Policy.TOKEN_OFFSET: _AFTER_THE_ACCOUNT},
    ),
    RetentionRule(
        name="audit-log",
        title="The log of changes: who did what, by ids, words and figures alone",
        tables=("audit_event", "audit_chain"),
        clock="person.forgotten_at",
        begins="the account was erased or closed, or its last legal remain ended",
        our_days=_PROOF_DAYS,
        shortest_days=0,
        action=RetentionAction.END_CHAIN,
        why="It shows whether anything was tampered with, so no part of it can be taken out.",
        setting="proof_years",
        sources={Policy.TOKEN_OFFSET: Stated("pruned")},
    ),
    RetentionRule(
        name="rights-requests",
        title="Requests under a person's rights, and their answers",
        tables=("rights_request",),
        clock="rights_request.closed_at",
        begins="it was answered",
        our_days=_REQUEST_DAYS,
        why="Shows that it was answered, and in time.",
    ),
    RetentionRule(
        name="erasures",
        title="Records of deletions, and their receipts",
        tables=("erasure",),
        clock="erasure.finished_at",
        begins="it was done or taken back",
        our_days=_REQUEST_DAYS,
        why="Shows that it was done. It names nobody.",
    ),
    RetentionRule(
        name="tombstones",
        title="Keyed digests of erased users",
        tables=("tombstone",),
        clock="tombstone.erased_at",
        begins="the erasure",
        our_days=365,
        why="After an older copy of the database is restored, erasures are done again.",
    ),
    RetentionRule(
        name="legal-holds",
        title="Holds that keep named records for a reason",
        tables=("legal_hold",),
        clock="legal_hold.held_until",
        begins="it ended or was lifted",
        our_days=365,
        why="Shows why something was kept longer than its rule says.",
    ),
    RetentionRule(
        name="aggregates",
        title="Sums over at least ten contributors",
        tables=("usage_aggregate",),
        begins="they are of use",
        action=RetentionAction.STAY,
        why=f"Nobody can be found in them, so that {_OF_NOBODY}.",
    ),
    RetentionRule(
        name="documents",
        title="Published texts, and what people were told about each purpose",
        tables=(
            "document_version",
            "document_notice",
            "document_effect",
            "consent_notice",
            "product_update",
        ),
        begins="an acceptance may name them",
        action=RetentionAction.STAY,
        why=f"Acceptances refer to them; {_OF_NOBODY}.",
    ),
    RetentionRule(
        name="purge-progress",
        title="How far the purge is with each rule",
        tables=("purge_progress",),
        begins="the rule is there",
        action=RetentionAction.STAY,
        why=f"One row a rule; {_OF_NOBODY}.",
    ),
    RetentionRule(
        name="request-log",
        title="The log of requests, where the operator switched it on",
        clock="file",
        begins="the day it is about ended",
        our_days=90,
        why="Shows how reliable and how secure the service is.",
        sources={Policy.TOKEN_SCOPE: Stated("for a limited time")},
        setting="request_log_days",
    ),
    RetentionRule(
        name="jobs",
        title="Jobs in Redis: the name of a task and the id of a row",
        clock="redis",
        begins="the job was handed over or failed",
        our_days=1,
        action=RetentionAction.EXPIRE,
        why="Carries work to workers.",
    ),
    RetentionRule(
        name="attempts",
        title="Counts of attempts in Redis, by keyed digests",
        clock="redis",
        begins="the first attempt counted",
        our_days=1,
        action=RetentionAction.EXPIRE,
        why="Guessing and flooding are slowed down.",
    ),
)
_BY_NAME: Final[Mapping[str, RetentionRule]] = {rule.name: rule for rule in RULES}

#: The plans of the policies, by name, and the days each states for usage. What is longer than the
#: rule allows is cut to it.
PLAN_CATALOGUE: Final[Mapping[str, tuple[Policy, int | None]]] = {
    "free": (Policy.TOKEN_SCOPE, 30),
    "startup": (Policy.TOKEN_SCOPE, 90),
    "team": (Policy.TOKEN_SCOPE, 365),
    "business": (Policy.TOKEN_SCOPE, 730),
    "starter": (Policy.TOKENGRIP, 7),
    "pro": (Policy.TOKENGRIP, 90),
    "enterprise": (Policy.TOKENGRIP, None),
}


def find_rule(name: str) -> RetentionRule:
    """A rule by its name.

    :raises KeyError: there is none.
    """
    return _BY_NAME[name]


def operator_days(rule: RetentionRule, settings: Settings) -> int | None:
    """Days for which a rule keeps what it is about, as the operator set it.

    :return: ``None`` where it is kept for as long as something else.
    """
    if rule.days is None:
        return None
    shortened = [rule.days]
    if rule.setting is not None:
        shortened.append(_days_of(rule.setting, settings))
    if rule.name in settings.retention:
        shortened.append(settings.retention[rule.name])
    return min(shortened)


def plan_days(settings: Settings) -> Mapping[str, int]:
    """Days of usage by retention plan, none longer than the rule allows."""
    longest = operator_days(find_rule("usage"), settings) or 0
    if settings.retention_plans is not None:
        return {name: min(days, longest) for name, days in settings.retention_plans.items()}
    return {
        name: longest if days is None else min(days, longest)
        for name, (_policy, days) in PLAN_CATALOGUE.items()
    }


@enforces("retention-settings-only-shorten", "TO-043", "TS-010", off=None)
def check_settings(settings: Settings) -> None:
    """Refuse settings that would keep anything longer than its rule, or name no rule.

    :raises ConfigurationError: the first that does, with what is allowed.
    """
    for name, days in settings.retention.items():
        rule = _BY_NAME.get(name)
        if rule is None or not _can_be_set(rule):
            raise ConfigurationError(
                "TOKENOFFSET_RETENTION",
                f"there is no period called {name!r} that could be shortened. There are "
                + ", ".join(each.name for each in RULES if _can_be_set(each))
                + ". Some others have a setting of their own.",
            )
        _check_days("TOKENOFFSET_RETENTION", name, days, rule)
    for name, days in (settings.retention_plans or {}).items():
        _check_days("TOKENOFFSET_RETENTION_PLANS", name, days, find_rule("usage"))
    for rule in RULES:
        if rule.setting is not None:
            setting = f"TOKENOFFSET_{rule.setting.upper()}"
            _check_days(setting, rule.name, _days_of(rule.setting, settings), rule)


def _days_of(setting: str, settings: Settings) -> int:
    number: int = getattr(settings, setting)
    return number * DAYS_OF_A_YEAR if setting.endswith("_years") else number


def _can_be_set(rule: RetentionRule) -> bool:
    """Whether the mapping may name a rule: one with a period and without a setting of its own."""
    return bool(rule.days) and rule.setting is None and rule.action is not RetentionAction.EXPIRE


def _check_days(setting: str, name: str, days: int, rule: RetentionRule) -> None:
    longest = rule.days or 0
    if days > longest:
        raise ConfigurationError(
            setting,
            f"{name!r} is to be kept for {days} days, but «{rule.title}» may be kept for"
            f" {longest} days at most. A period can only be shortened; set {longest} or less.",
        )
    if days < rule.shortest_days:
        raise ConfigurationError(
            setting,
            f"{name!r} is to be kept for {days} days, but «{rule.title}» must be there for"
            f" {rule.shortest_days} days for the pages to work. Set {rule.shortest_days} or more.",
        )
