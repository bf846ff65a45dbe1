"""The tables. Import models from here."""

from __future__ import annotations

from flask_tokenoffset.models.accounts import Account, AccountKind, Person
from flask_tokenoffset.models.base import TABLE_PREFIX, Base, UTCDateTime, new_id
from flask_tokenoffset.models.estimates import Estimate
from flask_tokenoffset.models.idempotency import LONGEST_IDEMPOTENCY_KEY, IdempotencyRecord
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
    "LONGEST_DIMENSION",
    "LONGEST_IDEMPOTENCY_KEY",
    "TABLE_PREFIX",
    "UNFINISHED",
    "Account",
    "AccountKind",
    "Adoption",
    "Base",
    "BillingRecord",
    "Connection",
    "ConnectionStatus",
    "CostLine",
    "Credential",
    "DailyCost",
    "DailyUsage",
    "Estimate",
    "IdempotencyRecord",
    "KeptDay",
    "Person",
    "Plan",
    "PlanStatus",
    "PlanStatusChange",
    "Report",
    "RunStatus",
    "RunTrigger",
    "SampleRun",
    "Source",
    "SourceKind",
    "UTCDateTime",
    "UsageSeries",
    "new_id",
]
