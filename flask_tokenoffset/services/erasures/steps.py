"""The steps of an erasure. Each is one transaction, and done twice it changes nothing more.

What is deleted and what is emptied is said by the data map; see :mod:`.personal_rows`. The first
step takes the host's key out of the person's row, so that a user who comes with it from then on is
a new person, and nobody adds anything to an account that is being erased.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import select, update

from flask_tokenoffset import signals
from flask_tokenoffset.data_map import load
from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.models import (
    Account,
    AuditAction,
    Erasure,
    ErasureStatus,
    HostOutcome,
    MessageKind,
    Person,
    RightsRequest,
    RightsRequestKind,
    RightsRequestStatus,
)
from flask_tokenoffset.services.data_map.personal_rows import (
    Owner,
    addresses_of,
    count_rows,
    delete_rows,
    deleted_tables,
    empty_rows,
    empty_value,
    kept_by_hold,
    table_of,
)
from flask_tokenoffset.services.erasures import tombstones
from flask_tokenoffset.services.erasures.invitations import forget_invitations
from flask_tokenoffset.services.erasures.owned_organizations import (
    hand_on_everything,
    lock_organizations_of,
)
from flask_tokenoffset.services.erasures.receipts import write_receipt
from flask_tokenoffset.services.identities.links import take_all_tokens
from flask_tokenoffset.services.mail.outbox import queue_message
from flask_tokenoffset.services.organizations.members import leave_everything
from flask_tokenoffset.services.retention.retained_records import retain_records
from flask_tokenoffset.services.rights_requests import requests as rights_requests
from flask_tokenoffset.services.sampling.aggregates import fold_account
from flask_tokenoffset.services.sources.cancelling import stop_sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from flask_tokenoffset.clock import Clock
    from flask_tokenoffset.services.erasures.tombstones import TombstoneKeys
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import Secret, Vault

#: What opens something: it goes with the first step.
_OPENING: Final = frozenset({"credential", "identity_credential", "fresh_proof"})
#: The feature of the map under which sampled usage stands.
_USAGE: Final = "usage"


class Step(StrEnum):
    """What is done, in this order. The words stand in rows of erasures under way."""

    SIGNED_OUT = "signed-out"
    ORGANIZATIONS_LEFT = "organizations-left"
    USAGE_FOLDED = "usage-folded"
    RECORDS_RETAINED = "remains-kept"
    ROWS_DELETED = "rows-deleted"
    EMPTIED = "emptied"


#: What stands in the row of an erasure that is done but for what a legal hold keeps.
HELD: Final = "held"
#: How often it is looked whether the hold is over.
LOOK_AGAIN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an erasure needs beside the database.

    :param clock: the application's.
    :param vault: opens the refresh tokens of linked identities.
    :param give_back: has an identity provider, by its name, void a refresh token; called after a
        commit.
    :param link_key: the application's key for links.
    :param tombstone_keys: make the mark that is left.
    :param proof_years: TOKENOFFSET_PROOF_YEARS.
    :param has_hook: whether the host has something to call afterwards.
    """

    clock: Clock
    vault: Vault
    give_back: Callable[[str, Secret | None], object]
    link_key: bytes = field(repr=False)
    tombstone_keys: TombstoneKeys = field(repr=False)
    proof_years: int
    has_hook: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """One step under way, with everything it works on locked.

    :param now: the present instant, aware.
    :param asks_host: whether the host is to be called afterwards.
    :param tells: whether the person is sent a last message.
    :param erased_at: when they were erased; now, but in a replay after a restore.
    """

    work: UnitOfWork
    erasure: Erasure
    person: Person
    means: Means
    now: datetime
    asks_host: bool
    tells: bool
    erased_at: datetime

    @property
    def owner(self) -> Owner:
        """Whose rows go."""
        return Owner(
            person_id=self.person.id,
            account_id=self.person.account_id,
            addresses=addresses_of(self.work.session, self.person),
        )

    def count(self, deleted: Mapping[str, int]) -> None:
        """Add to what the receipt will say."""
        tally = dict(self.erasure.receipt or {})
        for name, rows in deleted.items():
            tally[name] = tally.get(name, 0) + rows
        self.erasure.receipt = tally


