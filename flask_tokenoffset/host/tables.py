"""How our tables stand beside the host's: their prefix and their metadata.

Apart from the models, so that an application is set up without loading them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

#: Every table, index and version table of ours starts with this.
TABLE_PREFIX: Final = "tokenoffset_"

#: Of all our tables. The bind they live in is noted in its ``info``.
METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
