from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask import request
from sqlalchemy import text as sql

from flask_tokenoffset.models import Credential, DailyUsage, Estimate, SampleRun
from flask_tokenoffset.providers import PROVIDERS
from flask_tokenoffset.services.sampling import connection_limits
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    ANTHROPIC_ORDINARY_KEY,
    ANTHROPIC_REVOKED_KEY,
    OPENAI_DEMO_KEY,
)
from tests.support.html_page import HtmlPage
from tests.support.source_pages import (
    CONNECTED,
    VENDORS,
    calls,
    connect,
    is_empty,
    squashed,
    stored,
)
from tests.support.world import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@VENDORS
@pytest.mark.promise("TO-024")
def test_a_vendors_page_walks_through_making_the_key(world: World, provider: str) -> None:
    page = world.stranger.page(f"/sources/connect/{provider}")
    walk_through = PROVIDERS[provider].walk_through
    text = squashed(page.text)
    for sentence in (*walk_through.steps, *walk_through.what_is_not_read, *walk_through.cadence):
        assert squashed(sentence) in text
    for endpoint in PROVIDERS[provider].endpoints:
        assert f"{endpoint.method} https://{endpoint.host}{endpoint.path}" in page.text
        assert squashed(endpoint.purpose[1:]) in text
    assert walk_through.key_page_url in page.links()
    assert not world.stranger.has_account


@VENDORS
@pytest.mark.promise("TO-025")
def test_a_vendors_page_lists_what_is_not_covered(world: World, provider: str) -> None:
    text = world.ada.page(f"/sources/connect/{provider}").text
    surfaces = {
        "anthropic": ("claude.ai", "Pro, Max, Team", "terminal", "IDE plug-in"),
        "openai": ("ChatGPT", "Codex command line", "IDE plug-in", "subscription"),
    }
    for surface in surfaces[provider]:
        assert surface in text
    for sentence in PROVIDERS[provider].walk_through.not_covered:
        assert squashed(sentence) in squashed(text)


def test_the_key_field_keeps_browsers_from_remembering(world: World) -> None:
    field = world.ada.page("/sources/connect/anthropic").by_id("to-key").attributes
    assert (field["type"], field["autocomplete"], field["spellcheck"]) == (
        "password",
        "off",
        "false",
    )
    assert field["value"] == ""


@VENDORS
@pytest.mark.promise("TO-026")
def test_connecting_samples_ninety_days_in_the_background(world: World, provider: str) -> None:
    answer = connect(world.ada, provider)
    assert answer.status_code == 303
    path = answer.location.removeprefix(PREFIX)
    page = world.ada.page(path)
    assert "Reading 90 days" in page.text
    assert "Estimate" not in [each.text for each in page.elements if each.tag == "h2"]
    assert is_empty(world, DailyUsage, Estimate)

    assert len(world.queue.run_ids) == 1
    world.work()
    (run,) = stored(world, SampleRun)
    assert run["window_end"] - run["window_start"] == timedelta(days=90)
    assert (run["trigger"], run["status"]) == ("connected", "complete")
    page = world.ada.page(path)
    assert page.link("See the estimate")
    assert "22 August 2026 to 19 November 2026" in page.text


def test_a_key_with_space_around_it_is_taken(world: World) -> None:
    assert connect(world.ada, key=f" \t{ANTHROPIC_DEMO_KEY}\n ").status_code == 303
    assert len(stored(world, Credential)) == 1


@pytest.mark.parametrize("label", ["x" * 121, "a\x00b", "a\x1bb", "a\x7fb"])
def test_a_label_nobody_could_read_is_refused(world: World, label: str) -> None:
    answer = connect(world.ada, label=label)
    assert answer.status_code == 422
    assert "The label" in HtmlPage(answer.text).error_of("to-label")
    assert calls(world) == []
    assert is_empty(world, *CONNECTED)


