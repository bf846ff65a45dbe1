from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flask_tokenoffset.models import Plan, PlanStatusChange
from tests.support.world import World

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def status_of(world: World) -> str:
    return str(world.ada.api("GET", "/plan").get_json()["status"])


def test_without_a_plan_the_way_to_one_is_shown(world: World) -> None:
    page = world.stranger.page("/plan")
    assert "There is no plan yet" in page.text
    assert page.link("Pick a band").endswith("/bands")
    assert not page.has_form("/plan/pause")
    assert not world.stranger.has_account


@pytest.mark.promise("TO-007")
@pytest.mark.parametrize(
    ("fields", "origin", "tokens", "amount"),
    [
        ({"band": "worker"}, "The Worker band", "5,000,000", "$1.25"),
        ({"band": "own", "tokens": "7M"}, "A typed amount", "7,000,000", "$1.75"),
    ],
)
def test_a_plan_records_amount_source_and_tokens(
    world: World, fields: dict[str, str], origin: str, tokens: str, amount: str
) -> None:
    review = world.ada.submit("/bands", "/estimates", **fields).location
    world.ada.submit(review.removeprefix("/tokenoffset"), "/plan/adoptions")
    text = world.ada.page("/plan").text
    assert f"Contribution a month {amount}" in text
    assert f"Rests on {origin}" in text
    assert tokens in text
    assert "Contribution level 1x rate" in text
    assert "Method Flat rate, 2026-05" in text


@pytest.mark.promise("TO-007")
def test_a_plan_from_a_sample_records_it_too(world: World) -> None:
    source_id = world.ada.sample(label="Lab")
    estimate = world.ada.newest_estimate(source_id)
    world.ada.submit(f"/estimates/{estimate['id']}", "/plan/adoptions")
    text = world.ada.page("/plan").text
    assert "Rests on Sampled: Lab" in text
    assert f"{estimate['tokens_per_month']['total']:,}" in text


