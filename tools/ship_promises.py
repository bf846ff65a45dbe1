#!/usr/bin/env python3
"""Writes the sentences of docs/promises.yaml into the package, which has no YAML reader.

python tools/ship_promises.py
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
LEDGER = ROOT / "docs" / "promises.yaml"
PACKAGED = ROOT / "flask_tokenoffset" / "data_map" / "promises.json"


def main() -> None:
    """Write the file."""
    rows = yaml.safe_load(LEDGER.read_text(encoding="utf-8"))
    sentences = {row["id"]: row["promise"] for row in rows}
    text = json.dumps(sentences, ensure_ascii=False, indent=1)
    PACKAGED.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
