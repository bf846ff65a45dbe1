from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from flask_tokenoffset.models import Membership
from tests.support.html_page import HtmlPage
from tests.support.organizations import PARTS, SUSPENDED, Shape, two_organizations

if TYPE_CHECKING:
    from tests.support.world import World

__all__ = ["two_organizations"]

Two = tuple[Shape, Shape]


def of(shape: Shape, part: str) -> str:
    """The address of a person's page."""
    return f"/members/{shape.memberships[part]}"


@pytest.fixture
def acme(two_organizations: Two) -> Shape:
    return two_organizations[0]


@pytest.mark.parametrize(
    ("part", "status"),
    [("owner", 200), ("admin", 200), ("auditor", 200), ("member", 403), (SUSPENDED, 403)],
)
def test_who_sees_the_members(two_organizations: Two, part: str, status: int) -> None:
    acme, bolt = two_organizations
    inside = acme[part].within(acme.id)
    for path in ("/members", of(acme, "member")):
        assert inside.get(path).status_code == status
        assert inside.api("GET", path).status_code == status
        for outsider in (bolt["owner"], acme.world.stranger):
            assert outsider.within(acme.id).get(path).status_code == 404
            assert outsider.within(acme.id).api("GET", path).status_code == 404
    if status == 200:
        text = inside.page("/members").text
        assert "bolt" not in text
        assert "acme-member@example.com" in text
        items = inside.api("GET", "/members").get_json()["items"]
        assert {item["id"] for item in items} == {str(each) for each in acme.memberships.values()}


def test_a_member_of_another_organization_is_no_member_here(two_organizations: Two) -> None:
    acme, bolt = two_organizations
    inside = acme["owner"].within(acme.id)
    before = acme.world.rows(Membership)
    for theirs, missing in ((of(bolt, "member"), f"/members/{uuid4()}"),):
        for method, json in (("GET", None), ("PATCH", {"role": "admin"}), ("DELETE", None)):
            answers = [inside.api(method, path, json) for path in (theirs, missing)]
            bodies = [{**each.get_json(), "request_id": ""} for each in answers]
            assert answers[0].status_code == answers[1].status_code == 404
            assert bodies[0] == bodies[1]
        for way in ("", "/remove", "/transfer"):
            assert inside.get(theirs + way).status_code == 404
        for way in ("/role", "/suspend", "/restore", "/remove", "/transfer"):
            assert inside.post(theirs + way, role="admin").status_code == 404
    for body in ({"membership_id": str(bolt.memberships["member"])},):
        assert inside.api("POST", "/transfer", body).status_code == 404
    assert acme.world.rows(Membership) == before


