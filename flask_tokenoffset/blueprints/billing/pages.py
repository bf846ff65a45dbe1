"""The page of simulated billing records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import request, url_for

from flask_tokenoffset.blueprints.access.context import account_if_any
from flask_tokenoffset.blueprints.billing.api import month_of
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.schemas.base import encode_cursor
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.plans import billing
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask import Blueprint

#: Half a year at a time; none is kept for longer than a year.
RECORDS_PER_PAGE: Final = 6


@requires(Permission.READ_PLAN)
def billing_records() -> str:
    """The account's records, newest month first."""
    cursor = request.args.get("cursor")
    before_month = month_of(cursor) if cursor is not None else None
    account_id = account_if_any()
    found = (
        billing.list_records(
            current_state().session,
            account_id,
            before_month=before_month,
            limit=RECORDS_PER_PAGE + 1,
        )
        if account_id is not None
        else []
    )
    records = found[:RECORDS_PER_PAGE]
    older_url = None
    if len(found) > RECORDS_PER_PAGE:
        older_url = url_for(
            ".billing_records",
            cursor=encode_cursor([records[-1].month.isoformat()]),
        )
    return render(
        "billing/billing_records.html",
        records=records,
        older_url=older_url,
        is_first_page=cursor is None,
    )


def register(pages: Blueprint) -> None:
    """Add the page."""
    pages.add_url_rule("/billing-records", view_func=billing_records)
