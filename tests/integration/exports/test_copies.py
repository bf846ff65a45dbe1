"""A copy of everything held about a person: asked for, made, fetched once, gone in time."""

from __future__ import annotations

import csv
import io
import re
from functools import partial
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from flask_tokenoffset.models import AuditEvent, Export, ExportPart, ExportStatus, RightsRequest
from flask_tokenoffset.services.data_map import held_rows
from flask_tokenoffset.services.exports import worker as export_worker
from flask_tokenoffset.services.exports.archive import PIECE_BYTES
from flask_tokenoffset.tasks.jobs import TASKS
from flask_tokenoffset.tasks.schedule import run_scheduler
from flask_tokenoffset.vault import generate_key
from tests.integration.exports.copies import Copy, ask, fetch, ready_link, state_of_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.support.world import World


def scheduler_run(world: World) -> Any:
    with world.app.app_context():
        return run_scheduler(world.state)


def parts(world: World) -> int:
    return len(world.rows(ExportPart)["tokenoffset_export_part"])


def told(answer: TestResponse) -> tuple[int, str]:
    """What a person is told, but for the number of the request."""
    return answer.status_code, re.sub(r"[0-9a-f]{32}", "", answer.text)


@pytest.mark.promise("TO-047", "TB-006")
def test_a_person_gets_a_copy_of_what_is_held_about_them(db_world: World) -> None:
    db_world.ada.settle()
    copy = Copy.of(db_world, db_world.ada)
    (person,) = copy.rows("person")
    assert person["email"] == db_world.ada.address
    assert len(copy.rows("adoption")) == 1
    assert copy.rows("daily_usage")
    assert copy.rows("billing_record")[0]["amount_cents"] > 0


@pytest.mark.promise("TO-051")
def test_the_manifest_lists_every_file_with_its_rows_and_digest(db_world: World) -> None:
    db_world.ada.settle()
    copy = Copy.of(db_world, db_world.ada)
    listed = {each["name"]: each for each in copy.manifest["files"]}
    assert listed.keys() == copy.files.keys() - {"manifest.json"}
    for name, each in listed.items():
        assert (each["size_bytes"], each["sha256"]) == (
            len(copy.files[name]),
            copy.digest(name),
        )
    for table in copy.manifest["tables"]:
        name = table["name"]
        rows = copy.rows(name)
        assert listed[f"json/{name}.json"]["rows"] == len(rows)
        assert listed[f"csv/{name}.csv"]["rows"] == len(rows)
        with io.StringIO(copy.files[f"csv/{name}.csv"].decode(), newline="") as text:
            titles, *lines = csv.reader(text)
        assert titles == table["fields"]
        assert len(lines) == len(rows)
        assert all(list(row) == table["fields"] for row in rows)
        assert table["purpose"]
        assert "GDPR" in table["basis"] or "needed" in table["basis"]
    assert all(each["why"] for each in copy.manifest["left_out"])


def test_what_a_spreadsheet_would_compute_stands_behind_an_apostrophe(world: World) -> None:
    world.ada.api("PATCH", "/me", {"company": "=1+1"})
    copy = Copy.of(world, world.ada)
    assert copy.rows("person")[0]["company"] == "=1+1"
    assert "'=1+1" in copy.files["csv/person.csv"].decode()


@pytest.mark.promise("TO-047")
def test_pages_lead_from_asking_to_fetching(world: World) -> None:
    world.ada.pick_band()
    assert world.ada.submit("/privacy/exports", "/privacy/exports").status_code == 303
    page = world.ada.page("/privacy/exports")
    assert "0 of" in page.text
    world.work()
    page = world.ada.page("/privacy/exports")
    link = page.link("Fetch it")
    answer = world.ada.client.post(link, data=world.ada.token_field)
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert Copy(answer.data).rows("person")
    assert "Fetched" in world.ada.page("/privacy/exports").text
    subjects = [message.subject for message in world.mailbox]
    assert "The copy of your data at localhost is ready" in subjects
    texts = [each.text for each in world.mailbox if each.kind == "export-ready"]
    assert all(link.rpartition("/")[2] not in text for text in texts)
    assert "/tokenoffset/privacy/exports" in texts[0]


