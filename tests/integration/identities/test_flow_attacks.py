"""A3 and A4: answers that belong to another flow, browser, person or provider.

Where a refusal uses nothing up, the same answer is then taken in the right place: so it was the one
wrong thing that was refused, and nothing else.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

from flask_tokenoffset.services.identities.sign_in_attempts import ATTEMPT_LIFETIME

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.linking import Scene


def refused(
    scene: Scene, response: TestResponse, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing was linked, the user is told no detail, and the log is told which one it was."""
    assert response.status_code == 403, response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert scene.identities() == []
    assert f"was refused: {reason} (request" in caplog.text


def without(address: str, name: str) -> str:
    """An address without one parameter."""
    parts = urlsplit(address)
    kept = [each for each in parts.query.split("&") if not each.startswith(f"{name}=")]
    return urlunsplit(parts._replace(query="&".join(kept)))


def test_a_state_that_nobody_made_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    state = parse_qs(urlsplit(back).query)["state"][0]
    forged = back.replace(state, state[:-1] + ("A" if state[-1] != "A" else "B"))
    refused(scene, scene.complete_flow(ada, forged), "state", caplog)
    assert scene.complete_flow(ada, back).status_code == 303


def test_an_answer_without_a_state_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    refused(scene, scene.complete_flow(ada, without(back, "state")), "state", caplog)
    assert scene.complete_flow(ada, back).status_code == 303


def test_an_answer_with_two_states_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    refused(scene, scene.complete_flow(ada, f"{back}&state=another"), "state", caplog)
    assert scene.complete_flow(ada, back).status_code == 303


def test_an_answer_is_taken_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    ada = scene.world.ada
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    assert scene.complete_flow(ada, back).status_code == 303
    calls = len(scene.acme.calls)
    assert scene.complete_flow(ada, back).status_code == 403
    assert "was refused: state (request" in caplog.text
    assert len(scene.acme.calls) == calls  # The code was not even tried.
    assert len(scene.identities()) == 1


def test_an_answer_that_took_too_long_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    in_time = scene.acme.go(scene.begin_flow(ada), "ada-there")
    too_late = scene.acme.go(scene.begin_flow(ada), "ada-elsewhere")
    scene.world.clock.move(seconds=(ATTEMPT_LIFETIME - timedelta(seconds=1)).total_seconds())
    assert scene.complete_flow(ada, in_time).status_code == 303
    scene.world.clock.move(seconds=1)
    assert scene.complete_flow(ada, too_late).status_code == 403
    assert "was refused: state (request" in caplog.text
    assert len(scene.identities()) == 1


def test_an_answer_in_another_browser_of_the_same_person_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada, elsewhere = scene.world.ada, scene.world.browser("ada")
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    scene.begin_flow(elsewhere)  # So that it has a secret of its own.
    refused(scene, scene.complete_flow(elsewhere, back), "state", caplog)
    assert scene.complete_flow(ada, back).status_code == 303


def test_an_answer_in_a_browser_without_a_secret_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    refused(scene, scene.complete_flow(scene.world.browser("ada"), back), "state", caplog)


def test_login_csrf_an_attackers_answer_in_a_victims_browser_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """The attacker would otherwise link their account to the victim's, and so get into it."""
    mallory, ada = scene.world.browser("mallory"), scene.world.ada
    back = scene.acme.go(scene.begin_flow(mallory), "mallory-there")
    scene.begin_flow(ada)
    refused(scene, scene.complete_flow(ada, back), "state", caplog)
    assert scene.complete_flow(mallory, back).status_code == 303


def test_another_person_in_the_same_browser_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    browser = scene.world.browser("ada")
    back = scene.acme.go(scene.begin_flow(browser), "ada-there")
    browser.client.post("/sign-in", data={"name": "ben", "verified": "yes"})
    scene.begin_flow(browser)
    refused(scene, scene.complete_flow(browser, back), "state", caplog)
    browser.client.post("/sign-in", data={"name": "ada"})
    assert scene.complete_flow(browser, back).status_code == 303


def test_nobody_in_the_same_browser_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    browser = scene.world.browser("ada")
    back = scene.acme.go(scene.begin_flow(browser), "ada-there")
    browser.client.delete_cookie("session")
    refused(scene, scene.complete_flow(browser, back), "state", caplog)


def test_mix_up_an_answer_at_another_providers_address_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    moved = back.replace("/identities/acme/callback", "/identities/globex/callback")
    refused(scene, scene.complete_flow(ada, moved), "state", caplog)
    assert "/token" not in scene.globex.calls  # No code of one goes to the other.
    assert scene.complete_flow(ada, back).status_code == 303


