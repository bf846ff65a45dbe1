"""No column and no field is meant for what must not be kept, and none is wider than it needs.

What has no place cannot be kept: there is none for a prompt, an answer, a conversation, a card, a
bank account, a government identifier or anything of a special category. Columns are declared in the
data map (``flask_tokenoffset/data_map``), and the fields anyone can fill in here; a new one fails
these tests until it is, and no category suits any of those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

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

from flask_tokenoffset.data_map import load
from flask_tokenoffset.models import (
    LONGEST_DIMENSION,
    LONGEST_EMAIL,
    LONGEST_NAME,
    TABLE_PREFIX,
    Base,
    Estimate,
    UTCDateTime,
)
from tests.support.asking import ask
from tests.support.consenting import decide
from tests.support.erasing import receipt_token
from tests.support.every_route import routes_of
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


@dataclass(frozen=True)
class Width:
    """What suffices for the values of a category of the data map.

    :param types: of a column.
    :param characters: of the longest text; ``None`` where only our own code writes it.
    """

    types: tuple[type[TypeEngine[Any]], ...]
    characters: int | None = None


#: How wide a column of each category may be. A category that is missing here is one of no column.
WIDTHS: Final[dict[str, Width]] = {
    "id": Width((Uuid, BigInteger)),
    "host-key": Width((String,), 255),
    "time": Width((UTCDateTime,)),
    "day": Width((Date,)),
    "number": Width((Integer,)),
    "word": Width((String,), 60),
    "sentence": Width((String,)),
    "version": Width((String, Integer), 100),
    "vendor-name": Width((String,), LONGEST_DIMENSION),
    "label": Width((String,), 120),
    "key-prefix": Width((String,), 6),
    "sealed": Width((LargeBinary,)),
    "key-id": Width((String,), 100),
    "figures": Width((JSON,)),
    "programmes": Width((JSON,)),
    "route": Width((String,), 200),
    "call-key": Width((String,), 255),
    "own-answer": Width((Text,)),
    "email": Width((String,), LONGEST_NAME + 1 + LONGEST_EMAIL),
    "name": Width((String,), LONGEST_NAME),
    "subject": Width((String,), 255),
    "digest": Width((String,), 64),
    "local-path": Width((String,), 500),
    "switch": Width((Boolean,)),
    "details": Width((JSON,)),
    "network": Width((String,), 300),
    "statement": Width((String,), 500),
    "published": Width((String, Text)),
    "place": Width((String,), 80),
}

#: Everything anyone can fill in, on pages and through the API. Nothing else is read.
FIELDS = {
    "action",
    "actor_id",
    "amount_cents",  # The amount that was shown, sent back so that no other is adopted.
    "shown_terms",  # A digest of the method and the programmes beside it, likewise.
    "band",
    "company",
    "confirm",
    "confirmed",
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
    "rule",
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
    "place",  # Where in the host's own pages a question stands; a word of the host's.
    "accept",  # The box of a text: the id of its version.
    "version_ids",
    "from",  # Which two versions of a document are compared,
    "to",
    "language",  # and in which language.
    "decision",  # The buttons of a purpose: give, refuse, withdraw or object.
    "days",  # By how many an operator extends the time of a request.
    "reason",  # Why; the person reads it.
    "reply",  # What an operator answers a request.
    "state",  # Whether open or closed requests are listed.
    "statement",  # What a person asks for under their rights.
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

#: The one text of many lines and the one file anyone can send, on one page: a list of addresses
#: with roles. It is read as such and dropped; what is no address is kept nowhere.
LISTS = {"invitees", "file"}

_FORBIDDEN = re.compile(
    r"prompt|message|conversation|completion|response|answer|content|transcript|chat"
    r"|card|cvc|cvv|iban|bic|swift|bank|routing|payment|passport|ssn|social|national|tax|licen[cs]e"
    r"|birth|gender|race|ethnic|religio|politic|union|health|genetic|biometric|sexual|orientation"
    r"|mail|phone|address|_ip\b|user_agent|\bip_|_ip_"
)


#: Columns that may be named for what they hold, because the spec promises to hold exactly that.
_NAMED_FOR_THEMSELVES = {"own-answer", "email", "network"}
#: Instants and switches about an address, which are no address.
_ABOUT_AN_ADDRESS = {"email_verified", "email_verified_at", "email_verified_by_host"}
#: The field by which a person says their address, or whom they invite.
_AN_ADDRESS_ITSELF = {"email"}


def columns() -> Iterator[tuple[str, Column[Any]]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            yield table.name, column


def category_of(table: str, column: str) -> str:
    return load().tables[table.removeprefix(TABLE_PREFIX)].columns[column].category


@pytest.mark.promise("TO-034", "TO-035")
def test_no_column_is_wider_than_its_category_needs() -> None:
    for table, column in columns():
        width = WIDTHS[category_of(table, column.name)]
        kind: TypeEngine[Any] = column.type
        assert isinstance(kind, width.types), f"{table}.{column} is {kind!r}"
        if isinstance(kind, String) and width.characters is not None:
            assert kind.length is not None, f"{table}.{column} has no end"
            assert kind.length <= width.characters, f"{table}.{column}"


@pytest.mark.promise("TO-034", "TO-035")
def test_no_column_and_no_field_is_named_for_what_must_not_be_kept() -> None:
    names = {
        column.name
        for table, column in columns()
        if category_of(table, column.name) not in _NAMED_FOR_THEMSELVES
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
        "tokenoffset_product_update.text",
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
    ours = {"difference.driver", "difference.share", "notes.code", "notes.sentence", "models.class"}
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
    request_id = ask(ada)
    operator = settled_world.operator
    several_lines = {
        (inside, "/invitations"): LISTS,
        (ada, "/privacy/requests"): {"statement"},
        (operator, "/privacy/requests"): {"statement"},
        (operator, f"/requests/{request_id}"): {"reply", "reason"},
    }
    for provider, browser in product(settled_world.vendors, (ada, inside, operator)):
        for path in settled_world.page_paths(
            browser.prefix,
            operator=browser is operator,
            request_id=request_id,
            event_id=decide(ada),
            receipt_token=receipt_token(settled_world),
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
            assert anything == several_lines.get((browser, path), set()), path
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
    api = {route for route in routes_of(world.app) if "/api/v1/" in route.rule}
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
