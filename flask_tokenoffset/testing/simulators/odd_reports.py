"""Right reports in forms that are rarely met, and reports with a gap where nobody looks for one.

As the functions in :mod:`.faults` they are planned with :meth:`.Faults.add`; most are meant for
every call (``times=None``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_tokenoffset.testing.simulators.http import Answer, Incoming, JSONObject, JSONValue
    from flask_tokenoffset.testing.simulators.planned_faults import AnswerOf, Fault

_OK = 200
#: Stands for a number in a payload, which is written without its quotes.
_BARE = "bare number "


def amounts_with_exponents() -> Fault:
    """Every amount as a power of ten: ``25E-1`` for 2.5."""
    return _amounts(lambda amount: f"{int(amount.scaleb(12))}E-12")


def amounts_of_thirty_digits() -> Fault:
    """Every amount with all the places there are: ``2.500000000000000000000000000000``."""
    return _amounts(lambda amount: f"{amount:.30f}")


def amounts_as_bare_numbers() -> Fault:
    """OpenAI: every amount as a JSON number, as long as it takes, with a power of ten."""
    return _amounts(lambda amount: f"{_BARE}{amount:.20f}E+0")


def free_rows(amount: str = "0E-6176") -> Fault:
    """Each day's cost has a row more, worth nothing, in a notation that is rarely met."""

    def change(payload: JSONObject) -> None:
        for bucket in _data(payload):
            rows = _rows(bucket)
            if rows and "amount" in rows[0]:
                rows.append(_worth({**rows[0], "line_item": "free", "description": "free"}, amount))

    return _altered(change)


def without_an_amount(row_number: int = 0) -> Fault:
    """One row of a page's cost says no amount, as the specification allows."""

    def change(payload: JSONObject) -> None:
        rows = [row for bucket in _data(payload) for row in _rows(bucket)]
        if rows:
            rows[row_number].pop("amount", None)

    return _altered(change)


def late(days: int = 2) -> Fault:
    """The newest days of a page have no rows yet."""

    def change(payload: JSONObject) -> None:
        for bucket in _data(payload)[-days:]:
            bucket["results"] = []

    return _altered(change)


def credit(amount: str = "-5.00") -> Fault:
    """The first day of a page has a credit, in the vendor's own unit."""

    def change(payload: JSONObject) -> None:
        for bucket in _data(payload):
            rows = _rows(bucket)
            if rows and "amount" in rows[0]:
                names = {"line_item": "credit", "description": "Credit", "cost_type": None}
                rows.append(_worth({**rows[0], **names}, amount))
                return

    return _altered(change)


def unnamed_models() -> Fault:
    """Every row leaves open which model it is of."""

    def change(payload: JSONObject) -> None:
        for bucket in _data(payload):
            for row in _rows(bucket):
                row.pop("model", None)

    return _altered(change)


def new_cache_lifetime(tokens: int = 1_000) -> Fault:
    """Anthropic: every row has tokens of a cache with a lifetime that came since."""

    def change(payload: JSONObject) -> None:
        for bucket in _data(payload):
            for row in _rows(bucket):
                creation = row.get("cache_creation")
                if isinstance(creation, dict):
                    creation["ephemeral_24h_input_tokens"] = tokens

    return _altered(change)


def no_more_with_a_token() -> Fault:
    """The page says that it is the last one, and how to get the next."""

    def change(payload: JSONObject) -> None:
        payload |= {"has_more": False, "next_page": "page_next"}

    return _altered(change)


def _altered(change: Callable[[JSONObject], None]) -> Fault:
    def fault(incoming: Incoming, answer_of: AnswerOf) -> Answer:
        answer = answer_of(incoming)
        if answer.status != _OK or b'"data"' not in answer.body:
            return answer
        payload = answer.payload()
        change(payload)
        body = json.dumps(payload).encode()
        quoted = f'"{_BARE}'.encode()
        if quoted in body:
            head, *rest = body.split(quoted)
            body = head + b"".join(part.replace(b'"', b"", 1) for part in rest)
        return replace(answer, body=body)

    return fault


def _amounts(written: Callable[[Decimal], str]) -> Fault:
    def change(payload: JSONObject) -> None:
        for bucket in _data(payload):
            for row in _rows(bucket):
                amount = row.get("amount")
                if isinstance(amount, dict):
                    amount["value"] = written(Decimal(str(amount["value"])))
                elif isinstance(amount, str):
                    row["amount"] = written(Decimal(amount))

    return _altered(change)


def _worth(row: JSONObject, amount: str) -> JSONObject:
    if isinstance(row["amount"], dict):
        return {**row, "amount": {**row["amount"], "value": amount}}
    return {**row, "amount": amount}


def _data(payload: JSONObject) -> list[JSONObject]:
    return cast("list[JSONObject]", payload["data"])


def _rows(bucket: JSONValue) -> list[JSONObject]:
    return cast("list[JSONObject]", cast("JSONObject", bucket)["results"])
