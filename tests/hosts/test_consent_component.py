"""What a host puts into its own pages: the question about a purpose, and what it asks of us."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import jsonify, render_template_string, request
from flask_wtf import CSRFProtect
from jinja2 import UndefinedError

from flask_tokenoffset import has_accepted_current, record_consent, requires_acceptance
from flask_tokenoffset.blueprints.components.consent import consent
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import ConsentEvent
from tests.support.consenting import consents_of, states_of
from tests.support.html_page import HtmlPage
from tests.support.publishing import publish_required
from tests.support.world import PREFIX, World, make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from werkzeug.test import TestResponse

    from tests.support.world import Browser

__all__ = ["make_world", "world"]

STRICT = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


@pytest.fixture(params=["without", "with"], ids=["alone", "with CSRFProtect"])
def host(make_world: Callable[..., World], request: pytest.FixtureRequest) -> World:
    """A host with pages of its own, and one that guards its forms itself."""
    made = make_world()
    add_pages(made)
    if request.param == "with":
        protect = CSRFProtect(made.app)
        for name in ("sign_in", "change_address"):
            protect.exempt(made.app.view_functions[name])
    return made


def add_pages(world: World) -> None:
    app = world.app

    @app.get("/shop")
    def shop() -> str:
        return render_template_string(
            "<!doctype html><html lang=en><title>Shop</title><main><h1>Shop</h1>"
            "{{ tokenoffset_consent('product-updates', place='host:shop') }}"
            "</main></html>"
        )

    @app.get("/research")
    def research() -> str:
        return render_template_string(
            "<main>{{ tokenoffset_consent('insights', heading='h3', next_path='/shop') }}</main>"
        )

    @app.get("/plain")
    def plain() -> str:
        return render_template_string("<main>nothing of anybody's</main>")

    @app.get("/club")
    @requires_acceptance
    def club() -> str:
        return "the club"

    @app.post("/club/join")
    @requires_acceptance
    def join_club() -> ResponseReturnValue:
        return jsonify(joined=True), 201

    @app.after_request
    def be_strict(response: Any) -> Any:
        if not request.path.startswith(PREFIX):
            response.headers["Content-Security-Policy"] = STRICT
        return response


def piece(browser: Browser, path: str = "/shop") -> HtmlPage:
    """A page of the host's, as a browser shows it."""
    answer = browser.client.get(path)
    assert answer.status_code == 200, answer.text
    return HtmlPage(answer.text)


def press(browser: Browser, decision: str, path: str = "/shop", **changed: str) -> TestResponse:
    """Press one of the buttons in the piece."""
    page = piece(browser, path)
    form = page.form("/here")
    buttons = [
        each.attributes["value"]
        for each in page.elements
        if each.tag == "button" and each.attributes.get("name") == "decision"
    ]
    assert decision in buttons
    return browser.client.post(form.action, data={**form.values, "decision": decision, **changed})


@pytest.mark.promise("TO-014", "TO-052")
def test_a_host_asks_on_its_own_page_and_the_ledger_says_where(host: World) -> None:
    back = press(host.ada, "give")
    assert back.status_code == 303
    assert back.location == "/shop#to-consent-product-updates"
    (event,) = consents_of(host, host.ada.account_id)
    assert (event["purpose"], event["event_type"]) == ("product-updates", "given")
    assert (event["place"], event["method"]) == ("host:shop", "form")
    assert "Agreed on" in piece(host.ada).by_id("to-consent-product-updates").text


@pytest.mark.promise("TO-052")
def test_taking_it_back_there_takes_no_more_steps_than_giving_it(host: World) -> None:
    press(host.ada, "give")
    assert press(host.ada, "withdraw").status_code == 303
    assert states_of(host.ada)["product-updates"] == "withdrawn"


