"""The sentences of the promise ledger, so that a report can say what a number stands for."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def promises() -> Mapping[str, str]:
    """Each promise by its number, in the order of ``docs/promises.yaml``.

    A test compares the two; ``python tools/ship_promises.py`` writes the packaged file anew.
    """
    packaged = files("flask_tokenoffset.data_map") / "promises.json"
    return cast("Mapping[str, str]", json.loads(packaged.read_text(encoding="utf-8")))
