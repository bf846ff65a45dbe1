"""Every column and every field anybody can fill in is declared here, with what it is for.

What has no place cannot be kept: no column is meant for a prompt, an answer, a conversation, a
card, a bank account, a government identifier or anything of a special category. A new column or
field fails these tests until it is declared, and there is no category here for any of those.
"""

from __future__ import annotations

import re
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
    select,
)

from flask_tokenoffset.models import (
    LONGEST_DIMENSION,
    LONGEST_EMAIL,
    LONGEST_NAME,
    Base,
    Estimate,
    UTCDateTime,
)
from tests.support.every_door import doors_of
from tests.support.html_page import HtmlPage
from tests.support.inviting import invitation_token
from tests.support.linking import linked_identity
from tests.support.organizations import change_many
from tests.support.world import PREFIX, World, make_world, settled_world, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column
    from sqlalchemy.types import TypeEngine

__all__ = ["make_world", "settled_world", "world"]


class Category(Enum):
    """What a column is for."""

    ID = "made by us, means nothing outside"
    HOST_KEY = "the host's own opaque key of its user"
    TIME = "an instant"
    DAY = "a UTC day"
    NUMBER = "tokens, requests, cents, nano-dollars, percent, seconds, pages, attempts"
    WORD = "one of a few words of ours"
    SENTENCE = "a sentence of ours that explains a word"
    VERSION = "of a method, of a master key, of a layout"
    VENDOR_NAME = "what a vendor calls a model, a tier, a price or the organization"
    LABEL = "what the person calls a source"
    KEY_PREFIX = "the six characters by which a person tells keys apart"
    SEALED = "ciphertext and what belongs to it"
    FIGURES = "computed figures with their names"
    ROUTE = "the method and path of a call"
    CALL_KEY = "what a caller calls one of its calls, so that it counts once"
    EMAIL = "a person's e-mail address, which the spec promises to hold"
    NAME = "what a person or an organization calls itself, or says of its work"
    SUBJECT = "who somebody is at an identity provider: issuer and subject"
    DIGEST = "a digest or a salt, which tells nothing by itself"
    LOCAL_PATH = "a path of this application to go back to"
    SWITCH = "yes or no"
    DETAILS = "words and figures by name, which other tests search for secrets"
    NETWORK = "where a change came from, kept for a limited time"
    STATEMENT = "what somebody writes about a privacy request, short and shown to both sides only"
    PUBLISHED = "a published text, the same for everybody"
    PLACE = "where in the product something was said, in words of ours or the host's"
    OWN_ANSWER = "the body of an answer of our API, which other tests search for secrets"


C = Category
_OWNED = {"id": C.ID, "account_id": C.ID}

