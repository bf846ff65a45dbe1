"""How mail leaves: the seam behind which a host, an SMTP server or a demo's mailbox sends it.

Nothing but the outbox calls a :class:`Mailer` (:mod:`flask_tokenoffset.services.mail.sending`),
after the commit and in a worker. It may call again with the same :attr:`OutgoingMail.id` when a
worker was killed before it could note that the message had left.
"""

from __future__ import annotations

import json
import re
import smtplib
import ssl
import tempfile
import unicodedata
from dataclasses import asdict, dataclass, field
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Final, Literal, Protocol

from flask_tokenoffset.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.policy import Policy
    from pathlib import Path

    from flask_tokenoffset.clock import Clock

#: Characters of the longest subject; what is longer is cut by the outbox.
LONGEST_SUBJECT: Final = 200

#: The Unicode categories that end or bend a line: controls, formats (which turn the direction of
#: text around), surrogates, and the separators of lines and paragraphs.
_NOT_ON_ONE_LINE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: An address without space, control, or what ends it in a header or in HTML (RFC 3986, RFC 2369).
_PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&*+;=%-]{1,500}")

Security = Literal["starttls", "tls", "none"]
_PORTS: Final[dict[str, int]] = {"starttls": 587, "tls": 465, "none": 25}


class MailRefused(Exception):
    """The message will never be taken, for example because the address does not exist.

    :param reason: a word or two for the log; never the address or the text.
    """


