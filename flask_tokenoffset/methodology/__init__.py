"""How tokens become energy, water, carbon and an amount: pure arithmetic over dated constants.

Nothing here knows Flask, a database or a vendor, and nothing is read but the packaged data files.
``docs/explanation/methodology.md`` tells the same in prose.
"""

from __future__ import annotations

from flask_tokenoffset.methodology.comparison import (
    Difference,
    Driver,
    Environment,
    difference,
    estimate_environment,
)
from flask_tokenoffset.methodology.constants import Constant, RangedConstant, Source
from flask_tokenoffset.methodology.contribution import (
    MAX_COVERAGE_PERCENT,
    amount_cents,
    check_coverage,
    class_aware_amount_cents,
    published_amount_cents,
    tidy_cents,
)
from flask_tokenoffset.methodology.daily_series import DailySeries, DayUsage
from flask_tokenoffset.methodology.descriptions import (
    Quantity,
    describe,
    describe_range,
    figure,
    percent,
    percents,
    significant,
)
from flask_tokenoffset.methodology.elsewhere import (
    Comparison,
    FigureElsewhere,
    Verdict,
    comparisons,
    figures_elsewhere,
)
from flask_tokenoffset.methodology.footprint import (
    ClassAwareFigures,
    ModelUsage,
    PublishedFigures,
    class_aware_environment,
    published_environment,
)
from flask_tokenoffset.methodology.methods import (
    CarbonPrice,
    ClassAwareMethod,
    ClassEnergy,
    PublishedMethod,
    class_aware,
    class_aware_versions,
    method,
    published,
    published_versions,
)
from flask_tokenoffset.methodology.model_classes import ModelClass
from flask_tokenoffset.methodology.next_month import Outlook, RecentUse, outlook
from flask_tokenoffset.methodology.projection import (
    NoProjection,
    NoProjectionReason,
    Projection,
    QualityTier,
    RollingSums,
    project,
)
from flask_tokenoffset.methodology.projection_notes import Note, NoteCode
from flask_tokenoffset.methodology.published_bands import (
    CURRENT_BANDS_VERSION,
    Band,
    band,
    band_for,
    bands,
    bands_versions,
)
from flask_tokenoffset.methodology.ranges import Range
from flask_tokenoffset.methodology.tokens import TokenCounts, TokenKind

__all__ = [
    "CURRENT_BANDS_VERSION",
    "MAX_COVERAGE_PERCENT",
    "Band",
    "CarbonPrice",
    "ClassAwareFigures",
    "ClassAwareMethod",
    "ClassEnergy",
    "Comparison",
    "Constant",
    "DailySeries",
    "DayUsage",
    "Difference",
    "Driver",
    "Environment",
    "FigureElsewhere",
    "ModelClass",
    "ModelUsage",
    "NoProjection",
    "NoProjectionReason",
    "Note",
    "NoteCode",
    "Outlook",
    "Projection",
    "PublishedFigures",
    "PublishedMethod",
    "QualityTier",
    "Quantity",
    "Range",
    "RangedConstant",
    "RecentUse",
    "RollingSums",
    "Source",
    "TokenCounts",
    "TokenKind",
    "Verdict",
    "amount_cents",
    "band",
    "band_for",
    "bands",
    "bands_versions",
    "check_coverage",
    "class_aware",
    "class_aware_amount_cents",
    "class_aware_environment",
    "class_aware_versions",
    "comparisons",
    "describe",
    "describe_range",
    "difference",
    "estimate_environment",
    "figure",
    "figures_elsewhere",
    "method",
    "outlook",
    "percent",
    "percents",
    "project",
    "published",
    "published_amount_cents",
    "published_environment",
    "published_versions",
    "significant",
    "tidy_cents",
]
