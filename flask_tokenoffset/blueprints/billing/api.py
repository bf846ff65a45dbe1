"""Operations on simulated billing records."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from flask_tokenoffset.blueprints.access.context import account_if_any
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.schemas.base import Answer, ItemList, ListQuery
from flask_tokenoffset.blueprints.schemas.paging import page_of, read_month_cursor
from flask_tokenoffset.blueprints.schemas.programmes import ProgrammeList
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.models import Payer
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.plans import billing
from flask_tokenoffset.state import current_state


class BillingRecordAnswer(Answer):
    """What one month would have been charged. No payment is ever taken."""

    id: UUID
    month: date
    amount_cents: int
    currency: Literal["USD"] = "USD"
    simulated: Literal[True] = True
    payer: Payer = Field(
        description="Who pays it: the `person` whose account it is, or, for a plan in an"
        " organization, the `organization` or its `member`."
    )
    tokens_per_month: int
    coverage_percent: int
    method_version: str
    programmes: ProgrammeList
    adoption_id: UUID
    due_at: datetime
    created_at: datetime


class BillingRecordList(ItemList[BillingRecordAnswer]):
    """One page of billing records, newest month first."""


@operation(
    "GET",
    "/billing-records",
    permission=Permission.READ_PLAN,
    summary="List the billing records",
    query=ListQuery,
    answers={200: BillingRecordList},
    problems=[InvalidInput],
)
def list_billing_records(query: ListQuery) -> OperationAnswer:
    """The account's simulated billing records, newest month first."""
    before_month = read_month_cursor(query.cursor)
    account_id = account_if_any()
    if account_id is None:
        return BillingRecordList(items=[], next_cursor=None)
    records = billing.list_records(
        current_state().session, account_id, before_month=before_month, limit=query.limit + 1
    )
    found = page_of(records, query.limit, lambda record: (record.month,))
    return BillingRecordList(
        items=[BillingRecordAnswer.of(record) for record in found.shown],
        next_cursor=found.next_cursor,
    )


register = register_in_organization = operations(list_billing_records)
