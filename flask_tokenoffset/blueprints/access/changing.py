"""The transaction in which a view changes something, with the acting person and the instant.

::

    with changing_organization() as (work, who):
        members.leave(work, **who)
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

from flask_tokenoffset.blueprints.access.context import acting, acting_person, current_membership
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.unit_of_work import UnitOfWork


class ChangedAccount(TypedDict):
    """What a service is told of a change to the account that the request is about."""

    account_id: UUID
    person: Person
    now: datetime


class ChangedOrganization(TypedDict):
    """What a service is told of a change to the organization that the request names."""

    organization_id: UUID
    person: Person
    now: datetime


@contextmanager
def changing() -> Iterator[tuple[UnitOfWork, Person, datetime]]:
    """A unit of work, the person who acts and the present instant.

    :raises SignInRequired: if nobody is signed in.
    :raises TooYoung: if they may have no account.
    """
    state = current_state()
    with state.unit_of_work() as work:
        yield work, acting_person(work), state.clock.now()


@contextmanager
def changing_account() -> Iterator[tuple[UnitOfWork, ChangedAccount]]:
    """A unit of work, and who changes which account when.

    :raises NotFound: they do not belong to the organization any more, or it was closed.
    :raises NotPermitted: they may not do this any more.
    """
    state = current_state()
    with state.unit_of_work() as work:
        who = acting(work)
        yield (
            work,
            {"account_id": who.account_id, "person": who.person, "now": state.clock.now()},
        )


@contextmanager
def changing_organization() -> Iterator[tuple[UnitOfWork, ChangedOrganization]]:
    """A unit of work, and who changes which organization when.

    :raises NotFound: they are no member of the organization.
    """
    organization_id = current_membership().organization.id
    with changing() as (work, person, now):
        yield work, {"organization_id": organization_id, "person": person, "now": now}
