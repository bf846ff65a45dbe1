"""What an organization recorded stays as it was, without the name of the person who left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from flask_tokenoffset.models import BillingRecord, Membership, Organization
from flask_tokenoffset.permissions import Role
from tests.support.erasing import ask_for_deletion, erase_when_due
from tests.support.organizations import join

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.world import World


def billed(world: World, organization_id: UUID) -> dict[str, Any]:
    """What was ever recorded for an organization and its members, by month and payer."""
    with world.app.app_context():
        session = world.state.session
        organization = session.get_one(Organization, organization_id)
        accounts = set(
            session.scalars(
                select(Membership.account_id).where(Membership.organization_id == organization_id)
            )
        )
        accounts.add(organization.account_id)
        members = {row[0] for row in world.rows()["tokenoffset_account"] if row[1] == "membership"}
        rows = session.execute(
            select(
                BillingRecord.month,
                BillingRecord.payer,
                func.count(),
                func.sum(BillingRecord.amount_cents),
            )
            .where(BillingRecord.account_id.in_(accounts | members))
            .group_by(BillingRecord.month, BillingRecord.payer)
            .order_by(BillingRecord.month, BillingRecord.payer)
        )
        return {f"{month} {payer}": (count, int(cents)) for month, payer, count, cents in rows}


@pytest.mark.promise("TO-049")
def test_totals_are_unchanged_and_the_name_is_gone(db_world: World) -> None:
    world = db_world
    world.ada.api("PATCH", "/me", {"display_name": "Ada Lovelace"})
    organization_id = world.ben.create_organization("Fernhill")
    membership = join(world, organization_id, world.ada, Role.ADMIN)
    inside = world.ben.within(organization_id)
    answer = world.ada.within(organization_id).api(
        "PUT", f"/members/{membership}/plan", {"band": "worker", "coverage_percent": 100}
    )
    assert answer.status_code in {200, 201}, answer.text
    world.ada.within(organization_id).pick_band()
    inside.adopt(inside.pick_band("casual"))
    due_at = ask_for_deletion(world.ada)
    world.clock.move_to(due_at)
    world.bill()
    before = billed(world, organization_id)
    assert before
    history = inside.api("GET", "/audit-events?limit=100").get_json()["items"]
    assert "Ada Lovelace" in inside.page("/audit-events").text
    erase_when_due(world)
    assert world.mail.messages
    assert billed(world, organization_id) == before
    now = inside.api("GET", "/audit-events?limit=100").get_json()["items"]
    assert "Ada" not in repr(now)
    # Every line that was there is there; only the name is not.
    assert {each["id"] for each in history} <= {each["id"] for each in now}
    for path in ("/members", "/audit-events", "/sources", "/plan", "/member-plans"):
        assert "Ada Lovelace" not in inside.get(path).text
