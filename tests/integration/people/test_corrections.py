"""A correction reaches every copy: of the former value nothing is left in any store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset import HostUser, correct_person
from flask_tokenoffset.models import (
    ExportStatus,
    Invitation,
    MagicLink,
    MessageKind,
    OutboundMessage,
)
from flask_tokenoffset.services.exports import exports
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.tasks.schedule import run_scheduler
from tests.support.inviting import delivered
from tests.support.raw_dumps import raw_dump, redis_dump

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Browser, World

#: What Ada says of herself first, each unlike anything else, and what she says then.
FORMER = {
    "display_name": "Xanthippe Quorn",
    "company": "Zwiebelfisch Works",
    "job_role": "Kaleidoscopist",
    "heard_from": "Whispering Jackdaws",
}
NEW = {
    "display_name": "Ada Lovelace",
    "company": "Analytical Engines",
    "job_role": "Analyst",
    "heard_from": "A friend",
}
FORMER_ADDRESS = "jackdaw-quorn@example.com"


@pytest.fixture
def kept_world(make_world: Callable[..., World], database_url: str, redis_url: str) -> World:
    """A world that counts attempts in Redis."""
    redis = {"TOKENOFFSET_REDIS_URL": redis_url, "TOKENOFFSET_EMBEDDED_QUEUE": False}
    return make_world(database_url, **redis)


def stores(world: World, redis_url: str) -> str:
    """Everything that is kept, in small letters: copies are kept so as well."""
    return (raw_dump(world) + redis_dump(redis_url)).lower()


def live(world: World, ada: Browser) -> None:
    """Do everything that makes a copy of one's name and address."""
    for field, value in FORMER.items():
        assert ada.api("PATCH", "/me", {field: value}).status_code == 200
    ada.create_organization("Her own")
    organization_id = world.ben.create_organization("The club")
    inside = world.ben.within(organization_id)
    invitation = {"invitations": [{"email": ada.address, "role": "member"}]}
    assert inside.api("POST", "/invitations", invitation).status_code == 200
    link = delivered(world, ada.address)
    assert ada.submit(link, link, choice="accept").status_code == 303
    assert ada.post("/confirm/mail").status_code == 303
    body = {"kind": "question", "statement": "Who sees my figures?"}
    headers = {"Idempotency-Key": "once"}
    path = "/tokenoffset/api/v1/privacy/requests"
    assert ada.client.post(path, json=body, headers=headers).status_code == 201
    ada.settle()
    world.work()


@pytest.mark.promise("TO-048")
@pytest.mark.parametrize("field", FORMER)
def test_a_corrected_value_is_nowhere_any_more(
    kept_world: World, redis_url: str, field: str
) -> None:
    ada = kept_world.ada
    live(kept_world, ada)
    assert FORMER[field].lower() in stores(kept_world, redis_url)
    assert ada.api("PATCH", "/me", {field: NEW[field]}).status_code == 200
    kept = stores(kept_world, redis_url)
    assert FORMER[field].lower() not in kept
    assert NEW[field].lower() in kept
    assert FORMER[field] not in ada.page("/me").text
    # The others are as they were.
    for other in FORMER.keys() - {field}:
        assert FORMER[other].lower() in kept


@pytest.mark.promise("TO-048")
def test_a_corrected_address_is_nowhere_any_more(kept_world: World, redis_url: str) -> None:
    ada = kept_world.ada
    ada.change_address(FORMER_ADDRESS)
    ada.pick_band()
    invite_to_former(kept_world, ada)
    ada.post("/confirm/mail")
    kept_world.work()
    waiting = {"kind": "question", "statement": "Who sees my figures?"}
    ada.api("POST", "/privacy/requests", waiting)  # Its acknowledgement has not left yet.
    assert FORMER_ADDRESS in stores(kept_world, redis_url)
    ada.change_address("ada.lovelace@example.com")
    ada.api("PATCH", "/me", {"display_name": "Ada"})
    kept_world.work()
    kept = stores(kept_world, redis_url)
    assert FORMER_ADDRESS not in kept
    assert "ada.lovelace@example.com" in kept
    assert kept_world.mail.kinds_to("ada.lovelace@example.com") == ["request-received"]
    with kept_world.app.app_context():
        session = kept_world.state.session
        accepted = session.query(Invitation).one()
        assert accepted.email == "ada.lovelace@example.com"
        assert not session.query(MagicLink).filter_by(email=FORMER_ADDRESS).count()