def take(step: Step, erasing: Erasing) -> None:
    """Take one step. The caller commits.

    :param step: the one after the last that was finished.
    :param erasing: what it works on.
    """
    # Nothing is noted of where the request came from that did this in one go.
    erasing.work.leave_no_origin()
    erasing.erasure.step = step
    STEPS[step](erasing)
    erasing.work.session.flush()


def step_after(done: str | None) -> Step | None:
    """The next step.

    :param done: the last one that was finished, if any was.
    :return: ``None`` after the last.
    """
    if done == HELD:
        return None
    steps = list(Step)
    following = 0 if done is None else steps.index(Step(done)) + 1
    return steps[following] if following < len(steps) else None


def _sign_out(erasing: Erasing) -> None:
    """Nobody can be them any more, and what opens something is gone."""
    session, person, means = erasing.work.session, erasing.person, erasing.means
    user_key = person.user_key
    tombstones.put_up(session, user_key, keys=means.tombstone_keys, erased_at=erasing.erased_at)
    by_key = Owner(person_id=person.id, account_id=person.account_id, user_key=user_key)
    erasing.count(delete_rows(session, ["idempotency_record"], by_key, {}))
    stop_sampling(session, person.account_id, erasing.now)
    for taken in take_all_tokens(session, person.id, vault=means.vault):
        erasing.work.after_commit(partial(means.give_back, taken.provider, taken.token))
    owner = erasing.owner
    kept = kept_by_hold(session, owner, erasing.now)
    opening = [name for name in deleted_tables() if name in _OPENING]
    erasing.count(delete_rows(session, opening, owner, kept))
    session.execute(
        update(Erasure)
        .where(Erasure.person_id == person.id, Erasure.id != erasing.erasure.id)
        .values(user_key=None)
        .execution_options(synchronize_session="fetch")
    )
    erasing.erasure.user_key = user_key if erasing.asks_host else None
    person.user_key = f"forgotten:{uuid4()}"
    person.login_epoch += 1


def _leave_organizations(erasing: Erasing) -> None:
    """End memberships and cancel invitations; what organizations recorded stays theirs."""
    work, person, now = erasing.work, erasing.person, erasing.now
    session = work.session
    owner = erasing.owner
    lock_organizations_of(session, person)
    hand_on_everything(work, person, clock=erasing.means.clock, now=now)
    erasing.count(count_rows(session, ["membership"], owner))
    leave_everything(work, person=person, now=now)
    erasing.count(forget_invitations(work, person, owner.addresses, now))
    # What was just written to them about it says nothing that the last message does not.
    kept = kept_by_hold(session, owner, now)
    erasing.count(delete_rows(session, ["outbound_message"], owner, kept))


def _fold_usage(erasing: Erasing) -> None:
    """Fold what was read of their usage into sums that name nobody, and delete it."""
    session, owner = erasing.work.session, erasing.owner
    tables = [each.name for each in load().of_feature(_USAGE) if each.about == "person"]
    if kept_by_hold(session, owner, erasing.now).keys() & {*tables, "source", "connection"}:
        return  # What is held is not touched; the rest goes with the other rows.
    before = count_rows(session, tables, owner)
    fold_account(erasing.work, owner.account_id, erasing.now)
    after = count_rows(session, tables, owner)
    gone = {name: rows - after[name] for name, rows in before.items()}
    erasing.count({name: rows for name, rows in gone.items() if rows})


def _retain_records(erasing: Erasing) -> None:
    retain_records(
        erasing.work.session,
        erasing.person.account_id,
        erased_at=erasing.erased_at,
        now=erasing.now,
        proof_years=erasing.means.proof_years,
    )


def _delete_rows(erasing: Erasing) -> None:
    sweep(erasing)


def release(erasing: Erasing) -> bool:
    """Delete what a legal hold kept, as far as it does so no more.

    :param erasing: an erasure that is done but for that.
    :return: whether nothing is held any more.
    """
    sweep(erasing)
    kept = kept_by_hold(erasing.work.session, erasing.owner, erasing.now)
    if "person" not in kept:
        empty_person(erasing.person)
    erasing.erasure.step = HELD if kept else Step.EMPTIED
    erasing.erasure.next_attempt_at = erasing.now + LOOK_AGAIN
    erasing.work.session.flush()
    return not kept


