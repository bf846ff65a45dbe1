"""Every noun that has pages or operations; a new one is named here and nowhere else.

A noun is a package ``blueprints/<noun>/`` with a module ``pages`` and a module ``api``. Each has
one function ``register(blueprint)`` that adds its routes to the blueprint it is given, made anew
for each application. Nothing is registered on a blueprint at import time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.blueprints.acceptances import api as acceptances_api
from flask_tokenoffset.blueprints.acceptances import pages as acceptances_pages
from flask_tokenoffset.blueprints.audit import api as audit_api
from flask_tokenoffset.blueprints.audit import pages as audit_pages
from flask_tokenoffset.blueprints.billing import api as billing_api
from flask_tokenoffset.blueprints.billing import pages as billing_pages
from flask_tokenoffset.blueprints.components import pages as components_pages
from flask_tokenoffset.blueprints.connections import pages as connections_pages
from flask_tokenoffset.blueprints.consents import api as consents_api
from flask_tokenoffset.blueprints.consents import pages as consents_pages
from flask_tokenoffset.blueprints.dashboard import pages as dashboard_pages
from flask_tokenoffset.blueprints.data_map import api as data_map_api
from flask_tokenoffset.blueprints.data_map import pages as data_map_pages
from flask_tokenoffset.blueprints.documents import api as documents_api
from flask_tokenoffset.blueprints.documents import pages as documents_pages
from flask_tokenoffset.blueprints.erasures import api as erasures_api
from flask_tokenoffset.blueprints.erasures import pages as erasures_pages
from flask_tokenoffset.blueprints.estimates import api as estimates_api
from flask_tokenoffset.blueprints.estimates import pages as estimates_pages
from flask_tokenoffset.blueprints.exports import api as exports_api
from flask_tokenoffset.blueprints.exports import pages as exports_pages
from flask_tokenoffset.blueprints.identities import api as identities_api
from flask_tokenoffset.blueprints.identities import pages as identities_pages
from flask_tokenoffset.blueprints.invitations import api as invitations_api
from flask_tokenoffset.blueprints.invitations import own_pages as own_invitations_pages
from flask_tokenoffset.blueprints.invitations import pages as invitations_pages
from flask_tokenoffset.blueprints.json_api import openapi
from flask_tokenoffset.blueprints.links import pages as links_pages
from flask_tokenoffset.blueprints.member_plans import api as member_plans_api
from flask_tokenoffset.blueprints.member_plans import pages as member_plans_pages
from flask_tokenoffset.blueprints.members import api as members_api
from flask_tokenoffset.blueprints.members import pages as members_pages
from flask_tokenoffset.blueprints.membership import pages as membership_pages
from flask_tokenoffset.blueprints.methodology import api as methodology_api
from flask_tokenoffset.blueprints.methodology import pages as methodology_pages
from flask_tokenoffset.blueprints.organizations import api as organizations_api
from flask_tokenoffset.blueprints.organizations import pages as organizations_pages
from flask_tokenoffset.blueprints.people import api as people_api
from flask_tokenoffset.blueprints.people import pages as people_pages
from flask_tokenoffset.blueprints.plans import api as plans_api
from flask_tokenoffset.blueprints.plans import pages as plans_pages
from flask_tokenoffset.blueprints.privacy import api as privacy_api
from flask_tokenoffset.blueprints.privacy import pages as privacy_pages
from flask_tokenoffset.blueprints.product_updates import pages as product_updates_pages
from flask_tokenoffset.blueprints.request_queue import api as request_queue_api
from flask_tokenoffset.blueprints.request_queue import pages as request_queue_pages
from flask_tokenoffset.blueprints.restrictions import api as restrictions_api
from flask_tokenoffset.blueprints.restrictions import pages as restrictions_pages
from flask_tokenoffset.blueprints.retention import api as retention_api
from flask_tokenoffset.blueprints.retention import pages as retention_pages
from flask_tokenoffset.blueprints.rights_requests import api as rights_requests_api
from flask_tokenoffset.blueprints.rights_requests import pages as rights_requests_pages
from flask_tokenoffset.blueprints.sign_in import pages as sign_in_pages
from flask_tokenoffset.blueprints.sources import api as sources_api
from flask_tokenoffset.blueprints.sources import pages as sources_pages
from flask_tokenoffset.blueprints.usage import api as usage_api
from flask_tokenoffset.blueprints.usage import pages as usage_pages

if TYPE_CHECKING:
    from flask_tokenoffset.blueprints.route_table import Register

#: Pages and operations over an account, whosever it is: a person's own or an organization's.
ACCOUNT_PAGES: Final[tuple[Register, ...]] = (
    dashboard_pages.register,
    sources_pages.register,
    usage_pages.register,
    estimates_pages.register,
    plans_pages.register,
    billing_pages.register,
    audit_pages.register,
)
ACCOUNT_OPERATIONS: Final[tuple[Register, ...]] = (
    sources_api.register,
    usage_api.register,
    estimates_api.register,
    plans_api.register,
    billing_api.register,
    audit_api.register,
)
#: Adds pages to the blueprint ``tokenoffset.pages``.
PAGES: Final[tuple[Register, ...]] = (
    *ACCOUNT_PAGES,
    people_pages.register,
    erasures_pages.register,
    identities_pages.register,
    organizations_pages.register,
    own_invitations_pages.register,
    methodology_pages.register,
    connections_pages.register,
    documents_pages.register,
    links_pages.register,
    privacy_pages.register,
    rights_requests_pages.register,
    request_queue_pages.register,
    restrictions_pages.register,
    exports_pages.register,
    consents_pages.register,
    acceptances_pages.register,
    product_updates_pages.register,
    components_pages.register,
    data_map_pages.register,
    retention_pages.register,
)
#: Adds pages to the blueprint ``tokenoffset.organization``, below ``/organizations/<id>``.
ORGANIZATION_PAGES: Final[tuple[Register, ...]] = (
    *ACCOUNT_PAGES,
    members_pages.register,
    membership_pages.register,
    member_plans_pages.register,
    invitations_pages.register,
    organizations_pages.register_in_organization,
    retention_pages.register_in_organization,
)
#: Adds operations to the blueprint ``tokenoffset.api``, below ``/api/v1``.
OPERATIONS: Final[tuple[Register, ...]] = (
    methodology_api.register,
    documents_api.register,
    *ACCOUNT_OPERATIONS,
    people_api.register,
    erasures_api.register,
    identities_api.register,
    organizations_api.register,
    invitations_api.register,
    privacy_api.register,
    rights_requests_api.register,
    request_queue_api.register,
    restrictions_api.register,
    exports_api.register,
    consents_api.register,
    acceptances_api.register,
    data_map_api.register,
    retention_api.register,
)
#: Adds the description of the API itself.
DESCRIPTION: Final[tuple[Register, ...]] = (openapi.register,)
#: Adds operations to ``tokenoffset.organization_api``, below ``/api/v1/organizations/<id>``.
ORGANIZATION_OPERATIONS: Final[tuple[Register, ...]] = (
    *ACCOUNT_OPERATIONS,
    members_api.register,
    member_plans_api.register,
    invitations_api.register_in_organization,
    organizations_api.register_in_organization,
    retention_api.register_in_organization,
)
#: Pages that stand beside the others where the host has no login of its own.
OWN_LOGIN_PAGES: Final[tuple[Register, ...]] = (sign_in_pages.register,)
