"""The mailbox of the demo: every message that Fernhill would send, on one page.

Nothing leaves this machine. Anyone may read anyone's mail here, which is why a real product has
no such page; this one is there only where mail is kept instead of sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, current_app, render_template, request

from flask_tokenoffset.host.mailer import MailboxMailer

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

mailbox = Blueprint("mailbox", __name__)

MOST_SHOWN: Final = 50


def init_app(app: Flask) -> None:
    """Add the page, where there is mail to be shown."""
    app.config["MAILBOX"] = isinstance(app.config.get("TOKENOFFSET_MAILER"), MailboxMailer)
    if app.config["MAILBOX"]:
        app.register_blueprint(mailbox)


@mailbox.get("/mailbox")
def messages() -> ResponseReturnValue:
    """The newest messages; with ``to``, those to one address."""
    mailer: MailboxMailer = current_app.config["TOKENOFFSET_MAILER"]
    address = request.args.get("to", "")
    found = [each for each in mailer.messages() if address in {"", each.to_address}]
    return render_template(
        "mailbox.html", address=address, messages=found[:MOST_SHOWN], most_shown=MOST_SHOWN
    )
