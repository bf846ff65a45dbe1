"""What a host calls of its own accord, in an application context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.people.account import forget

if TYPE_CHECKING:
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
