"""The navigation our layout shows: a line for each feature's entry, with the pages below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from flask_tokenoffset.permissions import Permission


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the navigation that our layout shows.

    :param title: what it says.
    :param endpoint: the function name of the page it leads to.
    :param permission: what a user needs to see it.
    :param within: the function names of the pages below that one, which mark it as well.
    """

    title: str
    endpoint: str
    permission: Permission
    within: tuple[str, ...] = ()

    def standing(self, page: str) -> Literal["page", "true"] | None:
        """What ``aria-current`` says of it on a page.

        :param page: the function name of the page that is shown.
        """
        if page == self.endpoint:
            return "page"
        return "true" if page in self.within else None


_ACCOUNT_NAVIGATION: Final[tuple[NavigationItem, ...]] = (
    NavigationItem("Dashboard", "dashboard", Permission.READ_PLAN),
    NavigationItem(
        "Estimate sources",
        "list_sources",
        Permission.READ_SOURCES,
        within=(
            "connect_source",
            "source",
            "resample_source",
            "rename_source",
            "replace_source_key",
            "disconnect_source",
            "export_usage",
            # A band is a source as well, and a refused adoption shows the estimate again.
            "bands",
            "make_estimate",
            "estimate",
            "adopt",
        ),
    ),
    NavigationItem("Plan", "plan", Permission.READ_PLAN, within=("change_plan", "confirm_end")),
    NavigationItem("Billing records", "billing_records", Permission.READ_PLAN),
)
#: The navigation our layout shows, in order.
NAVIGATION: Final[tuple[NavigationItem, ...]] = (
    *_ACCOUNT_NAVIGATION,
    NavigationItem(
        "Organizations",
        "list_organizations",
        Permission.READ_SELF,
        within=(
            "create_organization",
            "own_invitations",
            "answer_own_invitation",
            "invitation",
            "answer_invitation",
        ),
    ),
    NavigationItem(
        "Your account",
        "me",
        Permission.READ_SELF,
        within=(
            "save_me",
            "welcome",
            "audit_events",
            "export_audit_events",
            "address",
            "ask_address",
            "link_sent",
            "link",
            "follow",
            "confirm",
            "confirm_by_mail",
            "list_identities",
            "link_identity",
            "confirm_with_identity",
            "identity_callback",
            "check_identity",
            "unlink_identity",
        ),
    ),
    NavigationItem(
        "Privacy",
        "privacy",
        Permission.READ_SELF,
        within=(
            "deletion",
            "undo_deletion",
            "erasure_receipt",
            "what_we_hold",
            "retention",
            "choose_retention",
            "own_requests",
            "make_request",
            "own_request",
            "cancel_own_request",
            "restriction",
            "restrict",
            "lift_restriction",
            "list_exports",
            "request_export",
            "export_link",
            "fetch_export",
            "list_consents",
            "decide_consent",
            "consent_receipt",
            "acceptance",
            "accept_documents",
            "unsubscribe",
            "unsubscribe_now",
            "decide_consent_here",
        ),
    ),
    NavigationItem(
        "Requests",
        "list_requests",
        Permission.HANDLE_REQUESTS,
        within=("handle_request", "look_at_request", "answer_request", "extend_request"),
    ),
    NavigationItem("Methodology", "methodology", Permission.READ_PUBLISHED),
    NavigationItem("Connections", "connections", Permission.READ_PUBLISHED),
    NavigationItem(
        "Documents",
        "documents",
        Permission.READ_PUBLISHED,
        within=("document", "document_version", "compare_document"),
    ),
)
#: The navigation on the pages of an organization.
ORGANIZATION_NAVIGATION: Final[tuple[NavigationItem, ...]] = (
    NavigationItem(
        "Membership",
        "membership",
        Permission.READ_MEMBERSHIP,
        within=(
            "leave",
            "own_plan",
            "adopt_own_plan",
            "choose_payer",
            "change_own_plan",
            "confirm_end_own_plan",
        ),
    ),
    *_ACCOUNT_NAVIGATION,
    NavigationItem(
        "Members",
        "members",
        Permission.READ_MEMBERS,
        within=(
            "member",
            "change_role",
            "change_member_status",
            "remove_member",
            "transfer_ownership",
        ),
    ),
    NavigationItem(
        "Invitations",
        "invitations",
        Permission.READ_MEMBERS,
        within=("invite", "invite_list", "resend_invitation", "cancel_invitation"),
    ),
    NavigationItem(
        "Member plans",
        "member_plans",
        Permission.READ_MEMBER_PLANS,
        within=(
            "terms",
            "save_terms",
            "member_plan",
            "set_member_plan",
            "change_member_plan",
            "confirm_end_member_plan",
            "change_many_plans",
            "apply_to_many_plans",
            "bulk_change",
        ),
    ),
    NavigationItem(
        "Audit log", "audit_events", Permission.READ_AUDIT, within=("export_audit_events",)
    ),
    NavigationItem(
        "Settings",
        "settings",
        Permission.CHANGE_ORGANIZATION,
        within=(
            "rename_organization",
            "close_organization",
            "organization_retention",
            "choose_organization_retention",
        ),
    ),
)
#: What stands beside the others where the host has no login of its own.
OWN_LOGIN_NAVIGATION: Final[tuple[NavigationItem, ...]] = (
    NavigationItem("Sign out", "sign_out", Permission.READ_SELF),
)
