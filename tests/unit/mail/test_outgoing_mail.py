"""A message is one address, one subject and one text; nothing in it adds a header."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.host.mailer import MailboxMailer, OutgoingMail, as_mailer, one_line

#: What some mail program or server takes for the end of a line, or hides text with.
LINE_ENDS = [*"\n\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\r\n"]
HIDING = ["\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\x1b"]


def make(**fields: str) -> OutgoingMail:
    given = {"id": "1", "kind": "test", "to_address": "ada@example.com", "subject": "Hello"}
    return OutgoingMail(**{**given, "text": "Text\n", **fields})


@pytest.mark.parametrize("end", LINE_ENDS + HIDING, ids=ascii)
@pytest.mark.parametrize("name", ["to_address", "subject"])
def test_a_line_end_in_an_address_or_a_subject_is_refused(name: str, end: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        make(**{name: f"ada@example.com{end}Bcc: eve@example.com"})


@pytest.mark.parametrize("subject", ["Ça va?", "«Ada»", "日本語", "Re: [1] 50 % of 2"])
def test_an_ordinary_subject_is_taken(subject: str) -> None:
    assert make(subject=subject).subject == subject


@pytest.mark.parametrize("end", LINE_ENDS + HIDING, ids=ascii)
def test_a_name_is_made_one_line(end: str) -> None:
    assert one_line(f" The{end}Club ") == "The Club"


@given(st.text())
def test_one_line_is_one_line_whatever_it_is_made_of(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(each) for each in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert one_line(line) == line
    assert make(subject=line).subject == line


def test_what_is_in_a_message_is_in_no_log() -> None:
    shown = repr(make(subject="Secret", text="https://example.com/links/token"))
    assert shown == "OutgoingMail(id='1', kind='test')"


def test_a_function_is_a_mailer_and_so_is_an_object() -> None:
    sent: list[OutgoingMail] = []
    as_mailer(sent.append).send(make())
    assert sent == [make()]
    mailer = MailboxMailer(Path("unused"))
    assert as_mailer(mailer) is mailer


def test_a_mailbox_keeps_each_message_once_and_shows_the_newest_first(tmp_path: Path) -> None:
    mailbox = MailboxMailer(tmp_path / "mail")
    assert mailbox.messages() == []
    for number in ("1", "2", "1"):
        mailbox.send(make(id=number, text=f"Text {number}"))
    assert [each.id for each in mailbox.messages()] == ["1", "2"]
    assert MailboxMailer(tmp_path / "mail").messages()[1].text == "Text 2"
    assert {path.suffix for path in (tmp_path / "mail").iterdir()} == {".json"}
