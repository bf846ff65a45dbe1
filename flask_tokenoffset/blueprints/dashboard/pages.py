"""The first page: where a person stands."""

from __future__ import annotations

from typing import Literal

from flask import request

from flask_tokenoffset.blueprints.access.context import (
    account_if_any,
    current_user,
    named_organization,
)
from flask_tokenoffset.blueprints.dashboard.presentation import (
    SourceLine,
    compare,
    labels_of,
    news_of,
)
from flask_tokenoffset.blueprints.estimates.presentation import EstimateView, origin_of
from flask_tokenoffset.blueprints.html.chart_choices import ChartChoice
from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.html.rendering import render
from flask_tokenoffset.models import PlanStatus
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.dashboard import EMPTY, read_dashboard
from flask_tokenoffset.services.sources.usage import known_cost_nano_usd
from flask_tokenoffset.state import current_state


@requires(Permission.READ_PLAN)
def dashboard() -> str:
    """The plan, what it rests on, what it means, and what is new."""
    state = current_state()
    account_id = account_if_any()
    shown, choice = EMPTY, ChartChoice.read(request.args)
    if account_id is not None:
        shown = read_dashboard(
            state.session,
            account_id,
            method_version=state.settings.method,
            chart_days=choice.days,
            by_model=choice.by_model,
        )
    labels = labels_of(shown)
    charged, proposal = shown.charged, shown.proposal
    described, priced_by = None, state.settings.method
    if charged is not None and (proposal is None or charged.plan.status != PlanStatus.ENDED):
        described, priced_by = charged.estimate, charged.adoption.method_version
    elif proposal is not None:
        described = proposal.estimate
    return render(
        "dashboard/dashboard.html",
        charged=charged,
        proposal=proposal,
        comparison=compare(charged, proposal, labels, state.settings.method)
        if charged and proposal
        else None,
        view=EstimateView.of(described, labels.get(str(described.source_id)), priced_by)
        if described
        else None,
        sources=[
            SourceLine.of(each, state.gateway.vendor_of(each.connection.provider))
            for each in shown.sources
        ],
        days=shown.days,
        models=shown.models,
        choice=choice,
        cost_nano_usd=known_cost_nano_usd(shown.days),
        uncosted_days=sum(not day.cost_is_whole for day in shown.days),
        unread_days=sum(not day.is_whole for day in shown.days),
        news=news_of(shown),
        plan_origin=charged
        and origin_of(
            charged.estimate.source_kind,
            band_key=charged.estimate.band,
            source_label=labels.get(str(charged.estimate.source_id)),
        ),
        introduction=_introduction(request.args.get("done")),
        sample_days=state.settings.sample_days,
        providers=state.gateway.providers,
    )


def _introduction(done: str | None) -> Literal["asked", "welcomed", "deleted"] | None:
    """Where a person stands in being known; what just happened counts only if it shows.

    :param done: what the address claims to have just happened.
    """
    if named_organization() is not None:
        return None
    person = current_user().person
    if person is not None and person.onboarded_at is not None:
        return "welcomed" if done == "welcomed" else None
    return "deleted" if done == "deleted" and person is None else "asked"


register = register_in_organization = page_routes(
    ("/", dashboard),
)
