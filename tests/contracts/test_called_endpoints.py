"""A connected key is used for five calls and no other, and only one place opens or shows it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import ExportPart
from flask_tokenoffset.providers import PROVIDERS
from flask_tokenoffset.vault import SecretContext, Vault
from tests.support.endpoint_recorder import PROMISED
from tests.support.every_route import answers_of, routes_of, walk_api, walk_pages
from tests.support.matrix_calls import meet_the_rest
from tests.support.world import KEYS, World, make_world, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.html_page import HtmlPage

__all__ = ["make_world", "world"]

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "flask_tokenoffset"


# --- the list -------------------------------------------------------------------------------------


@pytest.mark.promise("TO-016", "TO-017", "TO-018")
def test_the_providers_list_exactly_the_five_promised_endpoints() -> None:
    listed = [
        (provider.name, each.method, each.host, each.path)
        for provider in PROVIDERS.values()
        for each in provider.endpoints
    ]
    assert len(listed) == len(PROMISED) == 5
    assert set(listed) == PROMISED


@pytest.mark.promise("TO-016", "TO-017", "TO-018")
@pytest.mark.parametrize("browser", ["nobody", "ada"])
def test_the_connections_page_lists_exactly_the_five(world: World, browser: str) -> None:
    page: HtmlPage = getattr(world, browser).page("/connections")
    listed = [each.text for each in page.elements if each.tag == "code" and "://" in each.text]
    assert sorted(listed) == sorted(f"{method} https://{h}{p}" for _, method, h, p in PROMISED)


# --- the whole run --------------------------------------------------------------------------------

CALLS = """
import httpx
from flask_tokenoffset.providers import Endpoint, VendorHTTP
from flask_tokenoffset.vault import Secret

def call(name, host, *paths):
    endpoints = [Endpoint("GET", host, path, "for a test.") for path in paths]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
    with VendorHTTP(name, endpoints, Secret("k" * 20), transport=transport) as http:
        http.introduce(title=name, key_header="x-api-key", headers={})
        for endpoint in endpoints:
            http.get_json(endpoint)

def test_anthropic():
    call("anthropic", "api.anthropic.com", "/v1/organizations/me",
         "/v1/organizations/usage_report/messages", "/v1/organizations/cost_report")

def test_openai():
    call("openai", "api.openai.com", "/v1/organization/usage/completions",
         "/v1/organization/costs")
"""
MESSAGES = """

def test_which_passes_by_itself():
    call("anthropic", "api.anthropic.com", "/v1/messages")
"""


def run_suite(folder: Path, tests: str, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    """Run a small suite with the recorder: its exit code, its output and the report."""
    (folder / "inner").mkdir()
    (folder / "inner" / "test_inner.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = inner\n")
    plugin = ["-p", "tests.support.endpoint_recorder", "-p", "no:cacheprovider"]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "--endpoint-report=seen.json", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    report: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return finished.returncode, finished.stdout + finished.stderr, report


def test_a_run_that_calls_the_five_and_no_other_passes(tmp_path: Path) -> None:
    code, output, report = run_suite(tmp_path, CALLS)
    assert code == 0, output
    assert "5 calls, 5 of 5 promised endpoints, none outside" in output
    assert report["faults"] == []
    assert len(report["calls"]) == 5


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_one_call_outside_the_list_fails_the_whole_run(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    code, output, report = run_suite(tmp_path, CALLS + MESSAGES, *workers)
    assert code == 1, output
    assert "3 passed" in output
    (fault,) = report["faults"]
    assert "GET https://api.anthropic.com/v1/messages" in fault
    assert "test_which_passes_by_itself" in fault
    assert fault in output


def test_a_promised_endpoint_that_the_whole_suite_never_calls_fails_it(tmp_path: Path) -> None:
    only_anthropic = CALLS.partition("def test_openai")[0]
    code, output, report = run_suite(tmp_path, only_anthropic)
    assert code == 1, output
    assert len(report["faults"]) == 2
    assert all("api.openai.com" in fault for fault in report["faults"])


def test_a_run_of_some_tests_need_not_call_all_five(tmp_path: Path) -> None:
    code, output, _ = run_suite(tmp_path, CALLS, "-k", "anthropic")
    assert code == 0, output


# --- who opens and who shows a key ----------------------------------------------------------------


def mentions(wanted: str) -> Iterator[tuple[str, str]]:
    """Every mention of an attribute: where it stands, and the text it is taken from."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == wanted:
                yield path.relative_to(PACKAGE).as_posix(), ast.unparse(node.value)