def invite_to_former(world: World, ada: Browser) -> None:
    """Let Ada accept an invitation to the address that is corrected later."""
    inside = world.ben.within(world.ben.create_organization("The club"))
    invitation = {"invitations": [{"email": FORMER_ADDRESS, "role": "member"}]}
    assert inside.api("POST", "/invitations", invitation).status_code == 200
    link = delivered(world, FORMER_ADDRESS)
    assert ada.submit(link, link, choice="accept").status_code == 303


@pytest.mark.promise("TO-048")
def test_what_the_host_corrects_changes_at_once(db_world: World) -> None:
    ada = db_world.ada
    ada.change_address(FORMER_ADDRESS)
    ada.create_organization("Her own")
    assert FORMER_ADDRESS in raw_dump(db_world)
    user = HostUser(key=ada.user_key, name="Ada", email="ada.new@example.com", email_verified=True)
    with db_world.app.app_context():
        assert correct_person(user)
        assert not correct_person(replace(user, key="nobody we know"))
    kept = raw_dump(db_world)
    assert FORMER_ADDRESS not in kept
    assert "ada.new@example.com" in kept
    assert "nobody we know" not in kept


@pytest.mark.promise("TO-053")
def test_a_host_that_corrects_an_age_has_a_child_erased(world: World) -> None:
    world.ada.pick_band()
    with world.app.app_context():
        assert not correct_person(HostUser(key=world.ada.user_key, age=12))
    assert not world.ada.has_account
    world.work()
    assert world.mail.kinds_to(world.ada.address) == ["account-forgotten"]


def test_nothing_goes_to_an_address_that_nobody_proved(world: World) -> None:
    ada = world.ada
    ada.api("POST", "/privacy/requests", {"kind": "question", "statement": "Who sees my use?"})
    ada.change_address("unproved@example.com", verified=False)
    ada.api("PATCH", "/me", {"display_name": "Ada"})
    world.work()
    assert world.mail.messages == []


def test_the_former_address_is_told_and_then_forgotten(world: World) -> None:
    """Where the person proved another one by a link: another person may have done that."""
    ada = world.browser("nomad")
    ada.change_address("", verified=False)
    for address in (FORMER_ADDRESS, "ada.lovelace@example.com"):
        assert ada.post("/me/address", email=address).status_code == 303
        world.work()
        link = world.mail.link_to(address)
        assert ada.submit(link, link).status_code == 303
    world.work()
    assert world.mail.kinds_to(FORMER_ADDRESS)[-1] == "address-changed"
    assert FORMER_ADDRESS not in raw_dump(world)
    messages = world.rows(OutboundMessage)["tokenoffset_outbound_message"]
    assert any(MessageKind.ADDRESS_CHANGED in row for row in messages)


@pytest.mark.promise("TO-048")
def test_a_copy_that_is_fetched_after_a_correction_is_corrected(world: World) -> None:
    ada = world.ada
    ada.api("PATCH", "/me", {"company": FORMER["company"]})
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, ada.user_key)
        assert person is not None
        now, key = world.clock.now(), world.state.link_key
        export_id = exports.request_export(work, person, link_key=key, now=now).id
    world.work()
    assert status_of(world, ada, export_id) == ExportStatus.READY
    ada.api("PATCH", "/me", {"company": NEW["company"]})
    assert status_of(world, ada, export_id) == ExportStatus.QUEUED
    with world.app.app_context():
        run_scheduler(world.state)
    world.work()
    assert status_of(world, ada, export_id) == ExportStatus.READY
    assert world.mail.kinds_to(ada.address)[-2:] == ["export-ready", "export-ready"]


def status_of(world: World, ada: Browser, export_id: Any) -> str:
    with world.app.app_context():
        person = find_person(world.state.session, ada.user_key)
        assert person is not None
        return exports.find_export(world.state.session, person.id, export_id).status
