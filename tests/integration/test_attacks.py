"""What a person with bad intentions tries, and what comes of it.

Each attack is made as an attacker makes it: over HTTP, through a vendor's answer, or with a hand in
the database. Attacks on one part alone stand with the tests of that part.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete, insert, select

from flask_tokenoffset.models import Connection, Credential, SampleRun
from flask_tokenoffset.services.sampling import connection_limits
from flask_tokenoffset.testing import ANTHROPIC_DEMO_KEY
from tests.integration.sampling.test_races import at_once
from tests.support.asking import ask
from tests.support.consenting import decide
from tests.support.erasing import receipt_token
from tests.support.inviting import invitation_token
from tests.support.linking import linked_identity
from tests.support.world import API, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_tokenoffset.testing.simulators.planned_faults import Fault
    from tests.support.world import Browser, World

ESTIMATES = f"{PREFIX}/estimates"
MARKUP = "\"'><script>alert(1)</script><svg onload=alert(2)>{{7*191}}{%raw%}"
#: What would stand in a page if :data:`MARKUP` were taken for markup or for a template.
TAKEN_FOR_MARKUP = ("<script>alert", "<svg onload", "1337")


def altered(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """A fault that changes each page of a report."""

    def fault(incoming: Any, answer_of: Any) -> Any:
        answer = answer_of(incoming)
        return answer.with_payload(change(answer.payload()))

    return fault


def rows_with(figure: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """A fault that changes each row of a report."""

    def change(page: dict[str, Any]) -> dict[str, Any]:
        for bucket in page["data"]:
            bucket["results"] = [figure(row) for row in bucket["results"]]
        return page

    return altered(change)


def of_many_organizations(world: World) -> None:
    """Let each key that is checked from now on belong to another organization."""
    each_another = altered(lambda answer: {**answer, "id": str(uuid4())})
    world.anthropic.faults.add(each_another, path="*/organizations/me", times=None)


def newest_run(world: World) -> SampleRun:
    with world.app.app_context():
        newest = select(SampleRun).order_by(SampleRun.requested_at.desc()).limit(1)
        run = world.state.session.scalars(newest).one()
        world.state.session.expunge(run)
        return run


def sign_in(browser: Browser, name: str) -> None:
    assert browser.client.post("/sign-in", data={"name": name}).status_code == 200


# --- through a browser ---------------------------------------------------------------------------


def test_a_form_of_a_person_who_was_signed_in_before_is_refused(world: World) -> None:
    browser = world.browser("ada")
    of_ada = browser.token_field
    sign_in(browser, "ben")  # In the same browser, so in the same session of the host.
    answer = browser.client.post(ESTIMATES, data={**of_ada, "band": "extreme"})
    assert answer.status_code == 400
    assert "signed in or out since it was shown" in answer.text
    by_header = {"X-CSRFToken": of_ada["tokenoffset_csrf"]}
    assert browser.client.post(f"{API}/plan/pause", headers=by_header).status_code == 415
    assert not browser.has_account
    fresh = world.browser("ada")
    assert fresh.post("/estimates", band="worker").status_code == 303


def test_a_token_planted_before_a_person_signs_in_is_worth_nothing_afterwards(
    world: World,
) -> None:
    victim = world.browser(None)
    with world.app.test_request_context():
        from flask import session

        from flask_tokenoffset.blueprints.access.csrf import csrf_token

        planted, entry = csrf_token(), dict(session)
    with victim.client.session_transaction() as theirs:
        theirs.update(entry)
    sign_in(victim, "ada")
    answer = victim.client.post(ESTIMATES, data={"tokenoffset_csrf": planted, "band": "worker"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "POST"},
        {"X-Method-Override": "DELETE"},
        {"X-HTTP-Method": "PUT"},
    ],
)
def test_a_safe_method_cannot_be_turned_into_another(
    settled_world: World, headers: Mapping[str, str]
) -> None:
    before = settled_world.rows()
    client = settled_world.ada.client
    assert client.get(f"{API}/plan/pause?_method=POST", headers=headers).status_code == 405
    assert client.get(f"{PREFIX}/plan/pause?_method=POST", headers=headers).status_code == 405
    assert settled_world.rows() == before


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; application/json",
        "text/plain,application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
    ],
)
def test_json_in_a_body_that_any_site_may_send_is_not_read(world: World, content_type: str) -> None:
    body = json.dumps({"kind": "band", "band": "worker"})
    answer = world.ada.client.post(f"{API}/estimates", data=body, content_type=content_type)
    assert answer.status_code == 415
    assert not world.ada.has_account


def test_a_token_in_an_address_is_no_token(world: World) -> None:
    answer = world.ada.client.post(
        ESTIMATES, query_string=world.ada.token_field, data={"band": "worker"}
    )
    assert answer.status_code == 400
    assert not world.ada.has_account


def test_a_compressed_body_is_not_inflated(world: World) -> None:
    import gzip

    answer = world.ada.client.post(
        f"{API}/estimates",
        data=gzip.compress(b'{"kind": "band", "band": "worker"}'),
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (400, "malformed-request")
    assert not world.ada.has_account


@pytest.mark.parametrize(
    "path",
    [
        "../extension.py",
        "%2e%2e/extension.py",
        "..%2fextension.py",
        "..%5cextension.py",
        "/etc/passwd",
        "tokenoffset.css%00.py",
    ],
)
def test_only_our_static_files_are_served(world: World, path: str) -> None:
    answer = world.nobody.client.get(f"{PREFIX}/static/{path}", follow_redirects=True)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "typed", ["1,5M", "1,50", "1,,000", "1 5", "12,34,567M", "1_0", "5,000.0,0"]
)
def test_a_comma_that_groups_no_thousands_never_multiplies_an_amount(
    world: World, typed: str
) -> None:
    fields = {"band": "own", "tokens": typed, "coverage": "100"}
    answer = world.ada.post("/estimates", **fields)
    assert answer.status_code == 422
    assert not world.ada.has_account


@pytest.mark.parametrize("typed", ["5,000,000", "5 000 000", "5_000_000", "5M", "5.0 million"])
def test_thousands_may_be_grouped_as_people_do(world: World, typed: str) -> None:
    answer = world.ada.post("/estimates", band="own", tokens=typed, coverage="100")
    assert answer.status_code == 303
    assert "$1.25" in world.ada.page(answer.location.removeprefix(PREFIX)).text


@pytest.mark.promise("TG-013")
def test_no_route_gives_a_further_try_at_keys(make_world: Callable[..., World]) -> None:
    # Otherwise Flask-Login itself no longer trusts a session whose forged address changes.
    world = make_world(TOKENOFFSET_KEY_CHECKS_PER_HOUR=3, SESSION_PROTECTION=None)
    source_id = world.ada.connect()
    guess = {"key": "sk-ant-admin01-" + "x" * 40}
    for _ in range(2):
        refused = world.ada.api("PUT", f"/sources/{source_id}/key", guess)
        assert refused.get_json()["code"] == "key-refused"
    calls = len(world.anthropic.calls) + len(world.openai.calls)
    other = world.browser("ada")  # A session of its own.
    forged = {"X-Forwarded-For": "192.0.2.7", "Idempotency-Key": "another"}
    body = {"provider": "anthropic", **guess}
    tries = [
        other.api("POST", "/sources", body),
        other.api(
            "POST", "/sources", {**body, "key": "sk-admin-" + "x" * 40, "provider": "openai"}
        ),
        other.api("PUT", f"/sources/{source_id}/key", guess),
        other.client.post(f"{API}/sources", json=body, headers=forged),
        other.post("/sources/connect/anthropic", **guess),
        other.post(f"/sources/{source_id}/key", **guess),
    ]
    assert [each.status_code for each in tries] == [429] * 6
    assert len(world.anthropic.calls) + len(world.openai.calls) == calls


@pytest.mark.parametrize("mark", ["\u202e", "\u202b", "\u2066", "\u2069"])
def test_a_label_cannot_turn_the_words_around_it(world: World, mark: str) -> None:
    body = {"provider": "anthropic", "key": ANTHROPIC_DEMO_KEY, "label": f"Harbour{mark}gnp.exe"}
    answer = world.ada.api("POST", "/sources", body)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, "#/label")
    assert world.anthropic.calls == []


def test_a_label_of_nothing_visible_is_none(world: World) -> None:
    of_many_organizations(world)
    source_id = world.ada.connect(label="\u200b\u2060 \u00ad")
    assert world.ada.page(f"/sources/{source_id}").heading == "Simulated Industries"
    named = world.ada.connect(label="Crew \N{WOMAN}\u200d\N{PERSONAL COMPUTER} \u05d0\u05d1")
    assert "\u200d" in world.ada.page(f"/sources/{named}").heading


def test_connections_made_at_once_do_not_pass_the_bound(
    make_world: Callable[..., World],
    postgres_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_limits, "MOST_CONNECTIONS", 3)
    world = make_world(postgres_database())
    of_many_organizations(world)
    world.ada.connect()
    body = {"provider": "anthropic", "key": ANTHROPIC_DEMO_KEY}
    browsers = [world.browser("ada") for _ in range(6)]
    answers = at_once(*[lambda b=each: b.api("POST", "/sources", body) for each in browsers])
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 4
    assert len(world.rows(Connection)["tokenoffset_connection"]) == 3


# --- through a vendor's answers ------------------------------------------------------------------


def test_markup_in_names_is_text_on_every_page(world: World) -> None:
    evil = MARKUP[:100]
    world.anthropic.organization = evil
    of_many_organizations(world)
    for report in ("*usage_report*", "*cost_report"):
        rename = rows_with(lambda row: {**row, "model": evil, "description": evil})
        world.anthropic.faults.add(rename, path=report, times=None)
    sources = [world.ada.sample(), world.ada.sample(label=f"{evil}!")]
    # Two connections, so that the combined estimate repeats the names, too.
    request_id = ask(world.ada, evil)
    for source_id in sources:
        plan = world.ada.adopt(world.ada.newest_estimate(source_id)["id"])
        estimate_id = plan["adoption"]["estimate_id"]
        shown = [
            world.ada.get(path).text
            for path in world.page_paths(
                source_id=source_id,
                estimate_id=estimate_id,
                provider="anthropic",
                invitation_token=invitation_token(world, world.ada),
                identity_id=linked_identity(world, world.ada),
                request_id=request_id,
                event_id=decide(world.ada),
                receipt_token=receipt_token(world),
            )
        ]
        assert any("alert(1)" in page for page in shown)
        assert not [sign for page in shown for sign in TAKEN_FOR_MARKUP if sign in page]
    assert world.ada.api("GET", f"/sources/{sources[0]}").mimetype == "application/json"


def test_markup_in_an_address_is_text(settled_world: World) -> None:
    for path in ("/bands", "/plan", "/billing-records", "/sources"):
        names = ("band", "tokens", "coverage", "done", "cursor", "label")
        page = settled_world.ada.get(path, query_string=dict.fromkeys(names, MARKUP)).text
        assert not [sign for sign in TAKEN_FOR_MARKUP if sign in page]


@pytest.mark.parametrize("token", ["\ud800", "page_\udfff", "a\x00b", "a\r\nx-evil: 1"])
def test_a_page_token_that_no_address_can_hold_fails_the_sample_with_a_reason(
    world: World, token: str
) -> None:
    world.ada.connect()
    turn = altered(lambda page: {**page, "has_more": True, "next_page": token})
    world.anthropic.faults.add(turn, path="*usage_report*")
    world.work()
    run = newest_run(world)
    assert (run.status, run.reason_code) == ("queued", "vendor-answer-incomplete")


def test_a_short_history_of_absurd_figures_fails_the_sample_with_a_reason(
    world: World,
) -> None:
    """Fourteen days become a month of more than twice as much, which no column holds."""

    def absurd(page: dict[str, Any]) -> dict[str, Any]:
        rows = [row for bucket in page["data"] for row in bucket["results"]]
        row = {**rows[0], "uncached_input_tokens": 2**62 // 15}
        for bucket in page["data"]:
            bucket["results"] = [row] if bucket["starting_at"] >= "2026-11-06" else []
        return page

    world.anthropic.faults.add(altered(absurd), path="*usage_report*", times=None)
    world.ada.connect()
    world.work()
    run = newest_run(world)
    assert (run.status, run.reason_code) == ("failed", "vendor-answer-malformed")


def test_cookies_of_a_vendor_do_not_go_from_one_persons_call_to_anothers(
    make_world: Callable[..., World],
) -> None:
    sent: list[str | None] = []
    world = make_world()
    answer = world.anthropic.transport()

    class Cookies(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request.headers.get("cookie"))
            response = answer.handle_request(request)
            response.headers["set-cookie"] = "who=ada; Path=/; Domain=api.anthropic.com"
            return response

    gateway = world.state.gateway
    gateway._transports = {**gateway._transports, "anthropic": Cookies()}
    world.ada.connect()
    began = len(sent)
    world.ben.connect()
    assert sent[began] is None


# --- with a hand in the database -----------------------------------------------------------------


def test_keys_swapped_in_the_database_reach_no_vendor(world: World) -> None:
    world.ada.sample()
    world.ben.sample()
    calls = len(world.anthropic.calls)
    with world.app.app_context():
        session = world.state.session
        rows = [dict(row) for row in session.execute(select(Credential.__table__)).mappings()]
        session.execute(delete(Credential))
        (a, b), places = rows, ("source_id", "account_id")
        swapped = [
            {**a, **{name: b[name] for name in places}},
            {**b, **{name: a[name] for name in places}},
        ]
        session.execute(insert(Credential), swapped)
        session.commit()
    world.clock.move(minutes=11)
    for browser in (world.ada, world.ben):
        (source,) = browser.api("GET", "/sources").get_json()["items"]
        browser.resample(source["id"])
    with world.app.app_context():
        paused = set(world.state.session.execute(select(Connection.status, Connection.paused_code)))
    assert {tuple(each) for each in paused} == {("paused", "seal-broken")}
    assert len(world.anthropic.calls) == calls


def test_a_key_cannot_be_led_to_another_vendor_by_the_database(world: World) -> None:
    """Anyone who may write a run's row could name the other vendor there."""
    source_id = world.ada.connect()
    calls = len(world.openai.calls)
    with world.app.app_context():
        session = world.state.session
        session.get_one(SampleRun, world.queue.run_ids[0]).provider = "openai"
        session.commit()
    world.work()
    assert (newest_run(world).status, newest_run(world).reason_code) == ("failed", "wrong-key-kind")
    assert len(world.openai.calls) == calls
    assert re.search(re.escape(ANTHROPIC_DEMO_KEY[7:]), str(world.rows())) is None
    assert world.ada.get(f"/sources/{source_id}").status_code == 200
