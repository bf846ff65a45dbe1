"""Pages of estimate sources: connect a vendor, see what it says, sample again, disconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.access.context import (
    account_if_any,
    named_organization,
    own_account,
)
from flask_tokenoffset.blueprints.access.reauthentication import require_reauthentication
from flask_tokenoffset.blueprints.access.urls import see_other
from flask_tokenoffset.blueprints.html.chart_choices import ChartChoice
from flask_tokenoffset.blueprints.html.outcomes import with_status
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.blueprints.sources import connecting
from flask_tokenoffset.blueprints.sources.cadence import Cadence, next_refresh
from flask_tokenoffset.blueprints.sources.refused_keys import KEY_REFUSALS, RefusedKey
from flask_tokenoffset.clock import DAY, DayRange
from flask_tokenoffset.data_map.purposes import Purpose
from flask_tokenoffset.errors import Conflict, InvalidInput, NotFound, TooManyAttempts
from flask_tokenoffset.models import UNFINISHED
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.consents.notices import notice_of
from flask_tokenoffset.services.estimates.reading import newest_by_source, newest_of_sample
from flask_tokenoffset.services.sampling.labels import LONGEST_LABEL
from flask_tokenoffset.services.sources import listing as sources
from flask_tokenoffset.services.sources.model_usage import daily_models
from flask_tokenoffset.services.sources.usage import known_cost_nano_usd, known_totals, read_usage
from flask_tokenoffset.state import current_state
from flask_tokenoffset.vault import read_key

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from flask.typing import ResponseReturnValue

    from flask_tokenoffset.models import Estimate, SampleRun
    from flask_tokenoffset.providers import Provider
    from flask_tokenoffset.services.sources.listing import SampledSource
    from flask_tokenoffset.vault import Secret


@requires(Permission.READ_SOURCES, before_acceptance=True)
def list_sources() -> ResponseReturnValue:
    """The connected vendors, and those that can be connected."""
    state = current_state()
    account_id = account_if_any()
    connected: list[SampledSource] = []
    newest: dict[UUID, Estimate] = {}
    if account_id is not None:
        connected = sources.list_sources(state.session, account_id)
        newest = {each.source_id: each for each in newest_by_source(state.session, account_id)}
    return render(
        "sources/list.html",
        sources=connected,
        estimates=newest,
        vendor_of=state.gateway.vendor_of,
        providers=state.gateway.providers,
        outbound=state.settings.outbound,
        cadence=Cadence.of(state.settings),
        unfinished=UNFINISHED,
    )


@requires(Permission.CHANGE_SOURCES)
def connect_source(provider: str) -> ResponseReturnValue:
    """Walk through creating a key, and take it.

    :param provider: the vendor's stable name.
    """
    # Before anyone types a key that would be lost on the way to confirming.
    require_reauthentication(strict=False)
    vendor = _enabled_vendor(provider)
    label = request.form.get("label", "")
    if request.method != "POST":
        return _connect_form(vendor, label)
    try:
        source_id, _ = connecting.connect(vendor.name, _pasted_key(), label)
    except KEY_REFUSALS as error:
        return _connect_form(vendor, label, RefusedKey.of(error))
    return see_other(".source", source_id=source_id)


@requires(Permission.READ_SOURCES)
def source(source_id: UUID) -> ResponseReturnValue:
    """One connected vendor: where it stands and what it says."""
    return _source_page(source_id)


@requires(Permission.CHANGE_SOURCES)
def resample_source(source_id: UUID) -> ResponseReturnValue:
    """Begin a new sample in the background."""
    try:
        connecting.resample(own_account(), source_id)
    except (Conflict, TooManyAttempts) as refusal:
        return _source_page(source_id, refusal)
    return see_other(".source", source_id=source_id)


@requires(Permission.CHANGE_SOURCES)
def rename_source(source_id: UUID) -> ResponseReturnValue:
    """Call a connection something else, which is all that tells two of one vendor apart."""
    try:
        connecting.rename(own_account(), source_id, request.form.get("label", ""))
    except InvalidInput as error:
        return _source_page(source_id, wrong_label=error)
    return see_other(".source", source_id=source_id)


@requires(Permission.CHANGE_SOURCES)
def replace_source_key(source_id: UUID) -> ResponseReturnValue:
    """Take a new key in the place of one that expired or was refused."""
    require_reauthentication(strict=False)
    account_id = own_account()
    sampled = _connected(account_id, source_id)
    if request.method != "POST":
        return _key_form(sampled)
    try:
        connecting.replace_key(account_id, source_id, _pasted_key())
    except KEY_REFUSALS as error:
        refused = RefusedKey.of(error)
        # A failed transaction was rolled back, so what was read before it is read again.
        return _key_form(_connected(account_id, source_id), refused)
    return see_other(".source", source_id=source_id)


@requires(Permission.CHANGE_SOURCES, before_acceptance=True)
def disconnect_source(source_id: UUID) -> ResponseReturnValue:
    """Ask once more, then end a connection."""
    require_reauthentication(strict=False)
    account_id = own_account()
    sampled = _connected(account_id, source_id)
    if request.method != "POST":
        return render(
            "sources/disconnect.html",
            sampled=sampled,
            vendor=current_state().gateway.vendor_of(sampled.connection.provider),
        )
    connecting.disconnect(account_id, source_id)
    return see_other(".source", source_id=source_id)


register = register_in_organization = page_routes(
    ("/sources", list_sources),
    ("/sources/connect/<provider>", connect_source, "GET", "POST"),
    ("/sources/<uuid:source_id>", source),
    ("/sources/<uuid:source_id>/samples", resample_source, "POST"),
    ("/sources/<uuid:source_id>/label", rename_source, "POST"),
    ("/sources/<uuid:source_id>/key", replace_source_key, "GET", "POST"),
    ("/sources/<uuid:source_id>/disconnect", disconnect_source, "GET", "POST"),
)


def _source_page(
    source_id: UUID,
    refusal: Conflict | TooManyAttempts | None = None,
    wrong_label: InvalidInput | None = None,
) -> ResponseReturnValue:
    """The page of a source.

    :param refusal: of a sample that was just asked for.
    :param wrong_label: why it cannot be called what was just typed.
    """
    state = current_state()
    account_id = own_account()
    sampled = sources.read_source(state.session, account_id, source_id)
    usage = read_usage(state.session, account_id, source_id, sampled.newest_complete)
    choice = ChartChoice.read(request.args)
    days = usage.days[-choice.days :]
    models = None
    if days and choice.by_model:
        window = DayRange(days[0].day, days[-1].day + DAY)
        models = daily_models(state.session, account_id, [source_id], window)
    page = render(
        "sources/source.html",
        sampled=sampled,
        vendor=current_state().gateway.vendor_of(sampled.connection.provider),
        runs=sources.list_runs(state.session, account_id, source_id),
        usage=usage,
        days=days,
        models=models,
        choice=choice,
        total_tokens=known_totals(usage.days).total,
        total_cost_nano_usd=known_cost_nano_usd(usage.days),
        unread_days=sum(day.tokens is None for day in usage.days),
        uncosted_days=sum(day.cost_nano_usd is None for day in usage.days),
        estimate=_newest_estimate(account_id, sampled),
        cadence=Cadence.of(state.settings),
        next_refresh=next_refresh(sampled.connection, state.clock.now()),
        unfinished=UNFINISHED,
        last_day=_last_day,
        refusal=refusal,
        wrong_label=wrong_label and wrong_label.errors["label"],
        typed_label=request.form.get("label", sampled.source.label),
        longest_label=LONGEST_LABEL,
    )
    return with_status(page, refusal or wrong_label)


def _last_day(run: SampleRun) -> date:
    """The last day a run reads, since people do not think in half-open windows."""
    return run.window_end - DAY


def _newest_estimate(account_id: UUID, sampled: SampledSource) -> Estimate | None:
    """The estimate of the newest complete sample, unless its history was too short for one."""
    if sampled.newest_complete is None:
        return None
    try:
        return newest_of_sample(current_state().session, account_id, sampled.source.id)
    except Conflict:
        return None  # The run's own reason says why, and stands on the page.


def _connect_form(
    vendor: Provider, label: str, refused: RefusedKey | None = None
) -> ResponseReturnValue:
    state = current_state()
    account_id = account_if_any()
    connected = sources.list_sources(state.session, account_id) if account_id else []
    page = render(
        "sources/connect.html",
        alike=[each.source.label for each in connected if each.connection.provider == vendor.name],
        vendor=vendor,
        label=label,
        longest_label=LONGEST_LABEL,
        outbound=state.settings.outbound,
        vault_open=state.vault.shut_because is None,
        cadence=Cadence.of(state.settings),
        refused=refused,
        told=notice_of(Purpose.SAMPLING, state.settings).particulars,
        of_organization=named_organization() is not None,
    )
    return page if refused is None else (page, refused.status, refused.headers)


def _key_form(sampled: SampledSource, refused: RefusedKey | None = None) -> ResponseReturnValue:
    state = current_state()
    page = render(
        "sources/key.html",
        sampled=sampled,
        vendor=current_state().gateway.vendor_of(sampled.connection.provider),
        outbound=state.settings.outbound,
        vault_open=state.vault.shut_because is None,
        refused=refused,
    )
    return page if refused is None else (page, refused.status, refused.headers)


def _pasted_key() -> Secret:
    """The key in the form, never in a variable.

    :raises InvalidInput: it cannot be one; the field is ``key``.
    """
    return read_key(request.form.get("key", ""))


def _enabled_vendor(name: str) -> Provider:
    """The vendor that an address names.

    :raises NotFound: there is none of that name, or it is not enabled here.
    """
    try:
        return current_state().gateway.provider(name)
    except InvalidInput:
        raise NotFound("There is no such vendor to connect here.") from None


def _connected(account_id: UUID, source_id: UUID) -> SampledSource:
    """A source that is not disconnected.

    :raises NotFound: the account has no such source.
    :raises Conflict: it is disconnected; then no key for it is sent anywhere.
    """
    sampled = sources.read_source(current_state().session, account_id, source_id)
    sources.refuse_disconnected(sampled.connection)
    return sampled
