"""What an amount was shown with: the method that prices it, and what it is directed to.

Both are settings of the host. One that changes between the showing of a page and the press of its
button would have a person adopt what they did not see; so a form sends back a digest of both, as it
sends back the amount.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.host.programmes import in_words, to_json

if TYPE_CHECKING:
    from flask_tokenoffset.host.programmes import Programmes


def digest_of_terms(method_version: str, programmes: Programmes) -> str:
    """A digest of what an amount is shown with, in hexadecimal digits.

    :param method_version: the method that prices plans (``TOKENOFFSET_METHOD``).
    :param programmes: what contributions are directed to (``TOKENOFFSET_PROGRAMMES``).
    """
    said = json.dumps([method_version, list(to_json(programmes).items())], sort_keys=True)
    return sha256(said.encode()).hexdigest()


def refuse_other_terms(
    expected_terms: str | None, method_version: str, programmes: Programmes
) -> None:
    """Refuse to adopt by a method, or for programmes, that a person was not shown.

    :param expected_terms: the digest of what they were shown; None where nothing was.
    :raises InvalidInput: the settings have changed since; the field is ``shown_terms``.
    """
    if expected_terms in {None, digest_of_terms(method_version, programmes)}:
        return
    raise InvalidInput(
        {
            "shown_terms": "What was shown beside the amount no longer holds: what contributions"
            " are directed to, or the method that prices them, has changed, and nothing was"
            f" adopted. It would now be directed to {in_words(programmes)}. Look at it again, and"
            " adopt it if it is right."
        }
    )
