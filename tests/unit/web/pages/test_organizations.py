from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from flask_tokenoffset.models import Organization
from flask_tokenoffset.permissions import Role
from tests.support.html_page import HtmlPage
from tests.support.organizations import PARTS, Shape, join, two_organizations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

__all__ = ["two_organizations"]

Two = tuple[Shape, Shape]


@pytest.mark.promise("TO-009")
def test_a_person_belongs_to_several_with_one_role_in_each(
    world: World, two_organizations: Two
) -> None:
    acme, bolt = two_organizations
    join(world, acme.id, world.ada, Role.AUDITOR)
    join(world, bolt.id, world.ada, Role.MEMBER)
    own = world.ada.create_organization("Corner shop")
    page = world.ada.page("/organizations")
    rows = [each.text for each in page.elements if each.tag == "tr"][1:]
    assert ["Owner" in rows[0], "Auditor" in rows[1], "Member" in rows[2]] == [True] * 3
    listed = world.ada.api("GET", "/organizations").get_json()["items"]
    assert [(each["name"], each["role"]) for each in listed] == [
        ("Corner shop", "owner"),
        ("acme", "auditor"),
        ("bolt", "member"),
    ]
    assert listed[0]["id"] == str(own)
    # A link leads where the role may go.
    assert page.link("acme").endswith(f"{acme.path}/")
    assert page.link("bolt").endswith(f"{bolt.path}/membership")
    for link in ("acme", "bolt", "Corner shop"):
        assert world.ada.client.get(page.link(link)).status_code == 200


def test_anyone_who_belongs_to_none_is_shown_how_to_begin(world: World) -> None:
    page = world.stranger.page("/organizations")
    assert "You belong to no organization" in page.text
    assert page.has_form("/organizations")
    assert not world.stranger.has_account
    assert world.stranger.api("GET", "/organizations").get_json() == {
        "items": [],
        "next_cursor": None,
    }


def test_creating_one_leads_into_it(world: World) -> None:
    answer = world.ada.submit("/organizations", "/organizations", name="  Corner   shop ")
    assert answer.status_code == 303
    page = HtmlPage(world.ada.client.get(answer.location).text)
    assert "Corner shop" in page.text
    assert "ada (you)" in page.text
    assert "Owner" in page.text


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "needs a name that can be seen"),
        ("   ", "needs a name that can be seen"),
        ("x" * 121, "120 characters at most"),
        ("a\x00b", "cannot be shown"),
        ("a\u202eb", "cannot be shown"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_beside_the_field(
    world: World, name: str, sentence: str
) -> None:
    answer = world.ada.post("/organizations", name=name)
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    assert sentence in page.error_of("to-name")
    assert page.by_id("to-name").attributes["value"] == name
    assert world.rows(Organization) == {"tokenoffset_organization": []}
    assert world.ada.api("POST", "/organizations", {"name": name}).status_code == 422


def test_too_many_are_refused_on_the_page_and_what_was_typed_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_tokenoffset.services.organizations.organizations.MOST_CREATED", 1)
    world.ada.create_organization()
    answer = world.ada.post("/organizations", name="Second")
    assert answer.status_code == 409
    page = HtmlPage(answer.text)
    assert "Nothing was created" in page.text
    assert "Close one first" in page.text
    assert page.by_id("to-name").attributes["value"] == "Second"


def test_where_an_identity_is_required_nobody_begins_without_it(
    make_world: Callable[..., World],
) -> None:
    world = make_world(
        TOKENOFFSET_OAUTH_PROVIDERS={
            "acme": {"title": "Acme", "issuer": "https://login.acme.example", "client_id": "us"}
        },
        TOKENOFFSET_REQUIRED_IDENTITY="acme",
    )
    answer = world.ada.post("/organizations", name="Corner shop")
    assert answer.status_code == 403
    page = HtmlPage(answer.text)
    assert "an account at Acme must be linked" in page.text
    assert page.by_id("to-name").attributes["value"] == "Corner shop"
    assert world.ada.api("POST", "/organizations", {"name": "Corner shop"}).status_code == 403
    assert world.rows(Organization) == {"tokenoffset_organization": []}


def test_the_list_is_read_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "flask_tokenoffset.blueprints.organizations.pages.ORGANIZATIONS_PER_PAGE", 2
    )
    for name in ("one", "two", "three", "two", "four"):
        world.ada.create_organization(name)
    seen: list[str] = []
    path = "/organizations"
    while True:
        page = world.ada.page(path)
        seen += [each.text for each in page.elements if each.tag == "th"][4:]
        more = [each for each in page.links() if "cursor=" in each]
        if not more:
            break
        path = more[0].removeprefix("/tokenoffset")
    assert seen == ["four", "one", "three", "two", "two"]
    assert page.link("First organizations") == "/tokenoffset/organizations"
    first = world.ada.api("GET", "/organizations?limit=3").get_json()
    rest = world.ada.api("GET", f"/organizations?cursor={first['next_cursor']}").get_json()
    assert [each["name"] for each in first["items"] + rest["items"]] == seen


