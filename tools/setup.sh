#!/bin/sh
# Makes the virtual environment and installs into it a set of packages and the package itself.
#
#   sh tools/setup.sh VENV SET
#
# A set is a file requirements/SET.txt, installed by hash; `latest` is the newest that the index has
# of what the tests need.
#
# Called by the Makefile. PYTHON=/path/to/python chooses the interpreter; otherwise the first
# one of at least Python 3.11 is taken. uv is used when it is on PATH, and pip otherwise.
set -eu

venv=$1
set_name=$2

say() { printf '%s\n' "$*" >&2; }

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# 3.12 and 3.11 come first because a Redis server can be installed from a wheel for them, so that
# the tests need nothing else from the machine.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || {
            say "PYTHON=$PYTHON is not a Python of version 3.11 or newer."
            exit 1
        }
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3.12 python3.11 python3.13 python3.14 python3 python; do
        if is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer was not found on PATH, and flask-tokenoffset needs it."
    say "Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python."
    say "If it stands somewhere else: make setup PYTHON=/path/to/python3"
    exit 1
}

if ! [ -x "$venv/bin/python" ] || ! is_new_enough "$venv/bin/python"; then
    python=$(find_python)
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --python "$python" "$venv"
    else
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || {
            version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            say "$python cannot make virtual environments: its venv package is missing."
            say "Debian, Ubuntu: apt-get install python$version-venv (or python3-venv)."
            exit 1
        }
        "$python" -m venv --clear "$venv"
    fi
fi

install() {
    if command -v uv >/dev/null 2>&1; then
        uv pip install --quiet --python "$venv/bin/python" "$@"
    else
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    fi
}

if [ "$set_name" = latest ]; then
    install --upgrade --editable ".[postgres,test,demo]"
else
    install --require-hashes --requirement "requirements/$set_name.txt"
    # Its build backend came with the set.
    install --no-deps --no-build-isolation --editable .
fi
