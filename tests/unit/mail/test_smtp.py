"""Mail over SMTP, to a real server on loopback."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.host.mailer import MailRefused, MailUnavailable, OutgoingMail, SMTPMailer
from tests.support.smtp_server import HOST, SMTPServer, make_certificate, smtp_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = OutgoingMail(
    id="0f0e",
    kind="test",
    to_address="ada@example.com",
    subject="Prüfung «Ärger & Söhne»",
    text="Zeile eins\n.\n..dots\nhttps://app.example.com/links/" + "t" * 80 + "\n",
)

SENDER = "Fernhill <no-reply@fernhill.example>"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture
def server() -> Iterator[SMTPServer]:
    with smtp_server() as running:
        yield running


def mailer(server: SMTPServer, **options: Any) -> SMTPMailer:
    options = {"security": "none", "timeout_seconds": 5, **options}
    return SMTPMailer(HOST, port=server.port, sender=SENDER, **options)


def test_a_message_arrives_as_it_was_written(server: SMTPServer) -> None:
    class Noon:
        def now(self) -> datetime:
            return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    mailer(server, clock=Noon()).send(MESSAGE)
    (taken,) = server.taken
    assert (taken.sender, taken.recipients) == ("no-reply@fernhill.example", ["ada@example.com"])
    message = taken.message
    assert message["Subject"] == MESSAGE.subject
    assert message["To"] == "ada@example.com"
    assert message["From"] == "Fernhill <no-reply@fernhill.example>"
    assert message["Date"] == "Fri, 20 Nov 2026 12:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert message.get_content_type() == "text/plain"
    assert b"\n" not in taken.raw.replace(b"\r\n", b"")


def test_a_repeated_message_carries_the_same_message_id(server: SMTPServer) -> None:
    for _ in range(2):
        mailer(server).send(MESSAGE)
    first, second = (each.message["Message-ID"] for each in server.taken)
    assert first == second == "<0f0e@fernhill.example>"


def test_everything_but_the_first_words_is_said_encrypted(
    certificate: Path, trusting: ssl.SSLContext
) -> None:
    with smtp_server(certificate) as server:
        server.starttls, server.login = True, ("ada", "the password")
        mailer(
            server,
            security="starttls",
            username="ada",
            password="the password",
            tls_context=trusting,
        ).send(MESSAGE)
    assert server.taken[0].encrypted
    assert [line.split()[0].upper() for line in server.said_in_the_clear] == ["EHLO", "STARTTLS"]


def test_tls_from_the_start(certificate: Path, trusting: ssl.SSLContext) -> None:
    with smtp_server(certificate, tls_at_once=True) as server:
        mailer(server, security="tls", tls_context=trusting).send(MESSAGE)
    assert server.taken[0].encrypted
    assert server.said_in_the_clear == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(
    certificate: Path, security: str
) -> None:
    with smtp_server(certificate, tls_at_once=security == "tls") as server:
        server.starttls, server.login = True, ("ada", "the password")
        careful = mailer(server, security=security, username="ada", password="the password")
        with pytest.raises(MailUnavailable, match="SSLCertVerificationError"):
            careful.send(MESSAGE)
    assert server.taken == []
    assert not [line for line in server.said if line.startswith(("AUTH", "MAIL", "RCPT"))]


def test_a_server_that_offers_no_encryption_is_told_nothing(server: SMTPServer) -> None:
    server.login = ("ada", "the password")
    with pytest.raises(MailUnavailable, match="lacks"):
        mailer(server, security="starttls", username="ada", password="the password").send(MESSAGE)
    assert server.taken == []
    assert not [line for line in server.said if line.startswith(("AUTH", "MAIL", "RCPT"))]


@pytest.mark.parametrize("step", ["RCPT", "MAIL", "DATA", "message"])
def test_an_answer_of_the_five_hundreds_is_for_good_and_one_of_the_four_hundreds_is_not(
    server: SMTPServer, step: str
) -> None:
    server.answers[step] = "550 no such user ada@example.com"
    with pytest.raises(MailRefused) as refused:
        mailer(server).send(MESSAGE)
    assert str(refused.value) == "the server answered 550", "and not what it said"
    server.answers[step] = "451 later"
    with pytest.raises(MailUnavailable):
        mailer(server).send(MESSAGE)
    assert server.taken == []
    del server.answers[step]
    mailer(server).send(MESSAGE)
    assert len(server.taken) == 1


def test_a_refused_sign_in_is_mended_by_the_operator_and_so_tried_again(
    certificate: Path, trusting: ssl.SSLContext
) -> None:
    with smtp_server(certificate, tls_at_once=True) as server:
        server.login = ("ada", "the password")
        wrong = mailer(
            server, security="tls", username="ada", password="another", tls_context=trusting
        )
        with pytest.raises(MailUnavailable, match="SMTPAuthenticationError"):
            wrong.send(MESSAGE)


def test_a_server_that_is_not_there_or_busy_is_tried_again(server: SMTPServer) -> None:
    server.answers["connect"] = "421 too busy"
    with pytest.raises(MailUnavailable):
        mailer(server).send(MESSAGE)
    nowhere = SMTPServer(port=1)
    with pytest.raises(MailUnavailable, match="ConnectionRefusedError"):
        mailer(nowhere).send(MESSAGE)


def test_a_password_never_travels_without_encryption() -> None:
    with pytest.raises(ValueError, match="in the clear"):
        SMTPMailer("localhost", sender="a@example.com", security="none", username="ada")


@pytest.mark.parametrize("sender", ["", "nobody", "Fern\r\nBcc: eve@example.com <a@example.com>"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="sender"):
        SMTPMailer("localhost", sender=sender)


def test_the_password_is_in_no_repr() -> None:
    made = SMTPMailer("mail.example", sender="a@example.com", username="ada", password="hunter2")
    assert repr(made) == "SMTPMailer('mail.example', port=587, security='starttls')"
