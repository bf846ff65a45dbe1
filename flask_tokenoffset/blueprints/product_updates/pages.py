"""The page behind the link in a mail with news: one button, and no more of them.

Mail scanners open links, so opening this one shows the button and changes nothing. A mail program
sends the POST by itself where its reader presses *unsubscribe* (RFC 8058): without cookies, without
a form, and it follows no redirect. So the token in the address is all that is asked for, and the
answer is a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.access.csrf import told_by_link
from flask_tokenoffset.blueprints.html.outcomes import UNTOLD
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.models import ConsentMethod
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.consents.ledger import Circumstances
from flask_tokenoffset.services.links.unsubscribing import withdraw_by_link
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

#: What the ledger calls the link.
PLACE: Final = "mail:product-update"


@requires(Permission.SIGN_IN)
def unsubscribe(token: str) -> ResponseReturnValue:
    """Show the button.

    :param token: whatever stands in the address; nothing is looked up for it.
    """
    del token  # The form goes where the page came from.
    return _page(done=False)


@told_by_link
@requires(Permission.SIGN_IN)
def unsubscribe_now(token: str) -> ResponseReturnValue:
    """Withdraw the consent to news.

    :param token: as it stands in the address.
    """
    state = current_state()
    how = Circumstances(
        now=state.clock.now(),
        place=PLACE,
        method=ConsentMethod.LINK,
        settings=state.settings,
    )
    with state.unit_of_work() as work:
        withdraw_by_link(work, token, keys=state.link_keys, how=how)
    return _page(done=True)


register = page_routes(
    ("/unsubscribe/<token>", unsubscribe),
    ("/unsubscribe/<token>", unsubscribe_now, "POST"),
)


def _page(*, done: bool) -> ResponseReturnValue:
    return render("product_updates/unsubscribe.html", done=done), UNTOLD
