"""Inviting and answering, as the tests of invitations do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from flask_tokenoffset.models import Invitation, Membership, Person

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.test import TestResponse

    from tests.support.organizations import Shape
    from tests.support.world import Browser, World


def report(
    shape: Shape, *invitees: tuple[str, str], by: str = "owner", status: int = 200
) -> list[dict[str, Any]]:
    """Invite addresses to roles through the API; what became of each."""
    body = {"invitations": [{"email": email, "role": role} for email, role in invitees]}
    answer = shape[by].api("POST", f"{shape.path}/invitations", body)
    assert answer.status_code == status, answer.text
    items: list[dict[str, Any]] = answer.get_json().get("items", [])
    return items


def outcomes(items: list[dict[str, Any]]) -> list[str]:
    """The bare words of a report."""
    return [item["outcome"] for item in items]


def invite(shape: Shape, person: Browser, role: str = "member", by: str = "owner") -> str:
    """Invite a person, let the mail leave, and give the link they got, below the prefix."""
    (item,) = report(shape, (person.address, role), by=by)
    assert item["outcome"] in {"sent", "renewed"}
    return delivered(shape.world, person.address)


def delivered(world: World, address: str) -> str:
    """Let all mail leave, and give the newest link of an address."""
    world.work()
    return world.mail.link_to(address)


def answer(
    person: Browser, link: str, choice: str = "accept", amount_cents: int = 0
) -> TestResponse:
    """Press one of the buttons that a link's page shows."""
    shown = {"amount_cents": amount_cents, "shown_terms": person.world.shown_terms}
    return person.post(link, choice=choice, **shown)


def invitations(world: World) -> list[Invitation]:
    """All invitations, the oldest first."""
    with world.app.app_context():
        return list(world.state.session.scalars(select(Invitation).order_by(Invitation.created_at)))


def role_in(shape: Shape, person: Browser) -> str | None:
    """What a person is in an organization."""
    with shape.world.app.app_context():
        return shape.world.state.session.scalar(
            select(Membership.role)
            .join(Person, Person.id == Membership.person_id)
            .where(Membership.organization_id == shape.id, Person.user_key == person.user_key)
        )


def standing(shape: Shape, invitation_id: str | UUID | None = None) -> str:
    """What the organization sees of an invitation, by default of the newest one."""
    items = shape["owner"].api("GET", f"{shape.path}/invitations").get_json()["items"]
    if invitation_id is None:
        return str(items[0]["standing"])
    (found,) = [item for item in items if item["id"] == str(invitation_id)]
    return str(found["standing"])


def invitation_token(world: World, person: Browser) -> str:
    """What stands in the link of an invitation that a person gets from a new organization."""
    host = world.browser(f"host of {person.name}")
    path = f"/organizations/{host.create_organization(f'Those who want {person.name}')}"
    body = {"invitations": [{"email": person.address, "role": "member"}]}
    assert host.api("POST", f"{path}/invitations", body).status_code == 200
    return delivered(world, person.address).rpartition("/")[2]
