"""From a pasted key to a stored connection: the steps that the page and the API share.

The vendor is asked before any transaction is open, and attempts are counted before the vendor is
asked, so that nobody can use us to try keys out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.access.context import account_if_any, acting, current_user
from flask_tokenoffset.blueprints.access.reauthentication import require_reauthentication
from flask_tokenoffset.errors import (
    IncompleteAnswer,
    MalformedAnswer,
    RateLimited,
    VendorUnavailable,
)
from flask_tokenoffset.models import ConsentMethod, MessageKind
from flask_tokenoffset.services.consents.restrictions import refuse_if_restricted, refuse_sampling
from flask_tokenoffset.services.mail.outbox import notify
from flask_tokenoffset.services.sampling import connections, labels
from flask_tokenoffset.services.sampling.labels import check_label, refuse_taken_label
from flask_tokenoffset.services.sources import listing as sources
from flask_tokenoffset.state import current_state
from flask_tokenoffset.unit_of_work import Task

if TYPE_CHECKING:
    from uuid import UUID

    from flask_tokenoffset.errors import ProviderError
    from flask_tokenoffset.models import Person, Source
    from flask_tokenoffset.providers import Provider, VendorOrganization
    from flask_tokenoffset.state import State
    from flask_tokenoffset.unit_of_work import UnitOfWork
    from flask_tokenoffset.vault import Secret


#: What leaves open whether the vendor accepts a key.
_NOT_CHECKED: Final = (RateLimited, VendorUnavailable, MalformedAnswer, IncompleteAnswer)
_SECONDS_PER_MINUTE: Final = 60


def connect(
    provider: str,
    key: Secret,
    label: str | None,
    *,
    place: str = connections.CONNECT_PAGE,
    method: ConsentMethod = ConsentMethod.FORM,
) -> tuple[UUID, UUID]:
    """Check a key with its vendor, store it, and queue the first sample.

    :param provider: the provider's stable name.
    :param key: what was pasted, hidden from the start: a traceback with local variables shows every
        frame between the view and the vault.
    :param place: where they do it, for the consent that it is.
    :param method: how they do it, likewise.
    :return: the ids of the source and of its first sample run.
    :raises ReauthenticationRequired: first they must confirm that it is they.
    :raises InvalidInput: the label or the provider is not valid in itself.
    :raises ProviderError: what the vendor, or the check of the key's kind, had to say.
    :raises VaultError: the key could not be kept safe; nothing was stored.
    """
    require_reauthentication(strict=False)
    state = current_state()
    vendor = state.gateway.provider(provider)
    wanted, account_id = check_label(label), account_if_any()
    if account_id is not None:
        # Before the vendor is asked; the transaction looks again.
        refuse_taken_label(state.session, account_id, wanted)
    organization = _ask_vendor(state, provider, key)
    with state.unit_of_work() as work:
        who = acting(work)
        source, run = connections.connect(
            work,
            account_id=who.account_id,
            person=who.person,
            provider=provider,
            provider_title=vendor.title,
            key=key,
            label=label,
            organization=organization,
            vault=state.vault,
            clock=state.clock,
            settings=state.settings,
            place=place,
            method=method,
        )
        work.enqueue(Task.SAMPLE, run.id, attempt=run.attempt)
        _tell(work, who.person, MessageKind.KEY_CONNECTED, source, vendor)
        return source.id, run.id


def replace_key(account_id: UUID, source_id: UUID, key: Secret) -> UUID:
    """Check a new key for a connection and put it in the old one's place.

    :param key: what was pasted, hidden from the start as in :func:`connect`.
    :return: the id of the sample run that follows.
    :raises ReauthenticationRequired: first they must confirm that it is they.
    :raises NotFound: the account has no such source.
    :raises Conflict: it is disconnected, or the key belongs to another organization.
    :raises ProviderError: what the vendor, or the check of the key's kind, had to say.
    :raises VaultError: the key could not be kept safe; the old one stays.
    """
    require_reauthentication(strict=False)
    state = current_state()
    _, connection = sources.sampled_source(state.session, account_id, source_id)
    # Before the vendor: a key that could be kept nowhere is sent nowhere.
    sources.refuse_disconnected(connection)
    refuse_sampling(state.session, account_id)
    provider = connection.provider
    organization = _ask_vendor(state, provider, key)
    with state.unit_of_work() as work:
        person = acting(work).person
        run = connections.replace_key(
            work,
            account_id=account_id,
            source_id=source_id,
            key=key,
            organization=organization,
            vault=state.vault,
            clock=state.clock,
            settings=state.settings,
        )
        work.enqueue(Task.SAMPLE, run.id, attempt=run.attempt)
        source, _ = sources.sampled_source(work.session, account_id, source_id)
        _tell(work, person, MessageKind.KEY_REPLACED, source, state.gateway.vendor_of(provider))
        return run.id


def resample(account_id: UUID, source_id: UUID) -> UUID:
    """Ask for a new sample.

    :return: the id of the run.
    """
    state = current_state()
    with state.unit_of_work() as work:
        run = connections.resample(
            work,
            account_id=account_id,
            source_id=source_id,
            clock=state.clock,
            settings=state.settings,
        )
        work.enqueue(Task.SAMPLE, run.id, attempt=run.attempt)
        return run.id


def rename(account_id: UUID, source_id: UUID, label: str) -> None:
    """Call a connection something else.

    :raises NotFound: the account has no such source.
    :raises Conflict: it is disconnected.
    :raises InvalidInput: it cannot be called that; the field is ``label``.
    """
    with current_state().unit_of_work() as work:
        acting(work)
        labels.rename(work, account_id=account_id, source_id=source_id, label=label)


def disconnect(account_id: UUID, source_id: UUID) -> None:
    """End a connection and delete its credential at once.

    :raises ReauthenticationRequired: first they must confirm that it is they.
    :raises NotFound: the account has no such source.
    :raises Conflict: it is disconnected already.
    """
    require_reauthentication(strict=False)
    state = current_state()
    with state.unit_of_work() as work:
        person = acting(work).person
        connections.disconnect(work, account_id=account_id, source_id=source_id, clock=state.clock)
        source, connection = sources.sampled_source(work.session, account_id, source_id)
        vendor = state.gateway.vendor_of(connection.provider)
        _tell(work, person, MessageKind.KEY_DISCONNECTED, source, vendor)


def _tell(
    work: UnitOfWork, person: Person, kind: MessageKind, source: Source, vendor: Provider
) -> None:
    """Tell the person who acted what was done, in case it was another person."""
    now = current_state().clock.now()
    notify(work, person, kind, now, source=source.label, vendor=vendor.title)


def _ask_vendor(state: State, provider: str, key: Secret) -> VendorOrganization:
    # Before the vendor: a wrong kind of key costs no attempt, since nothing is sent for it.
    state.gateway.provider(provider).check_key_kind(key)
    account_id = account_if_any()
    if account_id is not None:
        refuse_if_restricted(state.session, account_id)
    host_user = current_user().host_user
    if host_user is not None:
        state.attempts.check(
            "key-check", host_user.key, limit_per_hour=state.settings.key_checks_per_hour
        )
    # If the vault is shut the key could not be stored; then the vendor need not see it either.
    state.vault.require_open()
    # No transaction stays open during the call. It is committed and not rolled back, because the
    # host may have written something of its own in this request.
    state.session.commit()
    try:
        return connections.check_key(
            state.gateway, provider=provider, key=key, clock=state.clock, settings=state.settings
        )
    except _NOT_CHECKED as error:
        # Its own sentence promises that a background run tries again. There is none yet.
        error.message = _not_checked(error, state.gateway.provider(provider).title)
        raise


def _not_checked(error: ProviderError, title: str) -> str:
    """What to say where a vendor could not say whether it accepts a key."""
    if isinstance(error, RateLimited):
        return (
            f"{title} asks to slow down, so the key could not be checked and nothing was stored."
            f" Try again {_after(error.retry_after_seconds)}."
        )
    answer = f" (answer {error.status_code})" if error.status_code else ""
    return (
        f"{title} cannot be read at the moment{answer}, so the key could not be checked and nothing"
        " was stored. That says nothing against the key. Try again later."
    )


def _after(seconds: float | None) -> str:
    if seconds is None:
        return "later"
    minutes = math.ceil(seconds / _SECONDS_PER_MINUTE)
    return "in a minute" if minutes <= 1 else f"in {minutes:,} minutes"
