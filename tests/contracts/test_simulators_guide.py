"""The how-to for partners works as written, and the simulators stand on their own."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import flask_tokenoffset.testing
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.testing import AnthropicSimulator, OpenAISimulator
from flask_tokenoffset.testing.simulators import faults

pytest_plugins = ["flask_tokenoffset.testing.pytest_plugin"]

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "test-with-simulators.md").read_text()
CODE_BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guides_own_test_suite_passes(tmp_path: Path) -> None:
    files = {
        match.group(1): block
        for block in CODE_BLOCKS
        if (match := re.match(r"# (\w+\.py)\n", block))
    }
    assert set(files) == {"conftest.py", "test_vendors.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert "3 passed" in finished.stdout, finished.stdout + finished.stderr


def test_the_fixtures_fit_the_setting_the_guide_names(
    vendor_transports: dict[str, object],
    anthropic_simulator: AnthropicSimulator,
    openai_simulator: OpenAISimulator,
) -> None:
    assert 'app.config["TOKENOFFSET_HTTP_TRANSPORTS"] = vendor_transports\n' in CODE_BLOCKS
    settings = Settings.from_config(
        {
            "TOKENOFFSET_KEYS": "2026-11:" + "A" * 43 + "=",
            "TOKENOFFSET_HTTP_TRANSPORTS": vendor_transports,
            "TOKENOFFSET_EMBEDDED_QUEUE": True,
        }
    )

    assert set(settings.http_transports) == {anthropic_simulator.name, openai_simulator.name}


def test_the_guide_lists_every_option_there_is() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))
    offered = set(inspect.signature(OpenAISimulator).parameters)

    assert listed == offered - {"organization", "keys"}
    assert set(inspect.signature(AnthropicSimulator).parameters) < offered


@pytest.mark.parametrize("name", sorted(set(re.findall(r"faults\.(\w+)\(", GUIDE))))
def test_the_guide_names_only_faults_that_exist(name: str) -> None:
    assert hasattr(faults, name) or hasattr(flask_tokenoffset.testing.Faults, name)


@pytest.mark.parametrize("name", flask_tokenoffset.testing.__all__)
def test_public_names_exist_and_are_told(name: str) -> None:
    thing = getattr(flask_tokenoffset.testing, name)

    assert thing is not None
    if inspect.isclass(thing) or inspect.ismodule(thing):
        assert thing.__doc__


def test_simulators_import_nothing_else_of_ours() -> None:
    folder = Path(flask_tokenoffset.testing.__file__).parent
    suites = {*(folder / "key_store").glob("*.py"), folder / "provider.py"}
    modules = [path for path in folder.rglob("*.py") if path not in suites]
    assert len(modules) > 10

    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                assert _is_foreign_or_a_simulator(node.module or ""), path
            if isinstance(node, ast.Import):
                assert all(_is_foreign_or_a_simulator(each.name) for each in node.names), path


def _is_foreign_or_a_simulator(module: str) -> bool:
    package = "flask_tokenoffset"
    return not module.startswith(package) or module.startswith(f"{package}.testing")
