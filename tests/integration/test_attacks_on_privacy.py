"""What a person with bad intentions, or bad luck, tries with consents, rights and retention.

Each name says what must hold. Attacks on one part alone stand with the tests of that part; these go
where two parts meet.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from flask import request
from sqlalchemy import select, update

from flask_tokenoffset import record_consent
from flask_tokenoffset.errors import TooYoung
from flask_tokenoffset.hooks import set_retention_plan
from flask_tokenoffset.models import (
    Account,
    Membership,
    MembershipStatus,
    Organization,
    Person,
    SignInAddress,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.shared.request_log import delete_old_files
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.integration.aggregates.contributors import aggregates, contribute, leave
from tests.integration.exports.copies import Copy, fetch, ready_link
from tests.integration.people.test_minimum_age import CHILD, people_in, state_ages
from tests.support.inviting import invite
from tests.support.organizations import make_shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.aggregates.contributors import Contributor
    from tests.support.world import World

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    """A world on each kind of database."""
    return make_world(database_url)


@pytest.mark.promise("TO-042")
def test_a_person_with_nine_organizations_is_one_contributor(db_world: World) -> None:
    leaver, *others = contribute(db_world, 11)
    # Anyone who owns nine of ten accounts knows what the tenth used once they know the sum.
    _give_to_one_owner(db_world, others[1:], owner=others[0])
    assert leave(db_world, leaver) == 0
    assert aggregates(db_world) == []


@pytest.mark.promise("TO-042")
def test_organizations_of_ten_owners_are_ten_contributors(db_world: World) -> None:
    leaver, *others = contribute(db_world, 10)
    owners = contribute(db_world, 9, model="another-model")
    for organization, owner in zip(others, owners, strict=True):
        _give_to_one_owner(db_world, [organization], owner=owner)
    assert leave(db_world, leaver) == 1


@pytest.mark.promise("TO-042")
def test_nobody_is_half_of_a_sum_with_all_their_organizations(db_world: World) -> None:
    owned = contribute(db_world, 3, tokens=5_000)
    leaver, *_others = contribute(db_world, 12)
    _give_to_one_owner(db_world, owned[1:], owner=owned[0])
    assert leave(db_world, leaver) == 0


@pytest.mark.promise("TO-047")
@pytest.mark.promise("TO-048")
def test_a_copy_is_made_anew_after_the_host_corrected_an_address(db_world: World) -> None:
    ada = db_world.ada
    link = ready_link(db_world, ada)
    former = ada.address
    ada.change_address("ada.lovelace@example.com")
    # What is ready holds the former address, so it is not handed out, and does not wait either.
    assert fetch(ada, link).status_code == 410
    with db_world.app.app_context():
        assert run_scheduler(db_world.state).exports_enqueued == 1
    db_world.work()
    answer = fetch(ada, link)
    assert answer.status_code == 200
    (person,) = Copy(answer.data).rows("person")
    assert person["email"] == "ada.lovelace@example.com" != former


@pytest.mark.promise("TO-047")
def test_a_copy_holds_nothing_sent_to_an_address_that_is_another_ones_by_now(
    db_world: World,
) -> None:
    ada, ben = db_world.ada, db_world.ben
    for each in (ada, ben):
        each.api("PATCH", "/me", {"display_name": each.name})
    # Ada once signed in with the mailbox that is Ben's today.
    with db_world.app.app_context():
        session = db_world.state.session
        ada_person = session.scalars(select(Person).where(Person.user_key == ada.user_key)).one()
        session.add(
            SignInAddress(
                id=uuid4(),
                person_id=ada_person.id,
                email=ben.address,
                verified_at=db_world.clock.now(),
            )
        )
        session.commit()
    invite(make_shape(db_world, "acme"), ben)
    assert Copy.of(db_world, ada).rows("invitation") == []
    (invitation,) = Copy.of(db_world, ben).rows("invitation")
    assert invitation["email"] == ben.address


@pytest.mark.promise("TO-053")
def test_a_host_cannot_make_an_account_of_the_child_who_is_there(world: World) -> None:
    def decide() -> str:
        key = request.form["key"]
        for hook in (
            lambda: record_consent(key, "product-updates", place="host:checkout"),
            lambda: set_retention_plan("free", user_key=key),
        ):
            with pytest.raises(TooYoung):
                hook()
        return "refused"

    world.app.add_url_rule("/checkout", view_func=decide, methods=["POST"])
    ada = world.ada
    state_ages(world, ada={"birth_date": CHILD})
    assert ada.client.post("/checkout", data={"key": ada.user_key}).text == "refused"
    assert people_in(world) == set()


@pytest.mark.promise("TS-015")
def test_a_file_with_no_day_in_its_name_stops_no_purge(tmp_path: Path) -> None:
    for day in ("2026-02-30", "2020-01-01"):
        (tmp_path / f"tokenoffset-requests-{day}.jsonl").write_text("{}\n")
    assert delete_old_files(tmp_path, NOW, 90) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["tokenoffset-requests-2026-02-30.jsonl"]


def _give_to_one_owner(world: World, accounts: list[Contributor], *, owner: Contributor) -> None:
    """Make organizations of some accounts, all of which one person owns."""
    with world.app.app_context():
        session, now = world.state.session, world.clock.now()
        for each in accounts:
            # Whose account it was has another one from now on.
            other, own, organization = uuid4(), uuid4(), uuid4()
            session.add_all(
                [
                    Account(id=other, kind="person", created_at=now),
                    Account(id=own, kind="membership", created_at=now),
                ]
            )
            session.flush()
            session.execute(
                update(Person).where(Person.id == each.person_id).values(account_id=other)
            )
            session.execute(
                update(Account).where(Account.id == each.account_id).values(kind="organization")
            )
            session.add(
                Organization(
                    id=organization,
                    account_id=each.account_id,
                    name="Acme",
                    payer_rule="organization",
                    default_coverage_percent=100,
                    created_by=owner.person_id,
                    created_at=now,
                )
            )
            session.flush()
            session.add(
                Membership(
                    id=uuid4(),
                    account_id=own,
                    organization_id=organization,
                    person_id=owner.person_id,
                    role=Role.OWNER,
                    status=MembershipStatus.ACTIVE,
                    sort_name="",
                    search_text="",
                    joined_at=now,
                )
            )
        session.commit()
