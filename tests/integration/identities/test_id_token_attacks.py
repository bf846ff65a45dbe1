"""A5: ID tokens that are wrong in one way each. The provider's word is checked, not believed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.hostile_provider import signed_with_public_key, unsigned

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import Key

    from tests.support.linking import Scene

HOUR = 3600


def linking(scene: Scene, caplog: pytest.LogCaptureFixture) -> str:
    """Link an account; why the answer was refused, or an empty text where it was taken."""
    answer = scene.link(scene.world.ada, "ada-there")
    if answer.status_code == 303:
        assert len(scene.identities()) == 1
        return ""
    assert answer.status_code == 403, answer.text
    assert scene.identities() == []
    return caplog.text.rpartition("was refused: ")[2].partition(" (request")[0]


def test_a_token_that_is_right_is_taken(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    assert linking(scene, caplog) == ""


def now_of(scene: Scene) -> int:
    return int(scene.world.clock.now().timestamp())


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"iss": "https://globex.example"}, "iss"),
        ({"iss": "https://acme.example/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another client"}, "aud"),
        ({"aud": ["another client"]}, "aud"),
        ({"aud": ["client-of-acme", "another client"], "azp": "client-of-acme"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"azp": "another client"}, "azp"),
        ({"azp": ["client-of-acme"]}, "azp"),
        ({"nonce": "another nonce"}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "s" * 256}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"iat": None}, "iat"),
        ({"iat": "just now"}, "iat"),
        ({"auth_time": "just now"}, "auth_time"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_token_with_one_wrong_claim_is_refused(
    scene: Scene, wrong: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene.acme.lies.claims = wrong
    assert linking(scene, caplog) == reason


@pytest.mark.parametrize(
    ("claim", "seconds", "reason"),
    [
        ("exp", -HOUR, "exp"),
        ("exp", -60, "exp"),
        ("exp", -59, ""),
        ("iat", HOUR, "iat"),
        ("iat", 61, "iat"),
        ("iat", 60, ""),
        ("nbf", HOUR, "nbf"),
        ("nbf", -HOUR, ""),
        ("auth_time", HOUR, "auth_time"),
    ],
)
def test_a_token_of_another_time_is_refused(
    scene: Scene, claim: str, seconds: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Two clocks may be a minute apart, and no more."""
    scene.acme.lies.claims = {claim: now_of(scene) + seconds}
    assert linking(scene, caplog) == reason


def test_no_token_is_refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.acme.lies.left_out = frozenset({"id_token"})
    assert linking(scene, caplog) == "id_token missing"


def test_an_unsigned_token_is_refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.acme.lies.sign = unsigned
    assert linking(scene, caplog) == "signature"


