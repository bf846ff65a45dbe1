"""E-mail addresses as they are stored and compared: one form, so that look-alikes never meet.

Only ASCII is taken. What merely looks like another address in Unicode is refused, and nothing is
ever folded by Unicode's rules, by which for example the Kelvin sign becomes a k.
"""

from __future__ import annotations

import re
from typing import Final

from flask_tokenoffset.errors import InvalidInput

#: Octets of the longest address that mail can be sent to, and of the part before its @ (RFC 5321
#: section 4.5.3.1, with the brackets of 4.5.3.1.3 taken off).
LONGEST_SENT_ADDRESS: Final = 254
LONGEST_LOCAL_PART: Final = 64

# RFC 5322 section 3.2.3: a dot-atom. Quoted local parts exist, but nobody has one.
_ATOM: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# RFC 1035 section 2.3.1 and RFC 1123 section 2.1.
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")

_NOT_ONE: Final = "This is not an e-mail address. Write it like name@example.org."
_NOT_ASCII: Final = (
    "The address holds a letter outside of the plain alphabet, which may only look like the one"
    " that is meant. Write it in plain letters; a domain in its form that begins with xn--."
)


def read_address(text: str, *, field: str = "email") -> str:
    """An address in the one form in which addresses are stored and compared: lower case.

    :param text: what was typed.
    :param field: what the refusal calls the field.
    :raises InvalidInput: it is no address that mail can be sent to.
    """
    address = text.strip(" \t\r\n")
    if not address.isascii():
        raise InvalidInput({field: _NOT_ASCII})
    address = address.lower()
    local_part, at, domain = address.rpartition("@")
    if (
        not at
        or len(address) > LONGEST_SENT_ADDRESS
        or len(local_part) > LONGEST_LOCAL_PART
        or not _LOCAL_PART.fullmatch(local_part)
        or not _DOMAIN.fullmatch(domain)
        # A number of a machine and no name: RFC 3696 section 2.
        or domain.rpartition(".")[2].isdecimal()
    ):
        raise InvalidInput({field: _NOT_ONE})
    return address


def same_address(one: str | None, other: str | None) -> bool:
    """Whether two texts are one and the same address. What is no address equals nothing.

    :param one: an address, or whatever stands in its place.
    :param other: likewise.
    """
    if one is None or other is None:
        return False
    try:
        return read_address(one) == read_address(other)
    except InvalidInput:
        return False
