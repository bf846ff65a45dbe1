"""The page of the audit log, and the files it can be taken away as."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from flask import request, url_for
from sqlalchemy.orm import Session

from flask_tokenoffset.blueprints.access.context import (
    account_if_any,
    acting,
    current_user,
    named_organization,
)
from flask_tokenoffset.blueprints.audit.files import FORMATS
from flask_tokenoffset.blueprints.audit.forms import FilterForm
from flask_tokenoffset.blueprints.audit.sentences import (
    SUBJECTS,
    action_choices,
    actor_of,
    name_of,
    sentence_of,
)
from flask_tokenoffset.blueprints.html.files import sent_file
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.schemas.paging import Page, page_of, read_sequence_cursor
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.audit import reading as audit_reading
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.services.audit.reading import AuditFilter, AuditView
    from flask_tokenoffset.state import State

EVENTS_PER_PAGE: Final = 50
#: How many times as often as one person all the people of an account, or behind one network
#: address, may export together.
_TOGETHER: Final = 5


@requires(Permission.READ_AUDIT)
def audit_events() -> ResponseReturnValue:
    """The account's events, newest first, as far as they are wanted."""
    form = FilterForm.read(request.args)
    before = read_sequence_cursor(request.args.get("cursor"))
    errors: dict[str, str] = {}
    found: Page[AuditView] = Page([])
    actors = _actors_to_choose_from()
    try:
        wanted = form.wanted()
        actors |= _chosen_actor(wanted, actors)
        found = _find(wanted, before)
    except InvalidInput as error:
        errors = error.errors
    older_url = None
    if found.next_cursor is not None:
        older_url = url_for(".audit_events", cursor=found.next_cursor, **form.query())
    page = render(
        "audit/audit_events.html",
        events=found.shown,
        form=form,
        errors=errors,
        actions=action_choices(),
        subjects=SUBJECTS,
        actors=actors,
        actor_of=actor_of,
        sentence_of=sentence_of,
        formats=FORMATS,
        older_url=older_url,
        newest_url=None if before is None else url_for(".audit_events", **form.query()),
        origin_days=current_state().settings.audit_origin_days,
        of_organization=named_organization() is not None,
    )
    return page if not errors else (page, 422)


@requires(Permission.EXPORT_AUDIT)
def export_audit_events(file_format: str) -> ResponseReturnValue:
    """Send the wanted events as a file, oldest first, while they are read.

    It is a change, and so no GET, because the log says who took it away.

    :param file_format: ``csv`` or ``jsonl``.
    """
    wanted = FilterForm.read(request.args).wanted()
    state = current_state()
    with state.unit_of_work() as work:
        account_id = acting(work).account_id
        _count_export(state, account_id)
        audit_reading.record_export(
            work, account_id=account_id, wanted=wanted, file_format=file_format
        )
    views = audit_reading.stream_events(
        # Not the request's session: the file is sent after the request is over.
        partial(Session, state.engine),
        account_id,
        wanted,
        last_sequence=audit_reading.chain_length(state.session, account_id),
    )
    return sent_file("audit-log", file_format, FORMATS[file_format], views)


def _count_export(state: State, account_id: UUID) -> None:
    """Count an export of this person, of this account and from this network address.

    :raises TooManyAttempts: there were too many of one of them.
    """
    host_user = current_user().host_user
    limit = state.settings.audit_exports_per_hour
    counted = [
        ("account", str(account_id), limit * _TOGETHER),
        ("address", request.remote_addr or "unknown", limit * _TOGETHER),
    ]
    if host_user is not None:
        counted.insert(0, ("person", host_user.key, limit))
    for kind, whose, most in counted:
        state.attempts.check("audit-export", kind, whose, limit_per_hour=most)


def _find(wanted: AuditFilter, before_sequence: int | None) -> Page[AuditView]:
    account_id = account_if_any()
    if account_id is None:
        return Page([])
    found = audit_reading.list_events(
        current_state().session,
        account_id,
        wanted,
        before_sequence=before_sequence,
        limit=EVENTS_PER_PAGE + 1,
    )
    return page_of(found, EVENTS_PER_PAGE, lambda view: (view.event.sequence,))


def _actors_to_choose_from() -> dict[str, str]:
    """By id: anyone, and the current user. Others are chosen by a link in the list."""
    person = current_user().person
    return {"": "Anybody"} | ({} if person is None else {str(person.id): "You"})


def _chosen_actor(wanted: AuditFilter, known: dict[str, str]) -> dict[str, str]:
    """Anyone who is looked for, by id.

    :raises InvalidInput: they did nothing in this account, whether they exist or not.
    """
    account_id = account_if_any()
    if wanted.actor_id is None or str(wanted.actor_id) in known:
        return {}
    actor = account_id and audit_reading.find_actor(
        current_state().session, account_id, wanted.actor_id
    )
    if not actor:
        raise InvalidInput(
            {"actor_id": "There is no such person in this log. Choose one from the list."}
        )
    return {str(actor.id): name_of(actor)}


register = register_in_organization = page_routes(
    ("/audit-events", audit_events),
    (f"/audit-events.<any({', '.join(FORMATS)}):file_format>", export_audit_events, "POST"),
)
