"""News goes to those who want it, once, and one click ends it."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.host.mailer import OutgoingMail, SMTPMailer
from flask_tokenoffset.models import MessageKind, OutboundMessage, Person, ProductUpdate, new_id
from flask_tokenoffset.services.links import product_updates
from flask_tokenoffset.services.links.product_updates import begin_update
from tests.support.consenting import consents_of, states_of
from tests.support.news import agree_to_news, deliver, queue_news, way_out_of_news
from tests.support.world import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from tests.support.world import Browser, World

TEXT = "Two vendors are new.\n\nBcc: eve@example.com\n{{ 7 * 7 }} and {% raw %}\n"


def settle(*people: Browser) -> None:
    for each in people:
        each.pick_band()


def news_to(world: World, person: Browser) -> list[OutgoingMail]:
    return [each for each in world.mail.to(person.address) if each.kind == "product-update"]


def queued_for(world: World) -> set[str]:
    with world.app.app_context():
        kind = OutboundMessage.kind == MessageKind.PRODUCT_UPDATE
        return set(world.state.session.scalars(select(OutboundMessage.to_address).where(kind)))


def change(world: World, person: Browser, **values: Any) -> None:
    with world.app.app_context(), world.state.unit_of_work() as work:
        row = work.session.scalars(select(Person).where(Person.user_key == person.user_key)).one()
        for name, value in values.items():
            setattr(row, name, value)


@pytest.mark.promise("TO-041")
def test_news_goes_to_anyone_who_agreed_and_to_nobody_else(world: World) -> None:
    settle(world.ada, world.ben)
    agree_to_news(world, world.ada)
    assert queue_news(world, "Two new vendors", TEXT) == 1
    assert queued_for(world) == {world.ada.address}
    deliver(world)
    (letter,) = news_to(world, world.ada)
    assert letter.subject == "Two new vendors"
    assert TEXT.strip() in letter.text, "what the operator wrote is neither a template nor changed"
    assert news_to(world, world.ben) == []


@pytest.mark.promise("TO-041", "TO-050")
@pytest.mark.parametrize("why", ["withdrawn", "restricted", "leaving", "unproved", "forgotten"])
@pytest.mark.parametrize("when", ["before it is queued", "before it leaves"])
def test_who_may_not_be_written_to_is_not(world: World, why: str, when: str) -> None:
    settle(world.ada, world.ben)
    agree_to_news(world, world.ada, world.ben)
    now = world.clock.now()
    if when == "before it leaves":
        assert queue_news(world) == 2
    if why == "withdrawn":
        answer = world.ada.api(
            "POST", "/privacy/consents/product-updates", {"decision": "withdraw"}
        )
        assert answer.status_code == 200
    else:
        column: dict[str, dict[str, datetime | None]] = {
            "restricted": {"restricted_at": now},
            "leaving": {"deletion_due_at": now},
            "unproved": {"email_verified_at": None},
            "forgotten": {"forgotten_at": now},
        }
        change(world, world.ada, **column[why])
    if when == "before it is queued":
        assert queue_news(world) == 1
        assert queued_for(world) == {world.ben.address}
    deliver(world)
    assert news_to(world, world.ada) == []
    assert len(news_to(world, world.ben)) == 1, "everybody else gets it"
    if when == "before it leaves":
        with world.app.app_context():
            row = world.state.session.scalars(
                select(OutboundMessage).where(
                    OutboundMessage.to_address == world.ada.address,
                    OutboundMessage.kind == MessageKind.PRODUCT_UPDATE,
                )
            ).one()
            assert (row.status, row.failure_code) == ("failed", "unwanted")


def test_news_to_a_former_address_does_not_leave(world: World) -> None:
    settle(world.ada)
    agree_to_news(world, world.ada)
    queue_news(world)
    change(world, world.ada, email="new@example.com")
    deliver(world)
    assert news_to(world, world.ada) == []


@pytest.mark.promise("TO-041")
def test_other_mail_needs_no_consent(world: World) -> None:
    world.ada.connect()
    world.work()
    assert world.mail.kinds_to(world.ada.address) == ["key-connected"]


def test_everyone_gets_it_once_however_often_and_wherever_it_broke_off(
    make_world: Callable[..., World], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(database_url)
    people = [world.browser(f"reader-{number}") for number in range(7)]
    settle(*people)
    agree_to_news(world, *people)
    monkeypatch.setattr(product_updates, "PEOPLE_PER_CHUNK", 2)
    broken = _broken_after(2)
    with pytest.raises(KeyboardInterrupt):
        queue_news(world)
    assert len(queued_for(world)) == 4
    broken.undo()
    assert queue_news(world) == 3
    assert queue_news(world) == 0
    deliver(world)
    deliver(world)
    assert [len(news_to(world, each)) for each in people] == [1] * 7
    (rows,) = world.rows(ProductUpdate).values()
    assert len(rows) == 1, "the text stands there once"


def _broken_after(chunks: int) -> pytest.MonkeyPatch:
    """Have the command be interrupted within a later chunk."""
    calls = iter(range(10_000))

    def interrupted() -> Any:
        # One id is the update's; each chunk takes two more.
        if next(calls) > 2 * chunks:
            raise KeyboardInterrupt
        return new_id()

    patch = pytest.MonkeyPatch()
    patch.setattr(product_updates, "new_id", interrupted)
    return patch


@pytest.mark.parametrize(
    ("subject", "text", "field"),
    [
        ("", "text", "subject"),
        ("two\nlines", "text", "subject"),
        ("x" * 201, "text", "subject"),
        ("News", " \n", "text"),
        ("News", "a\x00b", "text"),
        ("News", "x" * 50_001, "text"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anyone_gets_it(
    world: World, subject: str, text: str, field: str
) -> None:
    with (
        world.app.app_context(),
        pytest.raises(InvalidInput) as refusal,
        world.state.unit_of_work() as work,
    ):
        begin_update(work, subject, text, world.clock.now())
    assert set(refusal.value.errors) == {field}


def test_the_command_says_for_how_many_and_sends_the_same_text_once(
    world: World, tmp_path: Path
) -> None:
    settle(world.ada)
    agree_to_news(world, world.ada)
    file = tmp_path / "news.txt"
    file.write_text(TEXT, encoding="utf-8")
    runner = world.app.test_cli_runner()
    command = ["updates", "send", str(file), "--subject", "News"]
    first = runner.invoke(tokenoffset, command)
    assert first.exit_code == 0, first.output
    assert "Queued for 1 person." in first.output
    again = runner.invoke(tokenoffset, command)
    assert "nothing was done" in " ".join(again.output.split())
    assert queued_for(world) == {world.ada.address}


def test_without_a_mailer_or_an_address_of_ours_nothing_is_begun(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(TOKENOFFSET_MAILER=None)
    file = tmp_path / "news.txt"
    file.write_text(TEXT, encoding="utf-8")
    refused = world.app.test_cli_runner().invoke(
        tokenoffset, ["updates", "send", str(file), "--subject", "News"]
    )
    assert refused.exit_code != 0
    assert "TOKENOFFSET_MAILER" in refused.output
    assert world.rows(ProductUpdate) == {"tokenoffset_product_update": []}


# --- one click ------------------------------------------------------------------------------------


def letter_to(world: World, person: Browser) -> OutgoingMail:
    """News that a person got."""
    settle(person)
    agree_to_news(world, person)
    queue_news(world)
    deliver(world)
    return news_to(world, person)[-1]


@pytest.mark.promise("TO-041", "TO-052")
def test_one_click_in_the_mail_program_ends_it_without_a_sign_in(world: World) -> None:
    letter = letter_to(world, world.ada)
    headers = letter.headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = headers["List-Unsubscribe"].strip("<>")
    assert url.startswith(f"http://localhost{PREFIX}/unsubscribe/")
    # As a mail provider sends it: no cookie, no form of ours, from wherever it is.
    answer = world.app.test_client().post(
        url.removeprefix("http://localhost"),
        data={"List-Unsubscribe": "One-Click"},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"},
    )
    assert answer.status_code == 200
    assert "You get no more news" in answer.text
    assert states_of(world.ada)["product-updates"] == "withdrawn"
    *_, event = consents_of(world, world.ada.account_id)
    assert (event["method"], event["place"]) == ("link", "mail:product-update")
    assert queue_news(world, "More news") == 0


@pytest.mark.promise("TO-052")
def test_opening_the_link_shows_a_button_and_changes_nothing(world: World) -> None:
    letter_to(world, world.ada)
    link = world.mail.link_to(world.ada.address)
    before = world.rows()
    page = world.nobody.page(link)
    assert world.rows() == before
    assert page.heading == "Get no more news?"
    assert [form.method for form in page.forms] == ["post"]
    # The button sends the form to where the page came from.
    assert world.nobody.client.post(PREFIX + link).status_code == 200
    assert states_of(world.ada)["product-updates"] == "withdrawn"


def test_a_second_click_changes_nothing_and_an_old_link_ends_it_again(world: World) -> None:
    letter_to(world, world.ada)
    link = PREFIX + world.mail.link_to(world.ada.address)
    for _ in range(2):
        assert world.nobody.client.post(link).status_code == 200
    events = consents_of(world, world.ada.account_id)
    assert [each["event_type"] for each in events] == ["given", "withdrawn"]
    agree_to_news(world, world.ada)
    world.clock.move(days=800)
    world.nobody.client.post(link)
    assert states_of(world.ada)["product-updates"] == "withdrawn"


def test_the_link_works_after_the_host_has_changed_its_secret(world: World) -> None:
    letter_to(world, world.ada)
    link = PREFIX + world.mail.link_to(world.ada.address)
    world.app.config["SECRET_KEY_FALLBACKS"] = [world.app.secret_key]
    world.app.secret_key = "another secret"
    assert world.nobody.client.post(link).status_code == 200
    assert states_of(world.browser("ada"))["product-updates"] == "withdrawn"


def test_no_other_token_withdraws_anything(world: World) -> None:
    letter_to(world, world.ada)
    assert world.mail.link_to(world.ada.address)
    settle(world.ben)
    ours = way_out_of_news(world, world.ada.account_id)
    account, _, digest = ours.partition(".")
    others = way_out_of_news(world, world.ben.account_id)
    forged = (
        f"{account}.{others.partition('.')[2]}",
        f"{others.partition('.')[0]}.{digest}",
        f"{account}.",
        account,
        f"{account}.{digest}x",
        f"{account}.{digest[:-1]}ä",
        "t" * 43,
    )
    for token in forged:
        answer = world.nobody.client.post(f"{PREFIX}/unsubscribe/{token}")
        assert answer.status_code == 404, token
    assert states_of(world.ada)["product-updates"] == "given"


def test_it_withdraws_nothing_but_the_consent_to_news(world: World) -> None:
    letter_to(world, world.ada)
    answer = world.ada.api("POST", "/privacy/consents/insights", {"decision": "give"})
    assert answer.status_code == 200
    world.nobody.client.post(PREFIX + world.mail.link_to(world.ada.address))
    assert states_of(world.ada)["insights"] == "given"


def test_no_other_form_of_ours_is_told_by_its_address_alone(world: World) -> None:
    refused = world.ada.client.post(f"{PREFIX}/me", data={"display_name": "Eve"})
    assert refused.status_code == 400
    crossing = world.ada.client.post(
        f"{PREFIX}/me", data=world.ada.token_field, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert crossing.status_code == 403


# --- headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://ours.example/x>\r\nBcc: eve@example.com",
        "https://ours.example/a b",
        "javascript:alert(1)",
        "https://ours.example/ü",
        "https://ours.example/>,<https://evil.example/",
        "",
    ],
)
def test_no_address_can_add_a_header(url: str) -> None:
    with pytest.raises(ValueError, match="unsubscribe_url"):
        OutgoingMail("id", "product-update", "a@b.example", "News", "text", unsubscribe_url=url)


def test_the_header_is_one_line_over_smtp_however_long_the_address_is() -> None:
    url = f"https://a-rather-long-name.of-a-host.example/{'x' * 120}"
    message = OutgoingMail(
        "id", "product-update", "a@b.example", "News", "text", unsubscribe_url=url
    )
    mailer = SMTPMailer("smtp.example", sender="A <a@b.example>")
    raw = mailer._write(message).as_bytes()
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in raw
    read = message_from_bytes(raw, policy=policy.default)
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_mail_that_an_account_needs_offers_no_way_out(world: World) -> None:
    world.ada.connect()
    world.work()
    (letter,) = world.mail.to(world.ada.address)
    assert letter.headers == {}