@pytest.mark.promise("TO-047")
def test_a_link_fetches_once(world: World) -> None:
    world.ada.pick_band()
    link = ready_link(world, world.ada)
    assert fetch(world.ada, link).status_code == 200
    assert parts(world) == 0
    assert fetch(world.ada, link).status_code == 410


@pytest.mark.promise("TO-047")
def test_nobody_else_can_use_the_link_and_trying_uses_nothing_up(world: World) -> None:
    world.ada.pick_band()
    world.ben.pick_band()
    link = ready_link(world, world.ada)
    wrong = fetch(world.ben, f"/exports/{'x' * 43}")
    for other in (world.ben, world.stranger):
        answer = fetch(other, link)
        assert answer.status_code == 410
    assert told(fetch(world.ben, link)) == told(wrong)
    assert not world.stranger.has_account
    assert fetch(world.nobody, link).status_code in {302, 303, 401}
    assert fetch(world.ada, link).status_code == 200


@pytest.mark.promise("TO-047")
def test_after_its_time_a_copy_is_gone(world: World) -> None:
    world.ada.pick_band()
    link = ready_link(world, world.ada)
    world.clock.move(hours=72)
    assert fetch(world.ada, link).status_code == 410
    assert parts(world) > 0
    assert scheduler_run(world).exports_expired == 1
    assert parts(world) == 0
    (row,) = world.ada.api("GET", "/privacy/exports").get_json()["items"]
    assert (row["status"], row["link"]) == ("expired", None)
    ask(world.ada)


def test_a_moment_before_its_time_is_over_it_can_be_fetched(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_EXPORT_HOURS=2)
    world.ada.pick_band()
    link = ready_link(world, world.ada)
    world.clock.move(hours=2, seconds=-1)
    assert scheduler_run(world).exports_expired == 0
    assert fetch(world.ada, link).status_code == 200


@pytest.mark.promise("TO-047")
def test_asking_and_fetching_need_reauthentication(world: World) -> None:
    world.ada.pick_band()
    link = ready_link(world, world.ada)
    world.ada.grow_stale()
    assert world.ada.api("POST", "/privacy/exports").status_code == 403
    for answer in (fetch(world.ada, link), world.ada.post("/privacy/exports")):
        assert answer.status_code == 303
        assert "/confirm" in answer.location
        # The way back is kept in a row, so it must not hold what fetches the copy.
        assert link.rpartition("/")[2] not in answer.location
    page = world.ada.page(link)
    assert "Confirm" in page.text
    world.ada.reauthenticate()
    assert fetch(world.ada, link).status_code == 200


def test_opening_a_link_changes_nothing(world: World) -> None:
    world.ada.pick_band()
    link = ready_link(world, world.ada)
    before = world.rows()
    answer = world.ada.get(link)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    world.ben.get(link)
    assert world.rows() == before
    assert fetch(world.ada, link).status_code == 200


def test_one_copy_at_a_time_and_three_a_day(world: World) -> None:
    world.ada.pick_band()
    first = ask(world.ada)
    assert world.ada.api("POST", "/privacy/exports").status_code == 409
    world.work()
    assert world.ada.api("POST", "/privacy/exports").status_code == 409
    assert "ready already" in world.ada.post("/privacy/exports").text
    fetch(world.ada, state_of_copy(world.ada, first)["link"].removeprefix("/tokenoffset"))
    for _ in range(2):
        assert fetch(world.ada, ready_link(world, world.ada)).status_code == 200
    refused = world.ada.api("POST", "/privacy/exports")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    world.clock.move(days=1, seconds=1)
    world.ada.reauthenticate()
    ask(world.ada)


def test_anothers_copy_is_not_there(world: World) -> None:
    world.ada.pick_band()
    world.ben.pick_band()
    export_id = ask(world.ada)
    missing = world.ben.api("GET", f"/privacy/exports/{'0' * 8}-0000-4000-8000-{'0' * 12}")
    foreign = world.ben.api("GET", f"/privacy/exports/{export_id}")
    assert told(foreign) == told(missing)
    assert world.ben.api("GET", "/privacy/exports").get_json() == {"items": []}


