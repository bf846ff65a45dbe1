"""What the host hears, always after the commit.

Each signal is sent with the Flask application as sender and with ids and plain values only; no
secret and no vendor answer ever travels in one. They are documented in
``docs/reference/signals.md``.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: A vendor key was connected. Keywords: ``source_id``, ``account_id``, ``provider``.
source_connected = _signals.signal("tokenoffset-source-connected")

#: A source was disconnected, its credential deleted. Keywords: ``source_id``, ``account_id``.
source_disconnected = _signals.signal("tokenoffset-source-disconnected")

#: A source was paused because the vendor refused its key, or the key could not be opened any more.
#: Keywords: ``source_id``, ``account_id``, ``reason_code``.
source_paused = _signals.signal("tokenoffset-source-paused")

#: A sample run ended well. Keywords: ``run_id``, ``source_id``, ``account_id``, ``estimate_id``
#: (``None`` where the history is too short for an estimate).
sample_completed = _signals.signal("tokenoffset-sample-completed")

#: A sample run failed for good. Keywords: ``run_id``, ``source_id``, ``account_id``,
#: ``reason_code``.
sample_failed = _signals.signal("tokenoffset-sample-failed")

#: A person adopted an estimate. Keywords: ``plan_id``, ``account_id``, ``adoption_id``,
#: ``amount_cents``.
estimate_adopted = _signals.signal("tokenoffset-estimate-adopted")

#: A plan was paused, resumed or ended, or begun anew by an adoption after its end. Keywords:
#: ``plan_id``, ``account_id``, ``status``.
plan_changed = _signals.signal("tokenoffset-plan-changed")

#: A simulated billing record was made. Keywords: ``billing_record_id``, ``plan_id``,
#: ``account_id``, ``month``, ``amount_cents``.
billing_record_created = _signals.signal("tokenoffset-billing-record-created")

#: Records were kept for over a day longer than their rule says, because the purge cannot keep up;
#: sent once in a run. Keywords: ``rule``, ``lag_seconds``.
retention_lagging = _signals.signal("tokenoffset-retention-lagging")

#: A person was forgotten: what belonged to them is deleted. Keywords: ``person_id``,
#: ``account_id``.
person_forgotten = _signals.signal("tokenoffset-person-forgotten")

#: A request under a person's rights is due within three days, or overdue; told once of each.
#: Keywords: ``request_id``, ``account_id``, ``kind``, ``due_at``, ``overdue``.
request_due = _signals.signal("tokenoffset-request-due")
