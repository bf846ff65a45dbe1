from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from flask_tokenoffset.blueprints.json_api.operations import (
    OperationAnswer,
    add_operations,
    operation,
)
from flask_tokenoffset.blueprints.schemas.base import LONGEST_CURSOR, decode_cursor, encode_cursor
from flask_tokenoffset.blueprints.schemas.refusals import LONGEST_BODY
from flask_tokenoffset.blueprints.schemas.validation import MOST_PROBLEMS
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission
from tests.hosts.host_apps import (
    API,
    KNOWN_ID,
    PREFIX,
    PotAnswer,
    dispose,
    form_token,
    make_host,
    sign_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient


@pytest.fixture
def client(host: Callable[..., Flask]) -> FlaskClient:
    return sign_in(host().test_client())


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[FlaskClient]:
    app = make_host()
    yield sign_in(app.test_client())
    dispose(app)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"label": JSON, "litres": JSON, "x": JSON}) | JSON)
def test_no_body_whatever_makes_us_fail(fuzzed: FlaskClient, body: Any) -> None:
    answer = fuzzed.post(f"{API}/pots", data=json.dumps(body), content_type="application/json")
    assert answer.status_code in {201, 400, 409, 422}


@given(st.binary(max_size=200), st.sampled_from(["/pots", "/pots/x", "/openapi.json"]))
def test_no_query_whatever_makes_us_fail(fuzzed: FlaskClient, query: bytes, path: str) -> None:
    answer = fuzzed.get(API + path, query_string=quote_from_bytes(query, safe="&=%+"))
    assert answer.status_code in {200, 404, 422}


def test_an_operation_answers_with_what_it_declares(client: FlaskClient) -> None:
    answer = client.post(f"{API}/pots", json={"label": "blue", "litres": 3})
    assert answer.status_code == 201
    assert answer.content_type == "application/json"
    assert answer.headers["Location"].startswith(f"{API}/pots/")
    assert answer.get_json() == {"id": answer.get_json()["id"], "label": "blue", "litres": 3}
    gone = client.delete(f"{API}/pots/{KNOWN_ID}", json={})
    assert (gone.status_code, gone.data) == (204, b"")
    assert "Content-Type" not in gone.headers


