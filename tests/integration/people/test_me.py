"""The operations on oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.permissions import Role
from tests.support.erasing import let_time_pass
from tests.support.organizations import join

if TYPE_CHECKING:
    from tests.support.world import World


@pytest.mark.promise("TO-002")
def test_only_what_is_named_is_changed(world: World) -> None:
    answer = world.ada.api("PATCH", "/me", {"display_name": "Ada", "company": "Engines"})
    assert answer.status_code == 200
    assert answer.get_json()["onboarded_at"] == "2026-11-20T10:00:00Z"
    world.clock.move(days=1)
    answer = world.ada.api("PATCH", "/me", {"job_role": "Analyst", "company": None})
    told = answer.get_json()
    assert (told["display_name"], told["company"], told["job_role"]) == ("Ada", None, "Analyst")
    assert told["onboarded_at"] == "2026-11-20T10:00:00Z"
    assert told == world.ada.api("GET", "/me").get_json()


def test_what_is_not_the_display_name_leaves_the_onboarding_open(world: World) -> None:
    world.ada.api("PATCH", "/me", {"company": "Engines"})
    told = world.ada.api("GET", "/me").get_json()
    assert (told["display_name"], told["onboarded_at"]) == ("ada", None)


@pytest.mark.parametrize(
    "body",
    [
        {"display_name": ""},
        {"display_name": "\u200b"},
        {"display_name": None},
        {"display_name": "x" * 121},
        {"company": "a\u202eb"},
        {"company": 7},
        {"email": "other@example.com"},
        {"email_verified_at": "2026-11-20T10:00:00Z"},
        {"user_key": "2"},
        {"account_id": "7e57ab1e-0000-4000-8000-000000000001"},
        {"onboarded_at": None},
    ],
)
def test_anything_else_is_refused_and_changes_nothing(world: World, body: dict[str, Any]) -> None:
    world.ada.api("PATCH", "/me", {"display_name": "Ada"})
    before = world.rows()
    answer = world.ada.api("PATCH", "/me", body)
    assert answer.status_code == 422
    (name,) = body
    assert answer.get_json()["errors"][0]["pointer"] == f"#/{name}"
    assert world.rows() == before


@pytest.mark.promise("TO-009")
def test_a_person_has_one_role_in_each_of_several_organizations(world: World) -> None:
    roles = {"Acme": Role.ADMIN, "Bolt": Role.MEMBER, "Crane": Role.AUDITOR}
    for name, role in roles.items():
        join(world, world.ben.create_organization(name), world.ada, role)
    world.ada.create_organization("Dune")
    told = world.ada.api("GET", "/me").get_json()["memberships"]
    assert [(each["organization_name"], each["role"]) for each in told] == [
        ("Acme", "admin"),
        ("Bolt", "member"),
        ("Crane", "auditor"),
        ("Dune", "owner"),
    ]
    assert {each["status"] for each in told} == {"active"}
    assert world.stranger.api("GET", "/me").get_json()["memberships"] == []


@pytest.mark.promise("TG-011")
def test_an_account_and_all_that_belongs_to_it_is_deleted_through_the_api(world: World) -> None:
    world.ada.settle()
    world.ben.settle()
    answer = world.ada.api("DELETE", "/me", {"confirm": True})
    assert (answer.status_code, answer.get_json()["status"]) == (202, "waiting")
    let_time_pass(world, days=30)
    assert world.ada.api("GET", "/me").get_json()["id"] is None
    assert world.ada.api("GET", "/sources").get_json()["items"] == []
    assert world.ada.api("GET", "/billing-records").get_json()["items"] == []
    assert world.ada.api("GET", "/plan").status_code == 404
    assert world.ben.api("GET", "/plan").status_code == 200
    again = world.ada.api("DELETE", "/me", {"confirm": True})
    assert (again.status_code, again.get_json()["status"]) == (202, "none")
    receipt = world.nobody.api("GET", world.mail.link_to(world.ada.address)).get_json()
    assert {"source", "plan", "billing_record"} <= {each["table"] for each in receipt["gone"]}


@pytest.mark.parametrize("body", [{}, {"confirm": False}, {"confirm": "yes"}, {"confirm": 1}])
def test_a_deletion_that_is_not_confirmed_is_none(world: World, body: dict[str, Any]) -> None:
    world.ada.settle()
    before = world.rows()
    assert world.ada.api("DELETE", "/me", body).status_code == 422
    assert world.rows() == before


def test_nobody_signed_in_is_asked_to_sign_in(world: World) -> None:
    for method, body in (("GET", None), ("PATCH", {"company": "x"}), ("DELETE", {"confirm": True})):
        assert world.nobody.api(method, "/me", body).status_code == 401


def test_the_log_names_the_fields_and_not_what_stands_in_them(world: World) -> None:
    world.ada.api("PATCH", "/me", {"display_name": "Ada Canary", "company": "Canary Works"})
    events = world.rows()["tokenoffset_audit_event"]
    assert "company,display_name" in repr(events)
    assert "Canary" not in repr(events)
