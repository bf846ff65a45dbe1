"""Which test fails when an enforcement is switched off: its name to the node id of the test.

Short tests on SQLite are best, because each one is run once more with its guard away.
"""

from __future__ import annotations

from typing import Final

_RESTRICTIONS: Final = "tests/integration/privacy/test_restrictions.py::test_"

_FOLDING: Final = "tests/integration/aggregates/test_folding.py::test_"

PROVED_BY: Final[dict[str, str]] = {
    "no-vendor-is-asked-while-restricted": (
        f"{_RESTRICTIONS}what_would_ask_a_vendor_is_refused_and_says_how_to_go_on"
    ),
    "no-vendor-is-asked-against-a-withdrawal": (
        f"{_RESTRICTIONS}who_withdrew_is_told_to_agree_again_before_a_vendor_is_asked"
    ),
    "no-run-is-scheduled-against-a-withdrawal": (
        f"{_RESTRICTIONS}withdrawing_the_consent_to_sampling_ends_it_and_nothing_else"
    ),
    "no-run-is-scheduled-for-the-restricted": (
        f"{_RESTRICTIONS}months_meanwhile_are_made_up_for_only_after_it_is_lifted"
    ),
    "retention-settings-only-shorten": (
        "tests/unit/services/test_retention_rules.py"
        "::test_a_setting_may_shorten_a_period_and_never_lengthen_it"
    ),
    "a-leaver-leaves-no-credential": (
        f"{_FOLDING}disconnecting_takes_the_credential_and_every_sampled_row"
    ),
    "a-leaver-leaves-no-sampled-row": (
        f"{_FOLDING}the_leavers_rows_go_whether_the_group_is_large_or_not[sqlite-0]"
    ),
    "ten-contributors-or-none": f"{_FOLDING}two_alone_disconnect_and_leave_nothing",
    "nobody-is-half-of-a-sum": f"{_FOLDING}nobody_may_be_more_than_half_of_any_sum[sqlite-0]",
    "only-who-may-be-counted-contributes": (
        f"{_FOLDING}who_is_restricted_waits_for_deletion_or_objects_is_not_counted[sqlite]"
    ),
    "only-what-may-be-counted-is-folded": (
        f"{_FOLDING}of_a_leaver_who_may_not_be_counted_nothing_is_folded[objecting]"
    ),
}
