"""The web views: pages under the prefix the host chose, and a JSON API beside them.

Everything hangs on blueprints made anew for each application, so a host's own routes, error pages,
templates and sessions stay as they are.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, got_request_exception
from werkzeug.exceptions import RequestEntityTooLarge, default_exceptions

from flask_tokenoffset.blueprints.json_api.unknown_paths import ENDPOINT as UNKNOWN
from flask_tokenoffset.blueprints.json_api.unknown_paths import answer_unknown_paths
from flask_tokenoffset.blueprints.late import Late, LateView
from flask_tokenoffset.blueprints.navigation import (
    NAVIGATION,
    ORGANIZATION_NAVIGATION,
    OWN_LOGIN_NAVIGATION,
)
from flask_tokenoffset.blueprints.route_table import API_PREFIX, registered
from flask_tokenoffset.errors import (
    AcceptanceRequired,
    ProviderError,
    ReauthenticationRequired,
    Refusal,
    SignInRequired,
    VaultError,
)
from flask_tokenoffset.host.secret_key import require_secret_key
from flask_tokenoffset.permissions import Permission, declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flask import Flask
    from werkzeug.routing import Map

    from flask_tokenoffset.blueprints.navigation import NavigationItem
    from flask_tokenoffset.blueprints.route_table import Register
    from flask_tokenoffset.state import State

__all__ = ["check_declarations", "mount", "offer_to_host"]

NAME: Final = "tokenoffset"
_ORGANIZATION_ID: Final = "organization_id"
_ORGANIZATION_PREFIX: Final = f"/organizations/<uuid:{_ORGANIZATION_ID}>"
_UNKNOWN: Final = f"{NAME}.api.{UNKNOWN}"
#: What the host's templates call the piece that asks for a consent.
_CONSENT: Final = "tokenoffset_consent"
#: A signal holds what it calls weakly, so it has a name here.
_explain_missing_tables: Final = Late("frame:explain_missing_tables")


def mount(
    app: Flask,
    state: State,
    *,
    pages: Sequence[Register] = registered("pages"),
    operations: Sequence[Register] = registered("operations"),
    navigation: Sequence[NavigationItem] = NAVIGATION,
    organization_pages: Sequence[Register] = registered("organization_pages"),
    organization_operations: Sequence[Register] = registered("organization_operations"),
    organization_navigation: Sequence[NavigationItem] = ORGANIZATION_NAVIGATION,
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
        pages = (*pages, *registered("own_login_pages"))
        navigation = (*navigation, *OWN_LOGIN_NAVIGATION)
    operations = (*operations, *registered("description_operations"), answer_unknown_paths)
    ours = (
        _make_pages("pages", pages),
        _make_api("api", API_PREFIX, operations),
        _make_pages("organization", organization_pages, url_prefix=_ORGANIZATION_PREFIX),
        _make_api("organization_api", API_PREFIX + _ORGANIZATION_PREFIX, organization_operations),
    )
    for blueprint in ours[2:]:
        _carry_organization(blueprint)
    parent = Blueprint(
        NAME,
        "flask_tokenoffset",
        template_folder="templates",
        url_prefix=state.url_prefix.rstrip("/") or None,
    )
    static = LateView("html.rendering:static", Permission.READ_PUBLISHED)
    parent.add_url_rule("/static/<path:filename>", "static", static)
    for blueprint in ours:
        parent.register_blueprint(blueprint)
    parent.context_processor(_template_context(navigation, organization_navigation))
    parent.after_request(Late("frame:add_headers"))
    begin = Late("frame:begin")

    @parent.url_value_preprocessor
    def prepare(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
        # Flask calls this before any before_request function, the host's included.
        begin((parent, *ours))

    app.register_blueprint(parent)
    got_request_exception.connect(_explain_missing_tables, app)
    check_declarations(app.url_map, app.view_functions)


def offer_to_host(app: Flask) -> None:
    """Give the host's templates the piece that asks for a consent, the one name of ours in them.

    :param app: the host.
    """
    app.jinja_env.globals[_CONSENT] = Late("components.consent:consent")


def _make_pages(
    name: str, features: Sequence[Register], url_prefix: str | None = None
) -> Blueprint:
    pages = Blueprint(name, "flask_tokenoffset", url_prefix=url_prefix)
    pages.before_request(Late("frame:check_page"))
    for error in (Refusal, ProviderError, VaultError):
        pages.register_error_handler(error, Late("frame:refusal_page"))
    pages.register_error_handler(SignInRequired, Late("frame:sign_in_or_say_so"))
    pages.register_error_handler(ReauthenticationRequired, Late("frame:send_to_confirm"))
    pages.register_error_handler(AcceptanceRequired, Late("frame:send_to_acceptance"))
    pages.register_error_handler(RequestEntityTooLarge, Late("frame:page_too_large"))
    for register in features:
        register(pages)
    return pages


def _make_api(name: str, url_prefix: str, features: Sequence[Register]) -> Blueprint:
    api = Blueprint(name, "flask_tokenoffset", url_prefix=url_prefix)
    api.before_request(Late("frame:check_call"))
    for error in (Refusal, ProviderError, VaultError):
        api.register_error_handler(error, Late("frame:problem_of"))
    # Flask prefers any handler for the very code, even one of the host, to one for the base
    # class. So each code is named here.
    for code in default_exceptions:
        api.register_error_handler(code, Late("frame:http_problem"))
    for register in features:
        register(api)
    return api


def _carry_organization(blueprint: Blueprint) -> None:
    """Take the organization's id out of the path, and put it into addresses of the same kind.

    So that a view serves a person's account and an organization's alike.
    """
    name_organization = Late("frame:name_organization")
    named_organization = Late("frame:named_organization")

    @blueprint.url_value_preprocessor
    def take_out(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        name_organization((values or {}).pop(_ORGANIZATION_ID))

    @blueprint.url_defaults
    def put_in(_endpoint: str, values: dict[str, Any]) -> None:
        if (organization_id := named_organization()) is not None:
            values.setdefault(_ORGANIZATION_ID, organization_id)


def _template_context(*navigation: Sequence[NavigationItem]) -> Callable[[], dict[str, Any]]:
    make = Late("html.rendering:View")
    view = cache(lambda: make(*navigation))
    return lambda: {"tokenoffset": view()}


def check_declarations(url_map: Map, views: Mapping[str, Callable[..., Any]]) -> None:
    """Stop start-up over a route that nobody thought about.

    What stands in the table of routes is asked by a test, which loads it.

    :param url_map: the rules of an application.
    :param views: its views by their endpoints.
    :raises RuntimeError: a view of ours declares no permission, or is no operation in the API.
    """
    for rule in url_map.iter_rules():
        view = views[rule.endpoint]
        if not rule.endpoint.startswith(f"{NAME}.") or isinstance(view, LateView):
            continue
        if declared(view) is None:
            raise RuntimeError(
                f"The route {rule.rule} ({rule.endpoint}) declares no permission, so nobody could"
                " say who may use it. Decorate its view with @requires(Permission...)."
            )
        if API_PREFIX in rule.rule and rule.endpoint != _UNKNOWN and not _is_operation(view):
            raise RuntimeError(
                f"The route {rule.rule} ({rule.endpoint}) is no operation, so the OpenAPI document"
                " could not describe it. Decorate its view with @operation(...)."
            )


def _is_operation(view: Callable[..., Any]) -> bool:
    from flask_tokenoffset.blueprints.json_api.operations import (  # noqa: PLC0415 - loads pydantic
        operation_of,
    )

    return operation_of(view) is not None