def test_asking_starts_the_clock_of_a_request_and_fetching_answers_it(world: World) -> None:
    world.ada.pick_band()
    link = ready_link(world, world.ada)
    assert [row.status for row in requests(world)] == ["open"]
    fetch(world.ada, link)
    (request,) = requests(world)
    assert (request.kind, request.status) == ("access", "done")
    with world.app.app_context():
        actions = set(world.state.session.scalars(select(AuditEvent.action)))
    assert {"export.requested", "export.fetched"} <= actions


def requests(world: World) -> list[RightsRequest]:
    with world.app.app_context():
        return list(world.state.session.scalars(select(RightsRequest)))


@pytest.mark.promise("TO-047")
def test_a_restricted_person_gets_their_copy_too(world: World) -> None:
    world.ada.pick_band()
    assert world.ada.api("PUT", "/privacy/restriction").status_code == 200
    assert Copy.of(world, world.ada).rows("person")[0]["restricted_at"]


def test_what_is_kept_of_a_copy_is_sealed_in_its_own_row(db_world: World) -> None:
    db_world.ada.sample()
    db_world.ben.pick_band()
    ready_link(db_world, db_world.ada)
    link = ready_link(db_world, db_world.ben)
    with db_world.app.app_context():
        session = db_world.state.session
        found = session.scalars(select(ExportPart)).all()
        assert all(b"PK" not in part.ciphertext[:4] for part in found)
        ours, theirs = sorted(found, key=lambda part: part.account_id == db_world.ben.account_id)
        # A piece of Ada's that a person puts in the place of Ben's does not open there.
        names = ("data_key_id", "wrapped_key", "nonce", "ciphertext")
        for name in names:
            setattr(theirs, name, getattr(ours, name))
        session.commit()
    assert fetch(db_world.ben, link).status_code == 500
    # Nothing was used up.
    assert db_world.ben.api("GET", "/privacy/exports").get_json()["items"][0]["status"] == "ready"


