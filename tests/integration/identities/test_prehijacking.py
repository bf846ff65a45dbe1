"""A6 and A7: nobody gets into an account because of an address, however they prepared it.

The five ways of arXiv 2205.10174 (Sudhodanan and Paverd, USENIX Security 2022), each from the
attacker's first step. Linked identities and mailed links are the login here, so an account that was
prepared would be walked into by its victim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.linking import Scene
    from tests.support.world import Browser

VICTIM = "victim@example.com"


def ask_for_link(scene: Scene, browser: Browser, address: str) -> None:
    """Have a link mailed that signs in."""
    answer = browser.submit("/sign-in", "/sign-in/mail", email=address)
    assert answer.status_code == 303, answer.text
    scene.world.work()


def follow(browser: Browser, link: str) -> int:
    """Follow a mailed link; the status of the answer."""
    return browser.submit(link, link).status_code


def signed_in_by_mail(scene: Scene, address: str) -> Browser:
    browser = scene.new_browser()
    ask_for_link(scene, browser, address)
    assert follow(browser, scene.world.mail.link_to(address)) == 303
    return browser


def account(browser: Browser) -> str:
    """Whose account a browser is in; everyone who is signed in has one."""
    answer = browser.api("GET", "/me")
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["id"])


def signed_in(browser: Browser) -> bool:
    """Whether a person is signed in."""
    return browser.api("GET", "/me").status_code == 200


def test_classic_federated_merge(own: Scene) -> None:
    """The attacker asks for a login by mail to the victim's address, and waits for the merge."""
    attacker = own.new_browser()
    ask_for_link(own, attacker, VICTIM)
    victim = own.signed_in("victim-there", email=VICTIM)
    assert follow(attacker, "/links/" + "x" * 43) != 303
    assert not signed_in(attacker)
    # The victim's mail was never opened by the attacker; had it been, it is another account.
    later = signed_in_by_mail(own, VICTIM)
    assert account(later) != account(victim)
    assert own.subjects_of(later) == set()


def test_unexpired_session(own: Scene) -> None:
    """The attacker is signed in already when the victim takes the account back."""
    victim = own.signed_in("shared-there")
    attacker = own.signed_in("shared-there")
    assert account(attacker) == account(victim)
    assert victim.submit("/sign-out", "/sign-out").status_code == 303
    assert not signed_in(attacker)
    assert not signed_in(victim)


def test_unexpired_session_ends_with_the_link_it_came_by(own: Scene) -> None:
    victim = signed_in_by_mail(own, VICTIM)
    assert own.link(victim, "stolen-there").status_code == 303
    attacker = own.signed_in("stolen-there")
    assert account(attacker) == account(victim)
    unlink = f"/identities/{own.only_identity()}/unlink"
    assert victim.submit(unlink, unlink).status_code == 303
    assert not signed_in(attacker)
    assert signed_in(victim)
    own.sign_in(attacker, "stolen-there")
    assert account(attacker) != account(victim)


def test_trojan_identifier(own: Scene) -> None:
    """The attacker leaves an identity of their own in the account that the victim comes into."""
    attacker = own.new_browser()
    ask_for_link(own, attacker, VICTIM)
    # Not signed in until the link is followed, so nothing can be linked to what it will open.
    answer = attacker.post("/identities/acme/link")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/tokenoffset/sign-in")
    own.sign_in(attacker, "attacker-there", email=VICTIM)
    victim = signed_in_by_mail(own, VICTIM)
    assert account(victim) != account(attacker)
    assert own.subjects_of(victim) == set()
    again = own.signed_in("attacker-there", email=VICTIM)
    assert account(again) == account(attacker)


def test_trojan_identifier_a_flow_that_was_begun_ends_with_the_unlinking(own: Scene) -> None:
    victim = signed_in_by_mail(own, VICTIM)
    assert own.link(victim, "victim-there").status_code == 303
    attacker = own.signed_in("victim-there")
    back = own.globex.go(own.begin_flow(attacker, "globex"), "attacker-there")
    unlink = f"/identities/{own.only_identity()}/unlink"
    assert victim.submit(unlink, unlink).status_code == 303
    assert own.complete_flow(attacker, back).status_code == 403
    assert own.identities() == []


def test_unexpired_email_change(own: Scene) -> None:
    """The attacker begins to change their address to the victim's, and waits for the proof."""
    attacker = own.signed_in("attacker-there")
    assert attacker.submit("/me/address", "/me/address", email=VICTIM).status_code == 303
    own.world.work()
    link = own.world.mail.link_to(VICTIM)
    victim = own.signed_in("victim-there", "globex", email=VICTIM)
    assert follow(victim, link) != 303  # Mailed to the victim, who wonders and follows it.
    assert VICTIM not in attacker.get("/me").text
    # Neither does it make the attacker the victim's double, nor get them in by mail.
    later = signed_in_by_mail(own, VICTIM)
    assert account(later) not in {account(attacker), account(victim)}


@pytest.mark.parametrize("verified", [False, True])
def test_a_provider_that_does_not_verify(own: Scene, *, verified: bool) -> None:
    """The attacker's provider states the victim's address, and swears that it is verified."""
    attacker = own.signed_in("attacker-there", "globex", email=VICTIM, email_verified=verified)
    for victim in (own.signed_in("victim-there", email=VICTIM), signed_in_by_mail(own, VICTIM)):
        assert account(victim) != account(attacker)
    # And the attacker's account counts as nobody's by mail: no notice of theirs goes to the victim.
    assert attacker.api("GET", "/me").get_json()["email"] is None


def test_the_same_address_at_two_providers_is_two_people(own: Scene) -> None:
    first = own.signed_in("somebody", "acme", email="one@example.com")
    second = own.signed_in("somebody", "globex", email="one@example.com")
    assert account(first) != account(second)


def test_a_changed_address_is_the_same_person(own: Scene) -> None:
    first = own.signed_in("somebody", email="one@example.com")
    second = own.signed_in("somebody", email="TWO@example.com", email_verified=False)
    assert account(second) == account(first)
    (identity,) = own.identities()
    assert (identity.email, identity.email_verified) == ("TWO@example.com", False)


def test_subjects_that_differ_in_case_are_two_people(own: Scene) -> None:
    first, second = own.signed_in("Somebody"), own.signed_in("somebody")
    assert account(first) != account(second)


def test_an_identity_of_another_person_is_refused_and_stays_with_them(scene: Scene) -> None:
    ada, ben = scene.world.ada, scene.world.ben
    assert scene.link(ada, "one-there").status_code == 303
    answer = scene.link(ben, "one-there")
    assert answer.status_code == 409
    assert "stays with them" in answer.text
    assert scene.subjects_of(ada) == {("acme", "one-there")}
    assert scene.subjects_of(ben) == set()


def test_a_host_user_with_the_address_of_an_identity_gets_nothing_of_it(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "one-there", email=scene.world.ben.address)
    assert scene.subjects_of(scene.world.ben) == set()
