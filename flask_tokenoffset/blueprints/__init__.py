"""The web doors: pages under the prefix the host chose, and a JSON API beside them.

Everything hangs on blueprints made anew for each application, so a host's own routes, error pages,
templates and sessions stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, current_app, got_request_exception, request

from flask_tokenoffset.blueprints import routes
from flask_tokenoffset.blueprints.access.context import (
    check_permission,
    forget_visitor,
    name_organization,
    named_organization,
)
from flask_tokenoffset.blueprints.access.csrf import (
    check_form_token,
    check_json_call,
    exempt_from_host,
    forget_token,
    refuse_cross_site,
    require_secret_key,
)
from flask_tokenoffset.blueprints.access.minimum_age import refuse_minors
from flask_tokenoffset.blueprints.access.urls import API_PREFIX
from flask_tokenoffset.blueprints.errors.problems import (
    explain_missing_tables,
    forget_request_id,
    handle_api_errors,
    handle_page_errors,
    request_id,
)
from flask_tokenoffset.blueprints.errors.request_log import begin_request, note_request
from flask_tokenoffset.blueprints.html.rendering import static, template_context
from flask_tokenoffset.blueprints.json_api.openapi import document_operation
from flask_tokenoffset.blueprints.json_api.operations import (
    UNKNOWN,
    add_operations,
    answer_unknown_paths,
    operation_of,
)
from flask_tokenoffset.blueprints.schemas.body_limits import bound_body, too_large
from flask_tokenoffset.permissions import declared
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask, Response

    from flask_tokenoffset.blueprints.html.rendering import NavigationItem
    from flask_tokenoffset.blueprints.routes import Register
    from flask_tokenoffset.state import State

__all__ = ["mount"]

NAME: Final = "tokenoffset"
_ORGANIZATION_ID: Final = "organization_id"
_ORGANIZATION_PREFIX: Final = f"/organizations/<uuid:{_ORGANIZATION_ID}>"
_STATIC: Final = f"{NAME}.static"
_UNKNOWN: Final = f"{NAME}.api.{UNKNOWN}"
#: What every answer of ours carries, unless it says otherwise itself.
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # A host whose policy names frame-ancestors is obeyed instead by every browser that knows it.
    "X-Frame-Options": "SAMEORIGIN",
}


def mount(
    app: Flask,
    state: State,
    *,
    pages: Sequence[Register] = routes.PAGES,
    operations: Sequence[Register] = routes.OPERATIONS,
    navigation: Sequence[NavigationItem] = routes.NAVIGATION,
    organization_pages: Sequence[Register] = routes.ORGANIZATION_PAGES,
    organization_operations: Sequence[Register] = routes.ORGANIZATION_OPERATIONS,
    organization_navigation: Sequence[NavigationItem] = routes.ORGANIZATION_NAVIGATION,
) -> None:
    """Hang our routes into an application.

    :param app: the host.
    :param state: the extension's state of that host.
    :param pages: what adds pages.
    :param operations: what adds operations of the API.
    :param navigation: the entries of the navigation.
    :param organization_pages: what adds pages about one organization.
    :param organization_operations: what adds operations on one organization.
    :param organization_navigation: the entries of the navigation on those pages.
    :raises ConfigurationError: if the host has no secret key.
    :raises RuntimeError: if one of our routes declares no permission, or is no operation although
        it stands below the API.
    """
    require_secret_key(app)
    if state.settings.sign_in == "identity":
        pages = (*pages, *routes.OWN_LOGIN_PAGES)
        navigation = (*navigation, *routes.OWN_LOGIN_NAVIGATION)
    page_blueprint = _make_pages("pages", pages)
    api_blueprint = _make_api("api", API_PREFIX, operations)
    add_operations(api_blueprint, document_operation())
    answer_unknown_paths(api_blueprint)
    of_organization = (
        _make_pages("organization", organization_pages, url_prefix=_ORGANIZATION_PREFIX),
        _make_api("organization_api", API_PREFIX + _ORGANIZATION_PREFIX, organization_operations),
    )
    for blueprint in of_organization:
        _carry_organization(blueprint)
    ours = (page_blueprint, api_blueprint, *of_organization)
    parent = Blueprint(
        NAME,
        "flask_tokenoffset",
        template_folder="templates",
        url_prefix=state.url_prefix.rstrip("/") or None,
    )
    parent.add_url_rule("/static/<path:filename>", "static", static)
    for blueprint in ours:
        parent.register_blueprint(blueprint)
    parent.context_processor(template_context(navigation, organization_navigation))
    parent.after_request(_add_headers)
    parent.after_request(note_request)

    @parent.url_value_preprocessor
    def prepare(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
        # Flask calls this before any before_request function, the host's included.
        begin_request()
        exempt_from_host(current_app, (parent, *ours))
        bound_body()
        # An application context that a test keeps pushed serves several requests.
        forget_visitor()
        name_organization(None)
        forget_token()
        forget_request_id()
        current_state().queue.start()

    app.register_blueprint(parent)
    got_request_exception.connect(explain_missing_tables, app)
    _check_declarations(app)


def _make_pages(
    name: str, nouns_with_pages: Sequence[Register], url_prefix: str | None = None
) -> Blueprint:
    pages = Blueprint(name, "flask_tokenoffset", url_prefix=url_prefix)
    for check in (
        _refuse_large_bodies,
        refuse_cross_site,
        refuse_minors,
        check_permission,
        check_form_token,
    ):
        pages.before_request(check)
    handle_page_errors(pages)
    for register in nouns_with_pages:
        register(pages)
    return pages


def _make_api(name: str, url_prefix: str, nouns_with_operations: Sequence[Register]) -> Blueprint:
    api = Blueprint(name, "flask_tokenoffset", url_prefix=url_prefix)
    for check in (
        _refuse_large_bodies,
        refuse_cross_site,
        refuse_minors,
        check_permission,
        _check_json_call,
    ):
        api.before_request(check)
    handle_api_errors(api)
    for register in nouns_with_operations:
        register(api)
    return api


def _carry_organization(blueprint: Blueprint) -> None:
    """Take the organization's id out of the path, and put it into addresses of the same kind.

    So that a view serves a person's account and an organization's alike.
    """

    @blueprint.url_value_preprocessor
    def take_out(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        name_organization((values or {}).pop(_ORGANIZATION_ID))

    @blueprint.url_defaults
    def put_in(_endpoint: str, values: dict[str, Any]) -> None:
        if (organization_id := named_organization()) is not None:
            values.setdefault(_ORGANIZATION_ID, organization_id)


def _check_declarations(app: Flask) -> None:
    """Stop start-up over a route that nobody thought about."""
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith(f"{NAME}."):
            continue
        view = app.view_functions[rule.endpoint]
        if declared(view) is None:
            raise RuntimeError(
                f"The route {rule.rule} ({rule.endpoint}) declares no permission, so nobody could"
                " say who may use it. Decorate its view with @requires(Permission...)."
            )
        in_api = API_PREFIX in rule.rule and rule.endpoint != _UNKNOWN
        if in_api and operation_of(view) is None:
            raise RuntimeError(
                f"The route {rule.rule} ({rule.endpoint}) is no operation, so the OpenAPI document"
                " could not describe it. Decorate its view with @operation(...)."
            )


def _refuse_large_bodies() -> None:
    """Refuse a body by its announced length; one without is bounded while it is read."""
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        raise too_large()


def _check_json_call() -> None:
    if request.endpoint != _UNKNOWN:  # which answers 404 or 405 whatever was sent
        check_json_call()


def _add_headers(response: Response) -> Response:
    headers = response.headers
    # Werkzeug makes and raises an error for each header that it looks for and does not find.
    there = {name.lower() for name in headers.keys()}  # noqa: SIM118 - iterating yields pairs
    for name, value in _HEADERS.items():
        if name.lower() not in there:
            headers.add(name, value)
    if request.endpoint != _STATIC:
        # Even a public page shows the host's layout, which may greet somebody by name.
        headers["Cache-Control"] = "no-store"
        headers["X-Request-Id"] = request_id()
    return response
