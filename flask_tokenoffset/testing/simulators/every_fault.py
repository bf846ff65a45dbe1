"""One of each fault by name, for tests that drive a client through all of them."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from flask_tokenoffset.testing.simulators import faults, odd_reports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask_tokenoffset.testing.simulators.planned_faults import Fault

_ABSURD_SECONDS = "99999999999999999999"

#: One of each, by name: functions that make a fault, since some keep count.
EVERY_FAULT: Mapping[str, Callable[[], Fault]] = {
    **{
        f"status_{code}": partial(faults.status, code)
        for code in (400, 401, 402, 403, 404, 408, 409, 413, 500, 502, 503, 504, 529)
    },
    "rate_limited_seconds": lambda: faults.rate_limited("1"),
    "rate_limited_date": lambda: faults.rate_limited("Wed, 21 Oct 2026 07:28:00 GMT"),
    "rate_limited_silent": faults.rate_limited,
    "rate_limited_absurd": lambda: faults.rate_limited(_ABSURD_SECONDS),
    "rate_limited_negative": lambda: faults.rate_limited("-5"),
    "redirect": faults.redirect,
    "html": faults.html,
    "empty_body": faults.empty_body,
    "error_in_success": faults.error_in_success,
    "not_an_object": faults.not_an_object,
    "deep_nesting": faults.deep_nesting,
    "compression_bomb": faults.compression_bomb,
    "echoes_key": faults.echoes_key,
    "reset": faults.reset,
    "refused": faults.refused,
    "connect_timeout": faults.connect_timeout,
    "read_timeout": faults.read_timeout,
    "bad_certificate": faults.bad_certificate,
    "slow": lambda: faults.slow(0.05),
    "trickle": faults.trickle,
    "breaks_off": faults.breaks_off,
    "compressed": faults.compressed,
    "cut_json": faults.cut_json,
    "bad_utf8": faults.bad_utf8,
    "wrong_content_type": faults.wrong_content_type,
    "clock_skew": faults.clock_skew,
    "missing_data": lambda: faults.missing_field("data"),
    "missing_has_more": lambda: faults.missing_field("has_more"),
    "missing_results": faults.missing_field,
    "missing_tokens": lambda: faults.missing_field("output_tokens"),
    "missing_amount": lambda: faults.missing_field("amount"),
    "wrong_type": faults.wrong_type,
    "new_field": faults.new_field,
    "not_a_number": lambda: faults.figures(math.nan),
    "infinite": lambda: faults.figures(math.inf),
    "huge_number": lambda: faults.figures(10**30),
    "negative_number": lambda: faults.figures(-1),
    "duplicate_rows": faults.duplicate_rows,
    "duplicate_days": faults.duplicate_days,
    "newest_first": faults.newest_first,
    "leaves_out_empty_days": faults.leaves_out_empty_days,
    "endless_paging": faults.endless_paging,
    "repeated_token": faults.repeated_token,
    "token_cycle": faults.token_cycle,
    "more_without_token": faults.more_without_token,
    "more_with_empty_token": faults.more_with_empty_token,
    "empty_page_says_more": faults.empty_page_says_more,
    "ends_early": faults.ends_early,
    "amounts_with_exponents": odd_reports.amounts_with_exponents,
    "amounts_of_thirty_digits": odd_reports.amounts_of_thirty_digits,
    "free_rows": odd_reports.free_rows,
    "without_an_amount": odd_reports.without_an_amount,
    "late": odd_reports.late,
    "credit": odd_reports.credit,
    "unnamed_models": odd_reports.unnamed_models,
    "new_cache_lifetime": odd_reports.new_cache_lifetime,
    "no_more_with_a_token": odd_reports.no_more_with_a_token,
}
