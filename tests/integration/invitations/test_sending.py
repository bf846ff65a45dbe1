"""Inviting one and many: who may, whom, how many, and what is said about it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import AuditEvent, Invitation, OutboundMessage
from flask_tokenoffset.permissions import Role, may_grant
from tests.support.inviting import (
    answer,
    delivered,
    invitations,
    invite,
    outcomes,
    report,
    role_in,
    standing,
)
from tests.support.organizations import Shape, make_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

LIMIT_PER_ADDRESS = 5


def content(world: World) -> object:
    return world.rows(Invitation, OutboundMessage, AuditEvent)


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("granted", list(Role))
@pytest.mark.parametrize("granting", list(Role))
def test_nobody_invites_to_more_than_they_may_grant(
    world: World, acme: Shape, granting: Role, granted: Role
) -> None:
    body = {"invitations": [{"email": world.ada.address, "role": granted}]}
    before = content(world)
    answered = acme[granting].api("POST", f"{acme.path}/invitations", body)
    if granting in {Role.MEMBER, Role.AUDITOR}:
        assert answered.status_code == 403
    elif not may_grant(granting, granted):
        assert outcomes(answered.get_json()["items"]) == ["role-not-allowed"]
    else:
        assert outcomes(answered.get_json()["items"]) == ["sent"]
        assert delivered(world, world.ada.address)
        return
    assert content(world) == before


@pytest.mark.parametrize("part", ["auditor", "member", "suspended"])
def test_anyone_who_may_not_invite_can_neither_send_again_nor_cancel(
    world: World, acme: Shape, part: str
) -> None:
    invite(acme, world.ada)
    one = f"{acme.path}/invitations/{invitations(world)[0].id}"
    before = content(world)
    browser = acme[part]
    assert browser.api("POST", f"{one}/resend").status_code == 403
    assert browser.api("DELETE", one).status_code == 403
    assert browser.post(f"{one}/resend").status_code == 403
    assert browser.post(f"{one}/cancel").status_code == 403
    assert browser.post(f"{acme.path}/invitations", email="x@example.com").status_code == 403
    assert (
        browser.post(f"{acme.path}/invitations/list", invitees="x@example.com").status_code == 403
    )
    assert content(world) == before
    seen = {"auditor": 200, "member": 403, "suspended": 403}[part]
    assert browser.api("GET", f"{acme.path}/invitations").status_code == seen
    assert browser.get(f"{acme.path}/invitations").status_code == seen


def test_an_auditor_sees_the_list_and_no_button(world: World, acme: Shape) -> None:
    invite(acme, world.ada)
    page = acme["auditor"].page(f"{acme.path}/invitations")
    assert world.ada.address in page.text
    assert not [form for form in page.forms if "/invitations" in form.action]
    owner = acme["owner"].page(f"{acme.path}/invitations")
    assert owner.has_form("/resend")
    assert owner.has_form("/cancel")


def test_an_admin_cannot_touch_an_invitation_to_owner(world: World, acme: Shape) -> None:
    link = invite(acme, world.ada, "owner")
    one = f"{acme.path}/invitations/{invitations(world)[0].id}"
    before = content(world)
    assert acme["admin"].api("POST", f"{one}/resend").status_code == 403
    assert acme["admin"].api("DELETE", one).status_code == 403
    # Inviting the address anew would take the owner's offer away as well.
    assert outcomes(report(acme, (world.ada.address, "member"), by="admin")) == ["role-not-allowed"]
    assert content(world) == before
    page = acme["admin"].page(f"{acme.path}/invitations")
    assert not page.has_form("/resend")
    assert answer(world.ada, link).status_code == 303
    assert role_in(acme, world.ada) == "owner"


def test_an_admin_may_invite_anew_once_the_offer_of_an_owner_is_over(
    world: World, acme: Shape
) -> None:
    invite(acme, world.ada, "owner")
    world.clock.move(days=8)
    assert outcomes(report(acme, (world.ada.address, "member"), by="admin")) == ["renewed"]
    assert answer(world.ada, delivered(world, world.ada.address)).status_code == 303
    assert role_in(acme, world.ada) == "member"


def test_without_a_mailer_nobody_is_invited(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_MAILER=None)
    acme = make_shape(world, "acme")
    before = content(world)
    report(acme, ("ada@example.com", "member"), status=503)
    form = acme["owner"].submit(
        f"{acme.path}/invitations", "/invitations", email="ada@example.com", role="member"
    )
    assert form.status_code == 503
    assert "TOKENOFFSET_MAILER" in form.text
    assert content(world) == before


# --- nothing is told about other people -----------------------------------------------------------


def test_known_and_unknown_people_are_answered_alike(world: World, acme: Shape) -> None:
    bolt = make_shape(world, "bolt")
    world.ben.pick_band()
    known = [bolt["owner"].address, bolt["member"].address, world.ben.address]
    unknown = ["nobody-1@example.com", "nobody-2@example.com", "nobody-3@example.com"]
    said = [
        acme["owner"]
        .api("POST", f"{acme.path}/invitations", {"invitations": [{"email": email}]})
        .get_json()["items"][0]
        for email in known + unknown
    ]
    told = {
        tuple(sorted((k, v) for k, v in each.items() if k in {"outcome", "detail", "role"}))
        for each in said
    }
    assert len(told) == 1
    pages = [
        acme["owner"].submit(f"{acme.path}/invitations", "/invitations", email=email, role="member")
        for email in ("nobody-4@example.com", bolt["admin"].address)
    ]
    assert [each.status_code for each in pages] == [303, 303]
    assert [each.location.partition("invitation=")[0] for each in pages] == [
        pages[0].location.partition("invitation=")[0]
    ] * 2
    with world.statements() as statements:
        report(acme, (world.ben.address, "member"))
        first = len(statements)
        report(acme, ("nobody-1@example.com", "member"))
    assert len(statements) == 2 * first
    assert world.mail.messages is not None


def test_only_a_proved_address_makes_a_person_a_member_already(world: World, acme: Shape) -> None:
    member = acme["member"]
    member.pick_band()  # Now it is known here that the address is theirs.
    assert outcomes(report(acme, (member.address, "admin"))) == ["already-a-member"]
    auditor = acme["auditor"]
    auditor.change_address(world.ada.address, verified=False)
    auditor.pick_band()  # A claim to Ada's address keeps nobody out.
    assert outcomes(report(acme, (world.ada.address, "member"))) == ["sent"]
    assert answer(world.ada, delivered(world, world.ada.address)).status_code == 303


# --- other organizations --------------------------------------------------------------------------


@pytest.mark.promise("TO-044")
def test_another_organizations_invitation_is_answered_like_a_missing_one(
    world: World, acme: Shape
) -> None:
    bolt = make_shape(world, "bolt")
    invite(bolt, world.ada)
    theirs, missing = invitations(world)[0].id, "00000000-0000-4000-8000-000000000000"
    owner = acme["owner"]
    before = content(world)
    headers = {"X-Request-Id": "the-same-request"}

    def asked(invitation_id: Any) -> list[bytes]:
        one = f"{acme.path}/invitations/{invitation_id}"
        own = f"/invitations/{invitation_id}"
        api, pages = "/tokenoffset/api/v1", "/tokenoffset"
        calls = [
            owner.client.post(f"{api}{one}/resend", json={}, headers=headers),
            owner.client.delete(f"{api}{one}", json={}, headers=headers),
            owner.client.post(f"{pages}{one}/resend", data=owner.token_field, headers=headers),
            owner.client.post(f"{pages}{one}/cancel", data=owner.token_field, headers=headers),
            owner.client.post(f"{api}{own}/accept", json={}, headers=headers),
            owner.client.post(f"{api}{own}/decline", json={}, headers=headers),
            owner.client.post(
                f"{pages}{own}/accept",
                data=owner.token_field | {"amount_cents": "0"},
                headers=headers,
            ),
            owner.client.post(f"{pages}{own}/decline", data=owner.token_field, headers=headers),
        ]
        assert [each.status_code for each in calls] == [404] * len(calls)
        return [each.data for each in calls]

    assert asked(theirs) == asked(missing)
    assert content(world) == before
    page = owner.page(f"{acme.path}/invitations?done=sent&invitation={theirs}")
    assert world.ada.address not in page.text
    assert owner.api("GET", f"{acme.path}/invitations").get_json()["items"] == []
    for stranger in (world.stranger, bolt["owner"]):
        assert stranger.api("GET", f"{acme.path}/invitations").status_code == 404


# --- many at once ---------------------------------------------------------------------------------


def upload(acme: Shape, data: bytes, **fields: str) -> Any:
    form = {**acme["owner"].token_field, **fields, "file": (io.BytesIO(data), "people.csv")}
    return acme["owner"].client.post(
        f"/tokenoffset{acme.path}/invitations/list", data=form, content_type="multipart/form-data"
    )


def test_a_list_is_reported_row_by_row_and_the_good_rows_are_sent(
    world: World, acme: Shape
) -> None:
    acme["member"].pick_band()
    invite(acme, world.ada)
    text = "\n".join(
        [
            "E-Mail;Role",
            "new@example.com;auditor",
            f"{world.ada.address.upper()};",
            f"{acme['member'].address};admin",
            "no address;member",
            "other@example.com;king",
            "NEW@example.com;owner",
            '=HYPERLINK("http://evil.example");member',
            "last@example.com;owner",
        ]
    )
    answered = acme["admin"].submit(f"{acme.path}/invitations", "/invitations/list", invitees=text)
    assert answered.status_code == 200
    from tests.support.html_page import HtmlPage

    page = HtmlPage(answered.text)
    assert "2 invitations are on the way" in page.text
    for words in (
        "Sent again",
        "Already a member",
        "No address",
        "No such role",
        "Twice in the list",
        "Not yours to give",
    ):
        assert words in page.text
    assert "=HYPERLINK" not in repr(content(world))
    assert "king" not in repr(content(world))
    assert sorted(row.email for row in invitations(world)) == [
        world.ada.address,
        "new@example.com",
    ]
    world.work()
    assert {each.to_address for each in world.mail.messages} == {
        world.ada.address,
        "new@example.com",
    }


def test_a_file_counts_instead_of_what_is_typed(world: World, acme: Shape) -> None:
    data = "\ufeffrole,email\r\nauditor,from-file@example.com\r\n".encode()
    assert upload(acme, data, invitees="typed@example.com").status_code == 200
    (row,) = invitations(world)
    assert (row.email, row.role) == ("from-file@example.com", "auditor")
    world.work()
    assert world.mail.kinds_to("from-file@example.com") == ["invitation"]


def test_a_file_that_is_no_text_is_refused_beside_the_field(world: World, acme: Shape) -> None:
    before = content(world)
    answered = upload(acme, "zoë@example.com".encode("utf-16"))
    assert answered.status_code == 422
    assert "CSV UTF-8" in answered.text
    assert content(world) == before


def test_checking_a_list_sends_and_counts_nothing(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_INVITATIONS_PER_HOUR=2)
    acme = make_shape(world, "acme")
    before = content(world)
    page, path = f"{acme.path}/invitations", "/invitations/list"
    many = "a@example.com\nb@example.com"
    for _ in range(3):
        checked = acme["owner"].submit(page, path, invitees=many, check="yes")
        assert checked.status_code == 200
        assert "2 invitations would be sent" in checked.text
        assert "An invitation would be sent." in checked.text
        assert "on its way" not in checked.text
        assert content(world) == before
    # The button of the report sends the same list.
    from tests.support.html_page import HtmlPage

    form = HtmlPage(checked.text).form(path)
    sent = acme["owner"].client.post(form.action, data=form.values)
    assert "2 invitations are on the way" in sent.text
    assert len(invitations(world)) == 2
    world.work()
    assert len(world.mail.messages) == 2


def test_what_was_typed_is_kept_beside_the_error(world: World, acme: Shape) -> None:
    page, owner = f"{acme.path}/invitations", acme["owner"]
    from tests.support.html_page import HtmlPage

    one = owner.submit(page, "/invitations", email="nonsense", role="auditor")
    assert one.status_code == 422
    shown = HtmlPage(one.text)
    assert shown.form("/invitations").values["email"] == "nonsense"
    assert shown.error_of("to-email")
    many = owner.submit(page, "/invitations/list", invitees='"a@example.com')
    assert many.status_code == 422
    shown = HtmlPage(many.text)
    assert "cannot be read" in shown.error_of("to-invitees")
    assert '"a@example.com' in shown.by_id("to-invitees").text
    assert not invitations(world)


def thousand(count: int = 1_000) -> list[tuple[str, str]]:
    """Addresses as long as they may be, so that the bodies are as long as they may be."""
    domain = ".".join(["d" * 60] * 3)
    return [(f"{number:04}{'x' * 60}@{domain}.org"[:254], "member") for number in range(count)]


def test_a_thousand_are_invited_with_as_many_statements_as_ten(
    make_world: Callable[..., World], postgres_database: Callable[[], str]
) -> None:
    world = make_world(postgres_database(), TOKENOFFSET_INVITATIONS_PER_HOUR=10_000)
    acme = make_shape(world, "acme")
    counts = {}
    for count in (10, 1_000):
        rows = [(f"p{number}-{count}@example.com", "member") for number in range(count)]
        with world.statements() as statements:
            assert set(outcomes(report(acme, *rows))) == {"sent"}
        counts[count] = len(statements)
        with world.statements() as statements:
            assert set(outcomes(report(acme, *rows, by="admin"))) == {"renewed"}
        counts[-count] = len(statements)
    assert counts[1_000] <= counts[10] + 5, counts
    assert counts[-1_000] <= counts[-10] + 5, counts
    assert len(invitations(world)) == 1_010
    assert world.mail.messages == []


def test_a_thousand_long_addresses_fit_and_one_more_is_refused(world: World, acme: Shape) -> None:
    rows = thousand()
    before = content(world)
    text = "\n".join(",".join(row) for row in rows)
    checked = acme["owner"].post(f"{acme.path}/invitations/list", invitees=text, check="yes")
    assert checked.status_code == 200
    assert upload(acme, text.encode(), check="yes").status_code == 200
    more = [*rows, ("one-more@example.com", "member")]
    report(acme, *more, status=422)
    text = "\n".join(",".join(row) for row in more)
    refused = acme["owner"].post(f"{acme.path}/invitations/list", invitees=text)
    assert refused.status_code == 422
    assert "more than 1,000 rows" in refused.text
    assert content(world) == before
    assert set(outcomes(report(acme, *rows))) == {"sent"}
    assert world.mail.messages == []


def test_only_lists_may_be_long(world: World, acme: Shape) -> None:
    long = "x" * 70 * 1024
    owner = acme["owner"]
    assert owner.post(f"{acme.path}/invitations", email=long).status_code == 413
    assert owner.post(f"{acme.path}/invitations/list", invitees=long).status_code == 200
    assert owner.post(f"{acme.path}/invitations/list", invitees=long * 6).status_code == 413
    assert owner.api("PATCH", acme.path, {"name": long}).status_code == 413
    assert not invitations(world)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"invitations": []},
        {"invitations": [{"role": "member"}]},
        {"invitations": [{"email": "a@example.com", "role": "king"}]},
        {"invitations": [{"email": "a@example.com", "invited_by": "me"}]},
        {"invitations": [{"email": "a@example.com", "expires_at": "2099-01-01T00:00:00Z"}]},
        {"invitations": [{"email": "a@example.com"}], "organization_id": "x"},
        {"email": "a@example.com", "role": "member"},
    ],
)
def test_nothing_but_addresses_and_roles_is_read(
    world: World, acme: Shape, body: dict[str, Any]
) -> None:
    before = content(world)
    assert acme["owner"].api("POST", f"{acme.path}/invitations", body).status_code == 422
    assert content(world) == before


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.promise("TB-007")
def test_a_person_and_an_organization_send_no_more_than_so_many_an_hour(
    make_world: Callable[..., World],
) -> None:
    world = make_world(TOKENOFFSET_INVITATIONS_PER_HOUR=3)
    acme, bolt = make_shape(world, "acme"), make_shape(world, "bolt")
    people = [(f"p{number}@example.com", "member") for number in range(10)]
    report(acme, *people[:4], status=422)  # A list that could never be sent.
    assert outcomes(report(acme, *people[:2])) == ["sent"] * 2
    before = content(world)
    body = {"invitations": [{"email": email} for email, _ in people[2:4]]}
    refused = acme["owner"].api("POST", f"{acme.path}/invitations", body)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3601
    assert content(world) == before
    assert outcomes(report(acme, people[2], by="owner")) == ["sent"]
    # The organization had its three, no matter which member sends; another one is unharmed.
    report(acme, people[3], by="admin", status=429)
    page = acme["admin"].submit(
        f"{acme.path}/invitations", "/invitations", email="x@example.com", role="member"
    )
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) > 0
    assert outcomes(report(bolt, *people[:3])) == ["sent"] * 3
    # The person had their three, in whichever organization.
    other = acme["owner"].within(acme["owner"].create_organization("Another"))
    assert other.api("POST", "/invitations", body).status_code == 429
    assert world.mail.messages == []


def test_rows_that_send_nothing_count_for_nothing(make_world: Callable[..., World]) -> None:
    world = make_world(TOKENOFFSET_INVITATIONS_PER_HOUR=2)
    acme = make_shape(world, "acme")
    for _ in range(5):
        assert outcomes(report(acme, ("nonsense", "member"))) == ["invalid-address"]
    rows = [("a@example.com", "member"), ("b@example.com", "member")]
    assert outcomes(report(acme, *rows)) == ["sent", "sent"]
    assert world.mail.messages == []


@pytest.mark.promise("TB-007")
def test_nobody_can_flood_a_mailbox_whatever_they_invite_from(world: World, acme: Shape) -> None:
    bolt = make_shape(world, "bolt")
    for number in range(LIMIT_PER_ADDRESS):
        assert outcomes(report((acme, bolt)[number % 2], (world.ada.address, "member")))
    body = {"invitations": [{"email": world.ada.address.upper()}]}
    refused = acme["owner"].api("POST", f"{acme.path}/invitations", body)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    one = f"{acme.path}/invitations/{invitations(world)[0].id}"
    assert acme["owner"].api("POST", f"{one}/resend").status_code == 429
    # In a list, the others are sent all the same.
    rows = [(world.ada.address, "member"), (world.ben.address, "member")]
    assert outcomes(report(acme, *rows)) == ["too-many", "sent"]
    world.work()
    assert len(world.mail.to(world.ada.address)) <= LIMIT_PER_ADDRESS


@pytest.mark.promise("TB-007")
def test_answering_is_limited_for_each_person(world: World, acme: Shape) -> None:
    wrong = "/invitations/" + "A" * 43
    link = invite(acme, world.ada)
    for _ in range(60):
        assert answer(world.ada, wrong).status_code == 404
    refused = answer(world.ada, link)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert standing(acme) == "pending"
    assert answer(world.ben, link).status_code == 403  # Others are unharmed.


# --- mail, log, list ------------------------------------------------------------------------------


def test_a_rollback_sends_nothing(
    world: World, acme: Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flask_tokenoffset.services.invitations import sending as inviting

    before = content(world)

    def fail(*_arguments: Any, **_named: Any) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(inviting, "queue_messages", fail)
    failed = acme["owner"].submit(
        f"{acme.path}/invitations", "/invitations", email="a@example.com", role="member"
    )
    assert failed.status_code == 500
    assert content(world) == before
    assert world.queue.jobs == []


@pytest.mark.parametrize(
    "name", ["Acme\r\nBcc: evil@example.com", "Acme\nSubject: x", "Acme\x00", "Acme\u2028Bcc: x"]
)
def test_no_name_can_add_a_header_or_a_line(world: World, name: str) -> None:
    """Where such a name is taken at all, it is one line in subject and text."""
    owner = world.browser("owner")
    made = owner.api("POST", "/organizations", {"name": name})
    assert made.status_code in {201, 422}
    if made.status_code == 422:
        return
    path = f"/organizations/{made.get_json()['id']}/invitations"
    body = {"invitations": [{"email": world.ada.address}]}
    assert owner.api("POST", path, body).status_code == 200
    world.work()
    (message,) = world.mail.to(world.ada.address)
    assert message.subject.isprintable()
    assert message.subject.startswith("An invitation to «Acme")
    assert not [line for line in message.text.splitlines() if line.startswith(("Bcc", "Subject"))]
    assert [each.to_address for each in world.mail.messages] == [world.ada.address]


@pytest.mark.promise("TO-045")
def test_every_step_is_in_the_organizations_log_without_an_address(
    world: World, acme: Shape
) -> None:
    link = invite(acme, world.ada)
    report(acme, (world.ada.address, "auditor"))
    link = delivered(world, world.ada.address)
    assert answer(world.ada, link).status_code == 303
    ben = invite(acme, world.ben)
    assert answer(world.ben, ben, "decline").status_code == 303
    with world.app.app_context():
        events = [
            (event.action, event.details)
            for event in world.state.session.query(AuditEvent)
            .filter(AuditEvent.account_id == acme.account_id)
            .filter(AuditEvent.subject_type == "invitation")
            .order_by(AuditEvent.sequence)
        ]
    assert [action for action, _ in events] == [
        "invitation.sent",
        "invitation.resent",
        "invitation.accepted",
        "invitation.sent",
        "invitation.cancelled",
    ]
    assert events[2][1] == {"role": "auditor", "was_member": False}
    assert events[4][1] == {"role": "member", "declined": True}
    assert "@" not in repr(events)


def test_the_list_is_read_page_by_page_newest_first(world: World, acme: Shape) -> None:
    for batch in range(3):
        rows = [(f"p{batch}-{number}@example.com", "member") for number in range(45)]
        report(acme, *rows)
        world.clock.move(minutes=1)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit=50&cursor={cursor}" if cursor else "?limit=50"
        got = acme["auditor"].api("GET", f"{acme.path}/invitations{query}").get_json()
        seen += [item["email"] for item in got["items"]]
        cursor = got["next_cursor"]
    assert len(seen) == len(set(seen)) == 135
    assert [email[1] for email in seen] == ["2"] * 45 + ["1"] * 45 + ["0"] * 45
    page = acme["auditor"].page(f"{acme.path}/invitations")
    older = page.link("Older invitations").removeprefix("/tokenoffset")
    assert acme["auditor"].page(older).link("Newest invitations")
    for nonsense in ("x", "eyJ", "WyJhIiwiYiJd"):
        path = f"{acme.path}/invitations?cursor={nonsense}"
        assert acme["auditor"].api("GET", path).status_code == 422
    assert world.mail.messages == []