DECLARED: dict[str, dict[str, Category]] = {
    "tokenoffset_account": {
        "id": C.ID,
        "kind": C.WORD,
        "created_at": C.TIME,
        "retention_plan": C.WORD,
        "released_at": C.TIME,
    },
    "tokenoffset_person": {
        **_OWNED,
        "user_key": C.HOST_KEY,
        "created_at": C.TIME,
        "email": C.EMAIL,
        "email_verified_at": C.TIME,
        "email_verified_by_host": C.SWITCH,
        "display_name": C.NAME,
        "company": C.NAME,
        "job_role": C.NAME,
        "heard_from": C.NAME,
        "onboarded_at": C.TIME,
        "login_epoch": C.NUMBER,
        "restricted_at": C.TIME,
        "deletion_due_at": C.TIME,
        "forgotten_at": C.TIME,
    },
    "tokenoffset_identity": {
        **_OWNED,
        "person_id": C.ID,
        "provider": C.WORD,
        "issuer": C.SUBJECT,
        "subject": C.SUBJECT,
        "email": C.EMAIL,
        "email_verified": C.SWITCH,
        "linked_at": C.TIME,
        "last_used_at": C.TIME,
    },
    "tokenoffset_identity_credential": {
        "identity_id": C.ID,
        "account_id": C.ID,
        "schema_version": C.VERSION,
        "key_version": C.VERSION,
        "data_key_id": C.SEALED,
        "wrapped_key": C.SEALED,
        "nonce": C.SEALED,
        "ciphertext": C.SEALED,
        "created_at": C.TIME,
    },
    "tokenoffset_identity_attempt": {
        "id": C.ID,
        "state_digest": C.DIGEST,
        "browser_digest": C.DIGEST,
        "purpose": C.WORD,
        "provider": C.WORD,
        "person_id": C.ID,
        "next_path": C.LOCAL_PATH,
        "created_at": C.TIME,
        "expires_at": C.TIME,
        "used_at": C.TIME,
    },
    "tokenoffset_fresh_proof": {
        "id": C.ID,
        "person_id": C.ID,
        "browser_digest": C.DIGEST,
        "method": C.WORD,
        "proved_at": C.TIME,
    },
    "tokenoffset_sign_in_address": {
        "id": C.ID,
        "person_id": C.ID,
        "email": C.EMAIL,
        "verified_at": C.TIME,
    },
    "tokenoffset_outbound_message": {
        **_OWNED,
        "person_id": C.ID,
        "kind": C.WORD,
        "reference_id": C.ID,
        "to_address": C.EMAIL,
        "details": C.DETAILS,
        "status": C.WORD,
        "attempt": C.NUMBER,
        "fence": C.NUMBER,
        "next_attempt_at": C.TIME,
        "failure_code": C.WORD,
        "created_at": C.TIME,
        "sent_at": C.TIME,
    },
    "tokenoffset_magic_link": {
        "id": C.ID,
        "purpose": C.WORD,
        "person_id": C.ID,
        "email": C.EMAIL,
        "browser_digest": C.DIGEST,
        "salt": C.DIGEST,
        "token_digest": C.DIGEST,
        "next_path": C.LOCAL_PATH,
        "created_at": C.TIME,
        "expires_at": C.TIME,
        "used_at": C.TIME,
    },
    "tokenoffset_organization": {
        **_OWNED,
        "name": C.NAME,
        "payer_rule": C.WORD,
        "default_band": C.WORD,
        "default_coverage_percent": C.NUMBER,
        "cap_cents_per_month": C.NUMBER,
        "created_by": C.ID,
        "created_at": C.TIME,
        "closed_at": C.TIME,
    },
    "tokenoffset_membership": {
        **_OWNED,
        "organization_id": C.ID,
        "person_id": C.ID,
        "role": C.WORD,
        "status": C.WORD,
        "sort_name": C.NAME,
        "search_text": C.EMAIL,
        "chosen_payer": C.WORD,
        "usage_shared_at": C.TIME,
        "joined_at": C.TIME,
    },
    "tokenoffset_invitation": {
        "id": C.ID,
        "organization_id": C.ID,
        "email": C.EMAIL,
        "role": C.WORD,
        "invited_by": C.ID,
        "salt": C.DIGEST,
        "token_digest": C.DIGEST,
        "created_at": C.TIME,
        "sent_at": C.TIME,
        "expires_at": C.TIME,
        "accepted_at": C.TIME,
        "accepted_by": C.ID,
        "cancelled_at": C.TIME,
    },
    "tokenoffset_bulk_change": {
        **_OWNED,
        "organization_id": C.ID,
        "requested_by": C.ID,
        "status": C.WORD,
        "band": C.WORD,
        "coverage_percent": C.NUMBER,
        "method_version": C.VERSION,
        "amount_cents": C.NUMBER,
        "difference_cents": C.NUMBER,
        "plans_to_change": C.NUMBER,
        "plans_changed": C.NUMBER,
        "stopped_code": C.WORD,
        "created_at": C.TIME,
        "finished_at": C.TIME,
    },
    "tokenoffset_bulk_change_target": {
        "bulk_change_id": C.ID,
        "membership_id": C.ID,
        "done": C.SWITCH,
    },
    "tokenoffset_audit_chain": {
        "account_id": C.ID,
        "length": C.NUMBER,
        "head_digest": C.DIGEST,
        "head_seal": C.DIGEST,
        "key_id": C.WORD,
    },
    "tokenoffset_audit_event": {
        **_OWNED,
        "sequence": C.NUMBER,
        "occurred_at": C.TIME,
        "action": C.WORD,
        "actor_id": C.ID,
        "subject_type": C.WORD,
        "subject_id": C.ID,
        "details": C.DETAILS,
        "origin_digest": C.DIGEST,
        "previous_digest": C.DIGEST,
        "digest": C.DIGEST,
        "key_id": C.WORD,
    },
    "tokenoffset_audit_origin": {
        "event_id": C.ID,
        "account_id": C.ID,
        "address": C.NETWORK,
        "user_agent": C.NETWORK,
        "salt": C.DIGEST,
        "recorded_at": C.TIME,
    },
    "tokenoffset_consent_notice": {
        "digest": C.DIGEST,
        "particulars": C.DETAILS,
        "recorded_at": C.TIME,
    },
    "tokenoffset_document_version": {
        "id": C.ID,
        "document": C.WORD,
        "version": C.VERSION,
        "language": C.WORD,
        "sequence": C.NUMBER,
        "title": C.PUBLISHED,
        "text": C.PUBLISHED,
        "digest": C.DIGEST,
        "summary": C.PUBLISHED,
        "material": C.SWITCH,
        "acceptance_required": C.SWITCH,
        "published_at": C.TIME,
        "intended_effective_at": C.TIME,
    },
    "tokenoffset_purge_progress": {
        "rule": C.WORD,
        "started_at": C.TIME,
        "finished_at": C.TIME,
        "position": C.WORD,
        "rows_purged": C.NUMBER,
        "lag_seconds": C.NUMBER,
    },
    "tokenoffset_tombstone": {
        "user_digest": C.DIGEST,
        "key_id": C.WORD,
        "erased_at": C.TIME,
    },
    "tokenoffset_usage_aggregate": {
        "id": C.ID,
        "provider": C.WORD,
        "model": C.VENDOR_NAME,
        "service_tier": C.VENDOR_NAME,
        "month": C.DAY,
        "contributors": C.NUMBER,
        "uncached_input_tokens": C.NUMBER,
        "cached_input_tokens": C.NUMBER,
        "cache_creation_tokens": C.NUMBER,
        "output_tokens": C.NUMBER,
    },
    "tokenoffset_document_effect": {
        "document_version_id": C.ID,
        "material": C.SWITCH,
        "notice_at": C.TIME,
        "effective_at": C.TIME,
    },
    "tokenoffset_document_notice": {
        "document_version_id": C.ID,
        "last_person_id": C.ID,
        "people_notified": C.NUMBER,
        "people_unreached": C.NUMBER,
        "started_at": C.TIME,
        "completed_at": C.TIME,
    },
    "tokenoffset_legal_hold": {
        "id": C.ID,
        "account_id": C.ID,
        "table_name": C.WORD,
        "record_id": C.ID,
        "reason": C.LABEL,
        "placed_at": C.TIME,
        "held_until": C.TIME,
        "lifted_at": C.TIME,
    },
    "tokenoffset_legal_remain": {
        "id": C.ID,
        "account_id": C.ID,
        "kind": C.WORD,
        "basis": C.WORD,
        "month": C.DAY,
        "amount_cents": C.NUMBER,
        "payer": C.WORD,
        "method_version": C.VERSION,
        "kept_until": C.TIME,
        "created_at": C.TIME,
    },
    "tokenoffset_retention_choice": {
        "account_id": C.ID,
        "rule": C.WORD,
        "days": C.NUMBER,
        "chosen_by": C.ID,
        "chosen_at": C.TIME,
    },
    "tokenoffset_consent_event": {
        "id": C.ID,
        "schema_version": C.VERSION,
        "account_id": C.ID,
        "person_id": C.ID,
        "sequence": C.NUMBER,
        "event_type": C.WORD,
        "document_version_id": C.ID,
        "purpose": C.WORD,
        "notice_digest": C.DIGEST,
        "language": C.WORD,
        "place": C.PLACE,
        "method": C.WORD,
        "actor_id": C.ID,
        "occurred_at": C.TIME,
        "valid_until": C.TIME,
        "digest": C.DIGEST,
    },
    "tokenoffset_erasure": {
        "id": C.ID,
        "account_id": C.ID,
        "person_id": C.ID,
        "status": C.WORD,
        "step": C.WORD,
        "attempt": C.NUMBER,
        "fence": C.NUMBER,
        "next_attempt_at": C.TIME,
        "requested_at": C.TIME,
        "due_at": C.TIME,
        "reminded_at": C.TIME,
        "undone_at": C.TIME,
        "finished_at": C.TIME,
        "user_key": C.HOST_KEY,
        "host_outcome": C.WORD,
        "host_code": C.WORD,
        "host_attempts": C.NUMBER,
        "host_next_attempt_at": C.TIME,
        "host_replied_at": C.TIME,
        "receipt": C.DETAILS,
        "salt": C.DIGEST,
        "token_digest": C.DIGEST,
    },
    "tokenoffset_rights_request": {
        "id": C.ID,
        "account_id": C.ID,
        "person_id": C.ID,
        "kind": C.WORD,
        "status": C.WORD,
        "needs_human": C.SWITCH,
        "statement": C.STATEMENT,
        "reply": C.STATEMENT,
        "received_at": C.TIME,
        "acknowledged_at": C.TIME,
        "due_at": C.TIME,
        "extended_at": C.TIME,
        "extension_reason": C.STATEMENT,
        "due_soon_warned_at": C.TIME,
        "overdue_warned_at": C.TIME,
        "closed_at": C.TIME,
        "closed_by": C.ID,
    },
    "tokenoffset_export": {
        "id": C.ID,
        "account_id": C.ID,
        "person_id": C.ID,
        "request_id": C.ID,
        "status": C.WORD,
        "tables_done": C.NUMBER,
        "tables_expected": C.NUMBER,
        "attempt": C.NUMBER,
        "fence": C.NUMBER,
        "next_attempt_at": C.TIME,
        "failure_code": C.WORD,
        "salt": C.DIGEST,
        "token_digest": C.DIGEST,
        "size_bytes": C.NUMBER,
        "requested_at": C.TIME,
        "ready_at": C.TIME,
        "expires_at": C.TIME,
        "fetched_at": C.TIME,
    },
    "tokenoffset_export_part": {
        "export_id": C.ID,
        "number": C.NUMBER,
        "account_id": C.ID,
        "schema_version": C.VERSION,
        "key_version": C.VERSION,
        "data_key_id": C.SEALED,
        "wrapped_key": C.SEALED,
        "nonce": C.SEALED,
        "ciphertext": C.SEALED,
    },
    "tokenoffset_source": {
        **_OWNED,
        "kind": C.WORD,
        "label": C.LABEL,
        "created_by": C.ID,
        "created_at": C.TIME,
    },
    "tokenoffset_connection": {
        "source_id": C.ID,
        "account_id": C.ID,
        "provider": C.WORD,
        "status": C.WORD,
        "paused_code": C.WORD,
        "paused_reason": C.SENTENCE,
        "key_prefix": C.KEY_PREFIX,
        "organization_id": C.VENDOR_NAME,
        "organization_name": C.VENDOR_NAME,
        "refresh_offset_seconds": C.NUMBER,
        "connected_at": C.TIME,
        "disconnected_at": C.TIME,
    },
    "tokenoffset_credential": {
        "source_id": C.ID,
        "account_id": C.ID,
        "schema_version": C.VERSION,
        "key_version": C.VERSION,
        "data_key_id": C.SEALED,
        "wrapped_key": C.SEALED,
        "nonce": C.SEALED,
        "ciphertext": C.SEALED,
        "created_at": C.TIME,
    },
    "tokenoffset_sample_run": {
        **_OWNED,
        "source_id": C.ID,
        "provider": C.WORD,
        "trigger": C.WORD,
        "scheduled_for": C.TIME,
        "window_start": C.DAY,
        "window_end": C.DAY,
        "status": C.WORD,
        "reason_code": C.WORD,
        "reason": C.SENTENCE,
        "attempt": C.NUMBER,
        "fence": C.NUMBER,
        "pages_done": C.NUMBER,
        "pages_expected": C.NUMBER,
        "requested_at": C.TIME,
        "available_at": C.TIME,
        "enqueued_at": C.TIME,
        "lease_expires_at": C.TIME,
        "started_at": C.TIME,
        "finished_at": C.TIME,
    },
    "tokenoffset_usage_series": {
        **_OWNED,
        "source_id": C.ID,
        "model": C.VENDOR_NAME,
        "service_tier": C.VENDOR_NAME,
        "context_window": C.VENDOR_NAME,
        "batch": C.VENDOR_NAME,
    },
    "tokenoffset_daily_usage": {
        "series_id": C.ID,
        "day": C.DAY,
        "uncached_input_tokens": C.NUMBER,
        "cached_input_tokens": C.NUMBER,
        "cache_creation_tokens": C.NUMBER,
        "output_tokens": C.NUMBER,
        "request_count": C.NUMBER,
    },
    "tokenoffset_cost_line": {
        **_OWNED,
        "source_id": C.ID,
        "description": C.VENDOR_NAME,
        "cost_type": C.VENDOR_NAME,
        "model": C.VENDOR_NAME,
        "service_tier": C.VENDOR_NAME,
        "token_type": C.VENDOR_NAME,
    },
    "tokenoffset_daily_cost": {"line_id": C.ID, "day": C.DAY, "cost_nano_usd": C.NUMBER},
    "tokenoffset_kept_day": {
        "source_id": C.ID,
        "day": C.DAY,
        "report": C.WORD,
        "account_id": C.ID,
        "run_id": C.ID,
    },
    "tokenoffset_estimate": {
        **_OWNED,
        "source_id": C.ID,
        "source_kind": C.WORD,
        "band": C.WORD,
        "run_id": C.ID,
        "created_by": C.ID,
        "created_at": C.TIME,
        "window_start": C.DAY,
        "window_end": C.DAY,
        "quality": C.WORD,
        "uncached_input_tokens_per_month": C.NUMBER,
        "cached_input_tokens_per_month": C.NUMBER,
        "cache_creation_tokens_per_month": C.NUMBER,
        "output_tokens_per_month": C.NUMBER,
        "cost_nano_usd_per_month": C.NUMBER,
        "published_version": C.VERSION,
        "class_aware_version": C.VERSION,
        "bands_version": C.VERSION,
        "figures": C.FIGURES,
    },
    "tokenoffset_idempotency_record": {
        "id": C.ID,
        "user_key": C.HOST_KEY,
        "route": C.ROUTE,
        "key": C.CALL_KEY,
        "request_digest": C.SEALED,
        "status": C.NUMBER,
        "answer": C.OWN_ANSWER,
        "created_at": C.TIME,
    },
    "tokenoffset_plan": {
        **_OWNED,
        "status": C.WORD,
        "amount_cents": C.NUMBER,
        "version": C.NUMBER,
        "created_at": C.TIME,
    },
    "tokenoffset_plan_status_change": {
        **_OWNED,
        "plan_id": C.ID,
        "sequence": C.NUMBER,
        "status": C.WORD,
        "changed_by": C.ID,
        "changed_at": C.TIME,
    },
    "tokenoffset_adoption": {
        **_OWNED,
        "plan_id": C.ID,
        "sequence": C.NUMBER,
        "estimate_id": C.ID,
        "source_kind": C.WORD,
        "tokens_per_month": C.NUMBER,
        "coverage_percent": C.NUMBER,
        "method_version": C.VERSION,
        "amount_cents": C.NUMBER,
        "adopted_by": C.ID,
        "adopted_at": C.TIME,
    },
    "tokenoffset_billing_record": {
        **_OWNED,
        "plan_id": C.ID,
        "month": C.DAY,
        "adoption_id": C.ID,
        "amount_cents": C.NUMBER,
        "payer": C.WORD,
        "tokens_per_month": C.NUMBER,
        "coverage_percent": C.NUMBER,
        "method_version": C.VERSION,
        "due_at": C.TIME,
        "created_at": C.TIME,
    },
}