def test_a_token_signed_with_the_public_key_for_a_secret_is_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.acme.lies.sign = signed_with_public_key(scene.acme.key)
    assert linking(scene, caplog) == "signature"


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "PS512"])
def test_a_token_of_an_allowed_rsa_algorithm_is_taken(
    scene: Scene, algorithm: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene.acme.lies.algorithm = algorithm
    assert linking(scene, caplog) == ""


@pytest.mark.parametrize(
    ("make_key", "algorithm"),
    [
        (lambda kid: ECKey.generate_key("P-256", kid, private=True), "ES256"),
        (lambda kid: ECKey.generate_key("P-521", kid, private=True), "ES512"),
        (lambda kid: OKPKey.generate_key("Ed25519", kid, private=True), "EdDSA"),
    ],
    ids=["ES256", "ES512", "EdDSA"],
)
def test_a_token_of_an_allowed_curve_is_taken(
    scene: Scene,
    make_key: Callable[[dict[str, str]], Key],
    algorithm: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene.acme.key = make_key({"kid": "acme-curve"})
    scene.acme.lies.algorithm = algorithm
    assert linking(scene, caplog) == ""


def test_a_weak_key_of_the_provider_is_not_used(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.warns(UserWarning, match="2048"):
        scene.acme.key = RSAKey.generate_key(1024, {"kid": "acme-weak"}, private=True)
    answer = scene.link(scene.world.ada, "ada-there")
    assert answer.status_code == 503
    assert "publishes no key that could sign" in answer.text


@pytest.mark.parametrize("kid", ["acme-1", "a key of nobody"])
def test_a_token_that_another_key_signed_is_refused(
    scene: Scene, kid: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Under the provider's own name for a key as well as under an unknown one."""
    stranger = RSAKey.generate_key(2048, {"kid": kid}, private=True)
    scene.acme.lies.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": kid}, claims, stranger)
    assert linking(scene, caplog) == ("signature" if kid == "acme-1" else "key")


def test_what_a_header_says_besides_is_ignored_but_for_what_is_critical(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.acme.lies.sign = lambda claims: critical(scene.acme.key, claims)
    assert linking(scene, caplog) == "signature"
    scene.acme.lies.sign = lambda claims: jwt.encode(
        {"alg": "RS256", "kid": "acme-1", "vendor-word": "x" * 600},
        claims,
        scene.acme.key,
        registry=_Lenient(strict_check_header=False),
    )
    assert linking(scene, caplog) == ""


class _Lenient(JWSRegistry):
    max_header_length = 16_384


def critical(key: Key, claims: dict[str, Any]) -> str:
    """A token, signed as it must be, whose header demands what nobody here knows."""
    header = {"alg": "RS256", "kid": key.kid, "crit": ["vendor-word"], "vendor-word": "x"}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (header, claims)
    ]
    signed = b".".join(parts)
    private_key: Any = key.get_op_key("sign")
    signature = private_key.sign(signed, PKCS1v15(), SHA256())
    return b".".join([signed, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def test_a_key_in_the_token_itself_is_not_believed(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "acme-1"}, private=True)
    header = {"alg": "RS256", "kid": "acme-1", "jwk": dict(stranger.as_dict(private=False))}
    scene.acme.lies.sign = lambda claims: jwt.encode(header, claims, stranger)
    assert linking(scene, caplog) == "signature"


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.b.c.d.e", "ö.ö.ö", "." * 1000])
def test_what_is_no_token_is_refused(
    scene: Scene, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene.acme.lies.sign = lambda _claims: text
    assert linking(scene, caplog) == ("signature" if text else "id_token missing")


def test_a_new_key_is_fetched_once_it_signs(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    assert scene.link(scene.world.ada, "ada-there").status_code == 303
    scene.acme.key = RSAKey.generate_key(2048, {"kid": "acme-2"}, private=True)
    client = scene.world.state.identities.client("acme")
    later = client._monotonic() + 11
    client._monotonic = lambda: later  # ten seconds are over
    assert scene.link(scene.world.ben, "ben-there").status_code == 303
    assert scene.acme.calls.count("/keys") == 2


def test_unknown_keys_do_not_make_us_hammer_a_provider(scene: Scene) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "of nobody"}, private=True)
    assert scene.link(scene.world.ada, "ada-there").status_code == 303
    scene.acme.lies.sign = lambda claims: jwt.encode(
        {"alg": "RS256", "kid": "of nobody"}, claims, stranger
    )
    for _ in range(5):
        assert scene.link(scene.world.ben, "ben-there").status_code == 403
    assert scene.acme.calls.count("/keys") == 1


def test_required_claims_and_allowed_domains_are_demanded_of_the_token(
    make_world: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    from tests.support.linking import Scene

    entries = {"acme": {"required_claims": {"hd": ["acme.test"]}, "allowed_domains": "acme.test"}}
    scene = Scene(make_world, entries=entries)
    ada = scene.world.ada
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "claim hd"),
        ({"hd": "globex.test"}, "claim hd"),
        ({"hd": True}, "claim hd"),
        ({"hd": "acme.test", "email": "ada@globex.test"}, "domain"),
        ({"hd": "acme.test", "email": "ada@sub.acme.test"}, "domain"),
        ({"hd": "acme.test", "email": "ada@notacme.test"}, "domain"),
        ({"hd": "acme.test", "email": "ada@acme.test", "email_verified": False}, "domain"),
        ({"hd": "acme.test", "email": "ada@acme.test", "email_verified": "true"}, "domain"),
        ({"hd": "acme.test", "email": None}, "domain"),
    ]
    for claims, reason in wrong:
        caplog.clear()
        scene.acme.lies.claims = claims
        assert linking(scene, caplog) == reason, claims
    scene.acme.lies.claims = {"hd": "acme.test", "email": "ada@ACME.test"}
    assert scene.link(ada, "ada-there").status_code == 303
