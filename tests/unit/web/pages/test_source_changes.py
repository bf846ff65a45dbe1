from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from flask_tokenoffset.models import Credential, Estimate, SampleRun, Source
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    ANTHROPIC_REVOKED_KEY,
)
from tests.support.html_page import HtmlPage
from tests.support.source_pages import CONNECTED, SAMPLED, calls, connect, is_empty, text_of
from tests.support.world import KEYS, PREFIX

if TYPE_CHECKING:
    from tests.support.world import World


@pytest.mark.promise("TO-028")
def test_a_source_is_sampled_again_at_any_time_from_its_page(world: World) -> None:
    source_id = world.ada.sample()
    for pause in ({"minutes": 11}, {"days": 2, "hours": 5}):
        world.clock.move(**pause)
        answer = world.ada.submit(f"/sources/{source_id}", f"/sources/{source_id}/samples")
        assert answer.status_code == 303
        assert answer.location.endswith(f"/sources/{source_id}")
        assert len(world.queue.run_ids) == 1
        assert "On request" in text_of(world, source_id)
        world.work()
    assert text_of(world, source_id).count("Complete") == 3


def test_sampling_twice_at_once_is_refused_on_the_page(world: World) -> None:
    source_id = world.ada.sample()
    world.clock.move(minutes=11)
    assert world.ada.post(f"/sources/{source_id}/samples").status_code == 303
    answer = world.ada.post(f"/sources/{source_id}/samples")
    assert answer.status_code == 409
    page = HtmlPage(answer.text)
    assert "No new sample was begun" in page.text
    assert "already under way" in page.text
    # Polled, it would load itself anew at the end, and send the form again.
    assert page.by_class("to-progress") == []
    assert page.link("Show the source as it stands now").endswith(f"/sources/{source_id}")
    assert len(world.queue.run_ids) == 1


def test_sampling_too_soon_says_when(world: World) -> None:
    source_id = world.ada.sample()
    answer = world.ada.post(f"/sources/{source_id}/samples")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "600"
    assert "Try again in 10 minutes." in HtmlPage(answer.text).text
    assert world.queue.run_ids == []


def test_a_new_key_that_is_refused_leaves_the_old_one(world: World) -> None:
    source_id = world.ada.sample()
    before = world.rows(*CONNECTED)
    path = f"/sources/{source_id}/key"
    for key in ("", ANTHROPIC_ORDINARY_KEY, ANTHROPIC_REVOKED_KEY):
        answer = world.ada.submit(path, path, key=key)
        assert answer.status_code == 422
        page = HtmlPage(answer.text)
        assert "Nothing was replaced" in page.text
        assert page.error_of("to-key")
        assert not key or key not in answer.text
    assert world.rows(*CONNECTED) == before


def test_disconnecting_asks_first_and_says_what_goes(world: World) -> None:
    source_id = world.ada.sample()
    before = world.rows()
    asking = world.ada.page(f"/sources/{source_id}/disconnect")
    assert "The sealed key." in asking.text
    assert "Estimates that were made from it" in asking.text
    assert world.rows() == before

    path = f"/sources/{source_id}/disconnect"
    answer = world.ada.submit(path, path)
    assert answer.status_code == 303
    assert is_empty(world, Credential, *SAMPLED)
    for kept in (Estimate, Source, SampleRun):
        assert world.rows(kept) == {str(kept.__table__): before[str(kept.__table__)]}
    text = text_of(world, source_id)
    assert "This source is disconnected" in text
    assert "Estimates made before stay" in text
    assert "Sample again" not in text
    assert "Simulated Industries" not in world.ada.page("/sources").text


def test_what_is_disconnected_takes_no_key_and_no_sample(world: World) -> None:
    source_id = world.ada.sample()
    world.ada.post(f"/sources/{source_id}/disconnect")
    sent = len(world.anthropic.calls)
    for path in ("disconnect", "samples", "key"):
        answer = world.ada.post(f"/sources/{source_id}/{path}", key=ANTHROPIC_DEMO_KEY)
        assert answer.status_code == 409, path
        assert ANTHROPIC_DEMO_KEY not in answer.text
    assert world.ada.get(f"/sources/{source_id}/key").status_code == 409
    assert len(world.anthropic.calls) == sent
    assert is_empty(world, Credential)


# Who may


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", "/samples"),
        ("GET", "/key"),
        ("POST", "/key"),
        ("GET", "/disconnect"),
        ("POST", "/disconnect"),
    ],
)
def test_another_persons_source_is_as_missing_as_any(world: World, method: str, path: str) -> None:
    source_id = world.ada.sample(label="Secret project")
    world.ben.sample()
    before = world.rows()
    for browser in (world.ben, world.stranger):
        theirs, missing = (
            browser.get(f"/sources/{each}{path}")
            if method == "GET"
            else browser.post(f"/sources/{each}{path}", key=ANTHROPIC_DEMO_KEY)
            for each in (source_id, uuid4())
        )
        assert theirs.status_code == missing.status_code == 404
        assert "Secret project" not in theirs.text
        assert HtmlPage(theirs.text).heading == HtmlPage(missing.text).heading
    assert world.rows() == before
    assert world.queue.run_ids == []


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    source_id = world.ada.connect()
    for path in ("/sources", "/sources/connect/openai", f"/sources/{source_id}"):
        answer = world.nobody.get(path)
        assert answer.status_code == 302
        assert answer.location.startswith("/sign-in")


def test_a_form_without_its_token_changes_nothing(world: World) -> None:
    path = f"{PREFIX}/sources/connect/anthropic"
    answer = world.ada.client.post(path, data={"key": ANTHROPIC_DEMO_KEY})
    assert answer.status_code == 400
    assert ANTHROPIC_DEMO_KEY not in answer.text
    assert calls(world) == []


# What no page holds


@pytest.mark.promise("TO-004")
def test_no_page_and_no_log_line_holds_a_key(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for provider in ("anthropic", "openai"):
        answer = connect(world.ada, provider)
        said.append(answer.text + str(answer.headers))
        world.work()
    ids = [source["id"] for source in world.ada.api("GET", "/sources").get_json()["items"]]
    for source_id in ids:
        key_path = f"/sources/{source_id}/key"
        said += [world.ada.get(path).text for path in ("/sources", key_path)]
        said.append(text_of(world, source_id))
        said += [world.ada.submit(key_path, key_path, key=key).text for key in KEYS.values()]
        said.append(world.ada.post(f"/sources/{source_id}/samples").text)
        said.append(world.ada.post(f"/sources/{source_id}/disconnect").text)
        said.append(world.ada.get(f"/sources/{source_id}").text)
    everything = "".join(said) + caplog.text
    for key in KEYS.values():
        assert key[:6] in everything
        assert key[:20] not in everything
        assert key[20:40] not in everything