def test_giving_a_role_by_the_pages_own_form(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    answer = inside.submit(of(acme, "member"), "/role", role="auditor")
    assert answer.status_code == 303
    page = HtmlPage(inside.client.get(answer.location).text)
    assert "Role changed" in page.text
    assert page.form("/role").values["role"] == "auditor"
    assert acme.role_of("member") == "auditor"
    # It counts from the next request on.
    assert acme["member"].within(acme.id).get("/members").status_code == 200


def test_an_admin_is_offered_no_owners_and_cannot_touch_one(acme: Shape) -> None:
    inside = acme["admin"].within(acme.id)
    page = inside.page(of(acme, "member"))
    offered = [
        each.attributes["value"]
        for each in page.elements
        if each.tag == "input" and each.attributes.get("name") == "role"
    ]
    assert offered == ["admin", "member", "auditor"]
    assert not page.has_form("/transfer")
    page = inside.page(of(acme, "owner"))
    assert "Only an owner can change an owner" in page.text
    assert not page.has_form("/role")
    for way in ("/role", "/suspend", "/remove"):
        answer = inside.post(of(acme, "owner") + way, role="member")
        assert answer.status_code == 403
        assert "may do more than you" in answer.text
    answer = inside.post(of(acme, "member") + "/role", role="owner")
    assert answer.status_code == 403
    assert "holds more than yours" in answer.text
    assert [acme.role_of(part) for part in ("owner", "member")] == ["owner", "member"]


def test_an_auditor_sees_and_is_offered_nothing(acme: Shape) -> None:
    inside = acme["auditor"].within(acme.id)
    page = inside.page(of(acme, "member"))
    assert [form.method for form in page.forms if form.method == "post"] == []
    for way in ("/role", "/suspend", "/restore", "/remove", "/transfer"):
        assert inside.post(of(acme, "member") + way, role="admin").status_code == 403
    assert acme.role_of("member") == "member"


def test_a_role_that_there_is_not_changes_nothing(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    for role in ("king", "", "Owner"):
        assert inside.post(of(acme, "member") + "/role", role=role).status_code == 422
        assert inside.api("PATCH", of(acme, "member"), {"role": role}).status_code == 422
    for body in ({}, {"role": None}, {"name": "x"}, {"role": "admin", "account_id": str(uuid4())}):
        assert inside.api("PATCH", of(acme, "member"), body).status_code == 422
    assert acme.role_of("member") == "member"


def test_role_and_status_change_together_or_not_at_all(acme: Shape) -> None:
    admin = acme["admin"].within(acme.id)
    both = {"status": "suspended", "role": "owner"}
    assert admin.api("PATCH", of(acme, "member"), both).status_code == 403
    assert acme.status_of("member") == "active"
    owner = acme["owner"].within(acme.id)
    answer = owner.api("PATCH", of(acme, "member"), {"status": "suspended", "role": "auditor"})
    assert (answer.get_json()["role"], answer.get_json()["status"]) == ("auditor", "suspended")


def test_suspending_shuts_out_at_once_and_restoring_lets_in(acme: Shape) -> None:
    inside, them = acme["admin"].within(acme.id), acme["auditor"].within(acme.id)
    answer = inside.submit(of(acme, "auditor"), "/suspend")
    page = HtmlPage(inside.client.get(answer.location).text)
    assert "sees and does nothing here" in page.text
    assert not page.has_form("/suspend")
    for path in ("/", "/members", "/membership"):
        refused = them.get(path)
        assert refused.status_code == 403
        assert "suspended" in refused.text
    again = inside.post(of(acme, "auditor") + "/suspend")
    assert again.status_code == 409
    assert "suspended already" in again.text
    answer = inside.submit(of(acme, "auditor"), "/restore")
    assert "may act again" in HtmlPage(inside.client.get(answer.location).text).text
    assert them.get("/members").status_code == 200
    again = inside.post(of(acme, "auditor") + "/restore")
    assert again.status_code == 409
    assert "not suspended" in again.text


def test_nobody_suspends_themselves(acme: Shape) -> None:
    inside = acme["admin"].within(acme.id)
    assert not inside.page(of(acme, "admin")).has_form("/suspend")
    answer = inside.post(of(acme, "admin") + "/suspend")
    assert answer.status_code == 409
    assert "could not restore yourself" in answer.text
    assert acme.status_of("admin") == "active"


def test_removing_asks_once_more_and_shuts_out_at_once(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    link = inside.page(of(acme, "auditor")).link("Remove")
    assert link.endswith("/remove")
    assert acme.role_of("auditor") == "auditor"
    answer = inside.submit(of(acme, "auditor") + "/remove", "/remove")
    page = HtmlPage(inside.client.get(answer.location).text)
    assert "do not belong to the organization any more" in page.text
    assert "acme-auditor" not in page.text
    assert acme["auditor"].within(acme.id).get("/membership").status_code == 404
    assert inside.post(of(acme, "auditor") + "/remove").status_code == 404


@pytest.mark.parametrize(
    ("way", "fields"), [("/role", {"role": "admin"}), ("/remove", {})], ids=["demote", "remove"]
)
def test_the_last_owner_is_told_what_to_do_and_nothing_is_lost(
    acme: Shape, way: str, fields: dict[str, str]
) -> None:
    inside = acme["owner"].within(acme.id)
    answer = inside.post(of(acme, "owner") + way, **fields)
    assert answer.status_code == 409
    page = HtmlPage(answer.text)
    assert "Nothing was changed" in page.text
    assert "Make another member an owner first, or close the organization" in page.text
    if way == "/role":
        assert page.form("/role").values["role"] == "admin"  # What was chosen is kept.
    assert acme.role_of("owner") == "owner"
    problem = inside.api("DELETE", of(acme, "owner")).get_json()
    assert problem["code"] == "last-owner"


def test_a_suspended_owner_does_not_count(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    inside.api("PATCH", of(acme, SUSPENDED), {"role": "owner"})
    answer = inside.post("/leave")
    assert answer.status_code == 409
    assert "without an owner who can act" in answer.text
    inside.api("PATCH", of(acme, SUSPENDED), {"status": "active"})
    assert inside.post("/leave").status_code == 303


def test_an_owner_steps_down_once_there_is_another(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    inside.api("PATCH", of(acme, "admin"), {"role": "owner"})
    answer = inside.submit(of(acme, "owner"), "/role", role="member")
    page = HtmlPage(inside.client.get(answer.location).text)
    assert "Your role is Member now" in page.text
    assert inside.get("/members").status_code == 403


@pytest.mark.parametrize("part", PARTS)
def test_everyone_sees_their_own_membership_and_may_leave(acme: Shape, part: str) -> None:
    inside = acme[part].within(acme.id)
    if part == SUSPENDED:
        for path in ("/membership", "/leave"):
            assert inside.get(path).status_code == 403
            assert inside.post("/leave").status_code == 403
        assert inside.api("DELETE", "/membership").status_code == 403
        return
    page = inside.page("/membership")
    assert page.heading == "acme"
    assert f"Your role {part.capitalize()}" in page.text
    own = inside.api("GET", "/membership").get_json()
    assert own["id"] == str(acme.memberships[part])
    answer = inside.submit("/leave", "/leave")
    if part == "owner":
        assert answer.status_code == 409
        assert "You did not leave" in answer.text
        return
    assert "You left" in HtmlPage(inside.client.get(answer.location).text).text
    assert acme.role_of(part) is None
    assert inside.get("/membership").status_code == 404


def test_handing_over_asks_once_more_and_swaps_the_roles(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    page = inside.page(of(acme, "member"))
    assert page.link("Hand ownership over").endswith("/transfer")
    answer = inside.submit(of(acme, "member") + "/transfer", "/transfer")
    page = HtmlPage(inside.client.get(answer.location).text)
    assert "you are an admin" in page.text
    assert (acme.role_of("member"), acme.role_of("owner")) == ("owner", "admin")
    assert inside.post(of(acme, "admin") + "/transfer").status_code == 403


def test_ownership_goes_to_nobody_who_is_suspended(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    assert not inside.page(of(acme, SUSPENDED)).has_form("/transfer")
    answer = inside.post(of(acme, SUSPENDED) + "/transfer")
    assert answer.status_code == 409
    assert "Restore them first" in answer.text
    assert acme.role_of("owner") == "owner"


def test_a_claim_in_the_address_needs_the_member_to_agree(acme: Shape) -> None:
    inside = acme["owner"].within(acme.id)
    for claim in ("suspended", "nonsense", "<script>"):
        text = inside.page(f"{of(acme, 'member')}?done={claim}").text
        assert "Done:" not in text


def test_pages_offer_only_the_tabs_a_role_may_open(acme: Shape) -> None:
    tabs = {
        part: [
            link
            for link in acme[part].page(f"{acme.path}/membership").links()
            if f"{acme.path}/" in link
        ]
        for part in ("owner", "admin", "auditor", "member")
    }
    for part, links in tabs.items():
        for link in links:
            assert acme[part].client.get(link).status_code == 200, (part, link)
    assert any(link.endswith("/settings") for link in tabs["admin"])
    assert not any(link.endswith("/settings") for link in tabs["auditor"])
    assert not any(link.endswith("/members") for link in tabs["member"])


def test_looking_writes_nothing(world: World, acme: Shape) -> None:
    before = world.rows()
    for part in acme.browsers:
        for path in ("/members", of(acme, "member"), "/membership", "/settings", "/leave"):
            acme[part].within(acme.id).get(path)
            acme[part].within(acme.id).api("GET", path)
    assert world.rows() == before