@pytest.mark.promise("TO-052")
def test_nothing_is_chosen_before_and_one_purpose_is_asked_at_a_time(host: World) -> None:
    page = piece(host.ada)
    assert not [each for each in page.elements if "checked" in each.attributes]
    assert [each.text for each in page.elements if each.tag == "button"] == ["Agree", "Decline"]
    press(host.ada, "refuse")
    states = states_of(host.ada)
    assert states["product-updates"] == "refused"
    assert {states[each] for each in ("insights", "calibration", "sampling")} == {"not-asked"}


def test_it_works_under_the_strictest_policy_and_without_a_script(host: World) -> None:
    answer = host.ada.client.get("/shop")
    assert answer.headers["Content-Security-Policy"] == STRICT
    page = HtmlPage(answer.text)
    assert not {"script", "style", "link", "img", "iframe"} & {each.tag for each in page.elements}
    attributes = {name for each in page.elements for name in each.attributes}
    assert not [each for each in attributes if each == "style" or each.startswith("on")]
    assert page.by_id("to-consent-product-updates").attributes["aria-labelledby"] == (
        "to-consent-product-updates-title"
    )


def test_nobody_signed_in_sees_nothing_and_begins_no_session(host: World) -> None:
    with host.statements() as sent:
        answer = host.nobody.client.get("/shop")
    assert "to-consent" not in answer.text
    assert sent == []
    assert "Set-Cookie" not in answer.headers


def test_a_page_of_the_host_that_does_not_ask_costs_nothing(host: World) -> None:
    publish_required(host)
    piece(host.ada)
    with host.statements() as sent:
        answer = host.ada.client.get("/plain")
    assert not [each for each in sent if "tokenoffset" in each], "its own user is its own business"
    assert "Set-Cookie" not in answer.headers


def test_our_documents_close_no_page_of_the_host_that_does_not_ask_for_it(host: World) -> None:
    publish_required(host)
    assert host.ada.client.get("/plain").status_code == 200
    assert press(host.ada, "refuse").status_code == 303, "to decide needs no acceptance either"


@pytest.mark.parametrize("token", ["", "forged"])
def test_a_form_without_a_token_of_ours_is_refused(host: World, token: str) -> None:
    refused = press(host.ada, "give", tokenoffset_csrf=token)
    assert refused.status_code == 400
    assert states_of(host.ada)["product-updates"] == "not-asked"


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_never_leads_to_another_site(host: World, away: str) -> None:
    back = press(host.ada, "give", next=away)
    assert back.location == f"{PREFIX}/privacy/consents#to-consent-product-updates"


def test_it_leads_back_to_the_page_with_its_query_or_to_the_one_the_host_named(
    host: World,
) -> None:
    assert press(host.ada, "give", "/shop?page=2").location == (
        "/shop?page=2#to-consent-product-updates"
    )
    assert press(host.ada, "give", "/research").location == "/shop#to-consent-insights"
    assert "h3" in {each.tag for each in piece(host.ada, "/research").elements}


@pytest.mark.parametrize("place", ["consents-page", "host:", "host:Über", "host:" + "x" * 80])
def test_no_other_place_than_one_of_the_host_comes_into_the_ledger_that_way(
    host: World, place: str
) -> None:
    assert press(host.ada, "give", place=place).status_code == 422
    assert not host.ada.has_account
    with host.app.test_request_context(), pytest.raises(ValueError, match="The place must be"):
        consent("insights", place=place)


@pytest.mark.parametrize("purpose", ["service", "newsletter", ""])
def test_a_purpose_that_nobody_is_asked_about_is_a_mistake_of_the_host(
    world: World, purpose: str
) -> None:
    with world.app.test_request_context(), pytest.raises(ValueError, match="People are asked"):
        consent(purpose)


@pytest.mark.promise("TO-054")
def test_a_browser_that_objects_is_not_overruled_there(host: World) -> None:
    form = piece(host.ada, "/research").form("/here")
    refused = host.ada.client.post(
        form.action, data={**form.values, "decision": "give"}, headers={"Sec-GPC": "1"}
    )
    assert refused.status_code == 409
    assert "Global Privacy Control" in refused.text


# --- acceptance -----------------------------------------------------------------------------------


