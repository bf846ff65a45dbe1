"""Exactly which questions are asked, with which parameters."""

from __future__ import annotations

import json
from datetime import date

import httpx
import pytest

from flask_tokenoffset.clock import DayRange
from flask_tokenoffset.errors import KeyRefused, MalformedAnswer, RequestRefused
from flask_tokenoffset.providers import PROVIDERS, get
from tests.unit.providers.vendors import (
    ANTHROPIC,
    FIRST_DAY,
    OPENAI,
    VENDORS,
    Answers,
    Vendor,
    fixed,
    opened,
    well_formed,
    window_of,
)

NINETY_DAYS = DayRange(date(2026, 8, 1), date(2026, 10, 30))


def asked(request: httpx.Request) -> tuple[str, str, str, list[tuple[str, str]]]:
    parameters = list(request.url.params.multi_items())
    return request.method, request.url.host, request.url.path, parameters


def read_everything(vendor: Vendor, answers: Answers) -> None:
    with opened(vendor, answers) as client:
        client.check(FIRST_DAY)
        list(client.usage(NINETY_DAYS))
        list(client.costs(NINETY_DAYS))


@pytest.mark.promise("TO-019", "TO-017")
def test_anthropic_is_asked_by_day_and_by_the_promised_groups() -> None:
    answers = well_formed(ANTHROPIC)
    read_everything(ANTHROPIC, answers)
    day = [("starting_at", "2026-08-01T00:00:00Z"), ("ending_at", "2026-08-02T00:00:00Z")]
    ninety = [("starting_at", "2026-08-01T00:00:00Z"), ("ending_at", "2026-10-30T00:00:00Z")]
    one, many = [("bucket_width", "1d"), ("limit", "1")], [("bucket_width", "1d"), ("limit", "31")]
    tokens = [("group_by[]", group) for group in ("model", "service_tier", "context_window")]
    money = [("group_by[]", "description")]
    host = "api.anthropic.com"
    usage, costs = "/v1/organizations/usage_report/messages", "/v1/organizations/cost_report"
    assert [asked(request) for request in answers.requests] == [
        ("GET", host, "/v1/organizations/me", []),
        ("GET", host, usage, [*day, *one, *tokens]),
        ("GET", host, costs, [*day, *one, *money]),
        ("GET", host, usage, [*ninety, *many, *tokens]),
        ("GET", host, costs, [*ninety, *many, *money]),
    ]


@pytest.mark.promise("TO-020", "TO-018")
def test_openai_is_asked_by_day_and_by_the_promised_groups() -> None:
    answers = well_formed(OPENAI)
    read_everything(OPENAI, answers)
    # 1785542400 is 2026-08-01T00:00:00Z; a day has 86,400 seconds.
    day = [("start_time", "1785542400"), ("end_time", "1785628800"), ("bucket_width", "1d")]
    ninety = [("start_time", "1785542400"), ("end_time", "1793318400"), ("bucket_width", "1d")]
    tokens = [("group_by", group) for group in ("model", "service_tier", "batch")]
    money = [("group_by", "line_item")]
    host = "api.openai.com"
    usage, costs = "/v1/organization/usage/completions", "/v1/organization/costs"
    assert [asked(request) for request in answers.requests] == [
        ("GET", host, usage, [*day, ("limit", "1"), *tokens]),
        ("GET", host, costs, [*day, ("limit", "1"), *money]),
        ("GET", host, usage, [*ninety, ("limit", "31"), *tokens]),
        ("GET", host, costs, [*ninety, ("limit", "90"), *money]),
    ]


def test_openai_costs_are_never_asked_for_more_days_a_page_than_the_vendor_takes() -> None:
    answers = well_formed(OPENAI)
    with opened(OPENAI, answers) as client:
        list(client.costs(window_of(366)))
    assert answers.requests[0].url.params["limit"] == "180"


