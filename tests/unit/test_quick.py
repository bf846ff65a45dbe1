"""``make quick`` finds the tests of what changed."""

from __future__ import annotations

import pytest

from tools.quick import ALWAYS, find_tests

TESTS = {
    "tests/contracts/test_docs.py": "",
    "tests/contracts/test_imports.py": "",
    "tests/contracts/test_tree.py": "",
    "tests/integration/plans/test_adoption.py": "from tests.support.world import World",
    "tests/integration/members/test_lists.py": "from tests.support import clubs, world",
    "tests/unit/test_clock.py": "",
    "tests/unit/vault/test_envelope.py": "from flask_tokenoffset.vault.envelope import seal",
    "tests/unit/web/test_charts.py": "import flask_tokenoffset.clock",
}
PLANS = "tests/integration/plans/test_adoption.py"
LISTS = "tests/integration/members/test_lists.py"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (PLANS, {PLANS}),
        ("tests/integration/plans/conftest.py", {PLANS}),
        ("tests/support/world.py", {PLANS, LISTS}),
        ("tests/support/clubs.py", {LISTS}),
        ("flask_tokenoffset/services/plans/adopting.py", {*ALWAYS, PLANS}),
        ("flask_tokenoffset/templates/tokenoffset/members/list.html", {*ALWAYS, LISTS}),
        ("flask_tokenoffset/vault/envelope.py", {*ALWAYS, "tests/unit/vault/test_envelope.py"}),
        (
            "flask_tokenoffset/clock.py",
            {*ALWAYS, "tests/unit/test_clock.py", "tests/unit/web/test_charts.py"},
        ),
        ("docs/explanation/consent.md", {"tests/contracts/test_docs.py"}),
        ("LICENSE", set()),
    ],
)
def test_a_change_leads_to_its_tests(changed: str, expected: set[str]) -> None:
    assert set(find_tests([changed], TESTS)) == expected


def test_each_test_is_run_once_and_in_one_order() -> None:
    chosen = find_tests(["tests/support/clubs.py", LISTS, PLANS], TESTS)
    assert chosen == sorted({LISTS, PLANS})