# --- settings -------------------------------------------------------------------------------------

MAY_RENAME = {"owner": 200, "admin": 200, "member": 403, "auditor": 403, "suspended": 403}


@pytest.mark.parametrize("part", PARTS)
def test_who_renames(two_organizations: Two, part: str) -> None:
    acme, bolt = two_organizations
    inside = acme[part].within(acme.id)
    allowed = MAY_RENAME[part] == 200
    assert inside.post("/settings/name", name="Page name").status_code == (303 if allowed else 403)
    assert inside.api("PATCH", "", {"name": "New name"}).status_code == MAY_RENAME[part]
    names = {
        each["name"] for each in acme["owner"].api("GET", "/organizations").get_json()["items"]
    }
    assert names == {"New name" if allowed else "acme"}
    for outsider in (bolt["owner"], acme.world.stranger):
        inside = outsider.within(acme.id)
        assert inside.post("/settings/name", name="Theirs").status_code == 404
        assert inside.api("PATCH", "", {"name": "Theirs"}).status_code == 404
    assert acme.world.nobody.within(acme.id).api("PATCH", "", {"name": "x"}).status_code == 401


def test_a_refused_name_keeps_what_was_typed(two_organizations: Two) -> None:
    acme, _ = two_organizations
    inside = acme["owner"].within(acme.id)
    answer = inside.submit("/settings", "/settings/name", name="y" * 121)
    assert answer.status_code == 422
    page = HtmlPage(answer.text)
    assert "120 characters at most" in page.error_of("to-name")
    assert page.by_id("to-name").attributes["value"] == "y" * 121
    renamed = inside.submit("/settings", "/settings/name", name="Better")
    text = HtmlPage(inside.client.get(renamed.location).text).text
    assert "The organization is called Better." in text


@pytest.mark.parametrize("part", PARTS)
def test_only_an_owner_closes_and_is_asked_for_the_name(two_organizations: Two, part: str) -> None:
    acme, bolt = two_organizations
    inside = acme[part].within(acme.id)
    page = inside.get("/settings/close")
    if part != "owner":
        assert page.status_code == 403
        assert inside.post("/settings/close", name="acme").status_code == 403
        assert inside.api("DELETE", "").status_code == 403
        assert acme["owner"].get(f"{acme.path}/members").status_code == 200
        return
    wrong = inside.submit("/settings/close", "/settings/close", name="Acme")
    assert wrong.status_code == 422
    assert "not the organization's name" in HtmlPage(wrong.text).error_of("to-name")
    assert inside.get("/members").status_code == 200
    for outsider in (bolt["owner"], acme.world.stranger):
        assert outsider.within(acme.id).api("DELETE", "").status_code == 404
    closed = inside.submit("/settings/close", "/settings/close", name=" acme ")
    assert closed.status_code == 303
    page_after = HtmlPage(inside.client.get(closed.location).text)
    assert "Nobody can see or do anything in that organization" in page_after.text
    assert inside.get("/members").status_code == 404


def test_an_organization_that_is_not_ones_own_answers_like_none(two_organizations: Two) -> None:
    acme, bolt = two_organizations
    for path in ("", "/membership", "/settings", "/members"):
        theirs = acme["owner"].get(f"{bolt.path}{path}/".replace("//", "/").rstrip("/"))
        none = acme["owner"].get(f"/organizations/{uuid4()}{path}".rstrip("/"))
        assert theirs.status_code == none.status_code
        theirs = acme["owner"].api("GET", f"{bolt.path}{path}")
        none = acme["owner"].api("GET", f"/organizations/{uuid4()}{path}")
        assert theirs.status_code == none.status_code == 404
        bodies = [{**each.get_json(), "request_id": ""} for each in (theirs, none)]
        assert bodies[0] == bodies[1]


def test_every_page_of_an_organization_names_it(two_organizations: Two) -> None:
    acme, _ = two_organizations
    for path in ("/", "/membership", "/members", "/settings", "/plan"):
        page = acme["owner"].page(f"{acme.path}{path}")
        assert "acme" in [each.text for each in page.elements if "aria-current" in each.attributes]
    page = acme["owner"].page("/plan")
    assert "You" in [each.text for each in page.elements if "aria-current" in each.attributes]
