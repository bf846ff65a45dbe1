"""The tables. Import models from here."""

from __future__ import annotations

from flask_tokenoffset.models.accounts import (
    LONGEST_EMAIL,
    LONGEST_NAME,
    Account,
    AccountKind,
    Person,
)
from flask_tokenoffset.models.audit import (
    APPEND_ONLY,
    AUDIT_DETAILS,
    AUDIT_SUBJECTS,
    LONGEST_ADDRESS,
    LONGEST_USER_AGENT,
    AuditAction,
    AuditChain,
    AuditEvent,
    AuditOrigin,
)
from flask_tokenoffset.models.base import TABLE_PREFIX, Base, UTCDateTime, new_id
from flask_tokenoffset.models.estimates import Estimate
from flask_tokenoffset.models.idempotency import LONGEST_IDEMPOTENCY_KEY, IdempotencyRecord
from flask_tokenoffset.models.identities import (
    LONGEST_PATH,
    AttemptPurpose,
    FreshProof,
    Identity,
    IdentityAttempt,
    IdentityCredential,
    SignInAddress,
)
from flask_tokenoffset.models.member_plans import (
    UNFINISHED_BULK,
    BulkChange,
    BulkChangeTarget,
    BulkStatus,
)
from flask_tokenoffset.models.messages import (
    MagicLink,
    MagicLinkPurpose,
    MessageKind,
    MessageStatus,
    OutboundMessage,
)
from flask_tokenoffset.models.organizations import (
    Invitation,
    Membership,
    MembershipStatus,
    Organization,
    Payer,
    PayerRule,
)
from flask_tokenoffset.models.plans import (
    Adoption,
    BillingRecord,
    Plan,
    PlanStatus,
    PlanStatusChange,
)
from flask_tokenoffset.models.samples import UNFINISHED, RunStatus, RunTrigger, SampleRun
from flask_tokenoffset.models.sources import (
    Connection,
    ConnectionStatus,
    Credential,
    Source,
    SourceKind,
)
from flask_tokenoffset.models.usage import (
    LONGEST_DIMENSION,
    CostLine,
    DailyCost,
    DailyUsage,
    KeptDay,
    Report,
    UsageSeries,
)

__all__ = [
    "APPEND_ONLY",
    "AUDIT_DETAILS",
    "AUDIT_SUBJECTS",
    "LONGEST_ADDRESS",
    "LONGEST_DIMENSION",
    "LONGEST_EMAIL",
    "LONGEST_IDEMPOTENCY_KEY",
    "LONGEST_NAME",
    "LONGEST_PATH",
    "LONGEST_USER_AGENT",
    "TABLE_PREFIX",
    "UNFINISHED",
    "UNFINISHED_BULK",
    "Account",
    "AccountKind",
    "Adoption",
    "AttemptPurpose",
    "AuditAction",
    "AuditChain",
    "AuditEvent",
    "AuditOrigin",
    "Base",
    "BillingRecord",
    "BulkChange",
    "BulkChangeTarget",
    "BulkStatus",
    "Connection",
    "ConnectionStatus",
    "CostLine",
    "Credential",
    "DailyCost",
    "DailyUsage",
    "Estimate",
    "FreshProof",
    "IdempotencyRecord",
    "Identity",
    "IdentityAttempt",
    "IdentityCredential",
    "Invitation",
    "KeptDay",
    "MagicLink",
    "MagicLinkPurpose",
    "Membership",
    "MembershipStatus",
    "MessageKind",
    "MessageStatus",
    "Organization",
    "OutboundMessage",
    "Payer",
    "PayerRule",
    "Person",
    "Plan",
    "PlanStatus",
    "PlanStatusChange",
    "Report",
    "RunStatus",
    "RunTrigger",
    "SampleRun",
    "SignInAddress",
    "Source",
    "SourceKind",
    "UTCDateTime",
    "UsageSeries",
    "new_id",
]