def test_a_page_token_comes_with_the_unchanged_question(vendor: Vendor) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.params.get("page") == "second"
        day = date(2026, 8, 2) if last else FIRST_DAY
        bucket = vendor.bucket(day, [])
        return httpx.Response(200, json=vendor.page_of([bucket], None if last else "second"))

    answers = Answers(answer)
    with opened(vendor, answers) as client:
        days = [day for page in client.usage(NINETY_DAYS) for day in page]
    first, second = (request.url.params.multi_items() for request in answers.requests)
    assert second == [*first, ("page", "second")]
    assert [day.day for day in days] == [date(2026, 8, 1), date(2026, 8, 2)]


def test_the_key_travels_in_the_vendors_header_and_nowhere_else() -> None:
    answers = {vendor.name: well_formed(vendor) for vendor in (ANTHROPIC, OPENAI)}
    for vendor in (ANTHROPIC, OPENAI):
        read_everything(vendor, answers[vendor.name])
    for request in answers["anthropic"].requests:
        assert request.headers["x-api-key"] == ANTHROPIC.key
        assert request.headers["anthropic-version"] == "2023-06-01"
        assert "authorization" not in request.headers
    for request in answers["openai"].requests:
        assert request.headers["authorization"] == f"Bearer {OPENAI.key}"
        assert "x-api-key" not in request.headers
        assert "anthropic-version" not in request.headers
    for vendor in (ANTHROPIC, OPENAI):
        for request in answers[vendor.name].requests:
            assert vendor.key not in str(request.url)
            assert request.content == b""
            assert request.headers["user-agent"].startswith("flask-tokenoffset/")
            assert "cookie" not in request.headers


@pytest.mark.promise("TO-023")
def test_the_check_names_the_organization_where_the_vendor_does() -> None:
    with opened(ANTHROPIC, well_formed(ANTHROPIC)) as client:
        organization = client.check(FIRST_DAY)
    assert organization == ("0b9c8d1e-0000-4000-8000-00000000abcd", "Acme")
    with opened(OPENAI, well_formed(OPENAI)) as client:
        assert client.check(FIRST_DAY) == (None, None)


def test_openai_organization_id_is_taken_from_a_cost_row() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        rows = [OPENAI.cost(organization_id="org-EXAMPLE1")]
        return httpx.Response(200, json=OPENAI.page_of([OPENAI.bucket(FIRST_DAY, rows)]))

    with opened(OPENAI, answer) as client:
        assert client.check(FIRST_DAY) == ("org-EXAMPLE1", None)


@pytest.mark.parametrize(
    "identifier", [None, 7, "", "not-an-organization", "org-\u202e", "org-" + "a" * 99]
)
def test_openai_organization_id_of_another_form_is_not_kept(identifier: object) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        rows = [OPENAI.cost(organization_id=identifier)]
        return httpx.Response(200, json=OPENAI.page_of([OPENAI.bucket(FIRST_DAY, rows)]))

    with opened(OPENAI, answer) as client:
        assert client.check(FIRST_DAY).id is None


@pytest.mark.parametrize(
    "me",
    [[], {}, {"id": None, "name": "Acme"}, {"id": "", "name": "Acme"}, {"id": "x", "name": 7}],
)
def test_an_anthropic_key_without_an_organization_is_not_connected(me: object) -> None:
    with opened(ANTHROPIC, fixed(json=me)) as client, pytest.raises(MalformedAnswer):
        client.check(FIRST_DAY)


def test_an_organization_without_a_name_is_not_given_one() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/me"):
            return httpx.Response(200, json={"id": "x", "type": "organization", "name": None})
        return httpx.Response(200, json=ANTHROPIC.one_day(request))

    with opened(ANTHROPIC, answer) as client:
        assert client.check(FIRST_DAY) == ("x", None)


