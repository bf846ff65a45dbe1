"""The public pages on legal texts, the comparison of two versions, and the banner."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.documents import (
    FIRST_TEXT,
    SECOND_TEXT,
    draft,
    publish_draft,
    second_draft,
    tell_everyone,
)

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.html_page import HtmlPage
    from tests.support.world import World

DOCUMENT = "/documents/house-rules"
BANNER = "Changes from 10 Dec: “House rules”"
HOSTILE = """\
<script>alert(1)</script> <img src=x onerror=alert(1)>

[one](javascript:alert(1)) [two](JaVaScRiPt:alert(1)) [three](data:text/html,x)
[four](//evil.example) ![five](https://evil.example/pixel.png) [six](vbscript:x)

<a href="javascript:alert(1)">seven</a> [eight](https://fine.example) [nine](mailto:us@fine.example)
"""


def announce(world: World) -> UUID:
    """A version in force, and a material change that is coming."""
    publish_draft(world, draft())
    version_id = publish_draft(world, second_draft(world))
    tell_everyone(world, version_id)
    world.queue.jobs.clear()
    return version_id


def words_of(page: HtmlPage, tag: str) -> list[str]:
    return [each.text for each in page.elements if each.tag == tag]


@pytest.mark.promise("TO-058")
def test_anyone_reads_the_version_in_force_and_what_is_coming(world: World) -> None:
    announce(world)
    page = world.nobody.page(DOCUMENT)
    assert page.heading == "House rules"
    assert "for 30 days" in page.text
    assert "Version 2026-12 takes effect on 10 December 2026, 10:00 UTC." in page.text
    assert "In effect since 20 November 2026, 10:00 UTC" in page.text
    assert draft().digest in page.text
    listed = world.nobody.page("/documents").text
    assert "2026-11, since 20 November 2026" in listed
    assert "2026-12 from 10 December 2026" in listed


@pytest.mark.promise("TO-058")
def test_a_version_stays_at_its_address_once_another_one_counts(world: World) -> None:
    announce(world)
    coming = world.nobody.page(f"{DOCUMENT}/2026-12")
    assert "has not taken effect yet" in coming.text
    assert "Everyone was told 20 November 2026, 10:00 UTC" in coming.text
    world.clock.move(days=20)
    assert "for 14 days" in world.nobody.page(DOCUMENT).text
    former = world.nobody.page(f"{DOCUMENT}/2026-11")
    assert "for 30 days" in former.text
    assert "counts no more" in former.text
    assert draft().digest in former.text


def test_people_are_not_promised_a_day_while_they_are_being_told(world: World) -> None:
    publish_draft(world, draft())
    publish_draft(world, second_draft(world))
    assert "10:00 UTC at the earliest" in world.ada.page(f"{DOCUMENT}/2026-12").text
    assert "not yet; it is under way" in world.ada.page(f"{DOCUMENT}/2026-12").text


def test_what_changed_is_told_in_words_and_not_by_colour_alone(world: World) -> None:
    announce(world)
    page = world.nobody.page(f"{DOCUMENT}/compare")
    assert "Passages changed: 1. Added: 2. Removed: 0." in page.text
    assert "[removed: 30 ]" in words_of(page, "del")
    assert {"[added: 14 ]", "[added: Who sees it ]", "[added: Nobody but you. ]"} <= set(
        words_of(page, "ins")
    )
    back = world.nobody.submit(
        f"{DOCUMENT}/compare", "/compare", to="2026-11", **{"from": "2026-12"}
    )
    assert "Added: 0. Removed: 2." in " ".join(back.text.split())
    same = world.nobody.page(f"{DOCUMENT}/compare?from=2026-11&to=2026-11")
    assert "The two texts are the same" in same.text


@pytest.mark.promise("TO-058")
def test_anyone_who_is_signed_in_is_told_on_every_page_until_it_takes_effect(world: World) -> None:
    publish_draft(world, draft())
    assert BANNER not in world.ada.page("/").text
    version_id = publish_draft(world, second_draft(world))
    world.queue.jobs.clear()
    tell_everyone(world, version_id)
    for browser, path in ((world.ada, "/"), (world.ada, "/bands"), (world.stranger, "/plan")):
        assert BANNER in browser.page(path).text
    assert BANNER not in world.nobody.page("/methodology").text
    banner = next(each for each in world.ada.page("/").by_class("to-coming") if BANNER in each.text)
    assert "What you type is kept for a shorter time." in banner.text
    world.clock.move(days=20)
    assert BANNER not in world.ada.page("/").text


def test_the_banner_asks_the_database_once(world: World) -> None:
    announce(world)
    world.ada.page("/bands")
    with world.statements() as sent:
        world.ada.page("/bands")
    asked = [each for each in sent if "coalesce(tokenoffset_document_effect" in each]
    assert len(asked) == 1
    assert "tokenoffset_document_version.text" not in asked[0]


def test_nothing_in_a_text_is_active_on_the_page(world: World) -> None:
    publish_draft(world, draft(text=HOSTILE))
    page = world.nobody.page(DOCUMENT)
    assert not words_of(page, "img")
    assert "<script>alert" not in page.source
    assert "onerror=alert(1)" in page.text
    leads_elsewhere = [link for link in page.links() if not link.startswith("/tokenoffset")]
    assert set(leads_elsewhere) - {"#content"} == {
        "https://fine.example",
        "mailto:us@fine.example",
        # A picture becomes a link that nobody has to follow.
        "https://evil.example/pixel.png",
    }


def test_headings_of_a_text_begin_below_the_page_heading_and_skip_none(world: World) -> None:
    publish_draft(world, draft(text="# One\n\n#### Two\n\ntext\n\n# Three\n"))
    page = world.nobody.page(DOCUMENT)
    assert len(words_of(page, "h1")) == 1
    assert words_of(page, "h2")[:2] == ["One", "Three"]
    assert words_of(page, "h3") == ["Two"]


@pytest.mark.parametrize(
    "path",
    [
        "/documents/no-such",
        "/documents/House-rules",
        "/documents/%00",
        f"/documents/{'x' * 300}",
        f"{DOCUMENT}/2020-01",
        f"{DOCUMENT}/compare?from=2020-01",
    ],
)
def test_what_does_not_exist_is_not_found(world: World, path: str) -> None:
    publish_draft(world, draft())
    assert world.nobody.get(path).status_code == 404


def test_a_document_in_another_language_is_linked_and_marked(world: World) -> None:
    publish_draft(world, draft())
    publish_draft(world, draft(language="de", title="Hausordnung", text="Auf Deutsch."))
    english = world.nobody.page(DOCUMENT)
    german = world.nobody.page(english.link("de").removeprefix("/tokenoffset"))
    assert german.heading == "Hausordnung"
    assert [each.attributes["lang"] for each in german.by_class("to-document")] == ["de"]


def test_the_api_tells_the_same(world: World) -> None:
    announce(world)
    (item,) = world.nobody.api("GET", "/documents").get_json()["items"]
    assert item == world.nobody.api("GET", DOCUMENT).get_json()
    assert [(each["version"], each["in_force"]) for each in item["versions"]] == [
        ("2026-12", False),
        ("2026-11", True),
    ]
    assert item["versions"][0]["effective_at"] == "2026-12-10T10:00:00Z"
    answer = world.nobody.api("GET", f"{DOCUMENT}/versions/2026-12").get_json()
    assert answer["text"] == SECOND_TEXT
    assert answer["version"]["digest"] == draft(text=SECOND_TEXT).digest
    query = "?from_version=2026-11&to_version=2026-12"
    passages = world.nobody.api("GET", f"{DOCUMENT}/compare{query}").get_json()["passages"]
    changed = [each for each in passages if each["fate"] != "same"]
    assert [(each["fate"], each["kind"]) for each in changed] == [
        ("changed", "paragraph"),
        ("added", "heading"),
        ("added", "paragraph"),
    ]
    assert world.nobody.api("GET", "/documents/no-such").status_code == 404
    assert world.nobody.api("GET", f"{DOCUMENT}/compare").status_code == 422


def test_a_first_version_that_is_still_to_come_is_shown(world: World) -> None:
    later = world.clock.now() + timedelta(days=3)
    publish_draft(world, draft(text=FIRST_TEXT, effective_at=later))
    assert "has not taken effect yet" in world.nobody.page(DOCUMENT).text
    assert "none yet" in world.nobody.page("/documents").text
