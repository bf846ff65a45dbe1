"""What a host calls of its own accord, in an application context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.people.account import forget
from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.host import HostUser
from flask_tokenoffset.models import Organization
from flask_tokenoffset.services.people import ensure_person, lock_person
from flask_tokenoffset.services.retention_choices import set_plan
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.services.forgetting import Forgotten


def forget_person(user_key: str) -> Forgotten:
    """Delete what belongs to one of your users here. Call it before you delete the user.

    It commits your session, and rolls it back where it refuses: call it with nothing else pending.
    Somebody who never used these pages is no mistake, and neither is a second call.

    :param user_key: the :attr:`HostUser.key` of the user.
    :return: what was deleted.
    :raises LastOwner: the user alone owns an organization that is open; nothing is changed then.
    """
    return forget(user_key, actor_id=None)


def set_retention_plan(
    plan: str | None, *, user_key: str | None = None, organization_id: UUID | None = None
) -> None:
    """Say how long the usage of one of your users, or of an organization, is kept.

    It commits your session. What is older than the plan says goes with the next purge, without
    anybody being asked; a plan that keeps more brings nothing back.

    :param plan: a name in ``TOKENOFFSET_RETENTION_PLANS``; ``None`` takes the plan away, so that
        the rule alone counts.
    :param user_key: the :attr:`HostUser.key` of the user, who may never have been here yet.
    :param organization_id: or the organization.
    :raises InvalidInput: there is no such plan.
    :raises NotFound: there is no such organization.
    :raises TypeError: neither or both are named.
    """
    if (user_key is None) == (organization_id is None):
        raise TypeError("Name either the user or the organization whose plan it is.")
    state = current_state()
    with state.unit_of_work() as work:
        if user_key is not None:
            # Whoever is known already is left as they are: nothing is said of them here.
            person = lock_person(work.session, user_key) or ensure_person(
                work.session, HostUser(key=user_key), state.clock.now()
            )
            account_id = person.account_id
        else:
            organization = work.session.get(Organization, organization_id)
            if organization is None:
                raise NotFound("There is no such organization, so no plan was set.")
            account_id = organization.account_id
        set_plan(work, account_id=account_id, plan=plan, settings=state.settings)
