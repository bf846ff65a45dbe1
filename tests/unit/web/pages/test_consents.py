"""The page of consents: nothing is decided in advance, and a button decides about one purpose."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from flask import request, request_started

from flask_tokenoffset.data_map.purposes import ASKED, NOTICES, OBJECTABLE, Purpose
from tests.support.consenting import consents_of, decide, states_of
from tests.support.world import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.support.html_page import Form, HtmlPage
    from tests.support.world import Browser, World

PAGE = "/privacy/consents"


def forms_of(page: HtmlPage) -> list[Form]:
    return [each for each in page.forms if f"{PAGE}/" in each.action]


@pytest.mark.promise("TO-052")
def test_no_box_is_ticked_and_every_form_is_about_one_purpose(world: World) -> None:
    decide(world.ada, "insights", "give")
    page = world.ada.page(PAGE)
    forms = forms_of(page)
    assert {each.action.rpartition("/")[2] for each in forms} == set(ASKED)
    for form in forms:
        assert set(form.values) == {"tokenoffset_csrf", "decision"}
    inputs = [each.attributes for each in page.elements if each.tag == "input"]
    assert {each["type"] for each in inputs} == {"hidden"}
    assert not [each for each in page.elements if "checked" in each.attributes]
    assert not [each for each in page.elements if each.tag in {"select", "textarea"}]


def test_the_page_says_what_each_purpose_is_for_and_how_it_stands(world: World) -> None:
    decide(world.ada, "insights", "give")
    text = world.ada.page(PAGE).text
    for purpose in Purpose:
        about = NOTICES[purpose]
        for words in (about.title, about.sentence, about.withdrawal, *about.recipients):
            assert words in text
    for state in ("Part of the contract", "Not decided", "Agreed"):
        assert state in text
    assert "not stated by the operator" in text


@contextmanager
def requests_of(world: World) -> Iterator[list[str]]:
    """Every request that is sent while the block runs."""
    sent: list[str] = []

    def note(_sender: object, **_more: Any) -> None:
        sent.append(f"{request.method} {request.path}")

    with request_started.connected_to(note, sender=world.app):
        yield sent


def press(browser: Browser, purpose: str, decision: str) -> str:
    """Open the page and press a button; returns what it says of the purpose then."""
    page = browser.page(PAGE)
    (form,) = [
        each
        for each in forms_of(page)
        if each.action.endswith(f"/{purpose}") and each.values["decision"] == decision
    ]
    response = browser.client.post(form.action, data=form.values)
    assert response.status_code == 303
    assert browser.client.get(response.location).status_code == 200
    return states_of(browser)[purpose]


@pytest.mark.promise("TO-052")
@pytest.mark.parametrize("purpose", ASKED)
def test_withdrawing_takes_as_many_requests_as_giving(world: World, purpose: Purpose) -> None:
    ada = world.ada
    steps: dict[str, list[str]] = {}
    for decision, state in (("give", "given"), ("withdraw", "withdrawn")):
        with requests_of(world) as sent:
            assert press(ada, purpose, decision) == state
        steps[decision] = sent
    assert steps["withdraw"] == steps["give"]
    assert len([each for each in steps["withdraw"] if each.startswith("POST")]) == 1
    assert {(each["place"], each["method"]) for each in consents_of(world, ada.account_id)} == {
        ("consents-page", "form")
    }


@pytest.mark.parametrize(
    ("before", "offered"),
    [
        ((), ["give", "refuse", "object"]),
        (("give",), ["withdraw", "object"]),
        (("refuse",), ["give", "object"]),
        (("give", "withdraw"), ["give", "object"]),
        (("object",), ["give"]),
    ],
)
def test_what_can_be_decided_has_a_button_and_nothing_else_has(
    world: World, before: tuple[str, ...], offered: list[str]
) -> None:
    for decision in before:
        decide(world.ada, "insights", decision)
    forms = [each for each in forms_of(world.ada.page(PAGE)) if each.action.endswith("/insights")]
    assert [each.values["decision"] for each in forms] == offered


def test_only_what_one_may_object_to_has_a_button_for_it(world: World) -> None:
    forms = forms_of(world.ada.page(PAGE))
    objecting = {
        each.action.rpartition("/")[2] for each in forms if each.values["decision"] == "object"
    }
    assert objecting == set(OBJECTABLE)


def test_a_decision_leads_back_with_a_notice_and_its_receipt(world: World) -> None:
    ada = world.ada
    response = ada.submit(PAGE, "/product-updates", decision="give")
    assert response.location == f"{PREFIX}{PAGE}?done=product-updates"
    page = ada.client.get(response.location).text
    (event,) = consents_of(world, ada.account_id)
    assert "News about the product: Agreed" in page
    assert f"{PREFIX}{PAGE}/{event['id']}/receipt" in page


@pytest.mark.parametrize("decision", ["", "agree", "GIVE"])
def test_a_form_that_says_nothing_changes_nothing(world: World, decision: str) -> None:
    response = world.ada.post(f"{PAGE}/insights", decision=decision)
    assert response.status_code == 422
    assert "nothing was changed" in response.text
    assert not world.ada.has_account


@pytest.mark.parametrize("purpose", ["everything", "agent:1", "Insights"])
def test_there_are_no_other_purposes(world: World, purpose: str) -> None:
    assert world.ada.post(f"{PAGE}/{purpose}", decision="give").status_code == 404
    answer = world.ada.api("POST", f"{PAGE}/{purpose}", {"decision": "give"})
    assert answer.status_code == 404


def test_a_decision_that_cannot_be_is_explained_on_the_page(world: World) -> None:
    response = world.ada.post(f"{PAGE}/insights", decision="withdraw")
    assert response.status_code == 409
    assert "there is nothing to withdraw" in response.text


def test_the_ledger_is_shown_page_by_page(world: World) -> None:
    ada = world.ada
    for _ in range(26):
        for decision in ("give", "withdraw"):
            decide(ada, "insights", decision)
    page = ada.page(PAGE)
    assert page.text.count("of decision") == 50
    older = world.ada.client.get(page.link("Older decisions")).text
    assert older.count("of decision") == 2


def test_a_receipt_can_be_taken_away_as_json(world: World) -> None:
    event_id = decide(world.ada, "insights", "give")
    page = world.ada.page(f"{PAGE}/{event_id}/receipt")
    answer = world.ada.client.get(page.link("Take it away as JSON"))
    assert "the page «Consents»" in page.text
    assert answer.get_json()["record_id"] == str(event_id)
    assert answer.get_json()["event_type"] == "given"
