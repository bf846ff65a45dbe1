"""A8: linking and unlinking ask for reauthentication, of the same person, in the same browser."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from tests.support.linking import Scene
    from tests.support.world import Browser


def asked_to_confirm(browser: Browser, path: str) -> bool:
    """Whether a form sends its sender to the confirmation page first."""
    answer = browser.post(path)
    location = answer.headers.get("Location", "")
    return answer.status_code == 303 and location.startswith("/tokenoffset/confirm?")


def confirm(scene: Scene, browser: Browser, subject: str, provider: str = "acme") -> int:
    """Show with a linked account that it is they; the status of the answer."""
    form = browser.page("/confirm?next=/tokenoffset/identities").form(f"{provider}/confirm")
    address = browser.client.post(form.action, data=form.values).headers["Location"]
    asked = parse_qs(urlsplit(address).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    back = scene.providers[provider].go(address, subject)
    return scene.complete_flow(browser, back).status_code


@pytest.fixture
def stale(scene: Scene) -> Browser:
    """Ada with a linked account, who signed in a while ago."""
    ada = scene.world.ada
    assert scene.link(ada, "ada-there").status_code == 303
    ada.grow_stale()
    return ada


def test_linking_and_unlinking_ask_for_reauthentication(scene: Scene, stale: Browser) -> None:
    identity_id = scene.only_identity()
    flows = len(scene.acme.calls)
    assert asked_to_confirm(stale, "/identities/globex/link")
    assert asked_to_confirm(stale, f"/identities/{identity_id}/unlink")
    answer = stale.api("DELETE", f"/identities/{identity_id}")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "fresh-sign-in-required")
    assert len(scene.identities()) == 1
    assert len(scene.acme.calls) == flows


def test_a_linked_account_gives_the_proof(scene: Scene, stale: Browser) -> None:
    assert confirm(scene, stale, "ada-there") == 303
    assert scene.link(stale, "ada-at-globex", "globex").status_code == 303
    identity_id = next(each.id for each in scene.identities() if each.provider == "globex")
    assert stale.api("DELETE", f"/identities/{identity_id}").status_code == 204


def test_evil_second_user_another_account_of_the_provider_gives_no_proof(
    scene: Scene, stale: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """A person walks up to the open browser and signs in at the provider as themselves."""
    assert confirm(scene, stale, "mallory-there") == 403
    assert "was refused: somebody else (request" in caplog.text
    assert asked_to_confirm(stale, "/identities/globex/link")


def test_evil_second_user_an_account_linked_to_another_person_gives_no_proof(
    scene: Scene, stale: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    mallory = scene.world.browser("mallory")
    assert scene.link(mallory, "mallory-there").status_code == 303
    assert confirm(scene, stale, "mallory-there") == 403
    assert "was refused: somebody else (request" in caplog.text
    assert asked_to_confirm(stale, "/identities/globex/link")


def test_evil_second_user_a_proof_of_one_is_none_of_the_next_in_the_same_browser(
    scene: Scene, stale: Browser
) -> None:
    assert confirm(scene, stale, "ada-there") == 303
    stale.client.post("/sign-in", data={"name": "mallory", "verified": "yes"})
    stale.grow_stale()
    assert asked_to_confirm(stale, "/identities/globex/link")


def test_a_proof_in_one_browser_is_none_in_another(scene: Scene, stale: Browser) -> None:
    assert confirm(scene, stale, "ada-there") == 303
    elsewhere = scene.world.browser("ada")
    elsewhere.grow_stale()
    assert asked_to_confirm(elsewhere, "/identities/globex/link")


def test_a_proof_grows_stale(scene: Scene, stale: Browser) -> None:
    assert confirm(scene, stale, "ada-there") == 303
    scene.world.clock.move(minutes=15, seconds=-1)
    assert not asked_to_confirm(stale, "/identities/globex/link")
    scene.world.clock.move(seconds=1)
    assert asked_to_confirm(stale, "/identities/globex/link")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": "just now"}, "auth_time"),
        ({"auth_time": timedelta(minutes=-2)}, "auth_time"),
    ],
    ids=["missing", "no number", "before"],
)
def test_a_provider_that_does_not_ask_again_gives_no_proof(
    scene: Scene,
    stale: Browser,
    claims: dict[str, object],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = scene.world.clock.now()
    scene.acme.lies.claims = {
        name: int((now + value).timestamp()) if isinstance(value, timedelta) else value
        for name, value in claims.items()
    }
    assert confirm(scene, stale, "ada-there") == 403
    assert f"was refused: {reason} (request" in caplog.text
    assert asked_to_confirm(stale, "/identities/globex/link")


def test_a_flow_to_link_gives_no_proof(scene: Scene, stale: Browser) -> None:
    """What was begun while the sign-in was fresh ends, and leaves no proof behind."""
    fresh = scene.world.browser("ben")
    back = scene.acme.go(scene.begin_flow(fresh), "ben-there")
    fresh.grow_stale()
    assert scene.complete_flow(fresh, back).status_code == 303
    assert asked_to_confirm(fresh, "/identities/globex/link")


def test_every_change_is_told_by_mail_and_stands_in_the_audit_log(scene: Scene) -> None:
    ada = scene.world.ada
    scene.link(ada, "ada-there")
    scene.world.work()
    assert scene.world.mail.kinds_to(ada.address) == ["identity-linked"]
    assert ada.api("DELETE", f"/identities/{scene.only_identity()}").status_code == 204
    scene.world.work()
    assert scene.world.mail.kinds_to(ada.address) == ["identity-linked", "identity-unlinked"]
    events = ada.api("GET", "/audit-events").get_json()["items"]
    noted = [(each["action"], each["details"]) for each in events]
    assert ("identity.linked", {"provider": "acme"}) in noted
    assert ("identity.unlinked", {"provider": "acme"}) in noted
    assert scene.world.mail.to(scene.world.ben.address) == []


def test_another_persons_identity_is_no_identity(scene: Scene) -> None:
    ada, ben = scene.world.ada, scene.world.ben
    scene.link(ada, "ada-there")
    scene.link(ben, "ben-there", "globex")
    identity_id = next(each.id for each in scene.identities() if each.provider == "acme")
    missing = "00000000-0000-7000-8000-000000000000"
    for method, path in (("GET", "unlink"), ("POST", "unlink"), ("POST", "check")):
        answers = [
            ben.client.open(
                f"/tokenoffset/identities/{each}/{path}", method=method, data=ben.token_field
            )
            for each in (identity_id, missing)
        ]
        assert [each.status_code for each in answers] == [404, 404]
        ids = [each.headers["X-Request-Id"] for each in answers]
        texts = [each.text.replace(i, "") for each, i in zip(answers, ids, strict=True)]
        assert texts[0].replace(str(identity_id), missing) == texts[1]
    assert ben.api("DELETE", f"/identities/{identity_id}").status_code == 404
    assert len(scene.identities()) == 2