@pytest.mark.parametrize(
    "label",
    [
        '<i>R&D</i> "{{ 7 * 7 }}"',
        "Équipe \N{GREEK CAPITAL LETTER OMEGA}",
        "\U0001f469\u200d\U0001f4bb",
    ],
)
def test_a_label_is_kept_as_it_was_typed(world: World, label: str) -> None:
    refused = connect(world.ada, key="", label=label)
    assert HtmlPage(refused.text).by_id("to-label").attributes["value"] == label
    path = connect(world.ada, label=label).location.removeprefix(PREFIX)
    assert world.ada.page(path).heading == label
    assert "<i>R" not in world.ada.get(path).text


@pytest.mark.promise("TO-023")
def test_a_connection_is_called_what_the_vendor_calls_the_organization(world: World) -> None:
    path = connect(world.ada).location.removeprefix(PREFIX)
    assert world.ada.page(path).heading == "Simulated Industries"
    world.change_organization()
    path = connect(world.ada, label="Ours").location.removeprefix(PREFIX)
    assert world.ada.page(path).heading == "Ours"


@pytest.mark.promise("TO-023")
def test_where_no_endpoint_tells_a_name_the_label_counts_and_the_page_says_so(
    world: World,
) -> None:
    text = world.ada.page("/sources/connect/openai").text
    assert "No endpoint that is read at OpenAI tells your organization" in text
    assert "Neither of" not in world.ada.page("/sources/connect/anthropic").text
    page = world.ada.page(connect(world.ada, "openai", label="Lab").location.removeprefix(PREFIX))
    assert page.heading == "Lab"
    assert "not told by OpenAI" in page.text
    world.change_organization()
    page = world.ada.page(connect(world.ada, "openai").location.removeprefix(PREFIX))
    assert page.heading == "OpenAI"


@pytest.mark.promise("TG-013")
def test_attempts_are_counted_before_the_vendor_is_asked(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_KEY_CHECKS_PER_HOUR=1)
    # A wrong kind of key costs nothing, since nothing is sent.
    assert connect(world.ada, key=ANTHROPIC_ORDINARY_KEY).status_code == 422
    assert connect(world.ada, key=ANTHROPIC_REVOKED_KEY).status_code == 422
    sent = len(world.anthropic.calls)
    answer = connect(world.ada, label="Lab")
    assert answer.status_code == 429
    assert 3500 < int(answer.headers["Retry-After"]) <= 3601
    page = HtmlPage(answer.text)
    assert "too many attempts" in page.error_of("to-key")
    assert page.by_id("to-label").attributes["value"] == "Lab"
    assert len(world.anthropic.calls) == sent
    assert connect(world.ben).status_code == 303


def test_a_shut_vault_is_said_before_a_key_is_pasted(world: World) -> None:
    token = world.ada.token_field
    world.app.debug = True
    page = world.ada.page("/sources/connect/anthropic")
    assert "No key can be taken" in page.text
    assert not page.has_form("/sources/connect/anthropic")
    answer = world.ada.client.post(
        f"{PREFIX}/sources/connect/anthropic", data={**token, "key": ANTHROPIC_DEMO_KEY}
    )
    assert answer.status_code == 503
    assert ANTHROPIC_DEMO_KEY not in answer.text
    assert calls(world) == []
    assert is_empty(world, *CONNECTED)
    world.app.debug = False
    assert connect(world.ada).status_code == 303


