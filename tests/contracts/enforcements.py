"""Which test fails when an enforcement is switched off: its name to the node id of the test.

Short tests on SQLite are best, because each one is run once more with its guard away.
"""

from __future__ import annotations

from typing import Final

_RESTRICTIONS: Final = "tests/integration/privacy/test_restrictions.py::test_"

PROVED_BY: Final[dict[str, str]] = {
    "no-vendor-is-asked-while-restricted": (
        f"{_RESTRICTIONS}what_would_ask_a_vendor_is_refused_and_says_how_to_go_on"
    ),
    "no-run-is-scheduled-for-the-restricted": (
        f"{_RESTRICTIONS}months_meanwhile_are_made_up_for_only_after_it_is_lifted"
    ),
    "retention-settings-only-shorten": (
        "tests/unit/services/test_retention_rules.py"
        "::test_a_setting_may_shorten_a_period_and_never_lengthen_it"
    ),
}
