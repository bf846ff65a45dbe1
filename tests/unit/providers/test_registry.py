"""Which vendors a host can enable, and what is said of a package that does not fit."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.providers import PROVIDERS, Endpoint, enabled_providers, registry
from flask_tokenoffset.providers.conformity import faults_of
from flask_tokenoffset.providers.vendors.openai import OpenAIProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMESAKE = """
from dataclasses import replace
from flask_tokenoffset.providers.vendors.openai import OpenAIProvider
PROVIDER = replace(OpenAIProvider(), name="acme")
"""
Install = "Callable[..., None]"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a package that offers a vendor; its module is forgotten with the test."""

    def add(package: str, source: str = NAMESAKE, vendor: str = "acme") -> None:
        folder, module = tmp_path / package, package.replace("-", "_")
        info = folder / f"{module}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(
            f"[flask_tokenoffset.providers]\n{vendor} = {module}:PROVIDER\n"
        )
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return add


def refusal(*names: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        enabled_providers(names)
    assert caught.value.setting == "TOKENOFFSET_PROVIDERS"
    return caught.value.message


def test_every_module_of_vendors_is_a_vendor_called_as_its_file() -> None:
    assert set(PROVIDERS) == {"anthropic", "openai"}
    for name, provider in PROVIDERS.items():
        assert faults_of(provider, name) == []


def test_without_the_setting_the_packages_own_are_enabled_and_no_other_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(**_: Any) -> Any:
        raise AssertionError("entry points were looked up")

    monkeypatch.setattr(registry, "entry_points", look)
    assert enabled_providers(None) == tuple(PROVIDERS.values())


def test_vendors_are_enabled_in_the_hosts_order(install: Callable[..., None]) -> None:
    install("acme-tokens")
    assert [each.name for each in enabled_providers(["openai", "acme"])] == ["openai", "acme"]
    assert enabled_providers([]) == ()


def test_a_package_that_is_installed_but_not_named_is_never_imported(
    install: Callable[..., None],
) -> None:
    install("acme-tokens", "raise SystemExit('imported')")
    assert enabled_providers(["openai"]) == (PROVIDERS["openai"],)
    assert "acme_tokens" not in sys.modules


def test_a_name_that_nobody_offers_is_refused_with_those_there_are(
    install: Callable[..., None],
) -> None:
    install("acme-tokens")
    message = refusal("opnai")
    assert "no vendor 'opnai'" in message
    assert "acme, anthropic, openai" in message


def test_a_name_that_two_packages_offer_is_refused_with_both(install: Callable[..., None]) -> None:
    install("acme-tokens")
    install("acme-other")
    message = refusal("acme")
    assert "acme-other 1.2 and by acme-tokens 1.2" in message
    assert "Uninstall all but one" in message


def test_no_package_takes_the_name_of_a_vendor_of_ours(install: Callable[..., None]) -> None:
    install("acme-tokens", "raise SystemExit('imported')", vendor="openai")
    message = refusal("openai")
    assert "flask-tokenoffset itself and by acme-tokens 1.2" in message
    assert enabled_providers(["anthropic"]) == (PROVIDERS["anthropic"],)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module_anywhere", "cannot be loaded (ModuleNotFoundError"),
        ("NOTHING = 1", "cannot be loaded (AttributeError"),
        ("PROVIDER = None", "its name is None, not 'acme'"),
        (NAMESAKE.replace('name="acme"', 'name="acme2"'), "its name is 'acme2', not 'acme'"),
        (NAMESAKE.replace('name="acme"', 'name="acme", endpoints=()'), "its endpoints must be"),
        ("class PROVIDER: pass", "it is a class"),
    ],
)
def test_a_module_that_does_not_fit_is_refused_with_its_package_and_the_cure(
    install: Callable[..., None], source: str, said: str
) -> None:
    install("acme-tokens", source)
    message = refusal("acme")
    assert "offered by acme-tokens 1.2 as 'acme_tokens:PROVIDER'" in message
    assert said in message
    assert "Install a release of that package" in message


GOOD = OpenAIProvider()
(FIRST, *_) = GOOD.endpoints
NO_TUPLE: Any = ["one"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": ""}, "its title"),
        ({"key_prefix": None}, "its key_prefix"),
        ({"names_organization": "no"}, "its names_organization"),
        ({"endpoints": [FIRST]}, "its endpoints must be a tuple"),
        ({"endpoints": (FIRST, FIRST)}, "one of them twice"),
        ({"endpoints": (("GET", "a.example", "/", "x"),)}, "which is no Endpoint"),
        ({"walk_through": {}}, "its walk_through"),
        (
            {"walk_through": replace(GOOD.walk_through, key_page_url="javascript:alert(1)")},
            "must begin with https://",
        ),
        ({"walk_through": replace(GOOD.walk_through, steps=NO_TUPLE)}, "steps of its walk_through"),
    ],
)
def test_each_part_of_a_vendor_is_checked(changes: dict[str, Any], said: str) -> None:
    (fault,) = faults_of(replace(GOOD, **changes), "openai")
    assert said in fault


@pytest.mark.parametrize(
    ("method", "host", "path"),
    [
        ("get", "api.example.com", "/v1"),
        ("GET", "https://api.example.com", "/v1"),
        ("GET", "api.example.com:8443", "/v1"),
        ("GET", "API.example.com", "/v1"),
        ("GET", "*.example.com", "/v1"),
        ("GET", "localhost", "/v1"),
        ("GET", "127.0.0.1", "/v1"),
        ("GET", "169.254.169.254", "/latest"),
        ("GET", "api.example.com", "v1"),
        ("GET", "api.example.com", "/v1?all=1"),
        ("GET", "api.example.com", "/v1/../v2"),
        ("GET", "api.example.com", "/v1/*/x y"),
        ("GET", "api.example.com", "/v1%2Fkeys"),
    ],
)
def test_an_endpoint_that_is_not_exact_is_refused(method: str, host: str, path: str) -> None:
    provider = replace(GOOD, endpoints=(Endpoint(method, host, path, "for a test."),))
    (fault,) = faults_of(provider, "openai")
    assert "the exact name of a host" in fault


@pytest.mark.parametrize("name", ["", "Acme", "a" * 21, "a_b", "a/b", "1a"])
def test_a_name_that_no_address_or_column_takes_is_refused(name: str) -> None:
    (fault,) = faults_of(replace(GOOD, name=name), name)
    assert "1 to 20 lower-case letters" in fault
