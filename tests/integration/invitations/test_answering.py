"""Every rule by which an invitation is good, with what is refused beside what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset import forget_person
from flask_tokenoffset.models import Membership, Person
from flask_tokenoffset.permissions import Role
from tests.support.inviting import answer, delivered, invitations, invite, report, role_in, standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.organizations import Shape
    from tests.support.world import World


def unchanged(world: World) -> object:
    return world.rows()


@pytest.mark.parametrize("role", list(Role))
def test_an_invitation_is_for_one_role_in_one_organization(
    world: World, acme: Shape, role: Role
) -> None:
    link = invite(acme, world.ada, role)
    page = world.ada.page(link)
    assert page.heading == "Invitation to acme"
    assert role.capitalize() in page.text
    assert role_in(acme, world.ada) is None
    welcome = world.ada.submit(link, link, choice="accept")
    assert welcome.status_code == 303
    assert welcome.location.endswith(f"{acme.path}/membership?done=joined")
    assert role_in(acme, world.ada) == role
    assert standing(acme) == "accepted"
    assert world.ada.page(f"{acme.path}/membership").heading == "acme"


def test_looking_changes_nothing_however_often_it_is_done(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    before = world.rows()
    for browser in (world.nobody, world.stranger, world.ada, world.browser("ada")):
        for _ in range(3):
            assert browser.get(link).status_code == 200
            assert browser.client.head("/tokenoffset" + link).status_code == 200
    assert world.rows() == before
    assert answer(world.ada, link).status_code == 303


def test_an_invitation_works_once(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    assert answer(world.ada, link).status_code == 303
    before = world.rows()
    again = answer(world.ada, link)
    assert again.status_code == 409
    assert "was used already" in again.text
    assert answer(world.ada, link, "decline").status_code == 409
    page = world.ada.page(link, status=410)
    assert "no longer good" in page.text
    assert not page.forms
    assert world.rows() == before


def test_it_is_good_for_seven_days_and_not_a_second_longer(world: World, acme: Shape) -> None:
    link, other = invite(acme, world.ada), invite(acme, world.ben)
    world.clock.move(days=7, seconds=-1)
    assert answer(world.ada, link).status_code == 303
    world.clock.move(seconds=1)
    before = world.rows()
    late = answer(world.ben, other)
    assert late.status_code == 409
    assert "expired" in late.text
    assert world.ben.get(other).status_code == 410
    assert world.rows() == before
    assert role_in(acme, world.ben) is None


def test_nobody_can_make_it_good_for_longer(make_world: Callable[..., World]) -> None:
    from flask_tokenoffset.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="from 1 to 7"):
        make_world(TOKENOFFSET_INVITATION_DAYS=8)


def test_only_the_person_who_proved_the_invited_address_can_answer(
    world: World, acme: Shape
) -> None:
    link = invite(acme, world.ada)
    before = world.rows()
    for choice in ("accept", "decline"):
        refused = answer(world.ben, link, choice)
        assert refused.status_code == 403
        assert "another e-mail address" in refused.text
        assert world.ada.address not in refused.text
    page = world.ben.page(link)
    assert "sent to another address than yours" in page.text
    assert not page.has_form(link)
    assert world.rows() == before
    assert answer(world.ada, link).status_code == 303


def test_an_address_that_is_only_claimed_does_not_count(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    world.ben.change_address(world.ada.address, verified=False)
    before = world.rows()
    refused = answer(world.ben, link)
    assert refused.status_code == 403
    assert "not proved yet" in refused.text
    page = world.ben.page(link)
    assert "not verified yet" in page.text
    assert not page.has_form(link)
    assert world.ben.page("/invitations").has_form("/accept") is False
    assert world.rows() == before
    world.ben.change_address(world.ada.address)
    assert answer(world.ben, link).status_code == 303
    assert role_in(acme, world.ben) == "member"


def test_an_address_that_was_given_up_does_not_count(world: World, acme: Shape) -> None:
    world.ada.pick_band()  # A row that remembers the address.
    link = invite(acme, world.ada)
    world.ada.change_address("elsewhere@example.com")
    assert answer(world.ada, link).status_code == 403
    assert role_in(acme, world.ada) is None


@pytest.mark.parametrize(
    "look_alike",
    [
        "\u0430da@example.com",
        "ada@ex\u0430mple.com",
        "\uff41da@example.com",
        "ada@example\u3002com",
        "ada\u200b@example.com",
    ],
)
def test_a_look_alike_address_gets_nothing(world: World, acme: Shape, look_alike: str) -> None:
    link = invite(acme, world.ada)
    world.ben.change_address(look_alike)
    assert answer(world.ben, link).status_code == 403
    assert world.ben.api("GET", "/invitations").get_json() == {"items": []}
    (item,) = report(acme, (look_alike, "member"))
    assert item["outcome"] == "invalid-address"
    world.work()
    assert len(world.mail.to(world.ada.address)) == 1
    assert {each.to_address for each in world.mail.messages} == {world.ada.address}


def test_case_makes_no_other_address(world: World, acme: Shape) -> None:
    assert report(acme, ("ADA@Example.COM", "member"))[0]["email"] == world.ada.address
    assert answer(world.ada, delivered(world, world.ada.address)).status_code == 303


def test_anyone_who_is_not_signed_in_is_asked_to_and_comes_back(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    page = world.nobody.page(link)
    assert "acme" in page.heading
    assert not page.forms
    assert "Good until" not in page.text
    sign_in = world.nobody.client.get(page.link("Sign in"))
    assert sign_in.status_code == 302
    assert sign_in.location.startswith("/sign-in?next=")
    assert link.rpartition("/")[2] in sign_in.location
    assert world.ada.client.get(page.link("Sign in")).status_code == 200
    token = world.nobody.token_field
    posted = world.nobody.client.post("/tokenoffset" + link, data={**token, "choice": "accept"})
    assert posted.location.startswith("/sign-in")
    assert role_in(acme, world.ada) is None


def test_a_token_that_is_none_is_answered_like_any_missing_page(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    missing = world.ada.get("/invitations/" + "A" * 43)
    assert missing.status_code == 404
    for wrong in (link[:-1], link + "A", link.swapcase(), "/invitations/\u0430"):
        assert world.ada.get(wrong).status_code == 404
        assert answer(world.ada, wrong).status_code == 404
    assert role_in(acme, world.ada) is None


def test_the_database_holds_nothing_that_opens_anything(world: World, acme: Shape) -> None:
    token = invite(acme, world.ada).rpartition("/")[2]
    assert len(token) == 43
    assert token not in repr(world.rows())


def test_sending_again_makes_the_former_link_worthless(world: World, acme: Shape) -> None:
    former = invite(acme, world.ada)
    world.clock.move(days=6)
    (row,) = invitations(world)
    resent = acme["admin"].api("POST", f"{acme.path}/invitations/{row.id}/resend")
    assert resent.get_json()["standing"] == "pending"
    assert resent.get_json()["invited_by"] == "acme-admin"
    link = delivered(world, world.ada.address)
    assert link != former
    assert world.ada.get(former).status_code == 404
    assert answer(world.ada, former).status_code == 404
    world.clock.move(days=6)  # It counts from the second time.
    assert answer(world.ada, link).status_code == 303


def test_an_expired_one_can_be_sent_again_and_an_ended_one_cannot(
    world: World, acme: Shape
) -> None:
    invite(acme, world.ada)
    world.clock.move(days=8)
    assert standing(acme) == "expired"
    (row,) = invitations(world)
    path = f"{acme.path}/invitations/{row.id}"
    assert acme["owner"].api("POST", f"{path}/resend").status_code == 200
    assert standing(acme) == "pending"
    assert acme["owner"].api("DELETE", path).status_code == 204
    assert acme["owner"].api("DELETE", path).status_code == 204
    assert acme["owner"].api("POST", f"{path}/resend").status_code == 409
    assert world.ada.get(delivered_link := world.mail.link_to(world.ada.address)).status_code in {
        404,
        410,
    }
    assert answer(world.ada, delivered_link).status_code in {404, 409}
    link = invite(acme, world.ada)
    assert answer(world.ada, link).status_code == 303
    accepted = f"{acme.path}/invitations/{invitations(world)[-1].id}"
    assert acme["owner"].api("POST", f"{accepted}/resend").status_code == 409
    assert acme["owner"].api("DELETE", accepted).status_code == 409


def test_inviting_again_renews_and_never_doubles(world: World, acme: Shape) -> None:
    former = invite(acme, world.ada, "member")
    (item,) = report(acme, (world.ada.address, "auditor"), by="admin")
    assert item["outcome"] == "renewed"
    link = delivered(world, world.ada.address)
    (row,) = invitations(world)
    assert (str(row.id), row.role) == (item["invitation_id"], "auditor")
    assert world.ada.get(former).status_code == 404
    assert answer(world.ada, link).status_code == 303
    assert role_in(acme, world.ada) == "auditor"


def test_declining_deletes_nothing(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    declined = world.ada.submit(link, link, choice="decline")
    assert "Declined" in world.ada.page("/invitations?done=declined").text
    assert declined.status_code == 303
    assert standing(acme) == "cancelled"
    assert answer(world.ada, link).status_code == 409
    assert role_in(acme, world.ada) is None
    assert answer(world.ada, invite(acme, world.ada)).status_code == 303


def test_a_choice_must_be_made(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    for choice in ("", "perhaps"):
        assert answer(world.ada, link, choice).status_code == 422
    assert standing(acme) == "pending"


def test_a_member_stays_what_they_are_and_uses_the_invitation_up(world: World, acme: Shape) -> None:
    auditor = acme["auditor"]
    auditor.change_address("somewhere@example.com")  # Not yet known here to be theirs.
    (item,) = report(acme, ("somewhere@example.com", "owner"))
    assert item["outcome"] == "sent"
    link = delivered(world, "somewhere@example.com")
    assert "member already" in auditor.page(link).text
    welcome = auditor.submit(link, link, choice="accept")
    assert welcome.location.endswith(f"{acme.path}/membership?done=was-member")
    assert "stay" in auditor.page(f"{acme.path}/membership?done=was-member").text
    assert acme.role_of("auditor") == "auditor"
    assert standing(acme) == "accepted"
    assert answer(auditor, link).status_code == 409


def test_a_suspended_member_stays_suspended(world: World, acme: Shape) -> None:
    suspended = acme["suspended"]
    suspended.change_address("back@example.com")
    report(acme, ("back@example.com", "owner"))
    done = answer(suspended, delivered(world, "back@example.com"))
    assert done.location.endswith("/invitations?done=suspended")
    assert "suspended" in suspended.page("/invitations?done=suspended").text
    assert acme.status_of("suspended") == "suspended"
    assert acme.role_of("suspended") == "admin"


# --- the person who sent it
# ------------------------------------------------------------------------------


def demote(acme: Shape) -> None:
    path = f"{acme.path}/members/{acme.memberships['admin']}"
    assert acme["owner"].api("PATCH", path, {"role": "auditor"}).status_code == 200


def suspend(acme: Shape) -> None:
    path = f"{acme.path}/members/{acme.memberships['admin']}"
    assert acme["owner"].api("PATCH", path, {"status": "suspended"}).status_code == 200


def remove(acme: Shape) -> None:
    path = f"{acme.path}/members/{acme.memberships['admin']}"
    assert acme["owner"].api("DELETE", path).status_code == 204


def forget(acme: Shape) -> None:
    admin = acme["admin"]
    with admin.world.app.app_context():
        assert forget_person(admin.user_key).known


@pytest.mark.parametrize("lose", [demote, suspend, remove, forget])
def test_an_invitation_dies_with_the_right_of_the_person_who_sent_it(
    world: World, acme: Shape, lose: Callable[[Shape], None]
) -> None:
    link = invite(acme, world.ada, by="admin")
    kept = invite(acme, world.ben, by="owner")
    lose(acme)
    before = world.rows()
    page = world.ada.page(link, status=410)
    assert "may not invite to this role any more" in page.text
    assert not page.has_form(link)
    outsider = world.nobody.page(link, status=410).text
    assert "no longer good" in outsider
    assert "may not invite" not in outsider
    refused = answer(world.ada, link)
    assert refused.status_code == 409
    assert "no longer good" in refused.text
    assert world.ada.api("GET", "/invitations").get_json() == {"items": []}
    assert world.rows() == before
    assert answer(world.ben, kept).status_code == 303
    (row,) = [row for row in invitations(world) if row.email == world.ada.address]
    assert standing(acme, row.id) == "withdrawn"
    again = acme["owner"].api("POST", f"{acme.path}/invitations/{row.id}/resend")
    assert again.get_json()["standing"] == "pending"
    assert answer(world.ada, delivered(world, world.ada.address)).status_code == 303


def test_a_demoted_owner_can_still_be_vouching_for_lesser_roles(world: World, acme: Shape) -> None:
    """What counts is the right to give this very role."""
    second = world.browser("zoe")
    assert answer(second, invite(acme, second, "owner")).status_code == 303
    as_owner, as_member = invite(acme, world.ada, "owner"), invite(acme, world.ben)
    path = f"{acme.path}/members/{acme.memberships['owner']}"
    assert second.api("PATCH", path, {"role": "admin"}).status_code == 200
    assert answer(world.ada, as_owner).status_code == 409
    assert answer(world.ben, as_member).status_code == 303


def test_an_organization_that_was_closed_has_no_good_invitation(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada)
    assert acme["owner"].api("DELETE", acme.path).status_code == 204
    assert world.ada.get(link).status_code == 410
    assert answer(world.ada, link).status_code == 409
    with world.app.app_context():
        joined = world.state.session.query(Membership).join(
            Person, Person.id == Membership.person_id
        )
        assert not joined.filter(Person.user_key == world.ada.user_key).count()
