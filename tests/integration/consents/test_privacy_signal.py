"""Global Privacy Control: an objection for the request at once, and kept with the next change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from flask_tokenoffset.blueprints.access.gpc import serve_gpc
from flask_tokenoffset.data_map.purposes import NOTICES, OBJECTABLE, Purpose
from flask_tokenoffset.extension import TokenOffset
from flask_tokenoffset.services.consents.holding import holds
from tests.support.consenting import consents_of, decide, faults_of, states_of
from tests.support.world import API, PREFIX

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

#: What a request may carry, and whether it objects.
SENT: Final = [
    pytest.param([("Sec-GPC", "1")], True, id="1"),
    pytest.param([("sec-gpc", "1")], True, id="lower-case name"),
    pytest.param([("Sec-GPC", "0")], False, id="0"),
    pytest.param([("Sec-GPC", "true")], False, id="true"),
    pytest.param([("Sec-GPC", "1;q=1")], False, id="with a parameter"),
    pytest.param([("Sec-GPC", "11")], False, id="11"),
    pytest.param([("Sec-GPC", "?1")], False, id="a structured true"),
    pytest.param([("Sec-GPC", "1"), ("Sec-GPC", "1")], False, id="twice"),
    pytest.param([("Sec-GPC", "")], False, id="empty"),
    pytest.param([], False, id="absent"),
]
SIGNAL: Final = [("Sec-GPC", "1")]


def api(browser: Browser, method: str, path: str, headers: Any = SIGNAL, **json: Any) -> Any:
    """Call an operation with some headers."""
    body = None if method == "GET" else json
    return browser.client.open(API + path, method=method, json=body, headers=headers)


def change_something(browser: Browser, headers: Any = SIGNAL) -> TestResponse:
    """Make a change that has nothing to do with consents."""
    response: TestResponse = api(browser, "POST", "/estimates", headers, kind="band", band="worker")
    assert response.status_code == 201, response.text
    return response


@pytest.mark.promise("TO-054")
@pytest.mark.parametrize(("headers", "objects"), SENT)
def test_only_a_signal_of_exactly_1_objects(world: World, headers: Any, objects: bool) -> None:
    ada = world.ada
    items = api(ada, "GET", "/privacy/consents", headers).get_json()["items"]
    said = {each["purpose"]: each["objected_by_browser"] for each in items}
    assert said == {each: objects and each in OBJECTABLE for each in Purpose}
    change_something(ada, headers)
    kept = states_of(ada)
    assert {each: kept[each] for each in OBJECTABLE} == dict.fromkeys(
        OBJECTABLE, "objected" if objects else "not-asked"
    )
    assert {each["method"] for each in consents_of(world, ada.account_id)} == (
        {"global-privacy-control"} if objects else set()
    )


@pytest.mark.promise("TO-054")
def test_looking_at_a_page_writes_nothing_and_the_signal_holds_all_the_same(world: World) -> None:
    ada = world.ada
    for purpose in OBJECTABLE:
        decide(ada, purpose, "give")
    before = world.rows()
    page = ada.client.get(f"{PREFIX}/privacy/consents", headers=SIGNAL).text
    assert "Your browser sends Global Privacy Control" in page
    items = api(ada, "GET", "/privacy/consents").get_json()["items"]
    assert [each["purpose"] for each in items if not each["is_on"]] == [
        "sampling",
        *OBJECTABLE,
        "product-updates",
    ]
    assert world.rows() == before
    assert states_of(ada)["insights"] == "given"


@pytest.mark.promise("TO-054")
def test_the_signal_is_kept_once_and_ends_a_consent(world: World) -> None:
    ada = world.ada
    decide(ada, "insights", "give")
    for _ in range(3):
        change_something(ada)
    events = consents_of(world, ada.account_id)
    assert [(each["purpose"], each["event_type"]) for each in events] == [
        ("insights", "given"),
        ("calibration", "objected"),
        ("insights", "objected"),
    ]
    with world.app.app_context():
        for purpose in OBJECTABLE:
            assert not holds(world.state.session, ada.account_id, purpose)
    change_something(ada, [])
    assert states_of(ada)["insights"] == "objected", "it outlives the browser that sent it"
    assert faults_of(world) == []


@pytest.mark.promise("TO-054")
@pytest.mark.parametrize("purpose", OBJECTABLE)
def test_a_yes_that_comes_with_the_signal_is_refused_and_says_why(
    world: World, purpose: Purpose
) -> None:
    ada = world.ada
    change_something(ada, [])
    refused = api(ada, "POST", f"/privacy/consents/{purpose}", decision="give")
    assert refused.status_code == 409
    detail = refused.get_json()["detail"]
    assert "Global Privacy Control" in detail
    assert NOTICES[purpose].title in detail
    page = ada.client.post(
        f"{PREFIX}/privacy/consents/{purpose}",
        data={**ada.token_field, "decision": "give"},
        headers=SIGNAL,
    )
    assert page.status_code == 409
    assert "Your browser sends Global Privacy Control" in page.text
    assert states_of(ada)[purpose] == "not-asked"
    decide(ada, purpose, "give")
    assert states_of(ada)[purpose] == "given", "without the signal it is a yes"


def test_the_signal_is_about_nothing_else(world: World) -> None:
    ada = world.ada
    given = api(ada, "POST", "/privacy/consents/product-updates", decision="give")
    assert given.status_code == 200
    assert states_of(ada)["product-updates"] == "given"


@pytest.mark.promise("TO-054")
def test_of_a_person_who_is_not_signed_in_nothing_is_kept(world: World) -> None:
    before = world.rows()
    assert world.nobody.client.get(f"{PREFIX}/methodology", headers=SIGNAL).status_code == 200
    assert api(world.nobody, "GET", "/privacy/consents").status_code == 401
    assert world.rows() == before


def test_in_an_organization_the_person_objects_and_not_the_organization(world: World) -> None:
    ada = world.ada
    organization_id = ada.create_organization()
    made = api(
        ada,
        "POST",
        f"/organizations/{organization_id}/estimates",
        kind="band",
        band="worker",
    )
    assert made.status_code == 201, made.text
    assert {each["purpose"] for each in consents_of(world, ada.account_id)} == set(OBJECTABLE)
    assert faults_of(world) == []


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.promise("TO-054")
@pytest.mark.parametrize("by", ["function", "extension"])
def test_the_host_may_have_the_site_say_so(world: World, by: str) -> None:
    path = "/.well-known/gpc.json"
    app = world.app
    assert app.test_client().get(path).status_code == 404, "it speaks for the whole site"
    # A host calls it before its first request.
    app._got_first_request = False
    if by == "function":
        serve_gpc(app)
    else:
        TokenOffset().serve_gpc(app)
    answer = app.test_client().get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.get_json() == {"gpc": True, "lastUpdate": "2026-11-20"}
