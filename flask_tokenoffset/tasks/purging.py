"""The task of the purge: each batch in a transaction of its own, rule after rule."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.services.retention import purge
from flask_tokenoffset.services.shared import request_log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask_tokenoffset.state import State

logger = logging.getLogger(__name__)

#: Batches of one rule in one scheduler run; the next goes on.
MOST_BATCHES: Final = 200


def purge_what_is_due(state: State) -> dict[str, int]:
    """Take what is due of every rule: those that were not looked at today, and short ones.

    :return: rule to how many rows, or files, went; rules of which none did are left out.
    :raises RuntimeError: some rules failed; the log says why, and the others were taken.
    """
    with state.unit_of_work() as work:
        due = purge.due_rules(work.session, state.clock.now(), state.settings)
    purged = _purge(state, due, most_batches=MOST_BATCHES, anew=False)
    files = delete_old_request_logs(state)
    return {**purged, **({"request-log": files} if files else {})}


def purge_now(state: State, rules: Iterable[str]) -> dict[str, int]:
    """Take rules until nothing of them is left, whenever they were looked at before.

    :param rules: their names.
    :return: as of :func:`purge_what_is_due`.
    """
    return _purge(state, rules, most_batches=None, anew=True)


def delete_old_request_logs(state: State) -> int:
    """Delete the files of the log of requests that are old enough; gives how many."""
    settings = state.settings
    if settings.request_log is None:
        return 0
    return request_log.delete_old_files(
        Path(settings.request_log), state.clock.now(), settings.request_log_days
    )


def _purge(
    state: State, rules: Iterable[str], *, most_batches: int | None, anew: bool
) -> dict[str, int]:
    purged: dict[str, int] = {}
    failed: list[str] = []
    for rule in rules:
        try:
            rows = _purge_rule(state, rule, most_batches=most_batches, anew=anew)
        except Exception:
            logger.exception("The purge of %s failed; the next tick goes on with it.", rule)
            failed.append(rule)
            continue
        if rows:
            purged[rule] = rows
    if failed:
        raise RuntimeError(f"The purge could not be finished for {', '.join(failed)}.")
    return purged


def _purge_rule(state: State, rule: str, *, most_batches: int | None, anew: bool) -> int:
    rows = batches = 0
    while most_batches is None or batches < most_batches:
        with state.unit_of_work() as work:
            purged = purge.purge_batch(
                work, rule, state.clock.now(), state.settings, anew=anew and batches == 0
            )
        rows += purged.rows
        batches += 1
        if purged.finished:
            break
    return rows
