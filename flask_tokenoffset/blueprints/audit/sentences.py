"""What the audit log says, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset import formatting
from flask_tokenoffset.models import AuditAction
from flask_tokenoffset.services.audit.log import BEFORE
from flask_tokenoffset.services.audit.reading import BY_OPERATORS, PERSON_DETAIL, group_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.services.audit.reading import AuditView, Named

#: Every action as what a person did. A word like ``{person}`` is the person it was done to.
SENTENCES: Final[Mapping[AuditAction, str]] = {
    AuditAction.PERSON_CHANGED: "Corrected what is held about them",
    AuditAction.PERSON_DELETION_REQUESTED: "Asked for the deletion of their account",
    AuditAction.PERSON_DELETION_UNDONE: "Took the deletion of their account back",
    AuditAction.PERSON_FORGOTTEN: "Was forgotten, with everything held about them",
    AuditAction.PERSON_SIGNED_IN: "Signed in",
    AuditAction.PERSON_SIGNED_OUT: "Signed out",
    AuditAction.PERSON_CONFIRMED: "Confirmed that it was they",
    AuditAction.ADDRESS_VERIFIED: "Proved that an e-mail address is theirs",
    AuditAction.IDENTITY_LINKED: "Linked an identity",
    AuditAction.IDENTITY_UNLINKED: "Unlinked an identity",
    AuditAction.SOURCE_CONNECTED: "Connected a source",
    AuditAction.SOURCE_KEY_REPLACED: "Replaced the key of a source",
    AuditAction.SOURCE_RENAMED: "Gave a source another label",
    AuditAction.SOURCE_DISCONNECTED: "Disconnected a source",
    AuditAction.PLAN_ADOPTED: "Adopted an estimate",
    AuditAction.PLAN_STATUS_CHANGED: "Paused, resumed or ended the plan",
    AuditAction.PLAN_PAYER_CHANGED: "Changed who pays a plan",
    AuditAction.ORGANIZATION_CREATED: "Created the organization",
    AuditAction.ORGANIZATION_CHANGED: "Changed what holds for the organization",
    AuditAction.ORGANIZATION_CLOSED: "Closed the organization",
    AuditAction.OWNERSHIP_TRANSFERRED: "Handed the organization over to {person}",
    AuditAction.MEMBER_JOINED: "Joined the organization",
    AuditAction.MEMBER_LEFT: "Left the organization",
    AuditAction.MEMBER_REMOVED: "Removed {person}",
    AuditAction.MEMBER_ROLE_CHANGED: "Gave {person} another role",
    AuditAction.MEMBER_SUSPENDED: "Suspended {person}",
    AuditAction.MEMBER_RESTORED: "Restored {person}",
    AuditAction.MEMBER_USAGE_SHARED: "Shared their usage with the organization",
    AuditAction.MEMBER_USAGE_UNSHARED: "Stopped sharing their usage with the organization",
    AuditAction.INVITATION_SENT: "Sent an invitation",
    AuditAction.INVITATION_RESENT: "Sent an invitation again",
    AuditAction.INVITATION_CANCELLED: "Cancelled an invitation",
    AuditAction.INVITATION_ACCEPTED: "Accepted an invitation",
    AuditAction.BULK_CHANGE_REQUESTED: "Asked for a change to the plans of many members",
    AuditAction.BULK_CHANGE_FINISHED: "Finished a change to the plans of many members",
    AuditAction.CONSENT_SHOWN: "Was shown what they may agree to",
    AuditAction.CONSENT_GIVEN: "Agreed to a purpose or a document",
    AuditAction.CONSENT_REFUSED: "Declined a purpose or a document",
    AuditAction.CONSENT_WITHDRAWN: "Withdrew a consent",
    AuditAction.CONSENT_OBJECTED: "Objected to a purpose",
    AuditAction.PROCESSING_RESTRICTED: "Restricted the processing of their data",
    AuditAction.RESTRICTION_LIFTED: "Lifted the restriction of their data",
    AuditAction.REQUEST_RECEIVED: "Asked for something under their rights",
    AuditAction.REQUEST_CLOSED: "Had a request closed",
    AuditAction.REQUEST_SEEN: "Looked at a request",
    AuditAction.REQUEST_EXTENDED: "Took more time for a request",
    AuditAction.REQUEST_ANSWERED: "Answered a request",
    AuditAction.EXPORT_MADE: "Took the audit log away as a file",
    AuditAction.EXPORT_REQUESTED: "Asked for a copy of everything held about them",
    AuditAction.EXPORT_FETCHED: "Fetched a copy of everything held about them",
    AuditAction.RETENTION_SHORTENED: "Chose how long records are kept",
    AuditAction.RETENTION_PLAN_SET: "Got another retention plan",
    AuditAction.HOLD_PLACED: "Records were held for a legal reason",
    AuditAction.HOLD_LIFTED: "A hold on records was lifted",
}
_BY_ACTION: Final = {str(action): sentence for action, sentence in SENTENCES.items()}
#: What stands for an action in a list to choose from, where the sentence needs a person.
_ANYBODY: Final = "a member"
#: What all actions of a group are about.
GROUPS: Final[Mapping[str, str]] = {
    "consent": "Everything about consents",
    "privacy": "Everything about privacy",
    "person": "Everything about people",
    "address": "Everything about addresses",
    "identity": "Everything about linked identities",
    "source": "Everything about sources",
    "plan": "Everything about plans",
    "organization": "Everything about the organization",
    "member": "Everything about members",
    "invitation": "Everything about invitations",
    "bulk-change": "Everything about changes to many plans",
    "request": "Everything about privacy requests",
    "retention": "Everything about how long things are kept",
    "legal-hold": "Everything about legal holds",
    "export": "Everything about exports",
}
SUBJECTS: Final[Mapping[str, str]] = {
    "audit-log": "Audit log",
    "bulk-change": "Change to many plans",
    "consent": "Consent",
    "export": "Copy of somebody's data",
    "identity": "Linked identity",
    "invitation": "Invitation",
    "legal-hold": "Legal hold",
    "membership": "Membership",
    "organization": "Organization",
    "person": "Person",
    "plan": "Plan",
    "request": "Privacy request",
    "retention": "How long data is kept",
    "source": "Source",
}
#: Details that prove something to a machine and say nothing to a person.
_UNSPOKEN: Final = frozenset({"digest", "document_digest", "sequence"})
NOBODY: Final = "Automatic"
FORGOTTEN: Final = "a former user"
NAMELESS: Final = "a user without a name"
OPERATOR: Final = "an operator of this site"


def actor_of(view: AuditView) -> str:
    """Who did it, at the beginning of a cell."""
    if view.actor is None:
        # A command has no name, but an operator gave it.
        return OPERATOR.capitalize() if view.event.action in BY_OPERATORS else NOBODY
    name = name_of(view.actor)
    # What stands for a name begins the cell; a name is written as its owner writes it.
    return name.capitalize() if name in {FORGOTTEN, NAMELESS, OPERATOR} else name


def name_of(named: Named) -> str:
    """What a person is called, or what stands for a name."""
    if named.operator:
        return OPERATOR
    if named.forgotten:
        return FORGOTTEN
    return named.name or NAMELESS


def sentence_of(view: AuditView) -> str:
    """What was done, with its words and figures: ``Adopted an estimate (amount: $1.25)``."""
    event = view.event
    # An action without a sentence was written by a later version.
    sentence = _BY_ACTION.get(event.action, event.action)
    person = _ANYBODY if view.about is None else name_of(view.about)
    return sentence.replace("{person}", person) + _in_brackets(event.details)


def action_choices() -> list[tuple[str, str]]:
    """Everything an action filter may be, with its words: each group, then its actions."""
    choices = []
    for group, title in GROUPS.items():
        choices.append((group, title))
        choices += [
            (str(action), sentence.replace("{person}", _ANYBODY))
            for action, sentence in SENTENCES.items()
            if group_of(action) == group
        ]
    return choices


def _in_brackets(details: Mapping[str, Any]) -> str:
    said = [
        f"{_label(detail)}: {_value(detail, value)}"
        for detail, value in details.items()
        if value is not None and detail not in {PERSON_DETAIL, *_UNSPOKEN}
    ]
    return f" ({', '.join(said)})" if said else ""


def _label(detail: str) -> str:
    name = detail.removesuffix(BEFORE).removesuffix("_cents").removesuffix("_percent")
    # What people read of “coverage” in the database and the API.
    name = name.replace("coverage", "contribution_level")
    name = name.replace("_cents_per_month", "").replace("_", " ")
    return f"{name} before" if detail.endswith(BEFORE) else name


def _value(detail: str, value: Any) -> str:
    name = detail.removesuffix(BEFORE)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        if name.endswith(("_cents", "_cents_per_month")):
            return formatting.money_cents(value)
        if name.endswith("coverage_percent"):
            return formatting.contribution_level(value)
        return formatting.percent(value) if name.endswith("_percent") else formatting.integer(value)
    return str(value).replace(",", ", ")
