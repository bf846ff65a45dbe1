"""Fernhill's own legal texts: what ``flask tokenoffset documents publish --all`` does, for a demo.

The second version of the privacy policy is a material change that is still to come, so that there
is something to compare and something to announce.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.services.documents.files import read_folder
from flask_tokenoffset.services.documents.publishing import publish
from flask_tokenoffset.state import state_of
from flask_tokenoffset.tasks.documents import tell_of_document

if TYPE_CHECKING:
    from flask import Flask

FOLDER: Final = Path(__file__).parent / "legal"


def publish_texts(app: Flask) -> None:
    """Publish what is not published yet, and tell anyone who is here already of what changes."""
    state = state_of(app)
    for draft in read_folder(FOLDER):
        with state.unit_of_work() as work:
            version_id = publish(work, draft, state.clock.now()).version.id
        # At once instead of by a worker: ten thousand others come aboard right after this.
        tell_of_document(str(version_id))
