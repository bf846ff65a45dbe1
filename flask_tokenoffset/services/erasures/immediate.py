"""Forgetting a person at once, because the host says so: no grace, and all steps in one go.

What goes and what stays is the same as where a person asks for it themselves; see
:mod:`.erasing_steps`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete

from flask_tokenoffset.models import TABLE_PREFIX, Erasure, IdempotencyRecord, Person
from flask_tokenoffset.services.erasures.host_hook import leave_host_alone
from flask_tokenoffset.services.erasures.owned_organizations import (
    lock_organizations_of,
    refuse_leaving_alone,
)
from flask_tokenoffset.services.erasures.worker import erase_at_once
from flask_tokenoffset.services.people.profiles import lock_person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_tokenoffset.services.erasures.steps import Means
    from flask_tokenoffset.services.erasures.tombstones import Returned
    from flask_tokenoffset.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What forgetting a person did. Nothing in it tells who they were.

    :param known: whether they had an account here at all.
    :param organizations_left: how many organizations they belonged to.
    :param rows_deleted: table to how many of its rows went or were emptied; tables without any are
        left out.
    """

    known: bool = False
    organizations_left: int = 0
    rows_deleted: Mapping[str, int] = field(default_factory=dict)


def forget_person(
    work: UnitOfWork,
    *,
    user_key: str,
    means: Means,
    asks_host: bool = False,
    keeps_owners: bool = True,
) -> Forgotten:
    """Delete what belongs to one of the host's users. A person unknown is no mistake.

    Jobs under way for them stop at their next step, because what they hold is gone. Should the same
    key ever come back, it is a new person. A deletion that waits or is under way is overtaken.

    :param user_key: the host's own key for the user.
    :param means: what an erasure needs beside the database.
    :param asks_host: whether the host's hook is to be called afterwards; not where the host itself
        deletes its user.
    :param keeps_owners: whether a person stays while an organization needs them. Otherwise such an
        organization passes on; see :func:`.hand_on_everything`.
    :raises LastOwner: an open organization would be left without an owner who can act; nothing is
        changed then.
    """
    session = work.session
    # Whatever they do at this moment in another request is finished first, or waits.
    person = lock_person(session, user_key)
    if not asks_host:
        leave_host_alone(session, user_key, means.clock.now())
    if person is None:
        return Forgotten(rows_deleted=forget_answers(work, user_key))
    lock_organizations_of(session, person)
    if keeps_owners:
        refuse_leaving_alone(session, person)
    return _forgotten(erase_at_once(work, person, means, asks_host=asks_host))


def forget_answers(work: UnitOfWork, user_key: str) -> dict[str, int]:
    """Delete the answers that are kept for a person without an account.

    :param user_key: the host's own key for the user.
    """
    deleted = work.session.execute(
        delete(IdempotencyRecord)
        .where(IdempotencyRecord.user_key == user_key)
        .returning(IdempotencyRecord.id)
        .execution_options(synchronize_session=False)
    ).all()
    return {IdempotencyRecord.__tablename__: len(deleted)} if deleted else {}


def forget_again(work: UnitOfWork, returned: Returned, means: Means) -> bool:
    """Erase a person again, whom an older copy of the database brought back.

    They were told when it was done first. The host is called again, because its own copy may be as
    old. Where they alone own an organization in that copy, it passes to another owner.

    :param returned: who, and when they were erased.
    :return: whether there was anyone left to erase.
    """
    person = work.session.get(Person, returned.person_id, populate_existing=True)
    person = person and lock_person(work.session, person.user_key)
    if person is None or person.forgotten_at is not None:
        return False
    erase_at_once(work, person, means, tells=False, asks_host=True, erased_at=returned.erased_at)
    return True


def _forgotten(erasure: Erasure) -> Forgotten:
    gone = {each["table"]: each["rows"] for each in (erasure.receipt or {})["gone"]}
    return Forgotten(
        known=True,
        organizations_left=gone.pop("membership", 0),
        rows_deleted={TABLE_PREFIX + name: rows for name, rows in gone.items()},
    )
