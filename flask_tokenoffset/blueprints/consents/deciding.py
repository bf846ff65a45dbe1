"""What the pages and the operations on consents both do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access import gpc
from flask_tokenoffset.blueprints.access.changing import changing
from flask_tokenoffset.blueprints.access.context import current_user, nothing_here, own_person
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.services.consents import ledger as consents
from flask_tokenoffset.services.consents import reading as consent_reading
from flask_tokenoffset.services.consents.ledger import Circumstances, Decision
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.models import ConsentMethod
    from flask_tokenoffset.services.consents.reading import Entry, Receipt, Standing


def standings() -> list[Standing]:
    """Where every purpose stands for the current user."""
    state = current_state()
    return consent_reading.list_standings(
        state.session,
        _own_ledger(),
        settings=state.settings,
        now=state.clock.now(),
        signal=gpc.sends_signal(),
    )


def entries(before_sequence: int | None, limit: int) -> list[Entry]:
    """A page of one's own ledger, newest first."""
    account_id = _own_ledger()
    if account_id is None:
        return []
    return consent_reading.list_entries(
        current_state().session, account_id, before_sequence=before_sequence, limit=limit
    )


def receipt(event_id: UUID) -> Receipt:
    """The receipt of one's own event.

    :raises NotFound: it is not theirs, or there is none.
    """
    state, account_id = current_state(), own_person().account_id
    return consent_reading.read_receipt(state.session, account_id, event_id, state.clock.now())


def purpose_of(word: str) -> Purpose:
    """The purpose that a path names.

    :raises NotFound: there is none.
    """
    try:
        return Purpose(word)
    except ValueError:
        raise nothing_here() from None


def decide(purpose: Purpose, decision: Decision, *, place: str, method: ConsentMethod) -> UUID:
    """Record what the current user decides about a purpose.

    :param place: where they say it.
    :param method: how they say it.
    :return: the id of the event that counts from now on.
    :raises Conflict: that cannot be said to it at the moment.
    """
    state = current_state()
    how = Circumstances(
        now=state.clock.now(),
        place=place,
        method=method,
        settings=state.settings,
        signal=gpc.sends_signal(),
    )
    with changing() as (work, person, _):
        return consents.decide(work, person, purpose, decision, how).id


def _own_ledger() -> UUID | None:
    person = current_user().person
    return None if person is None else person.account_id