def accept(browser: Browser, version_id: object) -> None:
    answer = browser.api("POST", "/privacy/acceptance", {"version_ids": [str(version_id)]})
    assert answer.status_code == 200, answer.text


@pytest.mark.promise("TO-058")
def test_a_view_of_the_host_may_ask_for_acceptance_and_is_come_back_to(host: World) -> None:
    assert host.ada.client.get("/club").text == "the club"
    terms = publish_required(host)
    sent_away = host.ada.client.get("/club?table=4")
    assert sent_away.status_code == 303
    assert sent_away.location == (f"{PREFIX}/privacy/acceptance?next=%2Fclub%3Ftable%3D4")
    path = sent_away.location.removeprefix(PREFIX)
    back = host.ada.submit(path, "/privacy/acceptance", accept=str(terms))
    assert back.location == "/club?table=4"
    assert host.ada.client.get(back.location).text == "the club"
    assert host.ben.client.get("/club").status_code == 303


@pytest.mark.promise("TO-058")
def test_anyone_who_wants_json_gets_a_problem_that_names_the_documents(host: World) -> None:
    host.app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # The host's own business.
    terms = publish_required(host)
    refused = host.ada.client.post("/club/join", json={})
    assert refused.status_code == 403
    assert refused.content_type == "application/problem+json"
    problem = refused.get_json()
    assert problem["code"] == "acceptance-required"
    assert [each["version_id"] for each in problem["documents"]] == [str(terms)]
    accept(host.ada, terms)
    assert host.ada.client.post("/club/join", json={}).get_json() == {"joined": True}


def test_a_view_that_asks_for_acceptance_lets_nobody_in_who_is_not_signed_in(host: World) -> None:
    assert host.nobody.client.get("/club").location.startswith("/sign-in")
    refused = host.nobody.client.get("/club", headers={"Accept": "application/json"})
    assert refused.status_code == 401
    assert refused.get_json()["code"] == "sign-in-required"


@pytest.mark.promise("TO-058")
def test_a_host_can_ask_whether_a_person_has_accepted_what_is_current(world: World) -> None:
    terms = publish_required(world)
    accept(world.ada, terms)
    with world.app.app_context():
        assert has_accepted_current(world.ada.user_key)
        assert not has_accepted_current(world.ben.user_key)
        assert not has_accepted_current("nobody we know")
    with world.app.test_request_context():
        assert not has_accepted_current(), "nobody is signed in"


# --- what was said elsewhere ----------------------------------------------------------------------


@pytest.mark.promise("TO-014")
def test_a_host_notes_what_was_said_on_its_own_page(world: World) -> None:
    with world.app.app_context():
        event_id = record_consent(
            world.stranger.user_key, "product-updates", place="host:checkout", language="de"
        )
    assert states_of(world.stranger)["product-updates"] == "given"
    (event,) = consents_of(world, world.stranger.account_id)
    assert event["id"] == event_id
    assert (event["place"], event["method"], event["language"]) == ("host:checkout", "host", "de")
    with world.app.app_context():
        record_consent(world.stranger.user_key, "product-updates", given=False)
    assert states_of(world.stranger)["product-updates"] == "withdrawn"


@pytest.mark.parametrize(
    ("purpose", "place", "error"),
    [
        ("product-updates", "checkout", ValueError),
        ("newsletter", "host", ValueError),
        ("service", "host", Conflict),
    ],
)
def test_what_a_host_cannot_have_been_told_is_not_noted(
    world: World, purpose: str, place: str, error: type[Exception]
) -> None:
    with world.app.app_context(), pytest.raises(error):
        record_consent(world.ada.user_key, purpose, place=place)
    assert world.rows(ConsentEvent) == {"tokenoffset_consent_event": []}


def test_the_one_name_we_give_to_the_hosts_templates(world: World) -> None:
    with world.app.test_request_context("/anything"):
        with pytest.raises(UndefinedError):
            render_template_string("{{ tokenoffset.csrf_field() }}")
        ours = [name for name in world.app.jinja_env.globals if re.match("tokenoffset", name)]
    assert ours == ["tokenoffset_consent"]
