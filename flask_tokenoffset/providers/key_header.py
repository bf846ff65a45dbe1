"""Where a key's text is set into a header; the only module here that reveals a key.

It is looked at for two more things: to tell its kind before anything is sent, and to take it out of
what a vendor says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.providers.answers import REDACTED

if TYPE_CHECKING:
    import re

    from flask_tokenoffset.outbound import Request
    from flask_tokenoffset.vault import Secret

_LONGEST_KEY_PIECE: Final = 6


def key_matches(key: Secret, pattern: re.Pattern[str]) -> bool:
    """Whether the whole of a key has a given form; the key's text never leaves this line.

    :param key: the key to look at.
    :param pattern: matched against all of it.
    """
    return pattern.fullmatch(key.reveal()) is not None


class KeyHeader:
    """Puts the key on the outgoing request, where no frame's local variable holds it.

    :param key: stays sealed in its wrapper until the header is set.
    :param header: the header the vendor reads.
    :param scheme: what stands before the key there, for example ``"Bearer "``.
    """

    def __init__(self, key: Secret, header: str, scheme: str) -> None:
        self._key = key
        self._header = header
        self._scheme = scheme

    def set_on(self, request: Request) -> Request:
        """Set the header of a request that leaves.

        :param request: the request; it is given back.
        """
        request.headers[self._header] = self._scheme + self._key.reveal()
        return request

    def take_out(self, text: str) -> str:
        """A text without any word that holds a telling piece of the key.

        :param text: words of a vendor, who may repeat the key it refuses.
        """
        return " ".join(REDACTED if self._is_in(word) else word for word in text.split(" "))

    def _is_in(self, word: str) -> bool:
        # Six characters are shown on our own pages; from seven on it is a leak.
        length = _LONGEST_KEY_PIECE + 1
        return any(
            word[start : start + length] in self._key.reveal()
            for start in range(len(word) - length + 1)
        )
