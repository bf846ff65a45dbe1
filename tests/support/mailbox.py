"""Where the mail of a world goes.

The mailer of every world keeps what it is given. Notices pile up unseen; a message with a link in
it must have been expected: a test in which one was sent fails in the end, unless it looked into
``world.mail``. And whatever a test does, nothing leaves this machine: see
:mod:`tests.support.network`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask_tokenoffset.host.mailer import OutgoingMail

_LINK = re.compile(r"^https?://\S+$", re.MULTILINE)


class Mailbox:
    """A mailer that keeps messages, one for each id as a provider with idempotency keys does.

    :param prefix: where the pages stand, so that links are given as ``Browser`` takes them.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        #: Every message given to the mailer, repeated ones included.
        self.taken: list[OutgoingMail] = []
        #: Whether the test asked to see what is in here.
        self.looked_into = False
        #: Raised by the next attempts, the first one first.
        self.failures: list[Exception] = []

    def send(self, message: OutgoingMail) -> None:
        """Keep a message."""
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(message)

    @property
    def messages(self) -> list[OutgoingMail]:
        """What was delivered, the oldest first."""
        return list({each.id: each for each in self.taken}.values())

    def to(self, address: str) -> list[OutgoingMail]:
        """What one address got, the oldest first."""
        return [each for each in self.messages if each.to_address == address]

    def kinds_to(self, address: str) -> list[str]:
        """What kinds of message one address got, the oldest first."""
        return [each.kind for each in self.to(address)]

    def link_to(self, address: str) -> str:
        """The newest link that an address got, below the prefix."""
        for message in reversed(self.to(address)):
            if found := _LINK.search(message.text):
                return found[0].partition(self._prefix)[2]
        raise AssertionError(f"No link was sent to {address}, but {self.kinds_to(address)}.")

    def refuse_surprises(self) -> None:
        """Fail if a link was mailed and nobody wanted to see it."""
        if self.looked_into:
            return
        surprises = ", ".join(each.kind for each in self.messages if _LINK.search(each.text))
        assert not surprises, (
            f"This test mailed {surprises} by accident as it seems: it never looked into"
            " world.mail. Look at what was sent, or do not have it sent."
        )