class MailUnavailable(Exception):
    """The message is not taken at the moment; it is tried again.

    :param reason: a word or two for the log; never the address or the text.
    """


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A message that is about to leave. Neither its address nor its subject can add a header.

    :param id: the same at every attempt, so that a provider which is told it (as an idempotency
        key) delivers the message once.
    :param kind: what the message is, as one of
        :class:`~flask_tokenoffset.models.MessageKind`, for providers that keep streams apart.
    :param to_address: the one address it goes to.
    :param subject: one line.
    :param text: plain text; a line feed ends a line.
    :param unsubscribe_url: of mail that nobody needs, where one POST without a sign-in ends it; of
        every other message there is none. :attr:`headers` says so to mail programs.
    """

    id: str
    kind: str
    to_address: str = field(repr=False)
    subject: str = field(repr=False)
    #: May hold a link that opens something, so it is kept out of logs like the rest.
    text: str = field(repr=False)
    #: Opens something as well.
    unsubscribe_url: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a mailer adds beside sender, address, subject and date, as it stands here.

        RFC 8058 has both headers signed by DKIM, which the server that sends the mail does.
        """
        if self.unsubscribe_url is None:
            return {}
        return {
            "List-Unsubscribe": f"<{self.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    def __post_init__(self) -> None:
        if self.unsubscribe_url is not None and not _PLAIN_URL.fullmatch(self.unsubscribe_url):
            raise ValueError(
                "The unsubscribe_url of a message must be an http or https address of plain"
                " characters, because anything else could end its header."
            )
        for name in ("to_address", "subject"):
            value = getattr(self, name)
            if value != one_line(value):
                raise ValueError(
                    f"The {name} of a message must be one line without control characters, because"
                    " what follows a line break would be read as a header."
                )


class Mailer(Protocol):
    """Gives a message to what delivers it."""

    def send(self, message: OutgoingMail) -> None:
        """Hand the message over; return once another person is responsible for it.

        :raises MailRefused: it will never be taken.
        :raises MailUnavailable: it may be taken later. Any other exception counts as this one, and
            its places are logged.
        """
        ...


def one_line(text: str) -> str:
    """Text in which nothing ends the line or hides: for subjects and for names within a text.

    Line ends, controls and what turns the direction of text around become spaces; runs of space
    become one.

    :param text: any text, for example the name that an organization gave itself.
    """
    visible = "".join(
        " " if unicodedata.category(each) in _NOT_ON_ONE_LINE else each for each in text
    )
    return " ".join(visible.split())


class CallableMailer:
    """The host's own function as a mailer.

    :param function: takes an :class:`OutgoingMail`.
    """

    def __init__(self, function: Callable[[OutgoingMail], object]) -> None:
        self._function = function

    def send(self, message: OutgoingMail) -> None:
        """Call the function."""
        self._function(message)


class _OneLineHeader(UnstructuredHeader, BaseHeader):
    """A header that stays on one line: an address is useless once it is folded or encoded."""

    def fold(self, *, policy: Policy) -> str:
        """The whole header, however long it is."""
        return f"{self.name}: {self}{policy.linesep}"


def _headers() -> HeaderRegistry:
    headers = HeaderRegistry()
    headers.map_to_type("list-unsubscribe", _OneLineHeader)
    return headers


_POLICY: Final = SMTP.clone(header_factory=_headers())


class SMTPMailer:
    """Sends over SMTP, one connection for each message.

    :param host: the server's name.
    :param sender: the address messages come from, with or without a name:
        ``Fernhill <no-reply@fernhill.example>``.
    :param port: 587, 465 or 25 by ``security`` if left out.
    :param username: signs in with it and ``password`` where given. Never without encryption.
    :param security: ``starttls`` (the connection is encrypted before anything is said), ``tls``
        (from the start), or ``none`` for a server on the same machine.
    :param timeout_seconds: how long each step may take; well below the lease of a message.
    :param tls_context: for a certificate authority of your own.
    :raises ValueError: the sender is no address, or a password would travel without encryption.
    """

    def __init__(
        self,
        host: str,
        *,
        sender: str,
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        security: Security = "starttls",
        timeout_seconds: float = 20,
        tls_context: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        if security not in _PORTS:
            raise ValueError(f"security is one of {', '.join(_PORTS)}, not {security!r}.")
        if username is not None and security == "none":
            raise ValueError(
                "A password would be sent in the clear. Use security='starttls' or 'tls', or leave"
                " username and password out."
            )
        self._host = host
        self._port = port or _PORTS[security]
        self._login = None if username is None else (username, password or "")
        self._security = security
        self._timeout_seconds = timeout_seconds
        self._tls_context = tls_context
        self._clock = clock or SystemClock()
        self._sender = _sender(sender)

    def __repr__(self) -> str:
        """Where it sends, without the password."""
        return f"SMTPMailer({self._host!r}, port={self._port}, security={self._security!r})"

    def send(self, message: OutgoingMail) -> None:
        """Hand the message to the server.

        :raises MailRefused: the server refuses the address or the message for good (5yz).
        :raises MailUnavailable: it does not answer, or asks to come back later (4yz).
        """
        mail = self._write(message)
        try:
            with self._connect() as server:
                if self._login is not None:
                    server.login(*self._login)
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise _failure(max(code for code, _ in error.recipients.values())) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise _failure(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            # Not the message's fault: a server without STARTTLS is a wrong setting.
            raise MailUnavailable("the server lacks what is needed") from None
        except (smtplib.SMTPException, OSError) as error:
            # A sign-in that is refused (535) is mended by the operator, so it is tried again.
            raise MailUnavailable(type(error).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        context = self._tls_context or ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout_seconds, context=context
            )
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_seconds)
        if self._security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _write(self, message: OutgoingMail) -> EmailMessage:
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = self._sender
        mail["To"] = Address(addr_spec=message.to_address)
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(self._clock.now())
        # The same at every attempt, so that a mailbox can show the message once.
        mail["Message-ID"] = f"<{message.id}@{self._sender.domain}>"
        # RFC 3834: holiday notices must not answer.
        mail["Auto-Submitted"] = "auto-generated"
        for name, value in message.headers.items():
            mail[name] = value
        mail.set_content(message.text)
        return mail


class MailboxMailer:
    """Keeps messages in a folder instead of sending them: for demos, to be shown on a page.

    A file for each message, so that worker processes and the web process share it. One that comes
    twice is kept once.

    :param folder: made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: OutgoingMail) -> None:
        """Keep the message."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=self._folder, suffix=".part", delete=False, encoding="utf-8"
        ) as file:
            json.dump(asdict(message), file)
        # In one step, so that nobody reads half a message.
        (self._folder / file.name).replace(self._folder / f"{message.id}.json")

    def messages(self) -> list[OutgoingMail]:
        """What was sent, the newest first."""
        files = sorted(
            self._folder.glob("*.json"), key=lambda each: each.stat().st_mtime_ns, reverse=True
        )
        return [OutgoingMail(**json.loads(each.read_text(encoding="utf-8"))) for each in files]


def as_mailer(given: Mailer | Callable[[OutgoingMail], object]) -> Mailer:
    """What ``TOKENOFFSET_MAILER`` holds, as a mailer.

    :param given: an object with ``send``, or a function.
    """
    return given if callable(getattr(given, "send", None)) else CallableMailer(given)  # type: ignore[return-value, arg-type]  # checked by the settings


def _sender(text: str) -> Address:
    name, address = parseaddr(text)
    if text != one_line(text) or "@" not in address:
        raise ValueError("sender must be an address, as in «Fernhill <no-reply@fernhill.example>».")
    return Address(display_name=name, addr_spec=address)


def _failure(code: int) -> MailRefused | MailUnavailable:
    """By the first digit, as RFC 5321 section 4.2.1 has it: 4 is for now, 5 is for good."""
    reason = f"the server answered {code}"
    return MailRefused(reason) if code >= _FOR_GOOD else MailUnavailable(reason)


_FOR_GOOD: Final = 500
