"""Asking for a link by mail: the steps that every page with such a form shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.browser_cookie import browser_digest
from flask_tokenoffset.blueprints.access.context import acting_person, current_user
from flask_tokenoffset.models import MagicLinkPurpose
from flask_tokenoffset.services.links import magic_links
from flask_tokenoffset.services.mail.outbox import require_mailer
from flask_tokenoffset.services.shared.addresses import read_address
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.models import Person


def ask_for_link(purpose: MagicLinkPurpose, address: str, next_path: str) -> None:
    """Have a link mailed. What happens is the same whether anyone here has the address or not.

    :param purpose: what following it does. Only :attr:`.MagicLinkPurpose.SIGN_IN` may be asked for
        by a person who is not signed in.
    :param address: as it was typed. What is mailed to is its one normal form.
    :param next_path: a local path to go on to afterwards.
    :raises NoMailer: the host sends no mail.
    :raises InvalidInput: it is no address.
    :raises TooManyAttempts: too many links were asked for.
    :raises SignInRequired: nobody is signed in.
    """
    state = current_state()
    require_mailer(state.mailer)
    email = read_address(address)
    asking = magic_links.Asking(
        browser_digest=browser_digest(), client=request.remote_addr or "unknown"
    )
    signs_in = purpose is MagicLinkPurpose.SIGN_IN
    known = None if signs_in else current_user().person
    magic_links.limit_asking(
        state.attempts, asking, email=email, person_id=None if known is None else known.id
    )
    with state.unit_of_work() as work:
        person: Person | None = None if signs_in else acting_person(work)
        magic_links.ask_for_link(
            work,
            purpose=purpose,
            email=email,
            asking=asking,
            next_path=next_path,
            person=person,
            link_key=state.link_key,
            now=state.clock.now(),
        )
