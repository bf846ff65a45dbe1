"""Every kind of message has a text, which a host may replace; no name in it can pose as more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from flask import request
from jinja2 import DictLoader
from sqlalchemy import update

from flask_tokenoffset.models import Invitation, MagicLink, MagicLinkPurpose, MessageKind
from flask_tokenoffset.services.erasures.worker import new_erasure
from flask_tokenoffset.services.mail.outbox import DETAILS, OPTIONAL, WITH_LINK
from flask_tokenoffset.services.people.profiles import find_person
from tests.support.documents import draft, publish_draft
from tests.support.outbox import ADA, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

#: Kinds that lead to ordinary pages, which open nothing by themselves.
TO_PAGES = {MessageKind.CONSENT_RECEIPT, MessageKind.EXPORT_READY}
HOSTILE = "The\r\nBcc: eve@example.com\u2028\nClub\0 {{ 7 * 7 }}"


#: Kinds that lead to what a deletion is about.
ABOUT_DELETIONS = {
    MessageKind.DELETION_REQUESTED,
    MessageKind.DELETION_REMINDER,
    MessageKind.ACCOUNT_FORGOTTEN,
}


def link_to(outbox: Outbox, kind: MessageKind) -> UUID | None:
    """What a message of a kind refers to, made for the purpose."""
    now = outbox.world.clock.now()
    if kind not in WITH_LINK:
        return None
    if kind in ABOUT_DELETIONS:
        return deletion(outbox, done=kind is MessageKind.ACCOUNT_FORGOTTEN)
    if kind is MessageKind.DOCUMENT_CHANGED:
        return publish_draft(outbox.world, draft(effective_at=timedelta(days=1)))
    common = {"salt": "s" * 64, "token_digest": "d" * 64, "email": ADA, "created_at": now}
    with outbox.unit() as work:
        if kind is MessageKind.MAGIC_LINK:
            row: Any = MagicLink(
                purpose=MagicLinkPurpose.CONFIRM,
                browser_digest="b" * 64,
                next_path="/",
                expires_at=now + timedelta(minutes=10),
                **common,
            )
            work.session.add(row)
            work.session.flush()
            return UUID(str(row.id))
    ada = outbox.world.ada
    organization_id = ada.create_organization("The club")
    with outbox.unit() as work:
        inviter = find_person(work.session, ada.user_key)
        assert inviter is not None
        row = Invitation(
            organization_id=organization_id,
            role="member",
            invited_by=inviter.id,
            sent_at=now,
            expires_at=now + timedelta(days=7),
            **common,
        )
        work.session.add(row)
        work.session.flush()
        return UUID(str(row.id))


def deletion(outbox: Outbox, *, done: bool) -> UUID:
    """A deletion of Ada's account.

    :param done: whether its receipt is there; else it can be taken back.
    """
    now = outbox.world.clock.now()
    outbox.world.ada.pick_band()
    with outbox.unit() as work:
        person = find_person(work.session, outbox.world.ada.user_key)
        assert person is not None
        erasure = new_erasure(
            work,
            person,
            now=now,
            due_at=now + timedelta(days=29),
            link_key=outbox.world.state.link_key,
        )
        if done:
            erasure.finished_at = now
        return UUID(str(erasure.id))


@pytest.mark.parametrize("kind", sorted(set(MessageKind) - OPTIONAL))
def test_every_kind_has_a_text_that_names_what_it_must_on_one_line(
    world: World, outbox: Outbox, kind: MessageKind
) -> None:
    details = dict.fromkeys(DETAILS[kind], HOSTILE)
    outbox.put(kind=kind, reference_id=link_to(outbox, kind), **details)
    world.work()
    (message,) = [each for each in world.mail.to(ADA) if each.kind == kind]
    assert message.subject
    assert "localhost" in message.text
    if details and kind is not MessageKind.MAGIC_LINK:  # whose purpose only chooses a text
        assert "The Bcc: eve@example.com Club {{ 7 * 7 }}" in message.text
    assert not re.search(r"^Bcc", message.text, re.MULTILINE)
    assert max(map(len, message.text.replace(HOSTILE, "").splitlines())) < 200
    assert "\n\n\n" not in message.text
    assert "{%" not in message.text
    assert bool(re.search(r"^http://localhost/tokenoffset/", message.text, re.MULTILINE)) == (
        kind in WITH_LINK or kind in TO_PAGES
    )


@pytest.mark.parametrize("purpose", MagicLinkPurpose)
def test_each_purpose_of_a_link_has_words_of_its_own(
    world: World, outbox: Outbox, purpose: MagicLinkPurpose
) -> None:
    reference_id = link_to(outbox, MessageKind.MAGIC_LINK)
    outbox.put(kind=MessageKind.MAGIC_LINK, reference_id=reference_id, purpose=purpose)
    world.work()
    (message,) = world.mail.to(ADA)
    words = {"verify-address": "is yours", "sign-in": "sign in", "confirm": "Confirm"}
    assert words[purpose] in message.subject


def test_a_host_may_write_a_text_itself_and_its_context_processors_are_left_alone(
    make_world: Callable[..., World],
) -> None:
    world = make_world(new_host=True)
    outbox = Outbox(world)
    world.app.context_processor(lambda: {"path": request.path})  # would need a request
    world.app.jinja_loader = DictLoader(
        {"tokenoffset/mail/key-replaced.txt": "Subject: Ours\n\nThe key of {{ source }}\n"}
    )
    outbox.put()
    world.work()
    (message,) = world.mail.to(ADA)
    assert (message.subject, message.text) == ("Ours", "The key of Work\n")


@pytest.mark.parametrize("text", ["No subject", "Subject: One\nNo empty line", ""])
def test_a_text_without_a_subject_says_so_and_waits(
    make_world: Callable[..., World], text: str
) -> None:
    world = make_world(new_host=True)
    outbox = Outbox(world)
    world.app.jinja_loader = DictLoader({"tokenoffset/mail/key-replaced.txt": text})
    message_id = outbox.put()
    with pytest.raises(ValueError, match="first line of tokenoffset/mail/key-replaced"):
        world.work()
    assert outbox.standing(message_id) == ("queued", "unavailable")


# --- links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", ["expired", "used", "replaced"])
def test_a_link_that_works_no_longer_is_not_sent(world: World, outbox: Outbox, fate: str) -> None:
    reference_id = link_to(outbox, MessageKind.MAGIC_LINK)
    message_id = outbox.put(
        kind=MessageKind.MAGIC_LINK, reference_id=reference_id, purpose="confirm"
    )
    with outbox.unit() as work:
        if fate == "expired":
            world.clock.move(minutes=10)
        elif fate == "used":
            work.session.execute(update(MagicLink).values(used_at=world.clock.now()))
        else:
            work.session.delete(work.session.get_one(MagicLink, reference_id))
    world.work()
    assert outbox.standing(message_id) == ("failed", "outdated")
    assert world.mail.messages == []


def test_neither_the_database_nor_the_job_holds_what_a_link_opens(
    world: World, outbox: Outbox
) -> None:
    reference_id = link_to(outbox, MessageKind.MAGIC_LINK)
    outbox.put(kind=MessageKind.MAGIC_LINK, reference_id=reference_id, purpose="confirm")
    world.work()
    token = world.mail.link_to(ADA).rpartition("/")[2]
    assert len(token) == 43
    assert token not in repr(world.rows())
