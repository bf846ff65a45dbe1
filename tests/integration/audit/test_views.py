"""The audit log as a page, in JSON and as a file: who sees it, what it says, how much at once."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from flask_tokenoffset.blueprints.audit.pages import EVENTS_PER_PAGE
from flask_tokenoffset.models import AUDIT_SUBJECTS, AuditAction
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.audit import reading as audit_reading
from flask_tokenoffset.services.audit.reading import stream_events
from flask_tokenoffset.services.people.profiles import find_person
from tests.support.audit_log import events_of, record
from tests.support.organizations import SUSPENDED, join, make_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.html_page import HtmlPage
    from tests.support.organizations import Shape
    from tests.support.world import Browser, World

READERS = (Role.OWNER, Role.ADMIN, Role.AUDITOR)


def rows_of(page: HtmlPage) -> list[str]:
    return [each.text for each in page.elements if each.tag == "tr"][1:]


def items(browser: Browser, query: str = "") -> list[dict[str, Any]]:
    answer = browser.api("GET", f"/audit-events{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def export(
    browser: Browser,
    ending: str,
    *,
    address: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    **query: Any,
) -> TestResponse:
    return browser.client.post(
        f"/tokenoffset{browser.prefix}/audit-events.{ending}",
        data=browser.token_field,
        query_string=query,
        headers=headers,
        environ_overrides={"REMOTE_ADDR": address},
    )


def lines(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


# --- who sees it ----------------------------------------------------------------------------------


@pytest.mark.promise("TO-045", "TS-008")
def test_owner_admin_and_auditor_read_and_export_and_nobody_else_does(
    world: World, two_organizations: tuple[Shape, Shape]
) -> None:
    acme, bolt = two_organizations
    outcomes: dict[str, int] = {
        **dict.fromkeys(map(str, READERS), 200),
        Role.MEMBER: 403,
        SUSPENDED: 403,
    }
    for part, status in outcomes.items():
        inside = acme[part].within(acme.id)
        assert inside.get("/audit-events").status_code == status, part
        assert inside.api("GET", "/audit-events").status_code == status, part
        assert export(inside, "csv").status_code == status, part
    before = world.rows()
    for outsider in (bolt[Role.OWNER], world.stranger):
        here, nowhere = outsider.within(acme.id), outsider.within(uuid4())
        for inside in (here, nowhere):
            assert inside.get("/audit-events").status_code == 404
            assert export(inside, "jsonl").status_code == 404
        headers = {"X-Request-Id": "one-and-the-same"}
        answers = [
            each.client.get(f"/tokenoffset/api/v1{each.prefix}/audit-events", headers=headers)
            for each in (here, nowhere)
        ]
        assert [each.status_code for each in answers] == [404, 404]
        assert answers[0].data == answers[1].data
    assert world.nobody.within(acme.id).api("GET", "/audit-events").status_code == 401
    assert world.rows() == before


def test_the_log_of_one_organization_shows_nothing_of_another(
    two_organizations: tuple[Shape, Shape],
) -> None:
    acme, bolt = two_organizations
    inside = acme["auditor"].within(acme.id)
    bolt[Role.OWNER].within(bolt.id).pick_band()
    theirs = {str(each["id"]) for each in events_of(bolt.world, bolt.account_id)}
    mine = {each["id"] for each in items(inside, "?limit=100")}
    assert mine == {str(each["id"]) for each in events_of(acme.world, acme.account_id)}
    for text in (
        inside.get("/audit-events").text,
        export(inside, "csv").text,
        export(inside, "jsonl").text,
        inside.api("GET", "/audit-events").text,
    ):
        assert "bolt" not in text
        assert not [each for each in theirs if each in text]
    # A person who did nothing here is nobody here, whether they exist or not.
    owner_of_bolt = bolt[Role.OWNER].within(bolt.id)
    person_id = next(each["actor_id"] for each in items(owner_of_bolt) if each["actor_id"])
    pages = [
        inside.page(f"/audit-events?actor_id={each}", status=422) for each in (person_id, uuid4())
    ]
    assert pages[0].error_of("to-actor_id") == pages[1].error_of("to-actor_id")
    assert items(inside, f"?actor_id={person_id}") == []


def test_a_person_sees_their_own_log(world: World) -> None:
    world.ben.adopt(world.ben.pick_band())
    world.ada.adopt(world.ada.pick_band())
    (row,) = rows_of(world.ada.page("/audit-events"))
    assert "You Adopted an estimate (amount: $1.25, contribution level: 1x rate" in row
    assert "127.0.0.1 Werkzeug/" in row
    assert world.ada.page("/me").link("Look at the audit log").endswith("/audit-events")


def test_without_an_account_there_is_nothing_to_see(world: World) -> None:
    page = world.stranger.page("/audit-events")
    assert "There are no events yet" in page.text
    assert items(world.stranger) == []
    assert not world.stranger.has_account


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    assert world.nobody.get("/audit-events").location.startswith("/sign-in")


def test_only_those_who_may_see_it_find_it_in_the_navigation(
    two_organizations: tuple[Shape, Shape],
) -> None:
    acme, _ = two_organizations
    for part, seen in ((Role.AUDITOR, True), (Role.MEMBER, False)):
        page = acme[part].within(acme.id).page("/membership")
        assert any(link.endswith("/audit-events") for link in page.links()) == seen


# --- what it says ---------------------------------------------------------------------------------


def test_names_are_those_of_now_and_a_former_user_has_none(
    world: World, two_organizations: tuple[Shape, Shape]
) -> None:
    acme, _ = two_organizations
    owner = acme[Role.OWNER].within(acme.id)
    shown = owner.get("/audit-events").text
    assert "Suspended acme-suspended" in shown
    admin = acme[Role.ADMIN]
    admin.within(acme.id).api("PATCH", "", {"name": "Acme again"})
    assert items(owner)[0]["actor_name"] == "acme-admin"
    with world.app.app_context(), world.state.unit_of_work() as work:
        for user_key in (admin.user_key, acme[SUSPENDED].user_key):
            person = find_person(work.session, user_key)
            assert person is not None
            person.display_name, person.forgotten_at = None, world.clock.now()
    page = owner.page("/audit-events")
    assert "acme-admin" not in page.source
    assert "A former user Changed what holds for the organization" in page.text
    assert "Suspended a former user" in page.text
    assert items(owner)[0]["actor_name"] is None
    text = export(owner, "csv").text
    assert "A former user" in text
    assert "acme-admin" not in text


def test_a_name_can_be_followed_to_all_that_person_did(
    two_organizations: tuple[Shape, Shape],
) -> None:
    acme, _ = two_organizations
    admin = acme[Role.ADMIN].within(acme.id)
    admin.api("PATCH", "", {"name": "Acme again"})
    owner = acme[Role.OWNER].within(acme.id)
    link = owner.page("/audit-events").link("acme-admin")
    page = owner.page(link.partition(owner.prefix)[2])
    (row,) = rows_of(page)
    assert "acme-admin Changed what holds for the organization (changed: name)" in row
    chosen = [each.text for each in page.elements if "selected" in each.attributes]
    assert "acme-admin" in chosen


def test_what_a_job_did_was_done_by_nobody(world: World) -> None:
    world.ada.pick_band()
    record(world, world.ada.account_id)
    assert "Automatic" in rows_of(world.ada.page("/audit-events"))[0]
    newest = items(world.ada)[0]
    assert (newest["actor_id"], newest["actor_name"], newest["address"]) == (None, None, None)


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("action=plan", {"plan.adopted", "plan.status-changed"}),
        ("action=plan.adopted", {"plan.adopted"}),
        ("action=organization", {"organization.changed"}),
        ("subject_type=plan", {"plan.adopted", "plan.status-changed"}),
        ("from_date=2026-11-21", {"plan.status-changed"}),
        ("to_date=2026-11-20", {"plan.adopted", "organization.changed"}),
        ("from_date=2026-11-20&to_date=2026-11-20&action=plan", {"plan.adopted"}),
        ("from_date=2026-11-22", set()),
        ("to_date=9999-12-31&action=plan.adopted", {"plan.adopted"}),
    ],
)
def test_filters_show_what_was_asked_for_on_page_api_and_in_files(
    make_world: Callable[..., World], database_url: str, query: str, actions: set[str]
) -> None:
    world = make_world(database_url)
    ada = world.ada
    ada.adopt(ada.pick_band())
    record(world, ada.account_id)
    world.clock.move(days=1)
    ada.post("/plan/pause")
    assert {each["action"] for each in items(ada, f"?{query}")} == actions
    page = ada.page(f"/audit-events?{query}")
    assert len(rows_of(page)) == len(items(ada, f"?{query}"))
    exported = lines(ada.client.post(page.form(".jsonl").action, data=ada.token_field))
    assert {each["action"] for each in exported} - {"export.made"} == actions
    table = csv.DictReader(
        io.StringIO(ada.client.post(page.form(".csv").action, data=ada.token_field).text)
    )
    assert {each["action"] for each in table} - {"export.made"} == actions


def test_what_was_exported_is_noted_with_its_filter(world: World) -> None:
    ada = world.ada
    ada.adopt(ada.pick_band())
    person_id = items(ada)[0]["actor_id"]
    query: dict[str, Any] = {
        "action": "plan",
        "actor_id": person_id,
        "subject_type": "plan",
        "from_date": "2026-11-01",
        "to_date": "2026-11-30",
    }
    assert [each["action"] for each in lines(export(ada, "jsonl", **query))] == ["plan.adopted"]
    newest = items(ada)[0]
    assert newest["action"] == "export.made"
    assert newest["actor_id"] == person_id
    assert newest["details"] == {
        "format": "jsonl",
        "actions": "plan",
        "actor": person_id,
        "subject": "plan",
        "from_date": "2026-11-01",
        "to_date": "2026-11-30",
    }


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("action", "plan.mislaid", "no such action"),
        ("subject_type", "elephant", "no such subject"),
        ("from_date", "yesterday", "not a day"),
        ("to_date", "2026-02-30", "not a day"),
        ("actor_id", "ada", "no such person"),
        ("actor_id", "8f14e45f-ceea-467f-a0e6-1b2c3d4e5f60", "no such person"),
    ],
)
def test_a_filter_that_cannot_be_is_told_beside_its_field(
    world: World, field: str, value: str, says: str
) -> None:
    world.ada.adopt(world.ada.pick_band())
    before = world.rows()
    page = world.ada.page(f"/audit-events?{field}={value}", status=422)
    assert says in page.error_of(f"to-{field}")
    assert rows_of(page) == []
    if field.endswith("_date"):
        assert page.by_id(f"to-{field}").attributes["value"] == value
    answer = world.ada.api("GET", f"/audit-events?{field}={value}")
    if value.count("-") == 4:
        assert answer.get_json()["items"] == []
    else:
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["parameter"] == field
        query: dict[str, Any] = {field: value}
        assert export(world.ada, "csv", **query).status_code == 422
    assert world.rows() == before


def test_days_the_wrong_way_round_are_told(world: World) -> None:
    query = "?from_date=2026-11-02&to_date=2026-11-01"
    page = world.ada.page(f"/audit-events{query}", status=422)
    assert "before the first" in page.error_of("to-to_date")
    assert world.ada.api("GET", f"/audit-events{query}").status_code == 422


@pytest.mark.parametrize("value", ["1700000000", "2026-11-20T00:00:00", "20261120", ""])
def test_the_api_takes_days_in_one_form_only(world: World, value: str) -> None:
    answer = world.ada.api("GET", f"/audit-events?from_date={value}")
    assert answer.status_code == 422


# --- page by page ---------------------------------------------------------------------------------


def test_older_events_are_a_page_away_and_none_is_shown_twice(world: World) -> None:
    ada = world.ada
    ada.pick_band()
    record(world, ada.account_id, EVENTS_PER_PAGE + 3)
    page = ada.page("/audit-events?action=organization")
    newest = rows_of(page)
    assert len(newest) == EVENTS_PER_PAGE
    older_page = ada.page(page.link("Older events").removeprefix("/tokenoffset"))
    older = rows_of(older_page)
    assert len(older) == 3
    assert not {each.split()[0] for each in newest} & {each.split()[0] for each in older}
    assert older_page.link("Newest events").endswith("/audit-events?action=organization")
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        answer = ada.api("GET", f"/audit-events?limit=20{cursor and f'&cursor={cursor}'}")
        seen += [each["sequence"] for each in answer.get_json()["items"]]
        cursor = answer.get_json()["next_cursor"]
    assert seen == list(range(len(seen), 0, -1))


def test_a_page_asks_the_database_as_often_for_many_events_as_for_few(world: World) -> None:
    ada = world.ada
    ada.adopt(ada.pick_band())

    def statements() -> int:
        ada.page("/audit-events")
        with world.statements() as sent:
            ada.page("/audit-events")
        return len(sent)

    few = statements()
    record(world, ada.account_id, 120)
    assert statements() <= few


@pytest.mark.parametrize("cursor", ["nonsense", "", "WyJhIl0", "WzBd", "Wy0xXQ", "%00"])
def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    assert world.ada.get(f"/audit-events?cursor={cursor}").status_code == 422
    assert world.ada.api("GET", f"/audit-events?cursor={cursor}").status_code == 422


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.promise("TS-008")
def test_a_file_holds_everything_oldest_first_and_its_own_export(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url)
    ada = world.ada
    ada.adopt(ada.pick_band())
    ada.post("/plan/pause")
    answer = export(ada, "csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="audit-log-2026-11-20.csv"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [each["action"] for each in table] == [
        "plan.adopted",
        "plan.status-changed",
        "export.made",
    ]
    assert [each["sequence"] for each in table] == ["1", "2", "3"]
    assert {each["actor"] for each in table} == {"ada"}
    assert json.loads(table[0]["details"])["amount_cents"] == 125
    stored = events_of(world, ada.account_id)
    assert [each["digest"] for each in table] == [each["digest"] for each in stored]
    again = lines(export(ada, "jsonl"))
    assert again[:3] == [each for each in reversed(items(ada)) if each["sequence"] <= 3]


def test_a_file_is_read_batch_by_batch_and_ends_where_it_was_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_reading, "BATCH", 10)
    ada = world.ada
    ada.pick_band()
    record(world, ada.account_id, 35)
    total = len(events_of(world, ada.account_id))
    exported = lines(export(ada, "jsonl"))
    assert [each["sequence"] for each in exported] == list(range(1, total + 2))
    opened = 0

    def open_session() -> Session:
        nonlocal opened
        opened += 1
        return Session(world.state.engine)

    with world.app.app_context():
        views = stream_events(
            open_session, ada.account_id, audit_reading.EVERYTHING, last_sequence=20
        )
        assert next(views).event.sequence == 1
        assert opened == 1  # Nothing is read ahead of who reads.
        record(world, ada.account_id)
        assert [each.event.sequence for each in views] == list(range(2, 21))
    assert opened == 2


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_name_that_is_a_formula_is_inert_in_csv(world: World, name: str) -> None:
    ada = world.ada
    ada.adopt(ada.pick_band())
    assert ada.api("PATCH", "/me", {"display_name": name}).status_code == 200
    table = list(csv.DictReader(io.StringIO(export(ada, "csv").text)))
    assert {each["actor"] for each in table} == {f"'{name}"}
    assert lines(export(ada, "jsonl"))[0]["actor_name"] == name


@pytest.mark.parametrize("agent", ["=cmd|' /C calc'!A0", "@x", "-2", "\t=1"])
def test_a_user_agent_that_is_a_formula_is_inert_in_csv(world: World, agent: str) -> None:
    ada = world.ada
    ada.client.post(
        "/tokenoffset/api/v1/plan/adoptions",
        json={"estimate_id": ada.pick_band()},
        environ_overrides={"HTTP_USER_AGENT": agent},
    )
    (row, *_) = list(csv.DictReader(io.StringIO(export(ada, "csv").text)))
    assert not row["user_agent"].lstrip().startswith(("=", "+", "-", "@"))
    assert agent.strip() in row["user_agent"]


def test_taking_it_away_is_no_link_that_another_page_could_follow(world: World) -> None:
    ada = world.ada
    ada.adopt(ada.pick_band())
    before = world.rows()
    assert ada.get("/audit-events.csv").status_code == 405
    assert ada.client.post("/tokenoffset/audit-events.csv").status_code == 400
    assert world.rows() == before


def test_exports_of_a_person_are_limited_and_others_go_on(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_AUDIT_EXPORTS_PER_HOUR=2)
    for _ in range(2):
        assert export(world.ada, "csv").status_code == 200
    events = len(events_of(world, world.ada.account_id))
    refused = export(world.ada, "jsonl")
    assert refused.status_code == 429
    assert 3500 < int(refused.headers["Retry-After"]) <= 3601
    assert len(events_of(world, world.ada.account_id)) == events
    assert export(world.ben, "csv").status_code == 200


def test_exports_of_an_organization_are_limited_together(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_AUDIT_EXPORTS_PER_HOUR=1)
    acme = make_shape(world, "acme")
    auditors = [world.browser(f"auditor-{number}") for number in range(6)]
    for auditor in auditors:
        join(world, acme.id, auditor, Role.AUDITOR)
    outcomes = [
        export(each.within(acme.id), "csv", address=f"10.0.0.{number}").status_code
        for number, each in enumerate(auditors)
    ]
    assert outcomes == [200] * 5 + [429]


def test_exports_from_one_address_are_limited_whatever_a_header_says(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_AUDIT_EXPORTS_PER_HOUR=1)
    people = [world.browser(f"person-{number}") for number in range(7)]
    outcomes = [
        export(each, "csv", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
        for number, each in enumerate(people[:6])
    ]
    assert outcomes == [200] * 5 + [429]
    assert export(people[6], "csv", address="10.0.0.9").status_code == 200


# --- words ----------------------------------------------------------------------------------------


def test_every_choice_of_the_page_is_taken(world: World) -> None:
    page = world.ada.page("/audit-events")
    values = [each.attributes["value"] for each in page.elements if each.tag == "option"]
    assert set(AuditAction) <= set(values)
    assert set(values) >= AUDIT_SUBJECTS
    for action in (*AuditAction, "member", "export"):
        assert world.ada.get(f"/audit-events?action={action}").status_code == 200
    for subject in AUDIT_SUBJECTS:
        assert world.ada.get(f"/audit-events?subject_type={subject}").status_code == 200


@pytest.mark.parametrize("days", [0, 1, 30])
def test_the_page_says_how_long_addresses_are_kept(
    make_world: Callable[..., World], days: int
) -> None:
    world = make_world(TOKENOFFSET_AUDIT_ORIGIN_DAYS=days)
    text = world.ada.page("/audit-events").text
    said = {0: "are not kept.", 1: "are kept for 1 day.", 30: "are kept for 30 days."}
    assert f"Network address and browser {said[days]}" in text
