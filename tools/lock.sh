#!/bin/sh
# Writes requirements/*.txt anew: the newest releases that pyproject.toml allows, with their hashes.
#
#   sh tools/lock.sh PYTHON        PYTHON=/path/to/python3 of at least 3.11
#
# One set serves Python 3.11 and newer on every platform, by markers. Whatever index the machine is
# set up with is asked, and none is named in the files. Called by `make lock`. uv does it, from PATH
# or from an environment of its own.
set -eu

python=$1
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv=.venv-lock/bin/uv
    if ! [ -x "$uv" ]; then
        "$python" -m venv .venv-lock
        .venv-lock/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
    fi
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The build backend is locked too, so that the package itself is built without asking an index.
"$python" - >"$scratch/build.in" <<'END'
import tomllib
from pathlib import Path

print("\n".join(tomllib.loads(Path("pyproject.toml").read_text())["build-system"]["requires"]))
END

compile() { # NAME OPTIONS...
    name=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --upgrade \
        "$@" pyproject.toml "$scratch/build.in" >"$scratch/$name.txt"
    {
        printf '# Written by `make lock`; do not edit. See CONTRIBUTING.md.\n'
        cat "$scratch/$name.txt"
    } >"requirements/$name.txt"
}

compile dev --extra postgres --extra test --extra lint --extra demo
compile browser --extra browser --constraint requirements/dev.txt
compile bench --extra bench --constraint requirements/dev.txt

# The lowest version of what the package itself names, the newest of what the tests bring along.
"$uv" pip compile --quiet --universal --python-version 3.11 --resolution lowest-direct --no-header \
    --no-annotate --extra postgres pyproject.toml \
    >"$scratch/floor.txt"
compile lowest --extra postgres --extra test --constraint "$scratch/floor.txt"
