"""What pages and operations do alike: send, send again, take back, answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_tokenoffset.blueprints.access.changing import changing, changing_organization
from flask_tokenoffset.blueprints.access.context import current_user, forget_current_user
from flask_tokenoffset.blueprints.people.account import known_of
from flask_tokenoffset.services.invitations import answering
from flask_tokenoffset.services.invitations import sending as inviting
from flask_tokenoffset.services.mail.outbox import require_mailer
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from flask_tokenoffset.services.invitations.answering import Joined
    from flask_tokenoffset.services.invitations.csv_parsing import Row
    from flask_tokenoffset.services.invitations.csv_rows import Result


def send(rows: Sequence[Row]) -> list[Result]:
    """Invite people to the organization that the request names.

    :return: what became of each row.
    :raises NoMailer: nothing could be sent to anyone.
    """
    state = current_state()
    require_mailer(state.mailer)
    with changing_organization() as (work, who):
        return inviting.invite(
            work,
            **who,
            rows=rows,
            link_key=state.link_key,
            attempts=state.attempts,
            settings=state.settings,
        )


def resend(invitation_id: UUID) -> None:
    """Send one of the organization's invitations again.

    :raises NoMailer: nothing could be sent to anyone.
    """
    state = current_state()
    require_mailer(state.mailer)
    with changing_organization() as (work, who):
        inviting.resend(
            work,
            **who,
            invitation_id=invitation_id,
            link_key=state.link_key,
            attempts=state.attempts,
            settings=state.settings,
        )


def cancel(invitation_id: UUID) -> None:
    """Take one of the organization's invitations back."""
    with changing_organization() as (work, who):
        inviting.cancel(work, **who, invitation_id=invitation_id)


def own_invitation(invitation_id: UUID) -> ColumnElement[bool]:
    """An invitation to the current user's own proved address; any other one is missing."""
    return answering.by_id(invitation_id, proved_address())


def accept(
    which: ColumnElement[bool],
    expected_amount_cents: int | None,
    expected_terms: str | None = None,
) -> Joined:
    """Join an organization.

    :param which: the invitation.
    :param expected_amount_cents: the amount of the plan that was shown; 0 for none.
    :param expected_terms: the digest of the method and the programmes it was shown with.
    """
    state = current_state()
    with changing() as (work, person, now):
        joined = answering.accept(
            work,
            which=which,
            person=person,
            attempts=state.attempts,
            settings=state.settings,
            expected_amount_cents=expected_amount_cents,
            expected_terms=expected_terms,
            now=now,
        )
    forget_current_user()
    return joined


def decline(which: ColumnElement[bool]) -> None:
    """Say no to an invitation.

    :param which: the invitation.
    """
    state = current_state()
    with changing() as (work, person, now):
        answering.decline(work, which=which, person=person, attempts=state.attempts, now=now)


def proved_address() -> str | None:
    """The address that the current user has proved to be theirs, if any."""
    held = known_of(current_user())
    return held.email if held.verified else None
