"""Which test fails when an enforcement is switched off: its name to the node id of the test.

Short tests on SQLite are best, because each one is run once more with its guard away.
"""

from __future__ import annotations

from typing import Final

_RESTRICTIONS: Final = "tests/integration/privacy/test_restrictions.py::test_"

_COPIES: Final = "tests/integration/exports/test_copies.py::test_"
_CANARY_EXPORT: Final = "tests/integration/exports/test_canary_export.py::test_"
_FOLDING: Final = "tests/integration/aggregates/test_folding.py::test_"

_ATTACKS: Final = "tests/integration/test_attacks_on_privacy.py::test_"

_PUBLISHING: Final = "tests/integration/documents/test_publishing.py::test_"

_DECISIONS: Final = "tests/integration/consents/test_decisions.py::test_"
_SIGNAL: Final = "tests/integration/consents/test_privacy_signal.py::test_"

PROVED_BY: Final[dict[str, str]] = {
    "one-owner-is-one-contributor": (
        f"{_ATTACKS}a_person_with_nine_organizations_is_one_contributor[sqlite]"
    ),
    "no-account-of-a-minor-by-a-hook": (
        f"{_ATTACKS}a_host_cannot_make_an_account_of_the_child_who_is_there"
    ),
    "a-consent-has-its-witness": (
        f"{_DECISIONS}a_receipt_says_where_the_act_came_from_for_as_long_as_that_is_kept"
    ),
    "consent-holds": f"{_DECISIONS}a_consent_that_was_withdrawn_does_not_hold",
    "only-holding-consents-count": (
        f"{_DECISIONS}nobody_who_objects_is_among_those_whose_consent_holds"
    ),
    "a-privacy-signal-is-an-objection": f"{_SIGNAL}only_a_signal_of_exactly_1_objects[1]",
    "a-privacy-signal-is-kept": f"{_SIGNAL}the_signal_is_kept_once_and_ends_a_consent",
    "no-consent-against-a-privacy-signal": (
        f"{_SIGNAL}a_yes_that_comes_with_the_signal_is_refused_and_says_why[calibration]"
    ),
    "fourteen-days-of-notice": (
        f"{_PUBLISHING}a_material_change_is_refused_with_less_than_fourteen_days"
    ),
    "material-change-takes-effect-after-notice": (
        f"{_PUBLISHING}a_material_change_is_accepted_with_fourteen_days"
    ),
    "no-change-behind-an-unannounced-one": (
        f"{_PUBLISHING}nothing_overtakes_a_change_of_which_people_are_being_told"
    ),
    "published-text-never-changes": (
        f"{_PUBLISHING}nothing_else_is_published_under_the_name_of_a_version"
    ),
    "banner-of-material-changes": (
        "tests/unit/web/pages/test_documents.py"
        "::test_anyone_who_is_signed_in_is_told_on_every_page_until_it_takes_effect"
    ),
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
        "tests/unit/services/retention/test_retention_rules.py"
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
    "what-was-kept-long-enough-goes": (
        "tests/integration/retention/test_rules.py"
        "::test_what_a_rule_is_about_is_kept_to_the_second_and_gone_with_the_next_run[sqlite-messages]"
    ),
    "retention-is-the-shortest-said": (
        "tests/integration/retention/test_choices.py"
        "::test_the_plan_and_the_tenant_shorten_what_is_kept"
    ),
    "retention-choices-only-shorten": (
        "tests/integration/retention/test_choices.py"
        "::test_no_tenant_keeps_anything_longer_than_plan_and_rule"
    ),
    "a-hold-outlives-a-disconnection": (
        "tests/integration/retention/test_holds.py"
        "::test_nobody_destroys_what_is_held_by_disconnecting"
    ),
    "legal-hold-keeps-named-records": (
        "tests/integration/retention/test_holds.py"
        "::test_a_held_record_is_kept_and_its_neighbour_goes"
    ),
    "request-log-ends": (
        "tests/integration/retention/test_rules.py"
        "::test_a_file_of_the_request_log_goes_when_its_day_is_over_long_enough"
    ),
    "a-request-is-due-within-a-month": (
        "tests/integration/rights_requests/test_asking.py"
        "::test_a_request_is_acknowledged_at_once_and_has_a_last_day[sqlite]"
    ),
    "overdue-requests-are-seen": (
        "tests/integration/rights_requests/test_queue.py::test_what_is_overdue_cannot_be_extended"
    ),
    "nobody-under-the-minimum-age": (
        "tests/integration/people/test_minimum_age.py"
        "::test_a_child_gets_no_account_on_any_way_and_a_teenager_does[sqlite]"
    ),
    "what-a-minor-has-is-erased": (
        "tests/integration/people/test_minimum_age.py"
        "::test_what_a_child_has_is_erased_with_the_first_request[sqlite]"
    ),
    "acceptance-asked-again": (
        "tests/integration/consents/test_acceptance_gate.py"
        "::test_a_material_change_is_asked_for_again_once_it_has_taken_effect"
    ),
    "purged-months-are-not-billed-again": (
        "tests/integration/retention/test_billing.py"
        "::test_a_month_that_was_purged_is_never_billed_again"
    ),
    "purged-days-are-not-read-again": (
        "tests/integration/retention/test_sampling.py"
        "::test_a_new_sample_brings_nothing_back_that_was_purged"
    ),
    "no-card-and-no-bank-account-in-free-text": (
        "tests/integration/privacy/test_free_text_fields.py"
        "::test_pages_say_so_beside_the_field_and_keep_nothing"
    ),
    "no-cookie-by-looking": (
        "tests/unit/web/test_cookies.py::test_anyone_who_only_looks_gets_no_cookie_of_ours"
    ),
    "a-copy-is-fetched-once-in-time-by-its-owner": f"{_COPIES}a_link_fetches_once",
    "a-copy-that-is-over-is-deleted": f"{_COPIES}after_its_time_a_copy_is_gone",
    "a-copy-holds-nobody-elses-rows": (
        f"{_CANARY_EXPORT}what_is_found_in_one_way_and_says_in_another_that_it_is_bens_is_not_adas"
        "[sqlite]"
    ),
    "a-copy-names-nobody-else": (
        f"{_CANARY_EXPORT}a_copy_holds_all_of_adas_none_of_bens_and_no_secret[sqlite]"
    ),
    "a-correction-reaches-every-copy": (
        "tests/integration/people/test_corrections.py"
        "::test_a_copy_that_is_fetched_after_a_correction_is_corrected"
    ),
    "everything-is-gone-within-thirty-days": (
        "tests/integration/erasure/test_grace.py"
        "::test_everything_is_gone_by_day_30_and_nothing_before_day_29[sqlite]"
    ),
    "an-erasure-deletes-every-row": (
        "tests/integration/people/test_me.py"
        "::test_an_account_and_all_that_belongs_to_it_is_deleted_through_the_api"
    ),
    "an-erasure-empties-the-person": (
        "tests/integration/erasure/test_grace.py"
        "::test_everything_is_gone_by_day_30_and_nothing_before_day_29[sqlite]"
    ),
    "legal-remains-end": (
        "tests/integration/erasure/test_retained_records.py"
        "::test_books_keep_a_figure_for_twelve_months_and_nothing_more[sqlite]"
    ),
    "updates-go-to-those-who-want-them": (
        "tests/integration/mail/test_product_updates.py"
        "::test_news_goes_to_anyone_who_agreed_and_to_nobody_else"
    ),
    "one-click-withdraws": (
        "tests/integration/mail/test_product_updates.py"
        "::test_one_click_in_the_mail_program_ends_it_without_a_sign_in"
    ),
    "a-hold-outlives-an-erasure": (
        "tests/integration/erasure/test_retained_records.py"
        "::test_what_is_held_survives_with_what_it_leads_to_and_its_neighbours_go[sqlite]"
    ),
}
