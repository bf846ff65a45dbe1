"""The guide "Add a vendor" works as written: its package is installed, enabled and sampled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any, Final

import pytest

from flask_tokenoffset.testing.provider import provider_cases
from tests.support.project_files import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GUIDE: Final = (ROOT / "docs" / "how-to" / "add-a-vendor.md").read_text(encoding="utf-8")
FILES: Final = {
    match.group(1): block
    for block in re.findall(r"```(?:python|toml)\n(.*?)```", GUIDE, re.DOTALL)
    if (match := re.match(r"# ([\w.]+)\n", block))
}

# Runs in a process of its own: the calls to the invented vendor are none that we promise.
END_TO_END: Final = """
import pytest

from flask_tokenoffset.providers import PROVIDERS
from test_acme_tokens import KEY, AcmeHarness
from tests.support.world import make_world


@pytest.fixture
def world(make_world):
    transports = {"acme": AcmeHarness().transport()}
    return make_world(
        TOKENOFFSET_PROVIDERS=["openai", "acme"], TOKENOFFSET_HTTP_TRANSPORTS=transports
    )


def connect(world):
    answer = world.ada.api("POST", "/sources", {"provider": "acme", "key": KEY})
    assert answer.status_code in (201, 202), answer.text
    return answer.get_json()


def test_the_vendor_is_connected_sampled_and_estimated(world):
    assert "acme" not in PROVIDERS
    connect(world)
    world.work()

    (source,) = world.ada.api("GET", "/sources").get_json()["items"]
    assert source["label"] == "Acme AI"
    assert source["newest_run"]["status"] == "complete", source
    usage = world.ada.api("GET", f"/sources/{source['id']}/usage").get_json()["items"]
    assert len(usage) == len({each["day"] for each in usage}) == 90
    for day in usage:
        assert day["uncached_input_tokens"] == 8000
        assert day["cached_input_tokens"] == 1000
        assert day["cache_creation_tokens"] == 0
        assert day["output_tokens"] == 500
        assert float(day["cost_usd"]) == 0.0125
    body = {"kind": "sampled", "source_id": source["id"]}
    answer = world.ada.api("POST", "/estimates", body)
    assert answer.status_code in (200, 201), answer.text
    assert answer.get_json()["source_id"] == source["id"]


def test_pages_say_what_its_module_says(world):
    page = world.ada.page("/connections")
    assert "GET https://api.acme-ai.example/v1/usage" in page.text
    assert "api.anthropic.com" not in page.text
    assert "https://console.acme-ai.example/keys" in world.ada.page("/sources/connect/acme").text


def test_a_key_of_another_kind_is_explained_by_the_module(world):
    body = {"provider": "acme", "key": "acme-chat-0123456789abcdef"}
    answer = world.ada.api("POST", "/sources", body)
    assert answer.status_code == 422, answer.text
    assert "cannot read reports" in answer.text


def test_what_was_read_stays_when_the_package_is_gone(make_world, tmp_path):
    address = f"sqlite:///{tmp_path / 'kept.sqlite'}"
    first = make_world(
        address,
        TOKENOFFSET_PROVIDERS=["acme"],
        TOKENOFFSET_HTTP_TRANSPORTS={"acme": AcmeHarness().transport()},
    )
    connect(first)
    first.work()
    (source,) = first.ada.api("GET", "/sources").get_json()["items"]

    second = make_world(address, TOKENOFFSET_KEYS=first.app.config["TOKENOFFSET_KEYS"])
    here = f"/sources/{source['id']}"
    for path in ("/", "/sources", here, f"{here}/key", f"{here}/disconnect"):
        assert "acme" in second.ada.page(path).text, path
    answer = second.ada.api("PUT", f"{here}/key", {"key": KEY})
    assert answer.status_code == 422, answer.text
    assert second.ada.api("DELETE", here).status_code in (200, 204)
    assert "disconnected" in second.ada.page(here).text
"""


def run_tests(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder on the path with the guide's package in it, as an installer would leave it."""
    project: dict[str, Any] = tomllib.loads(FILES["pyproject.toml"])["project"]
    for name in ("acme_tokens.py", "test_acme_tokens.py"):
        (tmp_path / name).write_text(FILES[name])
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in project["entry-points"].items()
        )
    )
    return tmp_path


def test_the_guides_module_passes_the_conformance_suite(installed: Path) -> None:
    finished = run_tests(installed, "test_acme_tokens.py")
    assert f"{len(provider_cases())} passed" in finished.stdout, finished.stdout + finished.stderr


def test_the_guides_vendor_is_sampled_from_end_to_end(installed: Path) -> None:
    (installed / "test_end_to_end.py").write_text(END_TO_END)
    finished = run_tests(installed, "test_end_to_end.py")
    assert "4 passed" in finished.stdout, finished.stdout + finished.stderr
