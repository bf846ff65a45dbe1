"""A small SMTP server on loopback: takes messages, or does what a test tells it to.

It speaks as much of RFC 5321 as a client needs that sends one message, STARTTLS (RFC 3207), TLS
from the start (RFC 8314) and AUTH PLAIN (RFC 4954). It knows nothing of our client.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import ssl
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Taken:
    """One message as it went over the wire.

    :param recipients: the addresses of the envelope, which are the ones that count.
    :param encrypted: whether it came over TLS.
    """

    sender: str
    recipients: list[str]
    raw: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The message as a mail program reads it."""
        return message_from_bytes(self.raw, policy=default)


@dataclass
class SMTPServer:
    """What a test sets, and what it sees afterwards."""

    port: int = 0
    #: Verb, or verb and a part of its argument, to the answer that is given in place of the usual.
    answers: dict[str, str] = field(default_factory=dict)
    #: Offer STARTTLS.
    starttls: bool = False
    #: The one user and password that are let in; nobody has to sign in without it.
    login: tuple[str, str] | None = None
    #: Every line a client said, in order.
    said: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    #: The lines said before the connection was encrypted.
    said_in_the_clear: list[str] = field(default_factory=list)


class _Conversation:
    """One client."""

    def __init__(
        self, server: SMTPServer, connection: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        self._server = server
        self._connection = connection
        self._tls = tls
        self._encrypted = False
        self._sender = ""
        self._recipients: list[str] = []
        self._lines: BinaryIO = connection.makefile("rb")

    def close(self) -> None:
        self._lines.close()
        self._connection.close()

    def hold(self, *, encrypted: bool) -> None:
        if encrypted:
            self._encrypt()
        self._say(self._server.answers.get("connect", "220 test"))
        while line := self._lines.readline():
            said = line.decode("utf-8").rstrip("\r\n")
            self._server.said.append(said)
            if not self._encrypted:
                self._server.said_in_the_clear.append(said)
            verb, _, argument = said.partition(" ")
            verb = verb.upper()
            if answer := self._unusual(verb, argument):
                self._say(answer)
            elif verb == "QUIT":
                self._say("221 farewell")
                return
            else:
                self._answer(verb, argument)

    def _answer(self, verb: str, argument: str) -> None:
        address = argument.partition("<")[2].partition(">")[0]
        match verb:
            case "EHLO":
                self._say(*self._extensions())
            case "STARTTLS":
                self._say("220 go on")
                self._encrypt()
            case "AUTH":
                self._say(self._judge(argument))
            case "DATA":
                self._take()
            case "MAIL":
                self._sender, self._recipients = address, []
                self._say("250 so be it")
            case "RCPT":
                self._recipients.append(address)
                self._say("250 so be it")
            case _:
                self._say("250 so be it")

    def _take(self) -> None:
        self._say("354 go on")
        raw = self._read_message()
        if answer := self._server.answers.get("message"):
            self._say(answer)
            return
        taken = Taken(self._sender, self._recipients, raw, self._encrypted)
        self._server.taken.append(taken)
        self._say("250 taken")

    def _unusual(self, verb: str, argument: str) -> str | None:
        for key, answer in self._server.answers.items():
            wanted, _, part = key.partition(" ")
            if wanted == verb and part in argument:
                return answer
        return None

    def _extensions(self) -> list[str]:
        lines = ["test"]
        if self._server.starttls and not self._encrypted:
            lines.append("STARTTLS")
        if self._server.login is not None:
            lines.append("AUTH PLAIN")
        return [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]

    def _judge(self, argument: str) -> str:
        given = base64.b64decode(argument.partition(" ")[2]).decode().split("\0")[1:]
        return "235 welcome" if tuple(given) == self._server.login else "535 who are you?"

    def _read_message(self) -> bytes:
        lines = []
        while (line := self._lines.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _encrypt(self) -> None:
        assert self._tls is not None
        self._lines.close()
        self._connection = self._tls.wrap_socket(self._connection, server_side=True)
        self._lines = self._connection.makefile("rb")
        self._encrypted = True

    def _say(self, *lines: str) -> None:
        self._connection.sendall("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def smtp_server(
    certificate: Path | None = None, *, tls_at_once: bool = False
) -> Iterator[SMTPServer]:
    """Serve on a free port while the block runs.

    :param certificate: a file with key and certificate, to encrypt with.
    :param tls_at_once: whether clients must begin with TLS.
    """
    state = SMTPServer()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            conversation = _Conversation(state, self.request, context)
            # A client that went away in the middle is no fault here.
            with closing(conversation), suppress(OSError):
                conversation.hold(encrypted=tls_at_once)

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((HOST, 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def make_certificate(folder: Path) -> Path:
    """A key and a certificate for loopback in one file; nobody trusts it by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
