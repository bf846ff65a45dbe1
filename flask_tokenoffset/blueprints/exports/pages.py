"""Pages of copies of everything held about oneself.

The page of a link is the same for every link, whether it works or not, and opening it changes
nothing. Only the button fetches, for the person alone, who has just confirmed that it is they.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request, url_for

from flask_tokenoffset.blueprints.access.context import acting_person, current_user
from flask_tokenoffset.blueprints.access.reauthentication import (
    is_reauthenticated,
    require_reauthentication,
)
from flask_tokenoffset.blueprints.access.urls import see_other, see_other_at
from flask_tokenoffset.blueprints.exports.asking import ask_for_export, link_of, own_exports
from flask_tokenoffset.blueprints.html.outcomes import UNTOLD, with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.errors import (
    Conflict,
    ExportLinkNotValid,
    ReauthenticationRequired,
    TooManyAttempts,
)
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.exports import exports
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.READ_SELF)
def list_exports() -> ResponseReturnValue:
    """The current user's copies, and the button that asks for one."""
    return _page()


@requires(Permission.CHANGE_SELF)
def request_export() -> ResponseReturnValue:
    """Have a copy made."""
    try:
        ask_for_export()
    except ReauthenticationRequired:
        return _confirm_first()
    except (Conflict, TooManyAttempts) as refusal:
        return with_status(_page(refusal), refusal)
    return see_other(".list_exports", done="asked")


@requires(Permission.READ_SELF)
def export_link(token: str) -> ResponseReturnValue:
    """Show the button that fetches a copy.

    :param token: whatever stands in the address; nothing is looked up for it.
    """
    user = current_user()
    confirmed = user.host_user is not None and is_reauthenticated(
        user.host_user, user.person, strict=True
    )
    page = render(
        "exports/fetch.html", token=token, confirmed=confirmed, confirm_url=_confirm_url()
    )
    # The address is half of what fetches the copy.
    return page, UNTOLD


@requires(Permission.CHANGE_SELF)
def fetch_export(token: str) -> ResponseReturnValue:
    """Hand the copy over, once.

    :param token: as it stands in the address.
    """
    try:
        require_reauthentication(strict=True)
    except ReauthenticationRequired:
        return _confirm_first()
    if current_user().person is None:
        raise ExportLinkNotValid  # A stranger has none, and is not made known by trying.
    state = current_state()
    now = state.clock.now()
    with state.unit_of_work() as work:
        # What the host corrected is kept even where the copy is refused for it: a copy that holds
        # what was wrong is made anew, and would wait for that for ever otherwise.
        acting_person(work)
    with state.unit_of_work() as work:
        archive = exports.fetch_export(work, acting_person(work), token, vault=state.vault, now=now)
    return current_app.response_class(
        iter(archive.pieces),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="your-data-{now:%Y-%m-%d}.zip"',
            "Content-Length": str(archive.size_bytes),
        },
    )


register = page_routes(
    ("/privacy/exports", list_exports),
    ("/privacy/exports", request_export, "POST"),
    ("/exports/<token>", export_link),
    ("/exports/<token>", fetch_export, "POST"),
)


def _page(refusal: Conflict | TooManyAttempts | None = None) -> str:
    copies = [(each, link_of(each)) for each in own_exports()]
    return render(
        "exports/exports.html",
        copies=copies,
        may_ask=not any(link or each.status in exports.UNFINISHED_EXPORT for each, link in copies),
        unfinished=exports.UNFINISHED_EXPORT,
        hours=current_state().settings.export_hours,
        per_day=exports.PER_DAY,
        asked=request.args.get("done") == "asked" and bool(copies),
        refusal=refusal,
    )


def _confirm_first() -> ResponseReturnValue:
    """Send a person to confirm, with a way back that holds no link: it would be kept in a row."""
    return see_other_at(_confirm_url())


def _confirm_url() -> str:
    return url_for(".confirm", next=url_for(".list_exports"))
