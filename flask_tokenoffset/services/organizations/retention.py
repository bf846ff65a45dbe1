"""How long an organization's records are kept, chosen by those who may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.organizations.organizations import lock_membership
from flask_tokenoffset.services.retention.choices import choose

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from flask_tokenoffset.models import Person
    from flask_tokenoffset.settings import Settings
    from flask_tokenoffset.unit_of_work import UnitOfWork


def choose_for_organization(
    work: UnitOfWork,
    *,
    organization_id: UUID,
    person: Person,
    rule_name: str,
    days: int,
    confirmed: bool,
    settings: Settings,
    now: datetime,
) -> None:
    """Keep the records of an organization, and of its members' plans in it, for another time.

    See :func:`~flask_tokenoffset.services.retention.choices.choose`.

    :param person: who chooses, an owner or admin.
    :raises NotPermitted: they may not (any more).
    """
    current = lock_membership(work.session, organization_id, person, Permission.CHANGE_ORGANIZATION)
    choose(
        work,
        account_id=current.organization.account_id,
        rule_name=rule_name,
        days=days,
        confirmed=confirmed,
        person_id=person.id,
        settings=settings,
        now=now,
    )
