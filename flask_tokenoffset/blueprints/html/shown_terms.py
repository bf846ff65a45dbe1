"""The hidden field that says what an amount was shown with, in every form that adopts one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN_TERMS: Final = "shown_terms"


def shown_terms_of(sent: Mapping[str, str]) -> str:
    """The digest of what was shown; nobody adopts an amount without having been shown it.

    :param sent: the fields of a form.
    """
    return sent.get(SHOWN_TERMS, "")
