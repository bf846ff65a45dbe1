#!/usr/bin/env python3
"""Says which promises of the ledger the tests keep.

    pytest --promise-report build/promises.json
    python tools/promises.py --report build/promises.json

A row is *kept* when tests carry its mark and all of them passed, *broken* when one of them failed,
and *not yet* kept otherwise: no test carries its mark, or one that does was skipped. The exit
status is 1 when a row is broken, a mark names a row that is not in the ledger, a required row is
not kept, or the ledger differs from the one it is compared with; and 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

LEDGER = Path(__file__).parent.parent / "docs" / "promises.yaml"
ID = re.compile(r"[A-Z]{2}-\d{3}")


@dataclass
class Row:
    """One promise and the outcomes of the tests that carry its mark."""

    id: str
    proof: str
    promise: str
    outcomes: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """``kept``, ``broken`` or ``not yet``."""
        if "failed" in self.outcomes:
            return "broken"
        if self.outcomes and set(self.outcomes) == {"passed"}:
            return "kept"
        return "not yet"

    def __str__(self) -> str:
        """The row as it is printed."""
        tests = f"{len(self.outcomes)} test{'' if len(self.outcomes) == 1 else 's'}"
        return f"{self.id}  {self.state:<8} {self.proof:<10} {tests:>9}  {_shorten(self.promise)}"


def _shorten(text: str, width: int = 90) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def read_ledger(path: Path) -> dict[str, Row]:
    """The rows of a ledger by id, in its own order.

    :raises ValueError: when an id is malformed or stands there twice.
    """
    rows: dict[str, Row] = {}
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
        row = Row(entry["id"], entry["proof"], entry["promise"])
        if not ID.fullmatch(row.id) or row.id in rows:
            raise ValueError(f"{path}: {row.id} is malformed or stands there twice.")
        rows[row.id] = row
    return rows


def add_outcomes(rows: dict[str, Row], report: Path) -> list[str]:
    """Give every row the outcomes that a report holds for it; returns what is wrong with marks."""
    faults = []
    for test in json.loads(report.read_text(encoding="utf-8"))["tests"]:
        for promise in test["promises"]:
            if promise in rows:
                rows[promise].outcomes.append(test["outcome"])
            else:
                faults.append(f"{test['test']} is marked with {promise}, which is not a row.")
    return faults


def read_required(text: str) -> list[str]:
    """The ids in a list such as ``TO-003..TO-008, TO-038``; ``#`` begins a comment.

    :raises ValueError: when something else than ids and ranges of one system stands there.
    """
    required: list[str] = []
    for word in re.split(r"[\s,]+", re.sub(r"#.*", "", text)):
        first, _, last = word.partition("..")
        if not word:
            continue
        if not ID.fullmatch(first) or (last and not ID.fullmatch(last)) or last[:2] not in first:
            raise ValueError(f"{word!r} is neither an id of a promise nor a range of ids.")
        numbers = range(int(first[3:]), int((last or first)[3:]) + 1)
        required += [f"{first[:3]}{number:03}" for number in numbers]
    return required


def find_faults(rows: dict[str, Row], required: list[str]) -> list[str]:
    """What keeps the promises from being kept."""
    faults = [
        f"{row.id} is broken: {row.promise}" for row in rows.values() if row.state == "broken"
    ]
    for promise in required:
        if promise not in rows:
            faults.append(f"{promise} is required, and is not a row of the ledger.")
        elif rows[promise].state == "not yet":
            faults.append(f"{promise} is required, and is not kept: {rows[promise].promise}")
    return faults


def compare(rows: dict[str, Row], other: dict[str, Row]) -> list[str]:
    """Where two ledgers differ."""
    return [
        f"{promise} is not the same in the two ledgers."
        for promise in sorted(rows.keys() | other.keys())
        if (rows.get(promise) is None)
        or (other.get(promise) is None)
        or (rows[promise].promise, rows[promise].proof)
        != (other[promise].promise, other[promise].proof)
    ]


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Say which promises of the ledger the tests keep.")
    parser.add_argument("--report", type=Path, action="append", required=True, metavar="PATH")
    parser.add_argument("--ledger", type=Path, default=LEDGER, metavar="PATH")
    parser.add_argument("--require", default="", metavar="IDS", help="rows that have to be kept")
    parser.add_argument("--require-file", type=Path, metavar="PATH", help="a list of such rows")
    parser.add_argument("--same-as", type=Path, metavar="PATH", help="a ledger to compare with")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Print every row, then what is wrong, then the count."""
    options = _parse_arguments(arguments)
    rows = read_ledger(options.ledger)
    faults = [fault for report in options.report for fault in add_outcomes(rows, report)]
    required = read_required(options.require)
    if options.require_file:
        required += read_required(options.require_file.read_text(encoding="utf-8"))
    faults += find_faults(rows, required)
    if options.same_as:
        faults += compare(rows, read_ledger(options.same_as))

    states = [row.state for row in rows.values()]
    lines = [str(row) for row in rows.values()]
    lines += ["", *faults, *([""] if faults else [])]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("kept", "broken", "not yet"))
    lines.append(f"{len(rows)} promises: {counts}. Required: {len(set(required))}.")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
