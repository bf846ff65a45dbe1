"""The operation that takes an account's usage away."""

from __future__ import annotations

from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.usage.files import usage_file
from flask_tokenoffset.blueprints.usage.schemas import UsageExportAnswer, UsageExportQuery
from flask_tokenoffset.permissions import Permission


@operation(
    "GET",
    "/usage/export",
    permission=Permission.READ_SOURCES,
    summary="Export all sampled usage",
    query=UsageExportQuery,
    answers={200: UsageExportAnswer},
    also_as=("text/csv",),
    before_acceptance=True,
)
def export_usage(query: UsageExportQuery) -> OperationAnswer:
    """Day by day, with model, tier, tokens by kind and cost, of all connected sources."""
    return usage_file(query.format)


register = register_in_organization = operations(export_usage)
