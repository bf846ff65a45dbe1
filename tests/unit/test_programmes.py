"""The setting that names what contributions are directed to, and what start-up says about it."""

from __future__ import annotations

from typing import Any

import pytest

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.programmes import Programme, from_json, in_words, to_json
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.vault import generate_key

PEAT = {
    "name": "Peatland Trust",
    "what_it_does": "Rewets drained peatland.",
    "address": "https://peatland.example",
    "share_percent": 60,
}
KELP = {**PEAT, "name": "Kelp Forests", "share_percent": 40}
WHOLE = {**PEAT, "share_percent": 100}


def read(programmes: Any) -> tuple[Programme, ...]:
    given = {"TOKENOFFSET_KEYS": generate_key("1"), "TOKENOFFSET_EMBEDDED_QUEUE": True}
    return Settings.from_config({**given, "TOKENOFFSET_PROGRAMMES": programmes}).programmes


@pytest.mark.promise("TO-059")
@pytest.mark.parametrize("programmes", [[WHOLE], [PEAT, KELP], (KELP, PEAT)])
def test_programmes_are_taken_in_their_order_and_kept_whole(programmes: Any) -> None:
    taken = read(programmes)
    assert [each.name for each in taken] == [each["name"] for each in programmes]
    assert from_json(to_json(taken)) == taken


def test_without_the_setting_there_are_none() -> None:
    assert read(None) == ()
    assert in_words(()) == "no programme that was named"
    assert in_words(read([PEAT, KELP])) == "Peatland Trust (60 %), Kelp Forests (40 %)"


@pytest.mark.promise("TO-059")
@pytest.mark.parametrize(
    ("programmes", "said"),
    [
        ([], "names 0 programmes"),
        ([{**PEAT, "share_percent": 1, "name": str(each)} for each in range(11)], "names 11"),
        ("Peatland Trust", "must be a list"),
        ({"Peatland Trust": PEAT}, "must be a list"),
        (["Peatland Trust"], "exactly the fields"),
        ([{key: value for key, value in WHOLE.items() if key != "address"}], "exactly the fields"),
        ([{**WHOLE, "colour": "green"}], "exactly the fields"),
        ([PEAT], "add up to 60 %"),
        ([PEAT, {**KELP, "share_percent": 41}], "add up to 101 %"),
        ([PEAT, {**KELP, "name": "PEATLAND trust"}], "the same name"),
        ([{**PEAT, "share_percent": 0}, WHOLE], "from 1 to 100, not 0"),
        ([{**WHOLE, "share_percent": 100.0}], "from 1 to 100, not 100.0"),
        ([{**WHOLE, "share_percent": True}], "from 1 to 100, not True"),
        ([{**WHOLE, "share_percent": "100"}], "from 1 to 100, not '100'"),
        ([{**WHOLE, "address": "http://peatland.example"}], "begins with https://"),
        ([{**WHOLE, "address": "https://"}], "begins with https://"),
        ([{**WHOLE, "address": "javascript:alert(1)"}], "begins with https://"),
        ([{**WHOLE, "address": "https://ada:pw@peatland.example"}], "begins with https://"),
        ([{**WHOLE, "address": "https://peat land.example"}], "begins with https://"),
        ([{**WHOLE, "address": "https://peatland.example:many"}], "begins with https://"),
        ([{**WHOLE, "address": "https://peatland.example/" + "a" * 200}], "characters"),
        ([{**WHOLE, "name": "a" * 81}], "81 characters, and 80 fit"),
        ([{**WHOLE, "name": "  "}], "name of programme 1"),
        ([{**WHOLE, "name": "Peat\nSubject: more"}], "name of programme 1"),
        ([{**WHOLE, "what_it_does": "a" * 301}], "301 characters, and 300 fit"),
        ([{**WHOLE, "what_it_does": None}], "what_it_does of programme 1"),
    ],
)
def test_programmes_that_say_too_little_or_too_much_stop_start_up(
    programmes: Any, said: str
) -> None:
    with pytest.raises(ConfigurationError, match="TOKENOFFSET_PROGRAMMES") as refused:
        read(programmes)
    assert said in str(refused.value)