#: The types that suffice for each category.
TYPES: dict[Category, tuple[type[TypeEngine[Any]], ...]] = {
    C.ID: (Uuid, BigInteger),
    C.HOST_KEY: (String,),
    C.TIME: (UTCDateTime,),
    C.DAY: (Date,),
    C.NUMBER: (Integer,),
    C.WORD: (String,),
    C.SENTENCE: (String,),
    C.VERSION: (String, Integer),
    C.VENDOR_NAME: (String,),
    C.LABEL: (String,),
    C.KEY_PREFIX: (String,),
    C.SEALED: (LargeBinary, String),
    C.FIGURES: (JSON,),
    C.ROUTE: (String,),
    C.CALL_KEY: (String,),
    C.OWN_ANSWER: (Text,),
    C.EMAIL: (String,),
    C.NAME: (String,),
    C.SUBJECT: (String,),
    C.DIGEST: (String,),
    C.LOCAL_PATH: (String,),
    C.SWITCH: (Boolean,),
    C.DETAILS: (JSON,),
    C.NETWORK: (String,),
    C.STATEMENT: (String,),
    C.PUBLISHED: (String, Text),
    C.PLACE: (String,),
}
#: Characters that suffice for each kind of text; sentences of ours are the only longer ones.
LONGEST = {
    C.HOST_KEY: 255,
    C.WORD: 60,
    C.VERSION: 100,
    C.VENDOR_NAME: LONGEST_DIMENSION,
    C.LABEL: 120,
    C.KEY_PREFIX: 6,
    C.SEALED: 64,
    C.ROUTE: 200,
    C.CALL_KEY: 255,
    C.EMAIL: LONGEST_NAME + 1 + LONGEST_EMAIL,
    C.NAME: LONGEST_NAME,
    C.SUBJECT: 255,
    C.DIGEST: 64,
    C.LOCAL_PATH: 500,
    C.NETWORK: 300,
    C.STATEMENT: 500,
    C.PUBLISHED: 500,
    C.PLACE: 80,
}

