"""The page of simulated billing records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.context import account_if_any
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.schemas.paging import Page, page_of, read_month_cursor
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.plans import billing
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.models import BillingRecord

#: Half a year at a time; none is kept for longer than a year.
RECORDS_PER_PAGE: Final = 6


@requires(Permission.READ_PLAN)
def billing_records() -> str:
    """The account's records, newest month first."""
    before_month = read_month_cursor(request.args.get("cursor"))
    account_id = account_if_any()
    found: Page[BillingRecord] = Page([])
    if account_id is not None:
        records = billing.list_records(
            current_state().session,
            account_id,
            before_month=before_month,
            limit=RECORDS_PER_PAGE + 1,
        )
        found = page_of(records, RECORDS_PER_PAGE, lambda record: (record.month,))
    return render(
        "billing/billing_records.html",
        records=found.shown,
        older_url=found.next_cursor and url_for(".billing_records", cursor=found.next_cursor),
        is_first_page=before_month is None,
    )


register = register_in_organization = page_routes(
    ("/billing-records", billing_records),
)
