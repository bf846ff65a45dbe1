"""The task of a sample run."""

from __future__ import annotations

from uuid import UUID

from flask_tokenoffset.services.sampling.runs import run_sample
from flask_tokenoffset.state import current_state


def sample(run_id: str) -> None:
    """Work on one sample run. Called any number of times, it is done once.

    :param run_id: the id of a :class:`~flask_tokenoffset.models.SampleRun`.
    """
    state = current_state()
    run_sample(
        state.unit_of_work,
        run_id=UUID(run_id),
        gateway=state.gateway,
        vault=state.vault,
        clock=state.clock,
        settings=state.settings,
    )