@pytest.mark.parametrize(
    ("body", "pointer", "sentence"),
    [
        ({}, "#/label", "It is required."),
        ({"label": 7}, "#/label", "It must be a text."),
        ({"label": ""}, "#/label", "It must have at least 1 characters."),
        ({"label": "x" * 41}, "#/label", "It must have at most 40 characters."),
        ({"label": "a\x00b"}, "#/label", "It must not contain the character NUL."),
        ({"label": "x", "litres": "3"}, "#/litres", "It must be a whole number."),
        ({"label": "x", "litres": 1.5}, "#/litres", "It must be a whole number."),
        ({"label": "x", "litres": True}, "#/litres", "It must be a whole number."),
        ({"label": "x", "litres": 0}, "#/litres", "It must be at least 1."),
        ({"label": "x", "litres": 101}, "#/litres", "It must be at most 100."),
        ({"label": "x", "account_id": "y"}, "#/account_id", "It is not known here."),
        ({"label": "x", "a%/~": 1}, "#/a%25~1~0", "It is not known here."),
        ([], "#", "It must be an object."),
        ("text", "#", "It must be an object."),
    ],
)
def test_a_body_that_does_not_fit_is_refused_part_by_part(
    client: FlaskClient, body: Any, pointer: str, sentence: str
) -> None:
    answer = client.post(f"{API}/pots", json=body)
    assert answer.status_code == 422
    problem = answer.get_json()
    assert problem["code"] == "invalid-input"
    assert problem["errors"] == [{"pointer": pointer, "detail": sentence}]
    assert problem["detail"] == f"{pointer}: {sentence}"


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"{'label': 1}", b'{"label": "\xff"}', b'{"label": "\\ud800"}', b"[" * 60_000],
)
def test_a_body_that_is_not_json_is_malformed(client: FlaskClient, text: bytes) -> None:
    answer = client.post(f"{API}/pots", data=text, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "malformed-request"


def test_a_great_many_faults_are_told_in_part(client: FlaskClient) -> None:
    answer = client.post(f"{API}/pots", json={f"field{n}": n for n in range(2000)})
    assert len(answer.get_json()["errors"]) == MOST_PROBLEMS


def test_an_operation_without_body_takes_none(client: FlaskClient) -> None:
    answer = client.delete(f"{API}/pots/{KNOWN_ID}", json={"force": True})
    assert answer.get_json()["errors"] == [
        {"pointer": "#/force", "detail": "It is not known here."}
    ]


@pytest.mark.parametrize(
    ("query", "parameter", "sentence"),
    [
        ("limit=0", "limit", "It must be at least 1."),
        ("limit=101", "limit", "It must be at most 100."),
        ("limit=many", "limit", "It must be a whole number."),
        ("limit=1&limit=2", "limit", "It is given twice."),
        ("offset=1", "offset", "It is not known here."),
        ("cursor=" + "x" * 801, "cursor", "It must have at most 800 characters."),
        (
            "cursor=nonsense",
            "cursor",
            "It is not a cursor of this list. Take next_cursor from the page before.",
        ),
    ],
)
def test_a_query_that_does_not_fit_is_refused(
    client: FlaskClient, query: str, parameter: str, sentence: str
) -> None:
    answer = client.get(f"{API}/pots?{query}")
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == [{"parameter": parameter, "detail": sentence}]


def test_an_operation_without_query_takes_none(client: FlaskClient) -> None:
    answer = client.get(f"{API}/pots/{KNOWN_ID}?api_key=secret")
    assert answer.status_code == 422
    assert "secret" not in answer.text


def test_faults_of_query_and_body_are_told_together(client: FlaskClient) -> None:
    answer = client.post(f"{API}/pots?x=1", json={})
    assert answer.get_json()["errors"] == [
        {"parameter": "x", "detail": "It is not known here."},
        {"pointer": "#/label", "detail": "It is required."},
    ]


def test_a_list_is_read_page_by_page_to_its_end(client: FlaskClient) -> None:
    labels: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"{API}/pots?limit=2{cursor}").get_json()
        labels += [pot["label"] for pot in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert labels == ["pot 1", "pot 2", "pot 3"]


@given(st.lists(st.text(max_size=20) | st.integers(-(2**63), 2**63), min_size=1, max_size=3))
def test_a_cursor_comes_back_as_it_was(parts: list[str | int]) -> None:
    assert decode_cursor(encode_cursor(parts), len(parts)) == tuple(parts)


@given(st.text(max_size=LONGEST_CURSOR) | st.binary(max_size=300).map(lambda b: b.hex()))
def test_a_foreign_cursor_is_refused_or_is_plain_data(text: str) -> None:
    try:
        parts = decode_cursor(text, 1)
    except InvalidInput as error:
        refused = list(error.errors)
    else:
        refused = []
        assert type(parts[0]) in {str, int}
    assert refused in (["cursor"], [])


def test_a_body_up_to_the_bound_is_read_and_one_more_is_refused(client: FlaskClient) -> None:
    frame = len('{"label": "", "litres": 1}')
    fits = '{"label": "' + "x" * (LONGEST_BODY - frame) + '", "litres": 1}'
    for text, status in ((fits, 422), (fits + " ", 413)):
        answer = client.post(f"{API}/pots", data=text, content_type="application/json")
        assert answer.status_code == status
    token = form_token(client)
    form = {"tokenoffset_csrf": token, "x": "x" * LONGEST_BODY}
    page = client.post(f"{PREFIX}/pots", data=form)
    assert page.status_code == 413
    assert "larger than 64 KiB" in page.text


def test_a_body_of_unknown_length_is_bounded_too(client: FlaskClient) -> None:
    for size, status in ((100, 422), (LONGEST_BODY + 1, 413)):
        answer = client.post(
            f"{API}/pots",
            input_stream=io.BytesIO(b'{"label": "' + b"x" * size + b'"}'),
            content_type="application/json",
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )
        assert answer.status_code == status


def test_the_hosts_smaller_bound_stands_and_its_larger_one_stays_its_own(
    host: Callable[..., Flask],
) -> None:
    small = sign_in(host(config={"MAX_CONTENT_LENGTH": 10}).test_client())
    assert small.post(f"{API}/pots", json={"label": "blue"}).status_code == 413
    large = host(config={"MAX_CONTENT_LENGTH": 10 * LONGEST_BODY})
    assert large.test_client().post("/host-form", data=b"x" * 2 * LONGEST_BODY).status_code == 200


def test_the_document_is_openapi_and_names_every_route(host: Callable[..., Flask]) -> None:
    app = host()
    document = app.test_client().get(f"{API}/openapi.json").get_json()
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": API}]
    in_document = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    in_routes = {
        (method, rule.rule.removeprefix(API).replace("<uuid:pot_id>", "{pot_id}"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(API) and not rule.endpoint.endswith(".unknown")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert in_document == in_routes
    assert len(in_routes) == 5


def test_the_document_tells_inputs_answers_and_problems(host: Callable[..., Flask]) -> None:
    document = host().test_client().get(f"{API}/openapi.json").get_json()
    make = document["paths"]["/pots"]["post"]
    assert make["operationId"] == "make_pot"
    assert make["security"] == [{"session": []}]
    assert make["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/PotRequest"
    }
    assert set(make["responses"]) == {
        "201", "400", "401", "403", "409", "413", "415", "422", "500"
    }  # fmt: skip
    assert "`conflict`" in make["responses"]["409"]["description"]
    listing = document["paths"]["/pots"]["get"]
    limit, cursor = listing["parameters"]
    assert (limit["name"], limit["schema"]["maximum"], limit["required"]) == ("limit", 100, False)
    assert (cursor["name"], cursor["schema"]["type"]) == ("cursor", "string")
    show = document["paths"]["/pots/{pot_id}"]["get"]
    assert show["parameters"][0]["schema"] == {"type": "string", "format": "uuid"}
    assert "404" in show["responses"]
    assert document["paths"]["/openapi.json"]["get"]["security"] == []
    request = document["components"]["schemas"]["PotRequest"]
    assert request["additionalProperties"] is False
    assert "ListQuery" not in document["components"]["schemas"]
    scheme = document["components"]["securitySchemes"]["session"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", "session")


def test_a_family_of_problems_is_told_kind_by_kind(host: Callable[..., Flask]) -> None:
    document = host().test_client().get(f"{API}/openapi.json").get_json()
    responses = document["paths"]["/pots/{pot_id}"]["delete"]["responses"]
    assert "`key-store-unavailable`, `vault-shut`" in responses["503"]["description"]
    assert "`seal-broken`" in responses["500"]["description"]
    assert "`vault`" not in responses["503"]["description"]


def test_the_servers_name_the_place_where_the_host_is_mounted(host: Callable[..., Flask]) -> None:
    app = host()
    for root in ("", "/shop"):
        answer = app.test_client().get(f"{API}/openapi.json", base_url=f"http://localhost{root}")
        assert answer.get_json()["servers"] == [{"url": root + API}]


POT = PotAnswer(id=KNOWN_ID, label="known", litres=1)


@pytest.mark.parametrize("returned", [(None, 200), (POT, 202), None])
def test_an_answer_that_is_not_declared_never_leaves(
    host: Callable[..., Flask], returned: OperationAnswer
) -> None:
    @operation(
        "GET",
        "/odd",
        permission=Permission.READ_PUBLISHED,
        summary="Odd",
        answers={200: PotAnswer},
    )
    def odd() -> OperationAnswer:
        """Returns what it does not declare."""
        return returned

    app = host(operations=[lambda api: add_operations(api, odd)])
    assert app.test_client().get(f"{API}/odd").status_code == 500


def test_only_operations_can_be_added(host: Callable[..., Flask]) -> None:
    with pytest.raises(TypeError, match="is not an operation"):
        host(operations=[lambda api: add_operations(api, lambda: None)])  # type: ignore[arg-type, return-value]
