"""Lists of members: in order, page by page, searched and filtered; the same on both databases."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy import event

from flask_tokenoffset.models import MembershipStatus
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.organizations.member_lists import (
    COUNTED_UP_TO,
    MemberFilter,
    count_members,
    list_members,
)
from tests.support.organizations import fill, fill_many

if TYPE_CHECKING:
    from tests.support.world import Browser, World

NAMES = [
    "Åsa",
    "amy",
    "Amy",
    "Bob 100%",
    "bob_1",
    "Bob 1001",
    "Zoë",
    "İpek",
    "Ελένη",
    'Quinn "Q" O\'Hara',
    "back\\slash",
    "🦊" * 60,
    "🦊" * 120,
]


@pytest.fixture
def inside(db_world: World) -> Browser:
    """The owner within an organization of people with awkward names; beside it, another one."""
    ids = [browser.create_organization("Club") for browser in (db_world.ada, db_world.ben)]
    for organization_id in ids:
        fill(db_world, organization_id, [{"name": name} for name in NAMES])
    return db_world.ada.within(ids[0])


def names(inside: Browser, **query: Any) -> list[str]:
    """The names of all pages of a list, read page by page by the API."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        given = {**query, **({} if cursor is None else {"cursor": cursor})}
        text_of_query = "&".join(f"{key}={quote(str(value))}" for key, value in given.items())
        answer = inside.api("GET", f"/members?{text_of_query}")
        assert answer.status_code == 200, answer.text
        page = answer.get_json()
        assert len(page["items"]) <= int(query.get("limit", 50))
        found += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_pages_hold_everyone_once_in_one_order(inside: Browser, limit: int) -> None:
    everybody = names(inside, limit=limit)
    assert sorted(everybody) == sorted([*NAMES, "ada"])
    assert everybody == names(inside, limit=100)
    assert everybody.index("amy") < everybody.index("Bob 1001") < everybody.index("Zoë")


def test_the_page_of_html_leads_through_everyone_too(
    inside: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_tokenoffset.blueprints.members.pages.MEMBERS_PER_PAGE", 4)
    path, seen = "/members", []
    while True:
        page = inside.page(path)
        rows = [each.text for each in page.elements if each.tag == "th"]
        seen += [row.removesuffix(" (you)") for row in rows if row in {*NAMES, "ada (you)"}]
        links = [link for link in page.links() if "/members?" in link and "cursor=" in link]
        if not links:
            break
        path = "/members?" + links[0].partition("?")[2]
    assert seen == names(inside)
    assert f"{len(NAMES) + 1} members" in page.text


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("AMY", {"Amy", "amy"}),
        ("  åsa ", {"Åsa"}),
        ("100%", {"Bob 100%"}),
        ("bob_1", {"bob_1"}),
        ("_", {"bob_1"}),
        ("%", {"Bob 100%"}),
        ("\\", {"back\\slash"}),
        ("/", set()),
        ("ob 1", {"Bob 100%", "Bob 1001"}),
        ("ελέ", {"Ελένη"}),
        ("İPEK", {"İpek"}),
        ("' OR 1=1 --", set()),
        ("ada@example.com", {"ada"}),
        ("nobody like that", set()),
    ],
)
def test_a_search_finds_parts_in_any_case_and_takes_no_wildcards(
    inside: Browser, search: str, found: set[str]
) -> None:
    assert set(names(inside, search=search)) == found
    page = inside.page(f"/members?search={quote(search)}")
    assert page.by_id("to-search").attributes["value"] == search.strip()
    count = f"{len(found)} member{'s' if len(found) != 1 else ''} match"
    assert count in page.text
    assert ("Nobody matches" in page.text) == (not found)


def test_filters_go_together_with_the_search(db_world: World) -> None:
    organization_id = db_world.ada.create_organization()
    people = [
        {"name": f"{role} {status} {number}", "role": role, "status": status}
        for role in (Role.ADMIN, Role.MEMBER)
        for status in MembershipStatus
        for number in (1, 2)
    ]
    fill(db_world, organization_id, people)
    inside = db_world.ada.within(organization_id)
    assert len(names(inside, role="admin")) == 4
    assert names(inside, role="owner") == ["ada"]
    assert len(names(inside, status="suspended", limit=1)) == 4
    assert names(inside, role="admin", status="suspended", search=" 2") == ["admin suspended 2"]
    page = inside.page("/members?role=admin&status=suspended")
    assert "2 members match" in page.text
    nonsense = inside.page("/members?role=king&status=asleep&search=%00%F0")
    assert "9 members" in nonsense.text or "Nobody matches" in nonsense.text
    for wrong in ("role=king", "status=asleep", "search=%00", "search=" + "x" * 201):
        assert inside.api("GET", f"/members?{wrong}").status_code == 422, wrong


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "WyJhIiwxXQ", "WyJhIl0", "WyJcdTAwMDAiLCIxIl0", "WyJcdWQ4MDAiLCIxIl0", "W10"],
)
def test_a_cursor_that_is_none_of_ours_is_refused(inside: Browser, cursor: str) -> None:
    assert inside.api("GET", f"/members?cursor={cursor}").status_code == 422
    assert inside.get(f"/members?cursor={cursor}").status_code == 422
    assert inside.client.get(f"/tokenoffset/organizations?cursor={cursor}").status_code == 422
    assert (
        inside.client.get(f"/tokenoffset/api/v1/organizations?cursor={cursor}").status_code == 422
    )


