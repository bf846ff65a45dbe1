"""The link in every mail that nobody needs, by which its reader unsubscribes.

The token names the account and is a keyed digest over it. So it works for as long as the host keeps
its secret, in every mail that ever left, however often and without a sign-in; and there is no
table of tokens. All it can do is to withdraw one consent.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from flask_tokenoffset.data_map.enforcement import enforces
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.models import ConsentEventType, Person
from flask_tokenoffset.services.consents import ledger as consents
from flask_tokenoffset.services.consents.holding import newest_decisions
from flask_tokenoffset.services.shared.tokens import derive_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask_tokenoffset.services.consents.ledger import Circumstances
    from flask_tokenoffset.unit_of_work import UnitOfWork

_WORD: Final = "unsubscribe"


def unsubscribe_token(key: bytes, account_id: UUID) -> str:
    """The token by which an account gets no more news.

    :param key: the application's key for links.
    :param account_id: the person's own account.
    """
    return f"{account_id.hex}.{derive_token(key, _WORD, account_id, Purpose.PRODUCT_UPDATES)}"


@enforces("one-click-withdraws", "TO-041", "TO-052", off=None)
def withdraw_by_link(
    work: UnitOfWork, token: str, *, keys: Iterable[bytes], how: Circumstances
) -> None:
    """Withdraw the consent to news, if it was given; a second time changes nothing.

    :param token: as it came in the link; any text.
    :param keys: the application's keys for links, former ones included.
    :param how: the circumstances of the withdrawal.
    :raises NotFound: the token is not one of ours.
    """
    account_id = _read(token, keys)
    person = work.session.scalar(
        select(Person).where(Person.account_id == account_id).with_for_update(key_share=True)
    )
    if person is None or person.forgotten_at is not None:
        return
    newest = newest_decisions(work.session, person.account_id)
    event = newest.get(Purpose.PRODUCT_UPDATES)
    if event is not None and event.event_type == ConsentEventType.GIVEN:
        consents.withdraw(work, person, Purpose.PRODUCT_UPDATES, how)


def _read(token: str, keys: Iterable[bytes]) -> UUID:
    """The account that a token names.

    :raises NotFound: we have not made it.
    """
    try:
        account_id = UUID(hex=token.partition(".")[0])
    except ValueError:
        raise _UNKNOWN from None
    given = token.encode("utf-8", "surrogatepass")
    for key in keys:
        if hmac.compare_digest(unsubscribe_token(key, account_id).encode(), given):
            return account_id
    raise _UNKNOWN


_UNKNOWN: Final = NotFound(
    "This link is not complete, so nothing was changed. Copy the whole of it from the mail, or turn"
    " news off on the page «Consents»."
)
