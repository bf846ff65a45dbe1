"""Deciding about a purpose: what counts, from when, what ends it; and to refuse costs nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from flask_tokenoffset.data_map.purposes import ASKED, NOTICES, OBJECTABLE, Purpose
from flask_tokenoffset.errors import Conflict
from flask_tokenoffset.models import (
    Account,
    AuditOrigin,
    ConsentEvent,
    ConsentEventType,
    ConsentMethod,
    DocumentVersion,
    MessageKind,
    OutboundMessage,
)
from flask_tokenoffset.services.consents.holding import holding, holds
from flask_tokenoffset.services.consents.ledger import Circumstances, Decision, record_event
from flask_tokenoffset.services.consents.ledger import decide as take_down
from flask_tokenoffset.services.consents.notices import notice_of
from flask_tokenoffset.services.people.profiles import find_person
from tests.support.consenting import consents_of, decide, faults_of, states_of
from tests.support.publishing import publish_required
from tests.support.world import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Browser, World

GIVE, REFUSE, WITHDRAW, OBJECT = Decision


@pytest.fixture
def db_world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url)


def is_held(world: World, browser: Browser, purpose: str) -> bool:
    """Whether a consent holds, asked for one account and of all accounts at once."""
    account_id = browser.account_id
    with world.app.app_context():
        session = world.state.session
        now = world.clock.now()
        one = holds(session, account_id, purpose, now)
        found = session.scalars(select(Account.id).where(holding(purpose, Account.id, now))).all()
    assert one == (account_id in found)
    return one


@pytest.mark.promise("TO-052")
@pytest.mark.parametrize("purpose", ASKED)
def test_a_consent_holds_from_the_moment_it_is_given_until_it_is_withdrawn(
    db_world: World, purpose: Purpose
) -> None:
    ada, ben = db_world.ada, db_world.ben
    for browser in (ada, ben):
        browser.pick_band()
    assert not is_held(db_world, ada, purpose)
    decide(ada, purpose, "give")
    assert is_held(db_world, ada, purpose)
    assert not is_held(db_world, ben, purpose)
    assert [each for each in ASKED if is_held(db_world, ada, each)] == [purpose], "nothing else"
    withdrawn = decide(ada, purpose, "withdraw")
    assert not is_held(db_world, ada, purpose)
    assert states_of(ada)[purpose] == "withdrawn"
    newest = consents_of(db_world, ada.account_id)[-1]
    assert (newest["id"], newest["event_type"]) == (withdrawn, "withdrawn")
    assert newest["occurred_at"] == db_world.clock.now()
    decide(ada, purpose, "give")
    assert is_held(db_world, ada, purpose)


@pytest.mark.promise("TO-052")
def test_a_consent_that_was_withdrawn_does_not_hold(world: World) -> None:
    decide(world.ada, "insights", "give")
    decide(world.ada, "insights", "withdraw")
    with world.app.app_context():
        assert not holds(world.state.session, world.ada.account_id, Purpose.INSIGHTS)


@pytest.mark.promise("TO-050")
def test_nobody_who_objects_is_among_those_whose_consent_holds(world: World) -> None:
    for browser in (world.ada, world.ben):
        decide(browser, "calibration", "give")
    decide(world.ada, "calibration", "object")
    holding_accounts = select(Account.id).where(holding(Purpose.CALIBRATION, Account.id))
    with world.app.app_context():
        assert world.state.session.scalars(holding_accounts).all() == [world.ben.account_id]


@pytest.mark.promise("TO-050")
@pytest.mark.parametrize("purpose", OBJECTABLE)
@pytest.mark.parametrize("before", [(), ("give",), ("refuse",), ("give", "withdraw")])
def test_an_objection_ends_only_with_an_explicit_yes(
    world: World, purpose: Purpose, before: tuple[str, ...]
) -> None:
    ada = world.ada
    for decision in before:
        decide(ada, purpose, decision)
    decide(ada, purpose, "object")
    assert states_of(ada)[purpose] == "objected"
    decide(ada, purpose, "refuse")
    refused = ada.api("POST", f"/privacy/consents/{purpose}", {"decision": "withdraw"})
    assert refused.status_code == 409
    assert states_of(ada)[purpose] == "objected"
    assert not is_held(world, ada, purpose)
    decide(ada, purpose, "give")
    assert is_held(world, ada, purpose)


@pytest.mark.parametrize("purpose", sorted(set(Purpose) - set(OBJECTABLE)))
def test_what_is_no_use_to_object_to_says_how_it_ends(world: World, purpose: Purpose) -> None:
    answer = world.ada.api("POST", f"/privacy/consents/{purpose}", {"decision": "object"})
    assert answer.status_code == 409
    assert NOTICES[purpose].withdrawal in answer.get_json()["detail"]
    assert not world.ada.has_account, "a refusal leaves nothing behind"


@pytest.mark.parametrize("decision", Decision)
def test_what_rests_on_the_contract_is_not_asked(world: World, decision: Decision) -> None:
    answer = world.ada.api("POST", "/privacy/consents/service", {"decision": decision})
    assert answer.status_code == 409
    assert states_of(world.ada)["service"] == "contract"


def test_a_no_to_what_was_given_is_a_withdrawal(world: World) -> None:
    decide(world.ada, "insights", "give")
    decide(world.ada, "insights", "refuse")
    assert states_of(world.ada)["insights"] == "withdrawn"


@pytest.mark.parametrize("before", [(), ("refuse",)])
def test_nothing_can_be_withdrawn_that_was_not_given(world: World, before: tuple[str, ...]) -> None:
    for decision in before:
        decide(world.ada, "insights", decision)
    answer = world.ada.api("POST", "/privacy/consents/insights", {"decision": "withdraw"})
    assert answer.status_code == 409
    assert "nothing to withdraw" in answer.get_json()["detail"]


def test_the_same_decision_twice_is_noted_once_until_what_is_told_changes(
    make_world: Callable[..., World], tmp_path: Any
) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    world = make_world(url)
    first = decide(world.ada, "insights", "give")
    world.clock.move(days=1)
    assert decide(world.ada, "insights", "give") == first
    assert len(consents_of(world, world.ada.account_id)) == 1
    moved = make_world(url, TOKENOFFSET_STORAGE_PLACE="Reykjavík, Iceland")
    moved.clock.move(days=2)
    ada = moved.ada
    assert decide(ada, "insights", "give") != first
    events = consents_of(moved, ada.account_id)
    assert len({each["notice_digest"] for each in events}) == 2
    told = [receipt_of(ada, each["id"])["notice"]["storage_place"] for each in events]
    assert told == ["not stated by the operator", "Reykjavík, Iceland"]


def test_a_consent_with_an_end_holds_until_then(db_world: World) -> None:
    db_world.ada.pick_band()
    now = db_world.clock.now()
    with db_world.app.app_context(), db_world.state.unit_of_work() as work:
        person = find_person(work.session, db_world.ada.user_key)
        assert person is not None
        event = record_event(
            work,
            person=person,
            event_type=ConsentEventType.GIVEN,
            now=now,
            place="host:checkout",
            method=ConsentMethod.HOST,
            purpose=Purpose.INSIGHTS,
            notice=notice_of(Purpose.INSIGHTS, db_world.state.settings),
            valid_until=now + timedelta(days=1),
        )
        event_id = event.id
    assert is_held(db_world, db_world.ada, "insights")
    db_world.clock.move(days=1, microseconds=-1)
    assert is_held(db_world, db_world.ada, "insights")
    db_world.clock.move(microseconds=1)
    assert not is_held(db_world, db_world.ada, "insights")
    assert states_of(db_world.ada)["insights"] == "expired"
    assert receipt_of(db_world.ada, event_id)["state"] == "expired"
    assert decide(db_world.ada, "insights", "give") != event_id
    assert is_held(db_world, db_world.ada, "insights")
    assert faults_of(db_world) == []


def test_to_be_shown_something_changes_nothing(world: World) -> None:
    decide(world.ada, "insights", "give")
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        record_event(
            work,
            person=person,
            event_type=ConsentEventType.SHOWN,
            now=world.clock.now(),
            place="host:checkout",
            method=ConsentMethod.HOST,
            purpose=Purpose.INSIGHTS,
            notice=notice_of(Purpose.INSIGHTS, world.state.settings),
        )
    assert is_held(world, world.ada, "insights")
    assert states_of(world.ada)["insights"] == "given"


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"purpose": "insights"},
        {"purpose": "insights", "document_version_id": "x", "notice": "x"},
    ],
    ids=["nothing", "a purpose without its notice", "both"],
)
def test_an_event_is_about_one_thing_and_says_what_was_told(
    world: World, named: dict[str, Any]
) -> None:
    world.ada.pick_band()
    with world.app.app_context(), world.state.unit_of_work() as work:
        person = find_person(work.session, world.ada.user_key)
        assert person is not None
        with pytest.raises(TypeError):
            record_event(
                work,
                person=person,
                event_type=ConsentEventType.GIVEN,
                now=world.clock.now(),
                place="x",
                method=ConsentMethod.HOST,
                **named,
            )


# --- any order ------------------------------------------------------------------------------------

#: What each decision leaves behind, by what stood before; what is missing is refused.
NEXT: Final[dict[tuple[str, Decision], str]] = {
    **{(state, GIVE): "given" for state in ("not-asked", "given", "refused", "withdrawn")},
    ("objected", GIVE): "given",
    **{(state, REFUSE): "refused" for state in ("not-asked", "refused", "withdrawn")},
    ("given", REFUSE): "withdrawn",
    ("objected", REFUSE): "objected",
    ("given", WITHDRAW): "withdrawn",
    ("withdrawn", WITHDRAW): "withdrawn",
    **{
        (state, OBJECT): "objected"
        for state in ("not-asked", "given", "refused", "withdrawn", "objected")
    },
}


def test_whatever_is_decided_in_whatever_order_the_ledger_says_where_it_stands(
    world: World,
) -> None:
    world.ada.pick_band()
    people = iter(range(10_000))

    @given(st.lists(st.tuples(st.sampled_from(OBJECTABLE), st.sampled_from(Decision)), max_size=8))
    def check(story: list[tuple[Purpose, Decision]]) -> None:
        browser = world.browser(f"carol {next(people)}")
        browser.pick_band()
        expected = dict.fromkeys(OBJECTABLE, "not-asked")
        for purpose, decision in story:
            how = Circumstances(
                now=world.clock.now(),
                place="test",
                method=ConsentMethod.FORM,
                settings=world.state.settings,
            )
            new = NEXT.get((expected[purpose], decision))
            try:
                with world.app.app_context(), world.state.unit_of_work() as work:
                    person = find_person(work.session, browser.user_key)
                    assert person is not None
                    take_down(work, person, purpose, decision, how)
            except Conflict:
                assert new is None
            else:
                assert new is not None
                expected[purpose] = new
        states = states_of(browser)
        assert {each: states[each] for each in OBJECTABLE} == expected
        for purpose in OBJECTABLE:
            assert is_held(world, browser, purpose) == (expected[purpose] == "given")
        events = consents_of(world, browser.account_id)
        assert [each["sequence"] for each in events] == list(range(1, len(events) + 1))

    check()
    assert faults_of(world) == []


# --- receipts -------------------------------------------------------------------------------------

#: What ISO/IEC TS 27560:2023 wants in a record of consent, and where a receipt of ours has it.
MANDATORY: Final = {
    "schema version": "schema_version",
    "record id": "record_id",
    "person": "person_id",
    "notice": "notice.notice",
    "language of the notice": "notice.language",
    "purpose": "notice.purpose",
    "lawful basis": "notice.legal_basis",
    "kinds of data": "notice.data_kinds",
    "controller": "notice.controller",
    "contact": "notice.privacy_contact",
    "storage place": "notice.storage_place",
    "retention": "notice.retention",
    "jurisdiction": "notice.jurisdiction",
    "recipients": "notice.recipients",
    "way to withdraw": "notice.withdrawal",
    "event type": "event_type",
    "state": "state",
    "time": "occurred_at",
    "by whom": "by",
}


def receipt_of(browser: Browser, event_id: object) -> dict[str, Any]:
    answer = browser.api("GET", f"/privacy/consents/{event_id}/receipt")
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.get_json()
    return receipt


@pytest.mark.promise("TO-014")
@pytest.mark.parametrize("purpose", ASKED)
def test_a_receipt_has_everything_that_is_mandatory(
    make_world: Callable[..., World], purpose: Purpose
) -> None:
    said = {
        "TOKENOFFSET_CONTROLLER": "Acme Ltd, 1 High Street, London",
        "TOKENOFFSET_PRIVACY_CONTACT": "privacy@acme.example",
        "TOKENOFFSET_STORAGE_PLACE": "Frankfurt, Germany",
        "TOKENOFFSET_JURISDICTION": "United Kingdom (UK GDPR)",
    }
    world = make_world(**said)
    receipt = receipt_of(world.ada, decide(world.ada, purpose, "give"))
    for name, path in MANDATORY.items():
        value: Any = receipt
        for part in path.split("."):
            value = value[part]
        assert value, name
    assert "valid_until" in receipt, "validity: null is until it is withdrawn"
    assert set(said.values()) <= set(map(str, receipt["notice"].values()))
    page = world.ada.page(f"/privacy/consents/{receipt['record_id']}/receipt").text
    for value in (*said.values(), receipt["digest"], receipt["record_id"]):
        assert str(value) in page


@pytest.mark.promise("TO-014")
def test_the_receipt_of_an_acceptance_has_it_as_well_and_names_the_version(world: World) -> None:
    ada = world.ada
    version_id = publish_required(world)
    accepted = ada.api("POST", "/privacy/acceptance", {"version_ids": [str(version_id)]})
    assert accepted.status_code == 200, accepted.text
    (event,) = consents_of(world, ada.account_id)
    receipt = receipt_of(ada, event["id"])
    for name, path in MANDATORY.items():
        value: Any = receipt
        for part in path.split("."):
            value = value[part]
        assert value, name
    with world.app.app_context():
        version = world.state.session.get_one(DocumentVersion, version_id)
        assert receipt["document"] == {
            "document": version.document,
            "version": version.version,
            "title": version.title,
            "language": version.language,
            "digest": version.digest,
        }
    page = ada.page(f"/privacy/consents/{event['id']}/receipt").text
    assert receipt["document"]["digest"] in page
    assert "127.0.0.1" in page


@pytest.mark.promise("TO-014")
def test_a_receipt_says_where_the_act_came_from_for_as_long_as_that_is_kept(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_AUDIT_ORIGIN_DAYS=30)
    ada = world.ada
    ada.client.environ_base |= {"REMOTE_ADDR": "192.0.2.7", "HTTP_USER_AGENT": "Firefox/140"}
    event_id = decide(ada, "insights", "give")
    receipt = receipt_of(ada, event_id)
    assert (receipt["address"], receipt["user_agent"]) == ("192.0.2.7", "Firefox/140")
    assert receipt["place"] == "api"
    assert receipt["audit_sequence"] == 1
    world.clock.move(days=31)
    forget_origins(world)
    receipt = receipt_of(ada, event_id)
    assert (receipt["address"], receipt["user_agent"]) == (None, None)
    assert "not kept, or not any more" in ada.page(f"/privacy/consents/{event_id}/receipt").text
    assert faults_of(world) == []


def forget_origins(world: World) -> None:
    """As the schedule does in time."""
    with world.app.app_context(), world.state.unit_of_work() as work:
        work.session.execute(delete(AuditOrigin))


def test_another_persons_receipt_is_like_one_that_does_not_exist(world: World) -> None:
    event_id = decide(world.ada, "insights", "give")
    world.ben.pick_band()
    for person in (world.ben, world.stranger):
        for get in (person.get, lambda path, person=person: person.api("GET", path)):
            theirs = get(f"/privacy/consents/{event_id}/receipt")
            none = get("/privacy/consents/00000000-0000-4000-8000-000000000000/receipt")
            assert theirs.status_code == none.status_code == 404


@pytest.mark.parametrize(
    ("decisions", "mails"), [(("give",), 1), (("give", "withdraw"), 2), (("refuse",), 0)]
)
def test_a_receipt_leaves_by_mail_for_what_was_given_or_withdrawn(
    world: World, decisions: tuple[str, ...], mails: int
) -> None:
    ada = world.ada
    for decision in decisions:
        event_id = decide(ada, "insights", decision)
    world.work()
    sent = world.mail.to(ada.address)
    assert [each.kind for each in sent] == [MessageKind.CONSENT_RECEIPT] * mails
    if mails:
        assert f"/privacy/consents/{event_id}/receipt" in sent[-1].text
        assert NOTICES[Purpose.INSIGHTS].title in sent[-1].subject


@pytest.mark.promise("TO-050")
def test_an_objection_is_a_request_that_is_done_at_once(world: World) -> None:
    ada = world.ada
    for _ in range(2):
        decide(ada, "insights", "object")
    (request,) = ada.api("GET", "/privacy/requests").get_json()["items"]
    assert (request["kind"], request["status"]) == ("objection", "done")
    world.work()
    assert [each.kind for each in world.mail.to(ada.address)] == [MessageKind.REQUEST_CLOSED]


# --- sampling -------------------------------------------------------------------------------------


@pytest.mark.promise("TO-052")
@pytest.mark.parametrize("entry", ["page", "api"])
def test_connecting_a_key_agrees_to_sampling_and_says_where(world: World, entry: str) -> None:
    ada = world.ada
    if entry == "api":
        ada.connect()
    else:
        path = "/sources/connect/anthropic"
        page = ada.page(path)
        assert NOTICES[Purpose.SAMPLING].sentence in page.text
        assert ada.submit(path, path, key=KEYS["anthropic"]).status_code == 303
    (event,) = consents_of(world, ada.account_id)
    assert (event["purpose"], event["event_type"]) == ("sampling", "given")
    place, method = {"page": ("connect-page", "form"), "api": ("api", "api")}[entry]
    assert (event["place"], event["method"]) == (place, method)
    assert is_held(world, ada, "sampling")


def test_connecting_after_a_withdrawal_agrees_again(world: World) -> None:
    world.ada.connect()
    decide(world.ada, "sampling", "withdraw")
    assert not is_held(world, world.ada, "sampling")
    world.ada.connect("openai")
    assert is_held(world, world.ada, "sampling")


def test_a_key_that_is_refused_agrees_to_nothing(world: World) -> None:
    world.ada.pick_band()
    refused = world.ada.api("POST", "/sources", {"provider": "anthropic", "key": "sk-ant-api03-x"})
    assert refused.status_code == 422
    assert consents_of(world, world.ada.account_id) == []


def test_an_organizations_source_is_agreed_to_in_its_own_ledger(world: World) -> None:
    ada = world.ada
    inside = ada.within(ada.create_organization())
    inside.connect()
    assert consents_of(world, ada.account_id) == []
    with world.app.app_context():
        (event,) = world.state.session.scalars(select(ConsentEvent)).all()
        assert event.account_id != ada.account_id
        assert holds(world.state.session, event.account_id, Purpose.SAMPLING)
    assert states_of(ada)["sampling"] == "not-asked"
    assert faults_of(world) == []


# --- refusing costs nothing -----------------------------------------------------------------------


@pytest.mark.promise("TO-052")
def test_refusing_everything_costs_nothing_else(make_world: Callable[..., World]) -> None:
    answers = []
    for decisions in ((), ("refuse", "object")):
        world = make_world()
        ada = world.ada
        for decision in decisions:
            for purpose in OBJECTABLE if decision == "object" else set(ASKED):
                decide(ada, purpose, decision)
        ada.adopt(ada.pick_band())
        world.bill()
        ada.create_organization()
        paths = ("/", "/plan", "/sources", "/billing-records", "/bands", "/organizations", "/me")
        answers.append([ada.get(path).status_code for path in paths])
    assert answers[0] == answers[1] == [200] * 7


def test_no_receipt_is_sent_for_connecting_a_key_beside_the_notice_of_it(world: World) -> None:
    world.ada.connect()
    with world.app.app_context():
        kinds = world.state.session.scalars(select(OutboundMessage.kind)).all()
    assert kinds == [MessageKind.KEY_CONNECTED]
