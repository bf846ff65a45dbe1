"""The operator's queue: who may see what, how requests are answered, and that none is forgotten."""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset import signals
from flask_tokenoffset.models import AuditOrigin, RightsRequest, RightsRequestKind, new_id
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.rights_requests import queue as request_queue
from flask_tokenoffset.services.rights_requests.deadlines import due_at
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.support.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.support.world import Browser, World

SECRET_WISH = "Xylophone Ltd is not my company"


def queue_of(operator: Browser, query: str = "") -> list[dict[str, Any]]:
    answer = operator.api("GET", f"/requests{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def log_of(person: Browser) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = person.api("GET", "/audit-events?limit=100").get_json()["items"]
    return items


def reply(operator: Browser, request_id: str, **body: str) -> int:
    return operator.api("POST", f"/requests/{request_id}/reply", body).status_code


def extend(operator: Browser, request_id: str, days: int, reason: str = "It is complex.") -> int:
    body = {"days": days, "reason": reason}
    return operator.api("POST", f"/requests/{request_id}/extension", body).status_code


@pytest.mark.promise("TB-006")
def test_what_a_person_asks_for_is_answered_by_an_operator(db_world: World) -> None:
    ada, operator = db_world.ada, db_world.operator
    request_id = ask(ada, SECRET_WISH)
    (queued,) = queue_of(operator)
    assert queued["id"] == request_id
    db_world.work()
    db_world.clock.move(days=2)
    assert reply(operator, request_id, status="done", reply="Corrected on all invoices.") == 200
    db_world.work()
    answered = ada.api("GET", f"/privacy/requests/{request_id}").get_json()
    assert answered["status"] == "done"
    assert answered["reply"] == "Corrected on all invoices."
    assert "Corrected on all invoices." in ada.page(f"/privacy/requests/{request_id}").text
    assert db_world.mail.kinds_to(ada.address) == ["request-received", "request-closed"]
    assert queue_of(operator) == []
    assert [each["id"] for each in queue_of(operator, "?state=closed")] == [request_id]
    # A second answer counts for nothing.
    assert reply(operator, request_id, status="refused", reply="No.") == 409


@pytest.mark.promise("TB-006")
def test_a_refusal_is_explained_and_names_the_way_on(world: World) -> None:
    request_id = ask(world.ada)
    assert reply(world.operator, request_id, status="refused", reply=" \u200b ") == 422
    assert reply(world.operator, request_id, status="cancelled", reply="No.") == 422
    assert queue_of(world.operator)[0]["status"] == "open"
    why = "The law asks us to keep invoices as they were."
    assert reply(world.operator, request_id, status="refused", reply=why) == 200
    page = world.ada.page(f"/privacy/requests/{request_id}")
    assert why in page.text
    assert "complain to an authority" in page.text


def test_the_queue_names_nobody_and_each_look_stands_in_the_persons_log(db_world: World) -> None:
    ada, operator = db_world.ada, db_world.operator
    operator.api("PATCH", "/me", {"display_name": "Olga Operator"})
    request_id = ask(ada, SECRET_WISH)
    unseen = [
        operator.get("/requests").text,
        operator.get(f"/requests/{request_id}").text,
        operator.api("GET", "/requests").text,
        operator.api("GET", f"/requests/{request_id}").text,
    ]
    for text in unseen:
        assert "Xylophone" not in text
        assert ada.address not in text
    assert [each["action"] for each in log_of(ada)] == ["request.received"]
    seen = operator.submit(f"/requests/{request_id}", "/look")
    assert seen.status_code == 200
    assert SECRET_WISH in seen.text
    assert ada.address in seen.text
    looked = operator.api("PUT", f"/requests/{request_id}/look").get_json()
    assert looked["asked_by"]["email"] == ada.address
    assert looked["request"]["statement"] == SECRET_WISH
    looks = log_of(ada)[:2]
    assert [each["action"] for each in looks] == ["request.seen", "request.seen"]
    # Who exactly looked, and from where, stays with the platform.
    assert all(each["actor_id"] and each["actor_name"] is None for each in looks)
    assert all(each["address"] is None for each in looks)
    page = ada.page("/audit-events")
    assert "An operator of this site" in page.text
    assert "Olga" not in page.text
    assert "Olga" not in ada.page(f"/audit-events?actor_id={looks[0]['actor_id']}").text
    origins = db_world.rows(AuditOrigin)["tokenoffset_audit_origin"]
    assert len(origins) == len([each for each in log_of(ada) if each["address"]]) + len(
        [each for each in log_of(operator) if each["address"]]
    )


def test_nobody_answers_a_request_of_their_own(world: World) -> None:
    own = ask(world.operator)
    assert reply(world.operator, own, status="done", reply="Of course.") == 403
    assert extend(world.operator, own, 10) == 403
    page = world.operator.page(f"/requests/{own}")
    assert "another operator answers it" in page.text
    assert not [form for form in page.forms if form.action.endswith(("/reply", "/extension"))]
    assert queue_of(world.operator)[0]["status"] == "open"


def test_what_the_product_does_by_itself_is_not_answered_by_hand(world: World) -> None:
    world.ada.pick_band()
    request_id = str(keep(world, world.clock.now(), RightsRequestKind.ACCESS))
    assert reply(world.operator, request_id, status="done", reply="Here.") == 409
    assert extend(world.operator, request_id, 10) == 409


@pytest.mark.promise("TB-006")
def test_more_time_is_taken_once_in_time_and_with_a_reason_that_the_person_reads(
    db_world: World,
) -> None:
    ada, operator = db_world.ada, db_world.operator
    request_id = ask(ada)
    for days in (0, 91):
        assert extend(operator, request_id, days) == 422
    assert extend(operator, request_id, 61) == 422  # Past ninety days after receipt.
    assert extend(operator, request_id, 10, reason=" \u200b ") == 422
    assert extend(operator, request_id, 60, reason="Three vendors have to be asked.") == 200
    db_world.work()
    (mail,) = [each for each in db_world.mail.to(ada.address) if each.kind == "request-extended"]
    assert "2027-02-18" in mail.text
    shown = ada.api("GET", f"/privacy/requests/{request_id}").get_json()
    assert shown["due_at"] == "2027-02-18T10:00:00Z"
    assert shown["extension_reason"] == "Three vendors have to be asked."
    assert "Three vendors have to be asked." in ada.page(f"/privacy/requests/{request_id}").text
    assert extend(operator, request_id, 1) == 409


@pytest.mark.promise("TB-006")
def test_what_is_overdue_cannot_be_extended(world: World) -> None:
    request_id = ask(world.ada)
    world.clock.move_to(datetime(2026, 12, 20, 10, 0, 1, tzinfo=UTC))
    assert extend(world.operator, request_id, 10) == 409
    (queued,) = queue_of(world.operator)
    assert queued["overdue"]
    page = world.operator.page("/requests")
    assert "1 request is overdue" in page.text
    assert "Overdue" in world.ada.page("/privacy/requests").text


def test_the_forms_of_an_operator_keep_what_was_typed(world: World) -> None:
    request_id = ask(world.ada)
    one = f"/requests/{request_id}"
    refused = world.operator.post(f"{one}/reply", reply="Typed so far", status="")
    assert refused.status_code == 422
    assert "Typed so far" in refused.text
    refused = world.operator.post(f"{one}/extension", days="many", reason="Typed as well")
    assert refused.status_code == 422
    assert "Typed as well" in refused.text
    assert world.operator.submit(one, "/extension", days="5", reason="Illness").status_code == 303
    assert world.operator.submit(one, "/reply", status="done", reply="Done.").status_code == 303
    assert "Done." not in world.operator.page(one).text  # Only an operator who looks reads it.


def test_the_queue_is_in_the_order_of_due_dates_page_by_page(world: World) -> None:
    world.ada.pick_band()
    days = list(range(9))
    random.Random(7).shuffle(days)
    made = {day: str(keep(world, world.clock.now() - timedelta(days=day))) for day in days}
    seen: list[str] = []
    cursor = ""
    while True:
        answer = world.operator.api("GET", f"/requests?limit=4{cursor}").get_json()
        seen += [each["id"] for each in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert seen == [made[day] for day in sorted(made, reverse=True)]


def test_the_queue_shows_erasures_that_do_not_end_by_themselves(
    make_world: Callable[..., World],
) -> None:
    def fails(_user_key: str) -> None:
        raise ConnectionError

    world = make_world(TOKENOFFSET_ERASURE_HOOK=fails)
    assert "Erasures that need a look" not in world.operator.page("/requests").text
    world.ada.pick_band()
    world.ada.api("DELETE", "/me", {"confirm": True})
    world.clock.move(days=31)
    for _ in range(3):
        with world.app.app_context():
            run_scheduler(world.state)
        with suppress(ConnectionError):
            world.work()
        world.clock.move(hours=2)
    page = world.operator.page("/requests")
    assert "Erasures that need a look" in page.text
    assert "The host's own hook" in page.text
    assert world.ada.address not in page.text
    assert world.mail.kinds_to(world.ada.address)


@pytest.mark.promise("TB-006")
def test_of_a_thousand_requests_none_is_overdue_unseen(world: World) -> None:
    """Received on any day of four years, leap days and ends of months among them."""
    world.ada.pick_band()
    chance = random.Random(20261121)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    received = [
        datetime(2028, 2, 29, 12, tzinfo=UTC),
        *(datetime(2027, month, 28, 23, 59, 59, tzinfo=UTC) for month in range(1, 13)),
        *(datetime(2028, month, 31, tzinfo=UTC) for month in (1, 3, 5, 7, 8, 10, 12)),
    ]
    while len(received) < 1000:
        received.append(begin + timedelta(seconds=chance.randrange(4 * 365 * 24 * 3600)))
    due = {keep(world, instant): due_at(instant) for instant in received}
    assert len(due) == 1000
    warned: dict[UUID, list[bool]] = {}

    def hear(_sender: object, *, request_id: UUID, overdue: bool, **_more: object) -> None:
        warned.setdefault(request_id, []).append(overdue)

    session_context = world.app.app_context
    with signals.request_due.connected_to(hear):
        for now in (*sorted({*due.values()})[::100], max(due.values()) + timedelta(seconds=1)):
            world.clock.move_to(now)
            late = {request_id for request_id, end in due.items() if end < now}
            with session_context():
                # Enough scheduler runs for all that became due since the last one.
                while run_scheduler(world.state).requests_warned_of:
                    pass
                found = request_queue.overdue(world.state.session, now, limit=1000)
                assert {each.id for each in found} == late
            assert {each for each, told in warned.items() if True in told} == late
    assert set(warned) == set(due)
    # Once when it is due soon, once when it is overdue, and where both come together, once.
    assert all(told in ([False, True], [True]) for told in warned.values())


def test_the_warning_names_nobody_and_comes_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ask(world.ada, SECRET_WISH)
    due = datetime(2026, 12, 20, 10, tzinfo=UTC)
    told = []
    for now in (
        due - timedelta(days=3, seconds=1),
        due - timedelta(days=3),
        due,
        due + timedelta(seconds=1),
        due + timedelta(days=9),
    ):
        world.clock.move_to(now)
        caplog.clear()
        with caplog.at_level(logging.WARNING), world.app.app_context():
            run_scheduler(world.state)
        told += [(now, each.message) for each in caplog.records if "request" in each.message]
    assert [now for now, _ in told] == [due - timedelta(days=3), due + timedelta(seconds=1)]
    assert "due soon" in told[0][1]
    assert "overdue" in told[1][1]
    for _, message in told:
        assert "Xylophone" not in message
        assert world.ada.address not in message


def keep(
    world: World, received_at: datetime, kind: RightsRequestKind = RightsRequestKind.QUESTION
) -> UUID:
    """A request of Ada's that came in at some time, without all that goes with one."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        request_id = new_id()
        work.session.add(
            RightsRequest(
                id=request_id,
                account_id=person.account_id,
                person_id=person.id,
                kind=kind,
                status="open",
                needs_human=kind is RightsRequestKind.QUESTION,
                received_at=received_at,
                acknowledged_at=received_at,
                due_at=due_at(received_at),
            )
        )
    return request_id
