"""Every page about members' plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.member_plans import (
    many_pages,
    plan_pages,
    terms_pages,
    totals_pages,
)

if TYPE_CHECKING:
    from flask import Blueprint


def register_in_organization(pages: Blueprint) -> None:
    """Add the pages."""
    for part in (terms_pages, totals_pages, many_pages, plan_pages):
        part.register(pages)
