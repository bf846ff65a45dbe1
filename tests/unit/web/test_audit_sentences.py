"""Every event of the audit log is told in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from flask_tokenoffset.blueprints.audit.sentences import (
    GROUPS,
    SENTENCES,
    SUBJECTS,
    action_choices,
    actor_of,
    sentence_of,
)
from flask_tokenoffset.models import AUDIT_DETAILS, AUDIT_SUBJECTS, AuditAction, AuditEvent
from flask_tokenoffset.services.audit.reading import AuditView, Named, group_of

ADA = UUID(int=1)


def view(
    action: str = AuditAction.PLAN_ADOPTED,
    *,
    actor: Named | None = None,
    about: Named | None = None,
    **details: Any,
) -> AuditView:
    event = AuditEvent(
        id=uuid4(),
        sequence=1,
        occurred_at=datetime(2026, 11, 20, tzinfo=UTC),
        action=action,
        details=details,
    )
    return AuditView(event, actor, about, None, None)


def test_every_action_has_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == set(AuditAction)
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    for sentence in SENTENCES.values():
        assert sentence[0].isupper()
        assert not sentence.endswith(".")


def test_every_group_and_every_subject_has_words() -> None:
    assert set(GROUPS) == {group_of(action) for action in AuditAction}
    assert set(SUBJECTS) == set(AUDIT_SUBJECTS)


def test_everything_can_be_chosen_once() -> None:
    values = [value for value, _ in action_choices()]
    assert sorted(values) == sorted([*GROUPS, *AuditAction])


@pytest.mark.parametrize("action", AuditAction)
def test_no_sentence_shows_a_word_that_stands_for_another(action: AuditAction) -> None:
    for about in (None, Named(ADA, "Ada", forgotten=False), Named(ADA, None, forgotten=True)):
        assert "{" not in sentence_of(view(action, about=about))


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({}, "Adopted an estimate"),
        ({"amount_cents": 125}, "Adopted an estimate (amount: $1.25)"),
        (
            {"coverage_percent": 150},
            "Adopted an estimate (contribution level: 1.5x\N{NO-BREAK SPACE}rate)",
        ),
        ({"tokens_per_month": 5_000_000}, "Adopted an estimate (tokens per month: 5,000,000)"),
        ({"cap_cents_per_month": 999}, "Adopted an estimate (cap: $9.99)"),
        ({"payer_before": "member"}, "Adopted an estimate (payer before: member)"),
        ({"amount_cents_before": 5}, "Adopted an estimate (amount before: $0.05)"),
        ({"was_member": True}, "Adopted an estimate (was member: yes)"),
        ({"declined": False}, "Adopted an estimate (declined: no)"),
        ({"fields": "company,job_role"}, "Adopted an estimate (fields: company, job_role)"),
        ({"reason": None, "person_id": "x"}, "Adopted an estimate"),
    ],
)
def test_details_are_told_with_their_units(details: dict[str, Any], said: str) -> None:
    assert sentence_of(view(**details)) == said


@pytest.mark.parametrize("word", sorted(AUDIT_DETAILS))
def test_every_detail_reads_as_words(word: str) -> None:
    details: dict[str, Any] = {word: 1, f"{word}_before": 2}
    assert "_" not in sentence_of(view(**details))


def test_an_action_of_a_later_version_is_shown_as_it_is() -> None:
    assert sentence_of(view("moon.visited", provider="nasa")) == "moon.visited (provider: nasa)"


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        (None, "Automatic"),
        (Named(ADA, "ada", forgotten=False), "ada"),
        (Named(ADA, None, forgotten=False), "A user without a name"),
        (Named(ADA, "ada", forgotten=True), "A former user"),
        (Named(ADA, None, forgotten=True), "A former user"),
    ],
)
def test_who_did_it_is_named_as_far_as_there_is_a_name(actor: Named | None, said: str) -> None:
    assert actor_of(view(actor=actor)) == said
