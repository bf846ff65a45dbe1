"""The data map: everything that is held, of whom, why, for how long, and what becomes of it.

It is written in ``data/*.toml``, a file for each feature, and is the one place where that is said:
the page “what we hold”, an archive of everything held about a person and the erasure of an account
all read it. A column, a key in Redis or a job's argument that has no entry fails a test.
"""

from __future__ import annotations

from flask_tokenoffset.data_map.loading import MapError, load, packaged_texts, read
from flask_tokenoffset.data_map.shapes import Category, Column, DataMap, Elsewhere, FoundBy, Table

__all__ = [
    "Category",
    "Column",
    "DataMap",
    "Elsewhere",
    "FoundBy",
    "MapError",
    "Table",
    "load",
    "packaged_texts",
    "read",
]
