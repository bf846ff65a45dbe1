"""Has people ask for something under their rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.world import Browser


def ask(person: Browser, statement: str = "My invoices name the wrong company.") -> str:
    """Have a person ask for a correction that only a human can make; gives the request's id.

    :param statement: what they write.
    """
    body = {"kind": "correction", "statement": statement}
    answer = person.api("POST", "/privacy/requests", body)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])