#: Everything anybody can fill in, on pages and through the API. Nothing else is read.
FIELDS = {
    "action",
    "actor_id",
    "amount_cents",  # The amount that was shown, sent back so that no other is adopted.
    "band",
    "company",
    "confirm",
    "coverage",
    "coverage_percent",
    "check",  # The button that looks what would become of a list.
    "choice",  # The buttons of an invitation: accept or decline.
    "display_name",
    "email",
    "estimate_id",
    "from_date",
    "file",
    "heard_from",
    "heard_from_other",
    "job_role",
    "key",
    "kind",
    "label",
    "invitations",  # Addresses with roles.
    "invitees",
    "membership_id",
    "name",
    "next",  # The local path to go on to.
    "provider",
    "role",
    "search",
    "source_id",
    "status",
    "subject_type",
    "to_date",
    "tokens",
    "tokens_per_month",
    "tokenoffset_csrf",
    "update",  # The button that shows an amount instead of going on.
    "cap",  # Dollars a month, on the page of the terms.
    "cap_cents_per_month",
    "current_band",  # Which plans to change: of this band.
    "default_band",
    "default_coverage",
    "default_coverage_percent",
    "difference_cents",  # What a preview showed, sent back.
    "payer",
    "payer_rule",
    "plans_to_change",  # What a preview showed, sent back.
    "shared",  # Whether an organization may see one's own use.
}