@enforces("an-erasure-deletes-every-row", "TO-049", "TG-011", "TS-011", "TB-005", off=None)
def sweep(erasing: Erasing) -> None:
    """Delete and empty whatever the data map says, but for what a legal hold keeps.

    :param erasing: the step under way.
    """
    session, owner = erasing.work.session, erasing.owner
    # Adding a row to an account needs its key: from here on nobody adds one until the commit.
    session.execute(select(Account.id).where(Account.id == owner.account_id).with_for_update())
    kept = kept_by_hold(session, owner, erasing.now)
    gone = delete_rows(session, deleted_tables(), owner, kept)
    gone |= empty_rows(session, owner, kept)
    if erasing.erasure.finished_at is None:  # Afterwards the receipt stands there.
        erasing.count(gone)


def _empty(erasing: Erasing) -> None:
    """Take out what is left of the person, and write the receipt."""
    work, erasure, person = erasing.work, erasing.erasure, erasing.person
    session, now = work.session, erasing.now
    address = person.email if person.email_verified_at is not None else None
    _close_request(erasing)
    # Whatever came while the other steps were taken.
    sweep(erasing)
    kept = kept_by_hold(session, erasing.owner, now)
    if "person" not in kept:
        empty_person(person)
        erasing.count({"person": 1})
    person.restricted_at = person.deletion_due_at = None
    person.forgotten_at = erasing.erased_at
    erasure.status = ErasureStatus.DONE
    erasure.finished_at = now
    asks = erasing.asks_host and erasure.user_key is not None
    erasure.host_outcome = HostOutcome.PENDING if asks else HostOutcome.NOT_ASKED
    erasure.host_next_attempt_at = now if asks else None
    if kept:
        erasure.step = HELD
        erasure.next_attempt_at = now + LOOK_AGAIN
    write_receipt(session, erasure, kept=kept, erased_at=erasing.erased_at)
    session.flush()
    if address is not None and erasing.tells:
        # It belongs to nobody's account, and the address is taken out once it has left.
        queue_message(
            work,
            kind=MessageKind.ACCOUNT_FORGOTTEN,
            to_address=address,
            now=now,
            reference_id=erasure.id,
        )
    work.record(
        AuditAction.PERSON_FORGOTTEN,
        account_id=person.account_id,
        subject_type="person",
        subject_id=person.id,
    )
    work.tell(signals.person_forgotten, person_id=person.id, account_id=person.account_id)


@enforces("an-erasure-empties-the-person", "TO-049", "TG-011", "TS-011", "TB-005", off=None)
def empty_person(person: Person) -> None:
    """Take everything personal out of a row that stays because others' history names it.

    :param person: the row; the host's key is out of it already.
    """
    table = table_of("person")
    entry = load().tables["person"]
    for column in entry.columns:
        if column != "user_key" and entry.erasure_of(column) == "emptied":
            setattr(person, column, empty_value(table.c[column]))


def _close_request(erasing: Erasing) -> None:
    """Say that what they asked for under their rights is done."""
    session = erasing.work.session
    requests = session.scalars(
        select(RightsRequest).where(
            RightsRequest.person_id == erasing.person.id,
            RightsRequest.kind == RightsRequestKind.DELETION,
            RightsRequest.status == RightsRequestStatus.OPEN,
            RightsRequest.needs_human.is_(False),
        )
    ).all()
    for request in requests:
        rights_requests.close(erasing.work, request, RightsRequestStatus.DONE, erasing.now)


#: What each step does.
STEPS: Final[dict[Step, Callable[[Erasing], Any]]] = {
    Step.SIGNED_OUT: _sign_out,
    Step.ORGANIZATIONS_LEFT: _leave_organizations,
    Step.USAGE_FOLDED: _fold_usage,
    Step.RECORDS_RETAINED: _retain_records,
    Step.ROWS_DELETED: _delete_rows,
    Step.EMPTIED: _empty,
}
