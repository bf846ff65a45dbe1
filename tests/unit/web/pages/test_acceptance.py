"""The page that asks for the documents in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.consenting import consents_of
from tests.support.publishing import let_take_effect, publish_required
from tests.support.world import PREFIX

if TYPE_CHECKING:
    from tests.support.html_page import HtmlPage
    from tests.support.world import World

PATH = "/privacy/acceptance"


def boxes(page: HtmlPage) -> dict[str, str]:
    """What each box says, by the version it stands for."""
    labels = {
        each.attributes["for"]: each.text
        for each in page.elements
        if each.tag == "label" and "for" in each.attributes
    }
    return {
        each.attributes["value"]: labels[each.attributes["id"]]
        for each in page.elements
        if each.attributes.get("type") == "checkbox"
    }


@pytest.mark.promise("TO-058")
def test_each_document_has_a_box_of_its_own_that_nobody_has_ticked(world: World) -> None:
    terms = publish_required(world)
    policy = publish_required(world, "privacy-policy")
    page = world.ada.page(PATH)
    assert boxes(page) == {
        str(policy): "I have read «Privacy policy» and accept it",
        str(terms): "I have read «Terms» and accept it",
    }
    assert not [each for each in page.elements if "checked" in each.attributes]
    assert "accept" not in page.form(PATH).values
    assert page.heading == "Read and decide"


def test_each_text_can_be_read_from_there(world: World) -> None:
    publish_required(world)
    page = world.ada.page(PATH)
    link = page.link("Read the whole text of Terms")
    assert link == f"{PREFIX}/documents/terms/v1?language=en"
    assert "What number 1 says." in world.ada.client.get(link).text


@pytest.mark.promise("TO-058")
def test_what_changed_is_said_and_can_be_compared_with_what_one_accepted(world: World) -> None:
    world.ada.pick_band()
    accepted = publish_required(world)
    assert "What changed" not in world.ada.page(PATH).text
    world.ada.submit(PATH, PATH, accept=str(accepted))
    publish_required(world, material=True)
    let_take_effect(world)
    page = world.ada.page(PATH)
    assert "What changed: What number 2 changed." in page.text
    link = page.link("Compare it with the version you accepted of Terms")
    compared = world.ada.page(link.removeprefix(PREFIX))
    assert "What number" in compared.text
    assert link.endswith("from=v1&to=v2")


def test_a_part_is_noted_and_the_rest_stays_asked(world: World) -> None:
    terms = publish_required(world)
    policy = publish_required(world, "privacy-policy")
    answer = world.ada.submit(f"{PATH}?next={PREFIX}/bands", PATH, accept=str(terms))
    page = world.ada.page(answer.location.removeprefix(PREFIX))
    assert list(boxes(page)) == [str(policy)]
    assert "This is what remains" in page.text
    assert page.form(PATH).values["next"] == f"{PREFIX}/bands"
    answer = world.ada.submit(f"{PATH}?next={PREFIX}/bands", PATH, accept=str(policy))
    assert answer.location == f"{PREFIX}/bands"
    assert len(consents_of(world, world.ada.account_id)) == 2


@pytest.mark.parametrize("ticked", [{}, {"accept": ""}, {"accept": "everything"}])
def test_nothing_ticked_is_nothing_accepted_and_is_said_beside_each_box(
    world: World, ticked: dict[str, str]
) -> None:
    publish_required(world)
    answer = world.ada.post(PATH, next=f"{PREFIX}/plan", **ticked)
    assert answer.status_code == 422
    page = world.ada.page(PATH)
    assert boxes(page)
    refused = type(page)(answer.text)
    assert refused.title.startswith("Error: ")
    assert refused.error_of("to-accept-1") == "Error: Tick this box if you accept this text."
    assert refused.form(PATH).values["next"] == f"{PREFIX}/plan", "the way on is kept"
    assert not world.ada.has_account


def test_a_text_that_was_replaced_meanwhile_is_not_accepted_unread(world: World) -> None:
    former = publish_required(world)
    world.ada.page(PATH)
    present = publish_required(world)
    answer = world.ada.post(PATH, accept=str(former))
    assert answer.status_code == 409
    page = type(world.ada.page(PATH))(answer.text)
    assert list(boxes(page)) == [str(present)]
    assert "is not in force any more" in page.text


@pytest.mark.promise("TO-058")
def test_it_says_what_works_without_and_each_of_those_does(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    publish_required(world)
    page = world.ada.page(PATH)
    assert "If you do not accept" in page.text
    ways = [
        page.link(words)
        for words in (
            "Use your rights over your data",
            "See and correct what we hold about you",
            "Disconnect a vendor",
            "End your plan",
            "Delete your account",
        )
    ]
    for way in ways:
        assert world.ada.client.get(way).status_code == 200, way
    assert world.ada.submit("/plan/end", "/plan/end").status_code == 303


def test_who_has_accepted_everything_is_told_so_and_goes_on(world: World) -> None:
    page = world.ada.page(f"{PATH}?next={PREFIX}/plan")
    assert page.heading == "Nothing to accept"
    assert page.link("Go on") == f"{PREFIX}/plan"
    assert not boxes(page)