def test_a_done_notice_needs_the_plan_to_agree(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    assert "This is your contribution from now on" in world.ada.page("/plan?done=adopted").text
    for claim in ("end", "pause", "nonsense", "<script>"):
        text = world.ada.page(f"/plan?done={claim}").text
        assert "No further months" not in text.partition("History")[0].partition("End your plan")[0]
        assert "Months that begin while" not in text


def test_pause_resume_and_end_by_the_pages_own_buttons(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    for change, status, words in (
        ("pause", "paused", "You can resume at any time"),
        ("resume", "active", "goes on with the amount you adopted last"),
        ("end", "ended", "Adopting an estimate begins anew"),
    ):
        world.clock.move(hours=1)
        answer = world.ada.submit("/plan", f"/plan/{change}")
        assert answer.status_code == 303
        assert answer.location.endswith(f"/plan?done={change}")
        assert status_of(world) == status
        page = world.ada.page(f"/plan?done={change}")
        assert words in page.text
    assert not page.has_form("/plan/pause")
    assert not page.has_form("/plan/resume")
    assert not page.has_form("/plan/end")


def test_ending_asks_once_more_without_a_script(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    link = world.ada.page("/plan").link("End the plan")
    assert link.endswith("/plan/end")
    page = world.ada.page("/plan/end")
    assert "End your plan?" in page.heading
    assert status_of(world) == "active"
    assert world.ada.submit("/plan/end", "/plan/end").status_code == 303
    assert status_of(world) == "ended"


def test_there_is_nothing_to_confirm_without_a_running_plan(world: World) -> None:
    assert world.stranger.get("/plan/end").status_code == 303
    world.ada.adopt(world.ada.pick_band())
    world.ada.api("POST", "/plan/end")
    assert world.ada.get("/plan/end").status_code == 303


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ([], "resume"),
        (["pause"], "pause"),
        (["end"], "pause"),
        (["end"], "resume"),
        (["end"], "end"),
    ],
)
def test_a_change_that_is_not_possible_is_refused_on_the_page(
    world: World, before: list[str], change: str
) -> None:
    world.ada.adopt(world.ada.pick_band())
    for each in before:
        world.ada.post(f"/plan/{each}")
    rows = world.rows(Plan, PlanStatusChange)
    answer = world.ada.post(f"/plan/{change}")
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text
    assert "Your plan" in answer.text
    assert world.rows(Plan, PlanStatusChange) == rows


def test_without_a_plan_nothing_can_be_changed(world: World) -> None:
    answer = world.stranger.post("/plan/pause")
    assert answer.status_code == 409
    assert "There is no plan yet" in answer.text
    assert world.rows(Plan) == {"tokenoffset_plan": []}
    assert not world.stranger.has_account


def test_adopting_while_paused_leaves_the_plan_paused_and_says_so(world: World) -> None:
    world.ada.adopt(world.ada.pick_band("worker"))
    world.ada.post("/plan/pause")
    review = f"/estimates/{world.ada.pick_band('casual')}"
    assert "adopting leaves it paused" in world.ada.page(review).text
    done = world.ada.submit(review, "/plan/adoptions").location
    page = world.ada.page(done.removeprefix("/tokenoffset"))
    assert "still paused" in page.text
    assert "Contribution a month $0.08" in page.text
    assert status_of(world) == "paused"


def test_there_is_no_other_change(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    assert world.ada.post("/plan/double").status_code == 404
    assert world.ada.get("/plan/pause").status_code == 405


def test_a_change_without_the_forms_token_is_refused(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    assert world.ada.client.post("/tokenoffset/plan/end").status_code == 400
    assert status_of(world) == "active"
    assert world.ada.post("/plan/end").status_code == 303


def test_the_history_is_complete_and_newest_first(world: World) -> None:
    first = world.ada.pick_band("worker")
    world.ada.adopt(first, 100)
    for change in ("pause", "resume"):
        world.clock.move(days=1)
        world.ada.post(f"/plan/{change}")
    world.clock.move(days=1)
    world.ada.adopt(world.ada.pick_band("casual"), 300)
    page = world.ada.page("/plan")
    rows = [each.text for each in page.elements if each.tag == "tr"][1:]
    assert [row.partition("UTC ")[2].split()[0] for row in rows] == [
        "Adopted",
        "Resumed",
        "Paused",
        "Adopted",
    ]
    assert rows[0].endswith("300,000 3x rate 2026-05 $0.23 No programme was named")
    assert rows[3].endswith("5,000,000 1x rate 2026-05 $1.25 No programme was named")
    assert f"/tokenoffset/estimates/{first}?coverage=100" in page.links()


def test_adopting_after_the_end_begins_anew(world: World) -> None:
    world.ada.adopt(world.ada.pick_band())
    world.ada.post("/plan/end")
    page = world.ada.page("/plan")
    again = page.link("Begin again").removeprefix("/tokenoffset")
    world.clock.move(days=40)
    assert world.ada.submit(again, "/plan/adoptions").status_code == 303
    assert status_of(world) == "active"
    rows = [each.text for each in world.ada.page("/plan").elements if each.tag == "tr"]
    assert len(rows) == 4  # The heading, both adoptions, and the end between them.


def test_accounts_see_and_change_their_own_only(settled_world: World) -> None:
    world = settled_world
    world.ben.post("/plan/end")
    assert status_of(world) == "active"
    assert "Ended" not in world.ada.page("/plan").text
    assert "Ended" in world.ben.page("/plan").text
    assert "There is no plan yet" in world.stranger.page("/plan").text


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    for path in ("/plan", "/plan/end"):
        assert world.nobody.get(path).location.startswith("/sign-in")


class PlanButtons(RuleBasedStateMachine):
    """However a person clicks about, the page offers what works and the ledger agrees."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.estimate_id = self.world.ada.pick_band()
        self.status: str | None = None
        self.events = 0

    def teardown(self) -> None:
        self.world.close()

    def _sent(self, path: str) -> TestResponse:
        self.world.clock.move(minutes=7)
        return self.world.ada.submit("/plan", path)

    @rule()
    def adopt(self) -> None:
        self.world.clock.move(minutes=7)
        answer = self.world.ada.submit(f"/estimates/{self.estimate_id}", "/plan/adoptions")
        assert answer.status_code == 303
        # Adopting what is charged already is no event. A paused plan stays paused; an ended one,
        # or none, begins.
        self.events += self.status in {None, "ended"}
        self.status = "paused" if self.status == "paused" else "active"

    @precondition(lambda self: self.status == "active")
    @rule()
    def pause(self) -> None:
        assert self._sent("/plan/pause").status_code == 303
        self.status = "paused"
        self.events += 1

    @precondition(lambda self: self.status == "paused")
    @rule()
    def resume(self) -> None:
        assert self._sent("/plan/resume").status_code == 303
        self.status = "active"
        self.events += 1

    @precondition(lambda self: self.status in {"active", "paused"})
    @rule()
    def end(self) -> None:
        assert self._sent("/plan/end").status_code == 303
        self.status = "ended"
        self.events += 1

    @invariant()
    def the_page_offers_what_is_possible(self) -> None:
        page = self.world.ada.page("/plan")
        assert page.has_form("/plan/pause") == (self.status == "active")
        assert page.has_form("/plan/resume") == (self.status == "paused")
        assert page.has_form("/plan/end") == (self.status in {"active", "paused"})
        rows = [each for each in page.elements if each.tag == "tr"][1:]
        assert len(rows) == self.events


PlanButtons.TestCase.settings = settings(
    max_examples=12, stateful_step_count=10, deadline=None, derandomize=True
)
test_the_buttons_and_the_ledger_agree = PlanButtons.TestCase