def test_mix_up_a_code_of_another_provider_is_not_sent_to_this_one(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A provider that lies about its endpoints lets the honest one answer in its place."""
    ada = scene.world.ada
    scene.globex.lies.answer = {"iss": scene.acme.issuer}
    back = scene.globex.go(scene.begin_flow(ada, "globex"), "ada-there")
    refused(scene, scene.complete_flow(ada, back), "iss", caplog)
    assert "/token" not in scene.globex.calls


@pytest.mark.parametrize("issuer", ["https://acme.example/", "https://ACME.example", ""])
def test_an_issuer_in_the_answer_is_compared_character_by_character(
    scene: Scene, issuer: str, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    scene.acme.lies.answer = {"iss": issuer}
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    refused(scene, scene.complete_flow(ada, back), "iss", caplog)


def test_a_missing_issuer_is_refused_where_it_was_announced(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    scene.acme.lies.answer = {"iss": None}
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    refused(scene, scene.complete_flow(ada, back), "iss missing", caplog)


def test_a_missing_issuer_is_taken_where_it_was_not_announced(scene: Scene) -> None:
    ada = scene.world.ada
    scene.acme.lies.answer = {"iss": None}
    scene.acme.lies.metadata = {"authorization_response_iss_parameter_supported": False}
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    assert scene.complete_flow(ada, back).status_code == 303


def test_an_error_is_not_told_before_its_state_is_found(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    scene.begin_flow(ada)
    forged = "/tokenoffset/identities/acme/callback?error=access_denied&state=forged"
    answer = scene.complete_flow(ada, forged)
    refused(scene, answer, "state", caplog)
    assert "did not agree" not in answer.text


def test_a_person_who_does_not_agree_is_told_so(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    answer = scene.complete_flow(ada, scene.acme.say_no(scene.begin_flow(ada)))
    refused(scene, answer, "error access_denied", caplog)
    assert "You did not agree at Acme, so nothing was changed." in answer.text


def test_an_invented_error_is_neither_shown_nor_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada = scene.world.ada
    back = scene.acme.say_no(scene.begin_flow(ada), "call 0800-EVIL now")
    answer = scene.complete_flow(ada, back)
    refused(scene, answer, "error unknown", caplog)
    assert "EVIL" not in answer.text + caplog.text


def test_a_stolen_code_is_worth_nothing_in_another_flow(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Code injection (RFC 9700, 4.5): the verifier of the flow does not fit the code."""
    ada, mallory = scene.world.ada, scene.world.browser("mallory")
    stolen = parse_qs(urlsplit(scene.acme.go(scene.begin_flow(ada), "ada-there")).query)["code"][0]
    address = scene.begin_flow(mallory)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    injected = scene.acme.answer_address(asked, code=stolen)
    refused(scene, scene.complete_flow(mallory, injected), "code refused", caplog)
    assert scene.acme.verifier_mismatches == 1


def test_a_stolen_code_is_found_out_where_the_provider_forgets_the_verifier(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ada, mallory = scene.world.ada, scene.world.browser("mallory")
    scene.acme.lies.ignores_pkce = True
    stolen = parse_qs(urlsplit(scene.acme.go(scene.begin_flow(ada), "ada-there")).query)["code"][0]
    address = scene.begin_flow(mallory)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    injected = scene.acme.answer_address(asked, code=stolen)
    refused(scene, scene.complete_flow(mallory, injected), "nonce", caplog)


def test_two_flows_share_neither_state_nor_nonce_nor_challenge(scene: Scene) -> None:
    flows = [parse_qs(urlsplit(scene.begin_flow(scene.world.ada)).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert flows[0][name] != flows[1][name]
    assert flows[0]["redirect_uri"] == ["http://localhost/tokenoffset/identities/acme/callback"]


def test_a_discovery_document_of_another_issuer_sends_nobody_anywhere(scene: Scene) -> None:
    scene.acme.lies.metadata = {"issuer": scene.globex.issuer}
    answer = scene.world.ada.submit("/identities", "/identities/acme/link")
    assert answer.status_code == 503
    assert "names another issuer than the settings do" in answer.text


@pytest.mark.parametrize(
    "endpoint",
    ["http://acme.example/token", "https://127.0.0.1/token", "https://user:pw@acme.example/t", 7],
)
def test_a_discovery_document_with_an_unsafe_endpoint_is_refused(
    scene: Scene, endpoint: object
) -> None:
    scene.acme.lies.metadata = {"token_endpoint": endpoint}
    answer = scene.world.ada.submit("/identities", "/identities/acme/link")
    assert answer.status_code == 503
    assert "token_endpoint" in answer.text


@pytest.mark.parametrize("status", [302, 307, 500, 503])
def test_a_provider_that_redirects_or_fails_gets_nothing_and_changes_nothing(
    scene: Scene, status: int
) -> None:
    ada = scene.world.ada
    back = scene.acme.go(scene.begin_flow(ada), "ada-there")
    scene.acme.lies.status = status
    answer = scene.complete_flow(ada, back)
    assert answer.status_code == 503
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert scene.identities() == []


def test_too_many_flows_are_refused_for_one_person_alone(scene: Scene) -> None:
    ada = scene.world.ada
    for _ in range(30):
        scene.begin_flow(ada)
    answer = ada.submit("/identities", "/identities/acme/link")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    scene.begin_flow(scene.world.ben)


def test_linking_begins_with_a_form_of_ours_only(scene: Scene) -> None:
    ada = scene.world.ada
    link = "/tokenoffset/identities/acme/link"
    assert ada.client.get(link).status_code == 405
    assert ada.client.post(link).status_code == 400  # without a token
    cross_site = ada.client.post(
        link, data=ada.token_field, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert cross_site.status_code == 403
    assert scene.world.nobody.client.post(link).status_code in {302, 303, 401}
    assert scene.acme.calls == []