#: Where states, codes, tokens and client secrets of identity providers are shown to the provider or
#: digested. No vendor key gets there: none of these imports anything that holds one.
_OF_IDENTITIES = {
    "oidc/client.py",
    "oidc/http.py",
    "oidc/id_tokens.py",
    "services/identities/sign_in_attempts.py",
}


@pytest.mark.promise("TO-004", "TO-016")
def test_what_serves_identities_knows_nothing_that_holds_a_vendor_key() -> None:
    for place in _OF_IDENTITIES:
        text = (PACKAGE / place).read_text(encoding="utf-8")
        # How answers are read and calls are bounded is common to both; clients and keys are not.
        for layer in (
            "providers.vendors",
            "providers.registry",
            "providers.gateway",
            "models.sources",
        ):
            assert f"flask_tokenoffset.{layer}" not in text, place
        for service in ("sources.credentials", "sampling"):
            assert f"services.{service}" not in text, place


@pytest.mark.promise("TO-004", "TO-016")
def test_only_the_module_that_sets_its_header_reveals_a_key() -> None:
    # vault/secret.py is the type itself: it turns a key to bytes for the cipher, and keeps six
    # characters of it.
    revealing = {place for place, _ in mentions("reveal")}
    # services/exports/parts.py seals the pieces of a person's own archive and opens no others.
    ours = {"providers/key_header.py", "vault/secret.py", "services/exports/parts.py"}
    assert revealing - _OF_IDENTITIES == ours
    assert {place for place, _ in mentions("_value")} <= {"vault/secret.py"}


@pytest.mark.promise("TO-004", "TO-016")
def test_only_the_sample_run_opens_the_vault() -> None:
    opens = [(place, owner) for place, owner in mentions("open") if "vault" in owner.lower()]
    # Tokens of identity providers and pieces of archives are sealed for rows of other tables, so no
    # key opens there.
    assert opens == [
        ("services/exports/parts.py", "vault"),
        ("services/identities/refresh_tokens.py", "vault"),
        ("services/sampling/runs.py", "vault"),
    ]
    # A key as bytes is for the vault alone.
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").endswith("secret")
        and {each.name for each in node.names} & {"encode", "decode"}
    }
    assert importers == {"vault/vault.py"}


@pytest.mark.promise("TO-004", "TO-016")
def test_no_page_and_no_operation_opens_a_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    working = False
    real_open = Vault.open

    def spy(vault: Vault, sealed: Any, context: SecretContext) -> Any:
        # Anyone who fetches the archive of their own data has its pieces opened, and no key.
        if context.table != ExportPart.__tablename__:
            opened.append("worker" if working else "route")
        return real_open(vault, sealed, context)

    monkeypatch.setattr(Vault, "open", spy)
    real_work = world.work

    def work() -> None:
        nonlocal working
        working = True
        real_work()
        working = False

    monkeypatch.setattr(world, "work", work)
    with answers_of(world.app) as answers:
        for provider, key in KEYS.items():
            walk_pages(world, world.browser(f"{provider} on pages"), provider, (key, key))
            walk_api(world, world.browser(f"{provider} by API"), provider, (key, key))
        meet_the_rest(world, answers.routes)
    assert answers.routes >= routes_of(world.app)
    # Two vendors, two ways in, two places, three samples each, and four where the rest is met; a
    # spy that sees nothing would prove nothing.
    assert opened == ["worker"] * 28