def test_a_cursor_of_another_organization_shows_nobody_of_it(db_world: World) -> None:
    ours, theirs = (browser.create_organization("Club") for browser in (db_world.ada, db_world.ben))
    fill(db_world, ours, [{"name": f"ours {number}"} for number in range(4)])
    fill(db_world, theirs, [{"name": f"theirs {number}"} for number in range(4)])
    foreign = db_world.ben.within(theirs).api("GET", "/members?limit=2").get_json()["next_cursor"]
    answer = db_world.ada.within(ours).api("GET", f"/members?cursor={foreign}").get_json()
    assert all(item["name"].startswith("ours") for item in answer["items"])


def test_a_member_who_leaves_between_two_pages_hides_nobody_else(db_world: World) -> None:
    organization_id = db_world.ada.create_organization()
    fill(db_world, organization_id, [{"name": f"n{number}"} for number in range(6)])
    inside = db_world.ada.within(organization_id)
    first = inside.api("GET", "/members?limit=3").get_json()
    assert inside.api("DELETE", f"/members/{first['items'][-1]['id']}").status_code == 204
    rest = inside.api("GET", f"/members?cursor={first['next_cursor']}").get_json()
    assert [item["name"] for item in rest["items"]] == ["n2", "n3", "n4", "n5"]


def test_counting_stops_where_it_would_take_long(
    db_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("services.organizations.member_lists", "blueprints.members.pages"):
        monkeypatch.setattr(f"flask_tokenoffset.{module}.COUNTED_UP_TO", 3)
    organization_id = db_world.ada.create_organization()
    inside = db_world.ada.within(organization_id)
    fill(db_world, organization_id, [{"name": f"n{number}"} for number in range(2)])
    assert " 3 members." in inside.page("/members").text
    organization_id = db_world.ada.create_organization()
    fill(db_world, organization_id, [{"name": f"m{number}"} for number in range(9)])
    inside = db_world.ada.within(organization_id)
    assert "More than 3 members." in inside.page("/members").text


def test_ten_thousand_members_take_no_more_statements_than_ten(pg_world: World) -> None:
    counts = []
    for size in (10, 10_000):
        organization_id = pg_world.ada.create_organization(f"{size}")
        fill_many(pg_world, organization_id, size)
        inside = pg_world.ada.within(organization_id)
        for path in ("/members", "/members?search=er&role=member", "/members?status=active"):
            inside.get(path)
            with pg_world.statements() as sent:
                assert inside.get(path).status_code == 200
            counts.append((size, path, len(sent)))
        with pg_world.statements() as sent:
            assert inside.api("GET", "/members?limit=100").status_code == 200
        counts.append((size, "api", len(sent)))
    few, many = counts[:4], counts[4:]
    assert [each[1:] for each in few] == [each[1:] for each in many]
    assert max(each[2] for each in counts) <= 6


def test_a_page_is_read_along_the_index_wherever_it_begins(pg_world: World) -> None:
    for browser in (pg_world.ada, pg_world.ben):
        fill_many(pg_world, browser.create_organization(), 5_000)
    inside = pg_world.ada
    organization_id = UUID(inside.api("GET", "/organizations").get_json()["items"][0]["id"])
    with pg_world.app.app_context():
        session = pg_world.state.session
        everybody = list_members(session, organization_id, MemberFilter(), limit=6_000)
        last = everybody[4_900].membership
        for after in (None, (last.sort_name, last.id)):
            plan = explained(pg_world, organization_id, MemberFilter(), after)
            assert "ix_tokenoffset_membership_organization_id_sort_name_id" in plan, plan
            assert "Sort" not in plan, plan
        # A part of a name is looked for along the same index, until the page is full.
        wanted = MemberFilter(search="er 0")
        plan = explained(pg_world, organization_id, wanted, None)
        assert "ix_tokenoffset_membership_organization_id_sort_name_id" in plan, plan
        assert count_members(session, organization_id, MemberFilter()) == COUNTED_UP_TO + 1
    assert all(
        one.membership.sort_name <= two.membership.sort_name for one, two in pairwise(everybody)
    )


def explained(
    world: World, organization_id: UUID, wanted: MemberFilter, after: tuple[str, UUID] | None
) -> str:
    """How PostgreSQL reads one page."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    engine = world.state.db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        list_members(world.state.session, organization_id, wanted, after=after, limit=51)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    statement, parameters = sent[-1]
    connection = world.state.session.connection()
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
    return "\n".join(map(str, rows))
