"""A text that has to be accepted: asked for once, each box by itself, and no way is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from flask_tokenoffset.services.documents.publishing import Draft, publish
from flask_tokenoffset.state import state_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.fernhill import Fernhill
    from tests.browser.watching import Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def publish_rules(fernhill: Fernhill) -> None:
    """Put rules into force that everyone has to accept."""
    with fernhill.app.app_context():
        state = state_of(fernhill.app)
        with state.unit_of_work() as work:
            draft = Draft(
                document="house-rules",
                version="v1",
                sequence=1,
                title="House rules",
                text="## Be kind\n\nLeave other people's almanacs alone.\n",
                summary="The first version.",
                material=False,
                acceptance_required=True,
            )
            publish(work, draft, state.clock.now())


@pytest.mark.promise("TO-058")
@pytest.mark.parametrize("scripted", [True, False], ids=["with a script", "without"])
def test_a_newcomer_reads_accepts_and_goes_on_to_where_they_wanted(
    fernhill: Fernhill, watched: Callable[..., Watched], *, scripted: bool
) -> None:
    publish_rules(fernhill)
    window = watched(fernhill.address, java_script_enabled=scripted)
    someone = fernhill.newcomer("pell" if scripted else "quill")
    page = window.open("/")
    page.get_by_label("E-mail").fill(someone.email)
    page.get_by_label("Password").fill(someone.password)
    page.get_by_role("button", name="Sign in").click()
    page.goto("/footprint/bands")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Read and decide")
    box = page.get_by_role("checkbox", name="I have read «House rules» and accept it")
    expect(box).not_to_be_checked()
    window.look("acceptance")
    page.get_by_role("button", name="Accept what is ticked").click()
    expect(page.get_by_role("alert")).to_contain_text("No box was ticked")
    window.look("acceptance-error")
    page.get_by_role("link", name="See and correct what we hold about you").click()
    expect(heading).to_have_text("Your account")
    page.goto("/footprint/bands")
    box.check()
    page.get_by_role("button", name="Accept what is ticked").click()
    expect(heading).not_to_have_text("Read and decide")
    assert page.url.endswith("/footprint/bands")
    window.open("/footprint/unsubscribe/as-in-a-mail")
    window.look("unsubscribe")
