"""The public pages on legal texts: the list, one document, one version, and two compared."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from flask import request
from markupsafe import Markup

from flask_tokenoffset.blueprints.documents.shown import Shown, all_shown, shown
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.documents import documents as services
from flask_tokenoffset.services.documents.comparison import compare
from flask_tokenoffset.services.documents.texts import to_html
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.services.documents.comparison import ComparedPassage
    from flask_tokenoffset.services.documents.documents import Standing


@requires(Permission.READ_PUBLISHED)
def documents() -> str:
    """Every document, with what counts now and what is coming."""
    return render("documents/list.html", documents=all_shown(_language()))


@requires(Permission.READ_PUBLISHED)
def document(document: str) -> str:
    """The version that counts now, or the first one that is going to."""
    found = shown(document, _language())
    return _page(found, found.present, is_current=True)


@requires(Permission.READ_PUBLISHED)
def document_version(document: str, version: str) -> str:
    """One version, at an address that it keeps for ever."""
    found = shown(document, _language())
    return _page(found, found.find(version), is_current=False)


@requires(Permission.READ_PUBLISHED)
def compare_document(document: str) -> str:
    """What changed from one version to another; from the one that counts to the newest at first."""
    found = shown(document, _language())
    old, new = _two(found)
    passages = compare(old.version.text, new.version.text)
    return render(
        "documents/compare.html",
        document=found,
        old=old,
        new=new,
        runs=[
            (is_same, list(run))
            for is_same, run in groupby(passages, key=lambda each: each.fate == "same")
        ],
        counts=_counts(passages),
    )


register = page_routes(
    ("/documents", documents),
    ("/documents/<document>", document),
    ("/documents/<document>/compare", compare_document),
    ("/documents/<document>/<version>", document_version),
)


def _page(found: Shown, standing: Standing, *, is_current: bool) -> str:
    state = current_state()
    return render(
        "documents/document.html",
        document=found,
        standing=standing,
        is_current=is_current,
        counts=standing.counts_at(state.clock.now()),
        before=found.before(standing),
        after=found.after(standing),
        languages=services.languages_of(state.session, found.name),
        # Safe: HTML that stands in the text is written out as text; see to_html.
        text=Markup(to_html(standing.version.text)),  # noqa: S704 - for the reason above
    )


def _two(found: Shown) -> tuple[Standing, Standing]:
    """The versions to compare, by the query; without one, those that matter most now.

    :raises NotFound: the query names one that does not exist.
    """
    newest = found.versions[0]
    first = found.in_force
    if first is None or first is newest:
        first = found.before(newest) or newest
    old, new = request.args.get("from"), request.args.get("to")
    return (
        first if old is None else found.find(old),
        newest if new is None else found.find(new),
    )


def _counts(passages: list[ComparedPassage]) -> dict[str, int]:
    """How many passages were added, removed and changed."""
    return {
        fate: sum(each.fate == fate for each in passages)
        for fate in ("added", "removed", "changed")
    }


def _language() -> str | None:
    return request.args.get("language")