def test_a_copy_larger_than_a_piece_is_kept_in_several(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_tokenoffset.services.exports.archive.PIECE_BYTES", 20_000)
    assert PIECE_BYTES == 256 * 1024
    world.ada.settle()
    link = ready_link(world, world.ada)
    assert parts(world) > 2
    copy = Copy(fetch(world.ada, link).data)
    assert copy.rows("daily_usage")


@pytest.mark.parametrize("table", ["account", "daily_usage", "retention_choice"])
def test_a_worker_that_dies_is_followed_by_one_that_begins_anew(
    db_world: World, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    db_world.ada.settle()
    export_id = ask(db_world.ada)
    monkeypatch.setattr("flask_tokenoffset.services.exports.archive.PIECE_BYTES", 2_000)

    class Killed(BaseException):
        """What a worker that is killed does next: nothing."""

    read_rows = held_rows.read_rows

    def dying(session: Any, data_map: Any, about: Any, *rest: Any, **more: Any) -> Any:
        if about.name == table:
            raise Killed
        return read_rows(session, data_map, about, *rest, **more)

    monkeypatch.setattr(export_worker, "read_rows", dying)
    with pytest.raises(Killed):
        db_world.work()
    monkeypatch.setattr(export_worker, "read_rows", read_rows)
    assert state_of_copy(db_world.ada, export_id)["status"] == "running"
    assert scheduler_run(db_world).exports_enqueued == 0
    db_world.clock.move(minutes=5)
    assert scheduler_run(db_world).exports_enqueued == 1
    db_world.work()
    shown = state_of_copy(db_world.ada, export_id)
    assert shown["tables_done"] == shown["tables_expected"]
    copy = Copy(fetch(db_world.ada, shown["link"].removeprefix("/tokenoffset")).data)
    assert [each.kind for each in db_world.mailbox].count("export-ready") == 1
    listed = {each["name"]: each["sha256"] for each in copy.manifest["files"]}
    assert all(copy.digest(name) == digest for name, digest in listed.items())


def test_a_worker_that_was_overtaken_writes_nothing_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ada.settle()
    export_id = ask(world.ada)
    read_rows = held_rows.read_rows
    overtaken: list[str] = []

    def slow(session: Any, data_map: Any, about: Any, *rest: Any, **more: Any) -> Any:
        if about.name == "plan" and not overtaken:
            overtaken.append(about.name)
            # Another worker has taken it meanwhile.
            session.execute(update(Export).values(fence=Export.fence + 1))
        return read_rows(session, data_map, about, *rest, **more)

    monkeypatch.setattr(export_worker, "read_rows", slow)
    world.work()
    assert overtaken
    shown = state_of_copy(world.ada, export_id)
    assert shown["status"] != "ready"


def test_a_copy_that_cannot_be_made_is_left_to_a_human(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ada.pick_band()
    export_id = ask(world.ada)

    def failing(*_arguments: Any, **_named: Any) -> Any:
        raise RuntimeError("It does not work.")

    monkeypatch.setattr(export_worker, "read_rows", failing)
    for _ in range(export_worker.MOST_ATTEMPTS):
        with pytest.raises(RuntimeError):
            world.work()
        world.clock.move(hours=2)
        scheduler_run(world)
    world.work()
    assert state_of_copy(world.ada, export_id)["status"] == ExportStatus.FAILED
    (request,) = requests(world)
    assert (request.status, request.needs_human) == ("open", True)


def test_a_copy_outlives_a_change_of_the_master_key(make_world: Callable[..., World]) -> None:
    old = generate_key("2026-11")
    world = make_world(TOKENOFFSET_KEYS=[generate_key("2026-12"), old])
    world.ada.pick_band()
    assert fetch(world.ada, ready_link(world, world.ada)).status_code == 200


def at_once(*steps: Callable[[], Any]) -> list[Any]:
    """Do some things at the same time; gives what each gave."""
    together, given = Barrier(len(steps)), [None] * len(steps)

    def do(number: int) -> None:
        together.wait()
        given[number] = steps[number]()

    threads = [Thread(target=do, args=(number,)) for number in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_two_workers_make_one_copy(pg_world: World) -> None:
    pg_world.ada.settle()
    export_id = ask(pg_world.ada)
    job = pg_world.queue.jobs.pop()

    def make() -> None:
        with pg_world.app.app_context():
            TASKS[job[0]](str(job[1]))

    at_once(make, make)
    pg_world.work()
    assert [each.kind for each in pg_world.mailbox].count("export-ready") == 1
    shown = state_of_copy(pg_world.ada, export_id)
    assert shown["status"] == "ready"
    assert Copy(fetch(pg_world.ada, shown["link"].removeprefix("/tokenoffset")).data).files


@pytest.mark.promise("TO-047")
def test_two_who_follow_a_link_at_once_fetch_once(pg_world: World) -> None:
    pg_world.ada.pick_band()
    link = ready_link(pg_world, pg_world.ada)
    second = pg_world.browser("ada")
    both = [pg_world.ada, second]
    # Their sessions' tokens are made before.
    assert all(each.token_field for each in both)
    answers = at_once(*(partial(fetch, each, link) for each in both))
    assert sorted(each.status_code for each in answers) == [200, 410]


def test_two_copies_asked_for_at_once_are_one(pg_world: World) -> None:
    pg_world.ada.pick_band()
    second = pg_world.browser("ada")
    answers = at_once(
        *(partial(each.api, "POST", "/privacy/exports") for each in (pg_world.ada, second))
    )
    assert sorted(each.status_code for each in answers) == [202, 409]


@pytest.mark.parametrize("hours", [0, 169])
def test_a_copy_is_kept_between_an_hour_and_a_week(
    make_world: Callable[..., World], hours: int
) -> None:
    with pytest.raises(Exception, match="TOKENOFFSET_EXPORT_HOURS"):
        make_world(TOKENOFFSET_EXPORT_HOURS=hours)
