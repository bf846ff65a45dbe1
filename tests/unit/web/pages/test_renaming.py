"""The label of a connection can be changed by whoever may change the source, and by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from flask_tokenoffset.models import AuditEvent
from flask_tokenoffset.services.sampling.labels import LONGEST_LABEL
from tests.support.html_page import HtmlPage

if TYPE_CHECKING:
    from tests.support.world import World


def label_of(world: World, source_id: object) -> str:
    (label,) = [
        each["label"]
        for each in world.ada.api("GET", "/sources").get_json()["items"]
        if each["id"] == str(source_id)
    ]
    return str(label)


def heading_of(page: HtmlPage) -> str:
    return next(each.text for each in page.elements if each.tag == "h1")


def renamings(world: World) -> list[AuditEvent]:
    with world.app.app_context():
        return list(
            world.state.session.scalars(
                select(AuditEvent).where(AuditEvent.action == "source.renamed")
            )
        )


def test_the_page_of_a_source_gives_it_another_label_and_the_log_says_so(world: World) -> None:
    ada = world.ada
    source_id = ada.connect("openai")
    path = f"/sources/{source_id}"
    before = ada.page(path)
    assert before.form("/label").values["label"] == "OpenAI"
    answer = ada.submit(path, "/label", label="  Press \n room ")
    assert answer.status_code == 303
    assert label_of(world, source_id) == "Press room"
    assert heading_of(ada.page(path)) == "Press room"
    # The same once more, and in other letters, which is no other connection's label.
    ada.submit(path, "/label", label="Press room")
    ada.submit(path, "/label", label="PRESS room")
    assert label_of(world, source_id) == "PRESS room"
    events = renamings(world)
    assert [str(each.subject_id) for each in events] == [str(source_id)] * 2
    # What is called what stands in no log, because nothing is ever taken out of it.
    assert all(each.details == {"provider": "openai"} for each in events)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "Type what this connection is to be called."),
        ("\u200b", "Type what this connection is to be called."),
        ("x" * (LONGEST_LABEL + 1), "characters at most"),
        ("a\u202eb", "cannot be shown"),
        ("anthropic", "Another connection is called"),
        ("4242 4242 4242 4242", "payment card"),
    ],
)
def test_what_cannot_be_a_label_is_refused_beside_its_field(
    world: World, typed: str, why: str
) -> None:
    ada = world.ada
    source_id = ada.connect("openai")
    other = ada.connect("anthropic")
    ada.api("PUT", f"/sources/{other}/label", {"label": "Anthropic"})
    answer = ada.submit(f"/sources/{source_id}", "/label", label=typed)
    assert answer.status_code == 422
    assert why in HtmlPage(answer.text).by_class("to-error")[0].text
    assert ada.api("PUT", f"/sources/{source_id}/label", {"label": typed}).status_code == 422
    assert label_of(world, source_id) == "OpenAI"


@pytest.mark.parametrize("way", ["page", "api"])
def test_a_strangers_source_is_not_found_and_keeps_its_label(world: World, way: str) -> None:
    source_id = world.ada.connect("openai")
    world.ben.connect("anthropic")
    body: dict[str, Any] = {"label": "Mine now"}
    path = f"/sources/{source_id}/label"
    answer = world.ben.post(path, **body) if way == "page" else world.ben.api("PUT", path, body)
    assert answer.status_code == 404
    assert label_of(world, source_id) == "OpenAI"
    assert renamings(world) == []


def test_a_source_that_is_disconnected_keeps_its_label(world: World) -> None:
    ada = world.ada
    source_id = ada.connect("openai")
    ada.post(f"/sources/{source_id}/disconnect")
    page = ada.page(f"/sources/{source_id}")
    assert heading_of(page) == "OpenAI"
    assert "Change the label" not in page.text
    assert ada.api("PUT", f"/sources/{source_id}/label", {"label": "New"}).status_code == 409
    assert heading_of(ada.page(f"/sources/{source_id}")) == "OpenAI"
