"""Requests under one's rights, as the person who asks meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from flask_tokenoffset.models import (
    MessageKind,
    OutboundMessage,
    RightsRequest,
    RightsRequestKind,
    RightsRequestStatus,
)
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from tests.support.asking import ask

if TYPE_CHECKING:
    from tests.support.world import Browser, World

CARD = "4111 1111 1111 1111"


def requests_of(person: Browser) -> list[dict[str, Any]]:
    answer = person.api("GET", "/privacy/requests")
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def actions_of(person: Browser) -> list[str]:
    items = person.api("GET", "/audit-events?limit=100").get_json()["items"]
    return [each["action"] for each in items]


@pytest.mark.promise("TB-006")
def test_a_request_is_acknowledged_at_once_and_has_a_last_day(db_world: World) -> None:
    ada = db_world.ada
    request_id = ask(ada, "My invoices name the wrong company.")
    db_world.work()
    (request,) = requests_of(ada)
    assert request["id"] == request_id
    assert request["status"] == "open"
    assert request["statement"] == "My invoices name the wrong company."
    assert request["due_at"] == "2026-12-20T10:00:00Z"
    assert not request["overdue"]
    (mail,) = db_world.mail.to(ada.address)
    assert mail.kind == "request-received"
    assert "2026-12-20" in mail.text
    # The mailbox may be another person's by now: what was written stays on the page.
    assert "invoices" not in mail.text
    assert actions_of(ada)[0] == "request.received"


def test_a_request_is_made_and_taken_back_on_the_pages(world: World) -> None:
    ada = world.ada
    sent = ada.submit(
        "/privacy/requests", "/privacy/requests", kind="question", statement="Who sees my use?"
    )
    assert sent.status_code == 303
    page = ada.page(sent.location.partition("/tokenoffset")[2])
    assert "Who sees my use?" in page.text
    assert "20 December 2026" in page.text
    (request,) = requests_of(ada)
    one = f"/privacy/requests/{request['id']}"
    assert ada.submit(one, "/cancel").status_code == 303
    assert requests_of(ada)[0]["status"] == "cancelled"
    assert "Take it back" not in ada.page(one).text
    assert ada.post(f"{one}/cancel").status_code == 409


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "question", "statement": ""}, "statement"),
        ({"kind": "question", "statement": " \u200b "}, "statement"),
        ({"kind": "question", "statement": "a" * 501}, "statement"),
        ({"kind": "question", "statement": f"Charge {CARD} instead"}, "statement"),
        ({"kind": "deletion", "statement": "Delete me"}, "kind"),
        ({"kind": "", "statement": "Something"}, "kind"),
    ],
)
def test_what_cannot_be_taken_down_is_refused_beside_its_field(
    world: World, fields: dict[str, str], field: str
) -> None:
    refused = world.ada.post("/privacy/requests", **fields)
    assert refused.status_code == 422
    assert f'id="to-{field}-error"' in refused.text
    answer = world.ada.api("POST", "/privacy/requests", fields)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.get_json()["errors"]] == [f"#/{field}"]
    assert world.rows(RightsRequest) == {"tokenoffset_rights_request": []}
    # Five hundred characters are not too many.
    ask(world.ada, "a" * 500)


def test_one_person_cannot_fill_the_queue(world: World) -> None:
    for number in range(rights_requests.MOST_OPEN):
        request_id = ask(world.ada, f"Question number {number}")
    body = {"kind": "question", "statement": "One more"}
    assert world.ada.api("POST", "/privacy/requests", body).status_code == 409
    ask(world.ben)
    assert world.ada.api("DELETE", f"/privacy/requests/{request_id}").status_code == 200
    ask(world.ada, "One more")


def test_nobody_reaches_the_request_of_another_person(db_world: World) -> None:
    request_id = ask(db_world.ada)
    ask(db_world.ben)
    for other in (db_world.ben, db_world.stranger, db_world.operator):
        for method in ("GET", "DELETE"):
            theirs = other.api(method, f"/privacy/requests/{request_id}")
            missing = other.api(method, f"/privacy/requests/{uuid4()}")
            assert theirs.status_code == missing.status_code == 404
            assert theirs.get_json()["detail"] == missing.get_json()["detail"]
        assert other.get(f"/privacy/requests/{request_id}").status_code == 404
        assert other.post(f"/privacy/requests/{request_id}/cancel").status_code == 404
    assert requests_of(db_world.ada)[0]["status"] == "open"
    assert world_statements(db_world.ben) == ["My invoices name the wrong company."]


def world_statements(person: Browser) -> list[str]:
    return [each["statement"] for each in requests_of(person)]


def test_requests_are_listed_newest_first_page_by_page(world: World) -> None:
    made = []
    for _ in range(4):
        made.append(ask(world.ada))
        world.clock.move(hours=1)
    seen: list[str] = []
    cursor = ""
    while True:
        answer = world.ada.api("GET", f"/privacy/requests?limit=3{cursor}").get_json()
        seen += [each["id"] for each in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert seen == made[::-1]
    assert world.ada.api("GET", "/privacy/requests?cursor=zzz").status_code == 422


def test_what_is_done_on_the_spot_makes_one_message_and_stays_on_record(world: World) -> None:
    """As the services do that restrict, object and so on."""
    world.ada.pick_band()
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        now = world.clock.now()
        request = rights_requests.receive(work, person, RightsRequestKind.OBJECTION, now)
        rights_requests.close(work, request, RightsRequestStatus.DONE, now)
    world.work()
    assert world.mail.kinds_to(world.ada.address) == ["request-closed"]
    (shown,) = requests_of(world.ada)
    assert (shown["kind"], shown["status"], shown["needs_human"]) == ("objection", "done", False)
    assert actions_of(world.ada)[:2] == ["request.closed", "request.received"]


def test_what_the_product_does_by_itself_is_not_taken_back_here(world: World) -> None:
    world.ada.pick_band()
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        kind = RightsRequestKind.ACCESS
        request_id = rights_requests.receive(work, person, kind, world.clock.now()).id
    refused = world.ada.api("DELETE", f"/privacy/requests/{request_id}")
    assert refused.status_code == 409
    assert requests_of(world.ada)[0]["status"] == "open"


def test_without_a_proved_address_the_page_acknowledges(world: World) -> None:
    eve = world.browser("eve", verified=False)
    ask(eve)
    (request,) = requests_of(eve)
    assert request["received_at"] == "2026-11-20T10:00:00Z"
    queued = world.rows(OutboundMessage)["tokenoffset_outbound_message"]
    assert not [row for row in queued if MessageKind.REQUEST_RECEIVED in row]
