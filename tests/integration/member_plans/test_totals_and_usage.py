"""Totals of members' plans, and whose own use an organization may see: as they allow, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_tokenoffset.methodology import band_for
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.member_plans import totals as member_totals
from tests.support.clubs import Club, found
from tests.support.world import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Browser, World


def totals(club: Club) -> dict[str, Any]:
    answer = club.api(club.owner, "GET", "/member-plans")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def shared(club: Club) -> dict[str, int | None]:
    items = club.api(club.owner, "GET", "/member-usage").get_json()["items"]
    return {item["membership_id"]: item["tokens_per_month"] for item in items}


def use(person: Browser, tokens_per_month: int) -> None:
    """A person adopts an amount of their own, for their own account."""
    body = {"kind": "custom", "tokens_per_month": tokens_per_month}
    person.adopt(str(person.api("POST", "/estimates", body).get_json()["id"]))


def users(club: Club, *tokens: int) -> list[Browser]:
    """Members who each use so many tokens a month themselves."""
    made = []
    for number, each in enumerate(tokens):
        person = club.world.browser(f"user-{number}")
        use(person, each)
        club.join(person)
        made.append(person)
    return made


def share(club: Club, person: Browser, *, shared: bool = True) -> None:
    answer = club.api(person, "PUT", "/membership/usage-sharing", {"shared": shared})
    assert answer.status_code == 200


def test_plans_are_counted_by_payer_and_band(club: Club) -> None:
    world = club.world
    members = club.fill(6)
    for number, band, coverage in ((0, "worker", 100), (1, "worker", 50), (2, "casual", 100)):
        body = {"band": band, "coverage_percent": coverage}
        club.api(world.ada, "PUT", f"/members/{members[number]}/plan", body)
    for number, change in ((3, "pause"), (4, "end")):
        club.api(world.ada, "PUT", f"/members/{members[number]}/plan", {"band": "extreme"})
        club.api(world.ada, "POST", f"/members/{members[number]}/plan/{change}")
    club.change(payer_rule="member-chooses")
    club.change_member(members[1], chosen_payer="member")
    shown = totals(club)
    assert (shown["members"], shown["paused"], shown["without_plan"]) == (7, 1, 3)
    assert shown["active"] == {"plans": 3, "cents_per_month": 125 + 63 + 8}
    assert shown["paid_by_organization"] == {"plans": 2, "cents_per_month": 125 + 8}
    assert shown["paid_by_members"] == {"plans": 1, "cents_per_month": 63}
    assert shown["organization_cents_per_month"] == 133
    assert shown["by_band"]["worker"] == {"plans": 2, "cents_per_month": 188}
    assert shown["by_band"]["casual"] == {"plans": 1, "cents_per_month": 8}
    assert shown["by_band"]["extreme"] == {"plans": 0, "cents_per_month": 0}


def test_fewer_than_five_are_never_added_up(club: Club) -> None:
    users(club, 1_000, 2_000, 3_000, 4_000)
    shown = totals(club)
    assert (shown["unshared_people"], shown["unshared_tokens_per_month"]) == (None, None)
    page = club.page(club.owner, "/member-plans").text
    assert "Fewer than 5 members who share nothing" in page
    fifth = club.world.browser("fifth")
    use(fifth, 90_000)
    club.join(fifth)
    shown = totals(club)
    # Each counts with the middle of the casual band, 300,000 tokens.
    assert (shown["unshared_people"], shown["unshared_tokens_per_month"]) == (5, 1_500_000)
    assert (
        "5 members who share nothing use about 1.5 million tokens"
        in club.page(club.owner, "/member-plans").text
    )


def test_members_without_a_plan_of_their_own_do_not_count_to_five(club: Club) -> None:
    four = users(club, 1, 2, 3, 4, 5)
    club.fill(3)
    assert totals(club)["unshared_people"] == 5
    four[0].api("POST", "/plan/end")
    assert totals(club)["unshared_people"] is None


def test_sharing_is_by_name_and_can_be_withdrawn(club: Club) -> None:
    (person,) = users(club, 123_456)
    membership_id = str(club.members["user-0"])
    assert shared(club) == {}
    share(club, person)
    assert shared(club) == {membership_id: 123_456}
    assert "123,456" in club.page(club.owner, "/member-plans").text
    share(club, person, shared=False)
    assert shared(club) == {}
    assert "123,456" not in club.page(club.owner, "/member-plans").text


def test_anyone_who_is_suspended_could_not_stop_sharing_and_is_not_shown(club: Club) -> None:
    (person,) = users(club, 123_456)
    share(club, person)
    path = f"/members/{club.members['user-0']}"
    assert club.api(club.owner, "PATCH", path, {"status": "suspended"}).status_code == 200
    assert shared(club) == {}
    assert "123,456" not in club.page(club.owner, "/member-plans").text


def test_nobody_else_can_share_for_a_member(club: Club) -> None:
    users(club, 1)
    rows = club.world.rows()
    # The operation takes no member: it is always the caller's own.
    other = {"shared": True, "membership_id": str(club.members["user-0"])}
    assert club.api(club.owner, "PUT", "/membership/usage-sharing", other).status_code == 422
    assert club.world.rows() == rows
    share(club, club.owner)
    assert list(shared(club)) == [str(club.members["ada"])]


def test_taking_those_who_share_off_leads_to_nobody(club: Club) -> None:
    people = users(club, 10, 200, 3_000, 40_000, 500_000, 6_000_000)
    assert totals(club)["unshared_people"] == 6
    share(club, people[5])
    # The sum leaves out who is named, so nothing can be taken off it.
    shown = totals(club)
    assert (shown["unshared_people"], shown["unshared_tokens_per_month"]) == (5, 1_500_000)
    share(club, people[4])
    shown = totals(club)
    assert (shown["unshared_people"], shown["unshared_tokens_per_month"]) == (None, None)
    page = club.page(club.owner, "/member-plans").text
    for hidden in ("43,210", "543,210", "6,543,210"):
        assert hidden not in page


def test_no_filter_makes_a_smaller_group(club: Club) -> None:
    users(club, 1, 2, 3, 4, 5)
    for query in ("search=user-1", "role=member", "membership_id=x", "status=active"):
        assert club.api(club.owner, "GET", f"/member-plans?{query}").status_code == 422


@given(
    tokens=st.lists(st.integers(1, 10**12), min_size=5, max_size=12),
    sharing=st.sets(st.integers(0, 11)),
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_sum_is_always_over_five_who_share_nothing(
    make_world: Callable[..., World], tokens: list[int], sharing: set[int]
) -> None:
    world = make_world()
    club = found(world, world.ada)
    people = users(club, *tokens)
    for number in sharing & set(range(len(people))):
        share(club, people[number])
    hidden = [each for number, each in enumerate(tokens) if number not in sharing]
    shown = totals(club)
    assert len(shared(club)) == len(tokens) - len(hidden)
    if len(hidden) < member_totals.FEWEST_ADDED_UP:
        assert (shown["unshared_people"], shown["unshared_tokens_per_month"]) == (None, None)
    else:
        assert shown["unshared_people"] == len(hidden)
        middles = sum(band_for(each).midpoint_tokens for each in hidden)
        assert abs(shown["unshared_tokens_per_month"] - middles) * 20 <= middles
        assert len(str(shown["unshared_tokens_per_month"]).rstrip("0")) <= 2
    world.close()


@pytest.mark.promise("TG-014")
def test_use_is_seen_by_whose_it_is_and_by_role_and_by_nobody_else(club: Club) -> None:
    world = club.world
    ben, auditor, admin = world.ben, world.browser("auditor"), world.browser("admin")
    own_source = ben.sample()
    own_estimate = ben.newest_estimate(own_source)
    ben.adopt(own_estimate["id"])
    club.join(ben)
    club.join(auditor, Role.AUDITOR)
    club.join(admin, Role.ADMIN)
    other = found(world, world.browser("other"), "Bolt")
    # The organization's own use: its roles that read, and nobody else.
    body = {"provider": "openai", "key": KEYS["openai"], "label": "Ours"}
    source = club.api(world.ada, "POST", "/sources", body)
    assert source.status_code == 201, source.text
    world.work()
    source_id = source.get_json()["id"]
    for browser, status in (
        (world.ada, 200),
        (admin, 200),
        (auditor, 200),
        (ben, 403),
        (other.owner, 404),
        (world.stranger, 404),
        (world.nobody, 401),
    ):
        for path in ("/sources", f"/sources/{source_id}"):
            assert club.api(browser, "GET", path).status_code == status, path
        page = browser.get(f"{club.path}/sources/{source_id}")
        assert page.status_code == (302 if status == 401 else status)
    # A member's own use: theirs, and nobody's in the organization, whatever their role.
    tokens = own_estimate["tokens_per_month"]["total"]
    spellings = (str(tokens), f"{tokens:,}")
    assert ben.get(f"/sources/{own_source}").status_code == 200
    for browser in (world.ada, admin, auditor, other.owner, world.stranger):
        for path in (f"/sources/{own_source}", f"/estimates/{own_estimate['id']}"):
            assert browser.get(path).status_code == 404
            assert browser.get(f"{club.path}{path}").status_code == 404
    for browser in (world.ada, admin, auditor):
        for path in (
            "/member-plans",
            "/members",
            f"/members/{club.members['ben']}",
            f"/members/{club.members['ben']}/plan",
            "/sources",
            "/",
        ):
            text = browser.get(f"{club.path}{path}").text
            assert not any(each in text for each in spellings), path
        for path in ("/member-plans", "/member-usage", f"/members/{club.members['ben']}/plan"):
            text = club.api(browser, "GET", path).text
            assert not any(each in text for each in spellings), path
    # Unless the member shares it, for as long as they do.
    share(club, ben)
    assert f"{tokens:,}" in club.page(auditor, "/member-plans").text
    assert other.owner.get(f"{club.path}/member-plans").status_code == 404
    share(club, ben, shared=False)
    assert f"{tokens:,}" not in club.page(auditor, "/member-plans").text


@pytest.mark.parametrize("path", ["/member-plans", "/member-usage"])
def test_totals_are_for_those_who_manage_and_audit(club: Club, path: str) -> None:
    world = club.world
    auditor = world.browser("auditor")
    club.join(world.ben)
    club.join(auditor, Role.AUDITOR)
    for browser, status in ((auditor, 200), (world.ben, 403), (world.stranger, 404)):
        assert club.api(browser, "GET", path).status_code == status


def test_totals_of_many_members_take_as_many_statements_as_of_few(club: Club) -> None:
    world = club.world

    def statements() -> int:
        with world.statements() as sent:
            club.page(world.ada, "/member-plans")
        return len(sent)

    club.fill(3)
    few = statements()
    club.fill(150)
    assert statements() == few
