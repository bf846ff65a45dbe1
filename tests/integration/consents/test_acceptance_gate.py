"""When a person is asked for acceptance, when not, and what the ledger says of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from flask_tokenoffset.models import ConsentEvent, ConsentMethod
from flask_tokenoffset.services.documents import acceptances
from flask_tokenoffset.services.people.profiles import lock_person
from tests.support.consenting import consents_of
from tests.support.publishing import let_take_effect, publish_required
from tests.support.world import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Browser, World

PAGE = f"{PREFIX}/privacy/acceptance"


def asked_for(person: Browser) -> list[str]:
    """The documents that a person has to accept, as the operation says."""
    missing = person.api("GET", "/privacy/acceptance").get_json()["missing"]
    return [f"{each['document']} {each['version']}" for each in missing]


def accept(person: Browser, *version_ids: UUID, status: int = 200) -> dict[str, Any]:
    """Accept versions by the operation; its answer."""
    body = {"version_ids": [str(each) for each in version_ids]}
    answer = person.api("POST", "/privacy/acceptance", body)
    assert answer.status_code == status, answer.text
    return dict(answer.get_json())


def is_let_in(person: Browser) -> bool:
    """Whether a person gets to the dashboard."""
    answer = person.get("/")
    if answer.status_code == 200:
        return True
    assert answer.location == f"{PAGE}?next=%2Ftokenoffset%2F"
    return False


@pytest.mark.promise("TO-058")
def test_without_a_document_nobody_is_asked_for_anything(world: World) -> None:
    assert is_let_in(world.ada)
    assert asked_for(world.ada) == []
    publish_required(world, "cookie-notice", required=False)
    assert is_let_in(world.ada)


@pytest.mark.promise("TO-058")
def test_a_new_person_is_asked_before_anything_begins_and_goes_on_once_they_accepted(
    world: World,
) -> None:
    terms = publish_required(world)
    assert not is_let_in(world.stranger)
    assert world.stranger.get("/welcome").location.startswith(PAGE)
    assert not world.stranger.has_account, "nothing is written for looking"
    accepted = world.stranger.submit(
        "/privacy/acceptance?next=/tokenoffset/welcome", "/privacy/acceptance", accept=str(terms)
    )
    assert accepted.location == "/tokenoffset/welcome"
    assert is_let_in(world.stranger)
    assert world.stranger.get("/welcome").status_code == 200


@pytest.mark.promise("TO-058")
def test_a_material_change_is_asked_for_again_once_it_has_taken_effect(world: World) -> None:
    world.ada.pick_band()
    accept(world.ada, publish_required(world))
    changed = publish_required(world, material=True)
    assert is_let_in(world.ada), "it was only announced"
    let_take_effect(world)
    assert not is_let_in(world.ada)
    assert asked_for(world.ada) == ["terms v2"]
    accept(world.ada, changed)
    assert is_let_in(world.ada)


@pytest.mark.promise("TO-058")
def test_a_change_that_is_not_material_asks_nobody_who_accepted_the_text_before(
    world: World,
) -> None:
    accept(world.ada, publish_required(world))
    publish_required(world)
    assert is_let_in(world.ada)
    assert asked_for(world.ben) == ["terms v2"], "who comes later accepts what is in force"


@pytest.mark.promise("TO-058")
def test_an_old_acceptance_does_not_outlive_a_material_change_behind_a_small_one(
    world: World,
) -> None:
    world.ada.pick_band()
    accept(world.ada, publish_required(world))
    publish_required(world, material=True)
    let_take_effect(world)
    publish_required(world)
    assert asked_for(world.ada) == ["terms v3"]


@pytest.mark.promise("TO-058")
def test_nothing_is_accepted_by_going_on(world: World) -> None:
    world.ada.pick_band()
    publish_required(world)
    for path in ("/", "/plan", "/me", "/privacy/acceptance", "/documents/terms", "/sources"):
        world.ada.get(path)
    world.clock.move(days=400)
    world.ada.post("/me", display_name="Ada")
    assert consents_of(world, world.ada.account_id) == []
    assert not is_let_in(world.ada)


@pytest.mark.promise("TO-014", "TO-058")
def test_each_document_is_accepted_by_itself_and_the_ledger_says_where_and_how(
    world: World,
) -> None:
    terms = publish_required(world)
    policy = publish_required(world, "privacy-policy")
    world.ada.submit("/privacy/acceptance", "/privacy/acceptance", accept=str(policy))
    assert asked_for(world.ada) == ["terms v1"]
    assert not is_let_in(world.ada)
    accept(world.ada, terms)
    events = consents_of(world, world.ada.account_id)
    assert [
        (each["document_version_id"], each["event_type"], each["place"], each["method"])
        for each in events
    ] == [
        (policy, "given", "acceptance-page", ConsentMethod.FORM),
        (terms, "given", "api", ConsentMethod.API),
    ]
    assert {each["purpose"] for each in events} == {None}, "it is no consent to any purpose"


@pytest.mark.promise("TO-058")
def test_accepting_twice_notes_it_once_and_what_is_not_in_force_is_refused(world: World) -> None:
    former = publish_required(world)
    present = publish_required(world)
    optional = publish_required(world, "cookie-notice", required=False)
    for wrong in (former, optional, uuid4()):
        problem = accept(world.ada, present, wrong, status=409)
        assert problem["code"] == "conflict"
    accept(world.ada, present, present)
    accept(world.ada, present)
    assert len(consents_of(world, world.ada.account_id)) == 1


def test_one_language_is_enough_and_the_own_one_is_asked_for(world: World) -> None:
    publish_required(world, language="de")
    english = publish_required(world)
    missing = world.ada.api("GET", "/privacy/acceptance").get_json()["missing"]
    assert [each["version_id"] for each in missing] == [str(english)]
    german = publish_required(world, "privacy-policy", language="de")
    accept(world.ada, english, german)
    assert is_let_in(world.ada)


def test_what_one_accepts_counts_for_nobody_else(world: World) -> None:
    terms = publish_required(world)
    accept(world.ada, terms)
    assert is_let_in(world.ada)
    assert not is_let_in(world.ben)


@pytest.mark.promise("TO-058")
def test_what_one_accepts_lets_in_nobody_else_who_has_an_account(world: World) -> None:
    world.ada.pick_band()
    world.ben.pick_band()
    terms = publish_required(world)
    accept(world.ada, terms)
    assert is_let_in(world.ada)
    assert not is_let_in(world.ben)
    accept(world.ben, terms)
    assert is_let_in(world.ben)


@pytest.mark.promise("TO-058")
def test_an_operation_names_what_is_missing_and_where_it_can_be_accepted(world: World) -> None:
    terms = publish_required(world)
    answer = world.ada.api("POST", "/estimates", {"kind": "band", "band": "casual"})
    assert answer.status_code == 403
    problem = answer.get_json()
    assert problem["code"] == "acceptance-required"
    assert "«Terms»" in problem["detail"]
    assert problem["acceptance_url"] == PAGE
    assert problem["documents"] == [
        {
            "version_id": str(terms),
            "document": "terms",
            "version": "v1",
            "language": "en",
            "title": "Terms",
        }
    ]


def test_a_form_that_was_open_meanwhile_leads_back_to_where_it_stood(world: World) -> None:
    estimate_id = world.ada.pick_band()
    form = world.ada.page(f"/estimates/{estimate_id}").form("/plan/adoptions").values
    connect = world.ada.page("/sources/connect/anthropic").form("/anthropic").values
    publish_required(world)
    lost = world.ada.client.post(f"{PREFIX}/plan/adoptions", data=form)
    assert lost.location == f"{PAGE}?next=%2Ftokenoffset%2F", "nothing can be opened there"
    lost = world.ada.client.post(f"{PREFIX}/sources/connect/anthropic", data=connect)
    assert lost.location == f"{PAGE}?next=%2Ftokenoffset%2Fsources%2Fconnect%2Fanthropic"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_way_on_is_always_a_path_of_this_host(world: World, method: str) -> None:
    terms = publish_required(world)
    for away in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        if method == "GET":
            page = world.ada.page(f"/privacy/acceptance?next={away}")
            assert page.form("/privacy/acceptance").values["next"] == f"{PREFIX}/"
            continue
        sent = world.ada.post("/privacy/acceptance", accept=str(terms), next=away)
        assert sent.location == f"{PREFIX}/"


def test_a_page_of_an_organization_asks_its_members_each_for_themselves(world: World) -> None:
    inside = world.ada.within(world.ada.create_organization())
    terms = publish_required(world)
    answer = inside.get("/members")
    assert answer.status_code == 303
    assert answer.location.startswith(PAGE)
    accept(world.ada, terms)
    assert inside.get("/members").status_code == 200
    assert consents_of(world, world.ada.account_id), "it stands in one's own ledger"


def test_two_who_accept_at_the_same_moment_are_one_acceptance(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url)
    world.ada.pick_band()
    user_key = world.ada.user_key
    terms = publish_required(world)
    begin = Barrier(4)

    def accept_once(_number: int) -> int:
        with world.app.app_context():
            begin.wait()
            with world.state.unit_of_work() as work:
                person = lock_person(work.session, user_key)
                assert person is not None
                accepted = acceptances.accept(
                    work,
                    person,
                    [terms],
                    place="test",
                    method=ConsentMethod.API,
                    now=world.clock.now(),
                    settings=world.state.settings,
                )
                return len(accepted)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(accept_once, range(4))) == 1
    (rows,) = world.rows(ConsentEvent).values()
    assert len(rows) == 1
