"""What may be published, when it takes effect, and that neither is ever changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_tokenoffset.errors import Conflict, InvalidInput
from flask_tokenoffset.models import DocumentEffect, DocumentNotice, DocumentVersion
from flask_tokenoffset.services.documents import documents
from flask_tokenoffset.services.documents.documents import NOTICE_PERIOD, effect_after_notice
from tests.support.documents import SECOND_TEXT, draft, publish_draft, second_draft, tell_everyone

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


def in_force(world: World, language: str = "en") -> dict[str, str]:
    with world.app.app_context():
        found = documents.in_force(world.state.session, world.clock.now(), language)
        return {each.document: each.version.version for each in found}


def count(world: World, model: Any) -> int:
    return len(world.rows(model)[model.__tablename__])


@pytest.mark.promise("TO-058")
def test_a_first_version_counts_from_the_time_it_names(db_world: World) -> None:
    tomorrow = db_world.clock.now() + timedelta(days=1)
    publish_draft(db_world, draft(material=True, effective_at=tomorrow))
    assert in_force(db_world) == {}
    db_world.clock.move_to(tomorrow - timedelta(seconds=1))
    assert in_force(db_world) == {}
    db_world.clock.move_to(tomorrow)
    assert in_force(db_world) == {"house-rules": "2026-11"}
    assert count(db_world, DocumentNotice) == 0


@pytest.mark.promise("TO-058")
def test_a_change_that_is_not_material_takes_effect_without_notice(db_world: World) -> None:
    publish_draft(db_world, draft())
    db_world.clock.move(hours=1)
    publish_draft(db_world, second_draft(db_world, material=False, effective_at=None))
    assert in_force(db_world) == {"house-rules": "2026-12"}
    assert db_world.queue.jobs == []


@pytest.mark.promise("TO-058", "TS-013")
def test_a_material_change_takes_effect_fourteen_days_after_everyone_was_told(
    db_world: World,
) -> None:
    db_world.ada.pick_band()
    publish_draft(db_world, draft())
    intended = db_world.clock.now() + NOTICE_PERIOD
    version_id = publish_draft(db_world, second_draft(db_world, effective_at=intended))
    # The worker was away for three days, so it is three days later for everyone.
    db_world.clock.move(days=3)
    told_at = db_world.clock.now()
    tell_everyone(db_world, version_id)
    effective_at = told_at + NOTICE_PERIOD
    for moment, version in (
        (intended, "2026-11"),
        (effective_at - timedelta(seconds=1), "2026-11"),
        (effective_at, "2026-12"),
    ):
        db_world.clock.move_to(moment)
        assert in_force(db_world) == {"house-rules": version}


@pytest.mark.promise("TO-058")
def test_a_material_change_does_not_take_effect_as_long_as_people_are_being_told(
    db_world: World,
) -> None:
    publish_draft(db_world, draft())
    publish_draft(db_world, second_draft(db_world))
    db_world.clock.move(days=365)
    assert in_force(db_world) == {"house-rules": "2026-11"}


@pytest.mark.promise("TS-013")
@pytest.mark.parametrize(
    "short_by", [timedelta(seconds=1), timedelta(microseconds=1), timedelta(days=20)]
)
def test_a_material_change_is_refused_with_less_than_fourteen_days(
    world: World, short_by: timedelta
) -> None:
    publish_draft(world, draft())
    intended = world.clock.now() + timedelta(days=14) - min(short_by, timedelta(days=14))
    with pytest.raises(InvalidInput) as refused:
        publish_draft(world, second_draft(world, effective_at=intended))
    assert "14 days" in refused.value.errors["effective"]
    assert "2026-12-04T10:00:00Z" in refused.value.errors["effective"]
    assert count(world, DocumentVersion) == 1


@pytest.mark.promise("TS-013")
def test_a_material_change_is_accepted_with_fourteen_days(world: World) -> None:
    publish_draft(world, draft())
    intended = world.clock.now() + timedelta(days=14)
    version_id = publish_draft(world, second_draft(world, effective_at=intended))
    assert [row_id for _, row_id in world.queue.jobs] == [version_id]


@pytest.mark.promise("TS-013")
def test_nothing_overtakes_a_change_of_which_people_are_being_told(world: World) -> None:
    publish_draft(world, draft())
    second = second_draft(world)
    version_id = publish_draft(world, second)
    third: dict[str, Any] = {"version": "2027-01", "sequence": 3, "summary": "A comma."}
    with pytest.raises(Conflict, match="still being told"):
        publish_draft(world, draft(**third, effective_at=second.effective_at))
    tell_everyone(world, version_id)
    # Not before the change it contains, either.
    with pytest.raises(InvalidInput, match="2026-12-10T10:00:00Z"):
        publish_draft(world, draft(**third))
    publish_draft(world, draft(**third, effective_at=second.effective_at))
    world.clock.move(days=20)
    assert in_force(world) == {"house-rules": "2027-01"}


@pytest.mark.promise("TO-058")
@pytest.mark.parametrize(
    "changed",
    [
        {"text": SECOND_TEXT},
        {"title": "Other rules"},
        {"summary": "Something else."},
        {"material": True},
        {"acceptance_required": True},
        {"effective_at": timedelta(days=1)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_nothing_else_is_published_under_the_name_of_a_version(
    world: World, changed: dict[str, Any]
) -> None:
    publish_draft(world, draft())
    before = world.rows(DocumentVersion, DocumentEffect)
    with pytest.raises(Conflict, match="never changes"):
        publish_draft(world, draft(**changed))
    assert world.rows(DocumentVersion, DocumentEffect) == before


def test_publishing_the_very_same_again_changes_nothing(db_world: World) -> None:
    first = publish_draft(db_world, draft())
    change = second_draft(db_world, effective_at=timedelta(days=15))
    second = publish_draft(db_world, change)
    before = db_world.rows()
    db_world.clock.move(days=30)
    assert publish_draft(db_world, draft()) == first
    assert publish_draft(db_world, change) == second
    assert db_world.rows() == before


@pytest.mark.parametrize("sequence", [2, 3, 7])
def test_a_gap_in_the_sequence_is_refused(world: World, sequence: int) -> None:
    with pytest.raises(Conflict, match="sequence 1, not"):
        publish_draft(world, draft(sequence=sequence))
    publish_draft(world, draft())
    with pytest.raises(Conflict, match="sequence 2, not 1"):
        publish_draft(world, draft(version="another"))


def test_nothing_takes_effect_in_the_past(world: World) -> None:
    before = world.clock.now() - timedelta(microseconds=1)
    with pytest.raises(InvalidInput, match="is past"):
        publish_draft(world, draft(effective_at=before))
    publish_draft(world, draft(effective_at=world.clock.now()))


@pytest.mark.parametrize(
    ("named", "value"),
    [
        ("document", "House rules"),
        ("document", "../etc"),
        ("document", "x" * 41),
        ("version", "compare"),
        ("version", "a/b"),
        ("version", ""),
        ("language", "english"),
        ("title", " "),
        ("title", "x" * 201),
        ("summary", "x" * 501),
        ("text", "\n"),
        ("text", "with a NUL: \x00"),
    ],
)
def test_what_has_no_address_or_no_words_is_refused(world: World, named: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        publish_draft(world, draft(**{named: value}))
    assert set(refused.value.errors) == {named}
    assert count(world, DocumentVersion) == 0


def test_a_text_with_a_mark_of_a_template_is_refused_unless_it_is_allowed(world: World) -> None:
    marked = draft(text="Ask\n[[whom]].\n")
    with pytest.raises(InvalidInput, match="Line 2"):
        publish_draft(world, marked)
    publish_draft(world, marked, allow_template=True)
    assert in_force(world) == {"house-rules": "2026-11"}


def test_a_translation_shares_the_notice_of_the_same_change(db_world: World) -> None:
    db_world.ada.pick_band()
    publish_draft(db_world, draft())
    publish_draft(db_world, draft(language="de", title="Hausordnung"))
    english = publish_draft(db_world, second_draft(db_world))
    publish_draft(db_world, second_draft(db_world, language="de", title="Hausordnung"))
    assert [row_id for _, row_id in db_world.queue.jobs] == [english]
    tell_everyone(db_world, english)
    late = second_draft(db_world, language="fr", sequence=1, title="Règlement")
    publish_draft(db_world, late)
    assert count(db_world, DocumentEffect) == 5
    db_world.clock.move(days=20)
    for language in ("en", "de", "fr"):
        assert in_force(db_world, language) == {"house-rules": "2026-12"}


def test_a_reader_gets_the_language_that_comes_nearest(world: World) -> None:
    for language in ("de", "en", "pt"):
        publish_draft(world, draft(language=language, title=language))
    publish_draft(world, draft(document="imprint", language="de", title="only de"))
    with world.app.app_context():
        session, now = world.state.session, world.clock.now()
        titles = {
            wanted: [each.version.title for each in documents.in_force(session, now, wanted)]
            for wanted in ("de", "pt-BR", "fr", "")
        }
    assert titles == {
        "de": ["de", "only de"],
        "pt-BR": ["pt", "only de"],
        "fr": ["en", "only de"],
        "": ["en", "only de"],
    }


def test_only_what_asks_for_acceptance_is_required(world: World) -> None:
    publish_draft(world, draft())
    publish_draft(world, draft(document="terms", acceptance_required=True))
    later = world.clock.now() + timedelta(days=1)
    publish_draft(world, draft(document="more", acceptance_required=True, effective_at=later))
    with world.app.app_context():
        session, now = world.state.session, world.clock.now()
        assert [each.document for each in documents.required(session, now)] == ["terms"]
        coming = [each.version.document for each in documents.upcoming(session, now)]
    assert coming == ["more"]


MOMENTS = st.timedeltas(timedelta(0), timedelta(days=1_000)).map(
    lambda since: datetime(2026, 1, 1, tzinfo=UTC) + since
)


@given(intended=MOMENTS, told_at=MOMENTS)
def test_the_effect_is_never_early_and_never_more_than_a_second_late(
    intended: datetime, told_at: datetime
) -> None:
    effect = effect_after_notice(intended, told_at)
    earliest = max(intended, told_at + timedelta(days=14))
    assert earliest <= effect < earliest + timedelta(seconds=1)


def test_any_fraction_of_a_second_passes_the_database(
    make_world: Callable[..., World], database_url: str
) -> None:
    world = make_world(database_url)
    publish_draft(world, draft())
    for number, microseconds in enumerate((1, 499, 500, 999_499, 999_500, 999_999), 2):
        in_time = world.clock.now() + NOTICE_PERIOD
        wanted = second_draft(world, version=f"v{number}", sequence=number, effective_at=in_time)
        version_id = publish_draft(world, wanted)
        # Telling everyone takes a while, so that the fourteen days after it are what counts.
        world.clock.move_to(world.clock.now().replace(minute=30, microsecond=microseconds))
        tell_everyone(world, version_id)
        world.clock.move_to((world.clock.now() + timedelta(days=20)).replace(minute=0))
    assert count(world, DocumentEffect) == 7
