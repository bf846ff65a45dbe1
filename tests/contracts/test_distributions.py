"""The wheel and the sdist hold what they should, and work where nothing else is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.support.project_files import ROOT, project_files

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

PACKAGE: Final = "flask_tokenoffset"
#: What an installation needs beside Python: at least one file of each kind.
KINDS: Final = {
    "the mark of typed packages": r"/py\.typed",
    "pages": r"/templates/tokenoffset/.+\.html",
    "styles": r"/static/.+\.css",
    "scripts": r"/static/.+\.js",
    "figures of the methodology": r"/methodology/data/.+",
    "the data map": r"/data_map/data/.+",
    "the promises": r"/data_map/promises\.json",
    "templates of legal texts": r"/document_templates/.+\.md",
    "migrations": r"/migrations/versions/\d{4}_\w+\.py",
    "Alembic's environment": r"/migrations/env\.py",
    "the template of a migration": r"/migrations/script\.py\.mako",
}
#: A host as small as it can be.
SMALLEST_HOST: Final = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_tokenoffset import TokenOffset
from flask_tokenoffset.vault import generate_key

app = Flask("host", instance_path="{folder}")
app.config.update(
    SECRET_KEY="of this check only",
    SQLALCHEMY_DATABASE_URI="sqlite:///host.sqlite",
    TOKENOFFSET_KEYS=generate_key("first"),
    TOKENOFFSET_EMBEDDED_QUEUE=True,
)
TokenOffset(app, db=SQLAlchemy(app), user_loader=lambda: None, url_prefix="/footprint")
"""
#: Asks it for a page, a style sheet and the API.
VISIT: Final = """
import sys
from pathlib import Path
import flask_tokenoffset
from host import app

assert Path(flask_tokenoffset.__file__).is_relative_to(sys.prefix), flask_tokenoffset.__file__
for path in ("methodology", "static/tokenoffset.css", "api/v1/bands", "api/v1/openapi.json"):
    answer = app.test_client().get(f"/footprint/{path}")
    assert answer.status_code == 200, (path, answer.status_code)
    answer.close()
"""


class Built(NamedTuple):
    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What ``make build`` builds: the sdist, and the wheel from it."""
    folder = tmp_path_factory.mktemp("dist")
    # From elsewhere, because the project's own folder of results is called build.
    run(
        *(sys.executable, "-m", "build", "--no-isolation"),
        *("--outdir", str(folder), str(ROOT)),
        cwd=folder,
    )
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel=wheel, sdist=sdist)


def run(*command: str, cwd: Path, **environment: str) -> str:
    """Run a command and return what it said."""
    outside = {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"}
    inherited = {name: value for name, value in os.environ.items() if name not in outside}
    result = subprocess.run(
        command,
        cwd=cwd,
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}"
    return result.stdout


def project() -> dict[str, object]:
    metadata: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return metadata


def files_of_wheel(wheel: Path) -> AbstractSet[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def files_of_sdist(sdist: Path) -> AbstractSet[str]:
    """Without the folder that an sdist consists of."""
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


# --- contents -------------------------------------------------------------------------------------


def test_the_wheel_holds_the_whole_package_and_nothing_else(built: Built) -> None:
    names = files_of_wheel(built.wheel)
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    ours = {name for name in project_files() if name.startswith(f"{PACKAGE}/")}
    assert names - metadata == ours


@pytest.mark.parametrize("pattern", KINDS.values(), ids=KINDS)
def test_the_wheel_holds_what_is_not_python(built: Built, pattern: str) -> None:
    names = files_of_wheel(built.wheel)
    assert [name for name in names if re.fullmatch(PACKAGE + pattern, name)]


def test_the_wheel_says_what_it_is(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        texts = {
            name.rpartition("/")[2]: archive.read(name).decode()
            for name in archive.namelist()
            if name.split("/")[0].endswith(".dist-info")
        }
    metadata = Parser().parsestr(texts["METADATA"])
    assert metadata["Name"] == project()["name"]
    assert metadata["Version"] == project()["version"]
    assert metadata["License-Expression"] == project()["license"]
    assert "# flask-tokenoffset" in metadata.get_payload()
    assert texts["LICENSE"] == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "[flask.commands]\ntokenoffset=flask_tokenoffset.cli:tokenoffset" in texts[
        "entry_points.txt"
    ].replace(" ", "")


def test_the_sdist_holds_every_file_of_the_project_and_nothing_else(built: Built) -> None:
    # PKG-INFO is made while building, and is there already where this runs from an sdist.
    assert files_of_sdist(built.sdist) - {"PKG-INFO"} == set(project_files()) - {"PKG-INFO"}


def test_the_newest_entry_of_the_changelog_is_of_this_version() -> None:
    changes = (ROOT / "CHANGES.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+) \((unreleased|\d{4}-\d\d-\d\d)\)$", changes, re.MULTILINE)
    number, when = headings[0]
    assert project()["version"] == number + (".dev0" if when == "unreleased" else "")
    assert "unreleased" not in dict(headings[1:]).values()


# --- installation: needs a package index, and takes minutes ---------------------------------------


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", Built._fields)
def test_it_installs_in_an_empty_environment_and_works_there(
    built: Built, kind: str, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", str(environment), cwd=tmp_path)
    bin_folder = environment / "bin"
    python, flask = str(bin_folder / "python"), str(bin_folder / "flask")
    run(python, "-m", "pip", "install", "--quiet", str(getattr(built, kind)), cwd=tmp_path)
    host = tmp_path / "host.py"
    host.write_text(SMALLEST_HOST.format(folder=tmp_path), encoding="utf-8")

    for command in ("upgrade", "check"):
        run(flask, "--app=host.py", "tokenoffset", "db", command, cwd=tmp_path)
    run(python, "-W", "error", "-c", VISIT, cwd=tmp_path)
    said = run(python, "-m", PACKAGE, "keys", "generate", cwd=tmp_path)

    assert re.search(r"^\S+:[A-Za-z0-9+/_-]{42,}=*$", said, re.MULTILINE)


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_the_walk_through_a_first_run_works_from_the_sdist(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("flask_tokenoffset-*")

    said = run("make", "demo-check", f"PYTHON={sys.executable}", cwd=unpacked)

    assert "Fernhill is ready" in said
