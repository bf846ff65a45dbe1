"""No field that takes a free text keeps the number of a card or of a bank account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.world import KEYS

if TYPE_CHECKING:
    from tests.support.world import World

CARD: Final = "4111 1111 1111 1111"
ACCOUNT: Final = "DE89 3704 0044 0532 0130 00"
SAID: Final = "payment card or a bank account"


def kept(world: World) -> str:
    return repr(world.rows())


@pytest.mark.promise("TO-035")
@pytest.mark.parametrize("number", [CARD, ACCOUNT])
def test_every_free_text_of_the_api_refuses_it(world: World, number: str) -> None:
    ada = world.ada
    key = KEYS["anthropic"]
    organization_id = ada.create_organization()
    calls = [
        *(
            ("PATCH", "/me", {field: f"me {number}"})
            for field in ("display_name", "company", "job_role", "heard_from")
        ),
        ("POST", "/organizations", {"name": number}),
        ("POST", "/sources", {"provider": "anthropic", "key": key, "label": number}),
        ("POST", "/privacy/requests", {"kind": "question", "statement": f"Is {number} kept?"}),
    ]
    for method, path, body in calls:
        answer = ada.api(method, path, body)
        assert answer.status_code == 422, (path, answer.text)
        assert SAID in answer.text, path
    renamed = ada.within(organization_id).api("PATCH", "", {"name": number})
    assert renamed.status_code == 422
    assert SAID in renamed.text
    assert number not in kept(world)


@pytest.mark.promise("TO-035")
def test_pages_say_so_beside_the_field_and_keep_nothing(world: World) -> None:
    ada = world.ada
    ada.submit("/welcome", "/welcome", display_name="Ada")
    for page, action, fields in (
        ("/me", "/me", {"company": CARD}),
        ("/organizations", "/organizations", {"name": CARD}),
        (
            "/sources/connect/openai",
            "/sources/connect/openai",
            {"key": KEYS["openai"], "label": CARD},
        ),
    ):
        answer = ada.submit(page, action, **fields)
        assert answer.status_code == 422, page
        assert SAID in answer.text, page
    assert CARD not in kept(world)


def test_a_name_that_the_host_tells_is_not_taken_where_it_is_such_a_number(world: World) -> None:
    person = world.browser(CARD)
    person.pick_band()
    assert person.api("GET", "/me").get_json()["display_name"] in {None, ""}