#: The one text of many lines and the one file anybody can send, on one page: a list of addresses
#: with roles. It is read as such and dropped; what is no address is kept nowhere.
LISTS = {"invitees", "file"}

_FORBIDDEN = re.compile(
    r"prompt|message|conversation|completion|response|answer|content|transcript|chat"
    r"|card|cvc|cvv|iban|bic|swift|bank|routing|payment|passport|ssn|social|national|tax|licen[cs]e"
    r"|birth|gender|race|ethnic|religio|politic|union|health|genetic|biometric|sexual|orientation"
    r"|mail|phone|address|_ip\b|user_agent|\bip_|_ip_"
)


#: Columns that may be named for what they hold, because the spec promises to hold exactly that.
_NAMED_FOR_THEMSELVES = {Category.OWN_ANSWER, Category.EMAIL, Category.NETWORK}
#: Instants and switches about an address, which are no address.
_ABOUT_AN_ADDRESS = {"email_verified", "email_verified_at", "email_verified_by_host"}
#: The field by which a person says their address, or whom they invite.
_AN_ADDRESS_ITSELF = {"email"}

_ENDLESS = {Category.SENTENCE, Category.OWN_ANSWER, Category.PUBLISHED}


def columns() -> Iterator[tuple[str, Column[Any]]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            yield table.name, column


@pytest.mark.promise("TO-034", "TO-035")
def test_every_column_is_declared_and_no_other() -> None:
    real = {table.name: set(table.columns.keys()) for table in Base.metadata.sorted_tables}
    assert real == {table: set(declared) for table, declared in DECLARED.items()}


@pytest.mark.promise("TO-034", "TO-035")
def test_no_column_is_wider_than_its_category_needs() -> None:
    for table, column in columns():
        category = DECLARED[table][column.name]
        kind: TypeEngine[Any] = column.type
        assert isinstance(kind, TYPES[category]), f"{table}.{column.name} is {kind!r}"
        if isinstance(kind, String) and category not in _ENDLESS:
            assert kind.length is not None, f"{table}.{column.name} has no end"
            assert kind.length <= LONGEST[category], f"{table}.{column.name}"


@pytest.mark.promise("TO-034", "TO-035")
def test_no_column_and_no_field_is_named_for_what_must_not_be_kept() -> None:
    names = {
        column.name
        for table, column in columns()
        if DECLARED[table][column.name] not in _NAMED_FOR_THEMSELVES
    } | FIELDS
    names -= _ABOUT_AN_ADDRESS | _AN_ADDRESS_ITSELF
    assert {name for name in names if _FORBIDDEN.search(name)} == set()
    assert _FORBIDDEN.search("card_number")  # It does find some.
    assert _FORBIDDEN.search("last_prompt")


@pytest.mark.promise("TO-034", "TO-035")
def test_only_sealed_keys_are_binary_and_only_our_own_words_are_long() -> None:
    """Where anything at all could be hidden, the list is short and each entry is known."""
    binary = {f"{table}.{c.name}" for table, c in columns() if isinstance(c.type, LargeBinary)}
    assert binary == {
        f"tokenoffset_{table}.{column}"
        for table in ("credential", "identity_credential", "export_part")
        for column in ("wrapped_key", "nonce", "ciphertext")
    }
    endless = {
        f"{table}.{c.name}"
        for table, c in columns()
        if isinstance(c.type, String) and c.type.length is None
    }
    assert endless == {
        "tokenoffset_sample_run.reason",
        "tokenoffset_connection.paused_reason",
        "tokenoffset_idempotency_record.answer",
        "tokenoffset_document_version.text",
    }


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


@pytest.mark.promise("TO-034")
def test_the_figures_of_an_estimate_are_figures_names_of_models_and_our_own_sentences(
    settled_world: World,
) -> None:
    texts: dict[str, set[str]] = {}
    with settled_world.app.app_context():
        for estimate in settled_world.state.session.scalars(select(Estimate)):
            for name, value in leaves(estimate.figures):
                if isinstance(value, str) and not re.fullmatch(r"[\d.-]+", value):
                    texts.setdefault(name, set()).add(value)
    ours = {"difference", "notes.code", "notes.sentence", "models.class"}
    assert set(texts) - ours == {"models.model"}
    assert texts["models.model"]


@pytest.mark.promise("TO-034", "TO-035")
def test_nothing_else_can_be_filled_in_on_any_page(settled_world: World) -> None:
    ada = settled_world.ada
    (source,) = ada.api("GET", "/sources").get_json()["items"]
    estimate_id = ada.newest_estimate(source["id"])["id"]
    named: set[str] = set()
    token = invitation_token(settled_world, ada)
    identity_id = linked_identity(settled_world, ada)
    inside = ada.within(ada.create_organization())
    (member,) = inside.api("GET", "/members").get_json()["items"]
    change_id = change_many(inside)
    for provider, browser in product(settled_world.vendors, (ada, inside)):
        for path in settled_world.page_paths(
            browser.place,
            provider=provider,
            source_id=source["id"],
            estimate_id=estimate_id,
            invitation_token=token,
            identity_id=identity_id,
            membership_id=member["id"],
            change_id=change_id,
        ):
            page = HtmlPage(browser.get(path).text)
            named |= {
                each.attributes["name"]
                for each in page.elements
                if each.tag in {"input", "select", "textarea", "button"}
                and "name" in each.attributes
            }
            anything = {
                each.attributes["name"]
                for each in page.elements
                if each.tag == "textarea" or each.attributes.get("type") == "file"
            }
            assert anything == (LISTS if browser is inside and path == "/invitations" else set())
    assert {"key", "label", "tokens", "coverage"} <= named
    assert named <= FIELDS, named - FIELDS


@pytest.mark.promise("TO-034", "TO-035")
def test_nothing_else_can_be_sent_to_the_api(world: World) -> None:
    document = world.ada.api("GET", "/openapi.json").get_json()
    described = {
        (method.upper(), f"{PREFIX}/api/v1{path}")
        for path, operations in document["paths"].items()
        for method in operations
    }
    api = {door for door in doors_of(world.app) if "/api/v1/" in door.rule}
    assert len(described) >= len(api) - 1  # The document does not describe itself.
    sent: set[str] = set()
    for operations in document["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {})
            for media in body.values():
                sent |= set(resolved(document, media["schema"]).get("properties", {}))
                schema = resolved(document, media["schema"])
                assert schema.get("additionalProperties") is False or schema["maxProperties"] == 0
    assert {"key", "label", "estimate_id"} <= sent
    assert sent <= FIELDS, sent - FIELDS


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference: str | None = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found