def test_a_vault_that_fails_is_told_without_its_ailment(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from flask_tokenoffset.errors import KeyStoreUnavailable
    from flask_tokenoffset.vault import Vault

    def fail(*_arguments: object) -> None:
        raise KeyStoreUnavailable("The key store at kms-7 does not answer.")

    monkeypatch.setattr(Vault, "seal", fail)
    answer = connect(world.ada, label="Lab")
    assert answer.status_code == 503
    page = HtmlPage(answer.text)
    assert "Keys cannot be kept safe here at the moment" in page.error_of("to-key")
    assert page.by_id("to-label").attributes["value"] == "Lab"
    assert "kms-7" not in answer.text
    assert "kms-7" in caplog.text
    assert is_empty(world, *CONNECTED)


def test_without_outbound_calls_no_key_is_asked_for(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_OUTBOUND=False)
    page = world.ada.page("/sources/connect/openai")
    assert "switched off on this site" in page.text
    assert not page.has_form("/sources/connect/openai")
    assert "switched off on this site" in world.ada.page("/sources").text
    answer = world.ada.post("/sources/connect/openai", key=OPENAI_DEMO_KEY)
    assert answer.status_code == 503
    assert calls(world) == []
    assert is_empty(world, *CONNECTED)


def test_one_connection_too_many_is_refused_above_the_form(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_limits, "MOST_CONNECTIONS", 1)
    assert connect(world.ada).status_code == 303
    answer = connect(world.ada)
    assert answer.status_code == 409
    assert "There are 1 connections already" in HtmlPage(answer.text).text
    assert len(stored(world, Credential)) == 1


@pytest.mark.parametrize("name", ["google", "Anthropic", "anthropic ", "..%2Fadmin"])
def test_a_vendor_that_is_not_there_is_not_found(world: World, name: str) -> None:
    assert world.ada.get(f"/sources/connect/{name}").status_code == 404


def test_a_vendor_that_is_not_enabled_is_not_found(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_PROVIDERS=["openai"])
    assert world.ada.get("/sources/connect/openai").status_code == 200
    assert world.ada.get("/sources/connect/anthropic").status_code == 404
    answer = world.ada.post("/sources/connect/anthropic", key=ANTHROPIC_DEMO_KEY)
    assert answer.status_code == 404
    assert "Anthropic" not in world.ada.page("/sources").text
    assert calls(world) == []


@pytest.mark.parametrize("key", [ANTHROPIC_DEMO_KEY, ANTHROPIC_REVOKED_KEY])
def test_what_the_host_wrote_in_the_same_request_is_kept(world: World, key: str) -> None:
    session = world.state.db.session

    @world.app.before_request
    def note_the_attempt() -> None:
        if "key" in request.form:
            session.execute(sql("UPDATE user SET name = 'ada, seen today' WHERE name = 'ada'"))

    world.ada.post("/sources/connect/anthropic", key=key)

    with world.app.app_context():
        assert session.scalar(sql("SELECT name FROM user")) == "ada, seen today"


def test_two_connections_of_one_vendor_are_never_called_the_same(world: World) -> None:
    ada = world.ada
    ada.connect("openai")
    world.change_organization()
    ada.connect("openai")
    labels = [each["label"] for each in ada.api("GET", "/sources").get_json()["items"]]
    assert sorted(labels) == ["OpenAI", "OpenAI 2"]
    page = ada.page("/sources/connect/openai")
    assert "OpenAI is connected already, as" in page.text
    assert "«OpenAI 2»" in page.text
    assert "connected already" not in ada.page("/sources/connect/anthropic").text
    # Another person's connections are their own.
    assert "connected already" not in world.ben.page("/sources/connect/openai").text


def test_a_label_that_is_taken_is_refused_beside_its_field_before_the_vendor_is_asked(
    world: World,
) -> None:
    ada = world.ada
    source_id = ada.connect("openai", label="Bench")
    asked = len(world.openai.calls)
    key = OPENAI_DEMO_KEY
    for label in ("Bench", " bench "):
        answer = ada.post("/sources/connect/openai", key=key, label=label)
        assert answer.status_code == 422
        page = HtmlPage(answer.text)
        assert "is called" in page.error_of("to-label")
        assert key not in answer.text
    assert len(world.openai.calls) == asked
    # A label is free again once its connection has ended.
    ada.reauthenticate()
    assert ada.api("DELETE", f"/sources/{source_id}").status_code in {200, 204}
    assert ada.post("/sources/connect/openai", key=key, label="Bench").status_code == 303


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_the_page_says_what_such_a_key_could_do_and_that_only_these_calls_are_made(
    world: World, provider: str
) -> None:
    vendor = world.state.gateway.provider(provider)
    text = world.ada.page(f"/sources/connect/{provider}").text
    assert "The key is used for exactly these calls and no other" in text
    for endpoint in vendor.endpoints:
        assert f"{endpoint.method} https://{endpoint.host}{endpoint.path}" in text
    assert "Any other address, and any redirect, is refused before anything is sent." in text
    _, _, beyond = text.partition("What such a key could do beyond that")
    for sentence in vendor.walk_through.beyond_reading:
        assert sentence in beyond
        assert sentence in world.nobody.page("/connections").text
