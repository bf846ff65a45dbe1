"""The task of the outbox: writes a message's text and gives it to the mailer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app

from flask_tokenoffset import formatting
from flask_tokenoffset.host.mailer import LONGEST_SUBJECT, OutgoingMail, one_line
from flask_tokenoffset.services.links.message_links import FeatureLinks
from flask_tokenoffset.services.mail.outbox import OPTIONAL
from flask_tokenoffset.services.mail.sending import send_message
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from flask_tokenoffset.services.mail.sending import Letter

#: How the first line of a text begins.
SUBJECT: Final = "Subject: "


def mail(message_id: str) -> None:
    """Have one message leave. Called any number of times, it leaves once.

    :param message_id: the id of an :class:`~flask_tokenoffset.models.OutboundMessage`.
    """
    state = current_state()
    send_message(
        state.unit_of_work,
        message_id=UUID(message_id),
        mailer=state.mailer,
        write=write_letter,
        links=FeatureLinks(state.link_key),
        clock=state.clock,
    )


def write_letter(letter: Letter) -> OutgoingMail:
    """Write a message from its template, the host's in place of ours.

    The template is rendered without the host's context processors, which may need a request.

    :raises ValueError: the template does not begin with a line ``Subject: ...`` and an empty one.
    """
    state = current_state()
    name = f"tokenoffset/mail/{letter.kind}.txt"
    expires_at = letter.expires_at
    link = None if letter.path is None else state.public_url(letter.path)
    template = current_app.jinja_env.get_template(name)
    rendered = template.render(
        **{key: _inert(value) for key, value in letter.details.items()},
        text=letter.text,
        link=link,
        expires_at=None if expires_at is None else formatting.datetime_utc(expires_at),
        page=state.public_url,
        site=urlsplit(state.settings.public_url or "").hostname or "",
    )
    first, _, text = rendered.strip().partition("\n")
    if not first.startswith(SUBJECT) or not text.startswith("\n"):
        raise ValueError(f"The first line of {name} must be «{SUBJECT}...», the second one empty.")
    return OutgoingMail(
        id=str(letter.id),
        kind=str(letter.kind),
        to_address=letter.to_address,
        subject=one_line(first.removeprefix(SUBJECT))[:LONGEST_SUBJECT].rstrip(),
        text=text.strip() + "\n",
        unsubscribe_url=link if letter.kind in OPTIONAL else None,
    )


def _inert(value: Any) -> Any:
    """A name that cannot begin a line, and with it a paragraph of its own."""
    return one_line(value) if isinstance(value, str) else value