def test_the_name_of_an_organization_is_one_visible_line() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/me"):
            name = "Acme\r\n\x00\u202eLtd " + "x" * 500
            return httpx.Response(200, json={"id": "x", "type": "organization", "name": name})
        return httpx.Response(200, json=ANTHROPIC.one_day(request))

    with opened(ANTHROPIC, answer) as client:
        name = client.check(FIRST_DAY).name
    assert name is not None
    assert name.startswith("Acme Ltd xxx")
    assert len(name) == 200


@pytest.mark.promise("TO-022")
@pytest.mark.parametrize(
    ("vendor", "path"),
    [(vendor, endpoint.path) for vendor in VENDORS for endpoint in vendor.provider.endpoints],
)
def test_a_key_that_lacks_any_one_permission_is_found_by_the_check(
    vendor: Vendor, path: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == path:
            return httpx.Response(403, json={"error": {"message": "Not permitted."}})
        return httpx.Response(200, json=vendor.one_day(request))

    with opened(vendor, answer) as client, pytest.raises(KeyRefused) as caught:
        client.check(FIRST_DAY)
    assert vendor.provider.walk_through.key_page_url in caught.value.message
    assert caught.value.vendor_message == "Not permitted."
    assert caught.value.status_code == 403


def answering(vendor: Vendor, path: str, status: int) -> Answers:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == path:
            return httpx.Response(status, content=json.dumps({"error": {"message": "x"}}))
        return httpx.Response(200, json=vendor.one_day(request))

    return Answers(answer)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 529])
def test_a_cost_report_that_fails_refuses_no_key(vendor: Vendor, status: int) -> None:
    with opened(vendor, answering(vendor, vendor.costs_path, status)) as client:
        client.check(FIRST_DAY)


def test_a_cost_report_that_the_key_may_not_read_refuses_it(vendor: Vendor) -> None:
    with (
        opened(vendor, answering(vendor, vendor.costs_path, 403)) as client,
        pytest.raises(KeyRefused),
    ):
        client.check(FIRST_DAY)


def test_a_key_of_no_known_organization_can_read_use_all_the_same() -> None:
    path = "/v1/organizations/me"
    with opened(ANTHROPIC, answering(ANTHROPIC, path, 404)) as client:
        assert client.check(FIRST_DAY) == (None, None)
    with (
        opened(ANTHROPIC, answering(ANTHROPIC, path, 400)) as client,
        pytest.raises(RequestRefused),
    ):
        client.check(FIRST_DAY)


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_scope_is_explained_whichever_way_openai_says_it(status: int) -> None:
    message = "You have insufficient permissions for this operation. Missing scopes: api.usage.read"
    answers = fixed(status, json={"error": {"message": message, "type": "x", "code": None}})
    with opened(OPENAI, answers) as client, pytest.raises(KeyRefused) as caught:
        client.check(FIRST_DAY)
    assert "api.usage.read" in caught.value.message
    assert "sk-admin-" in caught.value.message
    assert len(answers.requests) == 1


@pytest.mark.parametrize(
    ("name", "days", "pages"),
    [
        ("anthropic", 1, 2),
        ("anthropic", 31, 2),
        ("anthropic", 32, 4),
        ("anthropic", 90, 6),
        ("openai", 1, 2),
        ("openai", 90, 4),
        ("openai", 181, 8),
    ],
)
def test_the_number_of_pages_is_foretold(name: str, days: int, pages: int) -> None:
    vendor = {"anthropic": ANTHROPIC, "openai": OPENAI}[name]
    with opened(vendor, well_formed(vendor)) as client:
        assert client.page_count(window_of(days)) == pages


def test_vendors_are_found_by_name() -> None:
    assert {name: provider.name for name, provider in PROVIDERS.items()} == {
        "anthropic": "anthropic",
        "openai": "openai",
    }
    assert get("openai").title == "OpenAI"
    with pytest.raises(KeyError):
        get("nobody")


@pytest.mark.parametrize("end", [FIRST_DAY, date(2026, 7, 31)])
def test_a_window_holds_at_least_one_day(end: date) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        DayRange(FIRST_DAY, end)
