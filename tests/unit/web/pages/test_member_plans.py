"""Pages of members' plans: terms, totals, one member's plan, one's own, and many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_tokenoffset.models import Membership, Organization, Plan
from flask_tokenoffset.permissions import Role
from tests.support.clubs import Club, found
from tests.support.world import KEYS, PREFIX

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.html_page import HtmlPage
    from tests.support.world import World


@pytest.fixture
def club(world: World) -> Club:
    """Ada's organization, with Ben as a member."""
    made = found(world, world.ada)
    made.join(world.ben)
    return made


def follow(club: Club, answer: TestResponse, browser: str = "ada") -> HtmlPage:
    assert answer.status_code == 303, answer.text
    person = club.world.ada if browser == "ada" else club.world.ben
    return person.page(answer.location.removeprefix(PREFIX))


# --- terms ----------------------------------------------------------------------------------------


def test_terms_are_saved_and_shown_again(club: Club) -> None:
    answer = club.world.ada.submit(
        f"{club.path}/terms",
        "/terms",
        payer_rule="member-chooses",
        default_band="worker",
        default_coverage="80",
        cap="1,250.50",
    )
    page = follow(club, answer)
    assert "These terms hold from now on." in page.text
    form = page.form("/terms")
    assert form.values["default_coverage"] == "80"
    assert form.values["cap"] == "1,250.50"
    totals = club.page(club.world.ada, "/member-plans").text
    assert "Each member chooses" in totals
    assert "The Worker band at the 0.8x rate" in totals
    assert "the cap is $1,250.50" in totals


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("cap", "much", "Type an amount in dollars"),
        ("cap", "1.5.0", "Type an amount in dollars"),
        ("cap", "999,999,999,999", "at most $100,000,000"),
        ("cap", "-5", "Type an amount in dollars"),
        ("default_coverage", "1001", "from 0 to 1,000"),
        ("default_coverage", "all", "from 0 to 1,000"),
        ("default_band", "gigantic", "There is no band called"),
        ("payer_rule", "somebody", "Choose who pays."),
    ],
)
def test_what_cannot_be_is_refused_beside_the_field_and_kept(
    club: Club, field: str, typed: str, sentence: str
) -> None:
    rows = club.world.rows(Organization)
    answer = club.world.ada.submit(f"{club.path}/terms", "/terms", **{field: typed})
    assert answer.status_code == 422
    assert sentence in answer.text.replace("\xa0", " ")
    if field in {"cap", "default_coverage"}:
        assert f'value="{typed}"' in answer.text
    assert club.world.rows(Organization) == rows


def test_the_terms_say_what_each_rule_would_cost(club: Club) -> None:
    club.world.ada.submit(
        f"{club.path}/members/{club.members['ben']}/plan", "/plan", amount_cents="125"
    )
    page = club.page(club.world.ada, "/terms").text
    assert "The organization pays $1.25 a month at present" in page
    assert "the organization would pay $0.00 a month" in page


def test_terms_over_the_cap_are_refused_beside_the_rule(club: Club) -> None:
    club.change(payer_rule="member")
    club.world.ben.submit(f"{club.path}/membership/plan", "/membership/plan", amount_cents="125")
    answer = club.world.ada.submit(
        f"{club.path}/terms", "/terms", payer_rule="organization", cap="1"
    )
    assert answer.status_code == 422
    assert "more than its cap of $1.00" in answer.text


# --- one member's plan ----------------------------------------------------------------------------


def test_an_administrator_looks_at_the_amount_and_adopts_it_for_a_member(club: Club) -> None:
    ada, ben = club.world.ada, club.members["ben"]
    path = f"{club.path}/members/{ben}/plan"
    assert "None has begun" in ada.page(path).text
    shown = ada.submit(path, "/plan", band="agentic", coverage="50", update="yes")
    page = follow(club, shown)
    assert "Adopt the Agentic band for $17.50 a month" in page.text
    answer = ada.client.post(page.form("/plan").action, data=page.form("/plan").values)
    done = follow(club, answer)
    assert "Contribution a month $17.50" in done.text
    assert "Who set the amount An administrator" in done.text
    assert "The organization, by the organization's terms" in done.text
    plan = club.plan_of(ben)
    assert plan is not None
    assert plan.amount_cents == 1750


def test_an_amount_that_was_not_shown_is_not_adopted(club: Club) -> None:
    path = f"{club.path}/members/{club.members['ben']}/plan"
    for amount in ("1", "", "x"):
        answer = club.world.ada.submit(path, "/plan", band="casual", amount_cents=amount)
        assert answer.status_code == 422
        assert "Nothing was adopted" in answer.text
        assert "for $0.08 a month" in answer.text
    assert club.world.rows(Plan) == {"tokenoffset_plan": []}


def test_a_plan_is_paused_resumed_and_ended_after_asking_once_more(club: Club) -> None:
    ada, path = club.world.ada, f"{club.path}/members/{club.members['ben']}/plan"
    ada.submit(path, "/plan")
    assert "Paused" in follow(club, ada.submit(path, "/plan/pause")).text
    assert "Resumed" in follow(club, ada.submit(path, "/plan/resume")).text
    assert "End the plan of ben?" in ada.page(f"{path}/end").text
    assert "Ended" in follow(club, ada.submit(f"{path}/end", "/plan/end")).text
    assert ada.get(f"{path}/end").status_code == 303
    answer = ada.post(f"{path}/pause")
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text


def test_the_plan_of_a_member_who_pays_is_shown_and_not_offered(club: Club) -> None:
    club.change(payer_rule="member")
    page = club.page(club.world.ada, f"/members/{club.members['ben']}/plan")
    assert "only they can change it" in page.text
    assert not page.has_form("/plan")


def test_an_auditor_sees_a_members_plan_and_can_change_nothing(club: Club) -> None:
    auditor = club.world.browser("auditor")
    club.join(auditor, Role.AUDITOR)
    page = club.page(auditor, f"/members/{club.members['ben']}/plan")
    assert not page.has_form("/plan")
    assert "Change many plans" not in club.page(auditor, "/member-plans").text
    for path in (f"/members/{club.members['ben']}/plan", "/member-plans/changes"):
        assert auditor.post(f"{club.path}{path}").status_code == 403
    for path in ("/terms", "/member-plans/change"):
        assert auditor.get(f"{club.path}{path}").status_code == 403


# --- one's own ------------------------------------------------------------------------------------


def test_a_member_sees_which_part_is_set_by_whom(club: Club) -> None:
    club.world.ada.submit(f"{club.path}/members/{club.members['ben']}/plan", "/plan")
    page = club.page(club.world.ben, "/membership")
    assert "Who pays The organization, by the organization's terms" in page.text
    assert "Who set the amount An administrator on 20 November 2026" in page.text
    own = club.page(club.world.ben, "/membership/plan")
    assert "The organization pays, so its administrators say" in own.text
    assert not own.has_form("/membership/plan")
    assert not own.has_form("/plan/payer")


def test_a_member_who_pays_adopts_pauses_and_ends(club: Club) -> None:
    club.change(payer_rule="member")
    ben, path = club.world.ben, f"{club.path}/membership/plan"
    answer = ben.submit(path, "/membership/plan", band="worker", amount_cents="125")
    page = follow(club, answer, "ben")
    assert "Who pays You, by the organization's terms" in page.text
    assert "Who set the amount You" in page.text
    club.world.bill()
    assert "November 2026" in ben.page(path).text
    for change in ("pause", "resume"):
        follow(club, ben.submit(path, f"/plan/{change}"), "ben")
    assert "End your plan in Fernhill?" in ben.page(f"{path}/end").text
    assert "Ended" in follow(club, ben.submit(f"{path}/end", "/plan/end"), "ben").text


def test_a_coverage_that_cannot_be_is_refused_beside_the_field_and_kept(club: Club) -> None:
    club.change(payer_rule="member")
    path = f"{club.path}/membership/plan"
    answer = club.world.ben.submit(path, "/membership/plan", coverage="2000")
    assert answer.status_code == 422
    assert 'value="2000"' in answer.text
    assert "to-coverage-error" in answer.text
    assert club.world.rows(Plan) == {"tokenoffset_plan": []}


def test_a_member_chooses_to_pay_and_back_seeing_the_amount_before(club: Club) -> None:
    club.change(payer_rule="member-chooses", default_band="casual")
    ben, path = club.world.ben, f"{club.path}/membership/plan"
    club.world.ada.submit(f"{club.path}/members/{club.members['ben']}/plan", "/plan")
    assert "it stays $1.25 a month, which you pay" in ben.page(path).text
    page = follow(club, ben.submit(path, "/plan/payer"), "ben")
    assert "Who pays You, as you chose" in page.text
    ben.submit(path, "/membership/plan", band="worker", coverage="200", amount_cents="250")
    assert "what the organization offers instead: $0.08 a month" in ben.page(path).text
    page = follow(club, ben.submit(path, "/plan/payer"), "ben")
    assert "Who pays The organization, as you chose" in page.text
    assert "Contribution a month $0.08" in page.text


def test_a_payer_that_is_none_is_refused(club: Club) -> None:
    club.change(payer_rule="member-chooses")
    rows = club.world.rows(Membership)
    answer = club.world.ben.post(f"{club.path}/membership/plan/payer", payer="person")
    assert answer.status_code == 422
    assert club.world.ben.post(f"{club.path}/membership/plan/payer").status_code == 422
    assert club.world.rows(Membership) == rows


def test_sharing_is_a_switch_on_ones_own_page(club: Club) -> None:
    ben, path = club.world.ben, f"{club.path}/membership/plan"
    assert "does not see how much AI you use" in ben.page(path).text
    page = follow(club, ben.submit(path, "/usage-sharing"), "ben")
    assert "this organization sees, beside your name" in page.text
    page = follow(club, ben.submit(path, "/usage-sharing"), "ben")
    assert "does not see how much AI you use" in page.text
    answer = ben.post(f"{club.path}/membership/usage-sharing", shared="perhaps")
    assert answer.status_code == 422


# --- many at once ---------------------------------------------------------------------------------


def test_a_few_plans_change_at_once_after_an_exact_preview(club: Club) -> None:
    ada = club.world.ada
    page = ada.page(f"{club.path}/member-plans/change")
    assert "What would change" not in page.text
    page = ada.page(f"{club.path}/member-plans/change?search=&band=worker&coverage=100")
    assert "Plans that change 2" in page.text
    assert "In all, a month +$2.50" in page.text
    form = page.form("/member-plans/changes")
    answer = ada.client.post(form.action, data=form.values)
    done = follow(club, answer)
    assert "2 plans were changed." in done.text
    assert "progress" not in {element.tag for element in done.elements}
    assert "2 of 2" in club.page(ada, "/member-plans").text


def test_many_plans_show_their_progress_without_a_script(club: Club) -> None:
    ada = club.world.ada
    club.fill(110)
    path = f"{club.path}/member-plans/change?band=worker&coverage=100"
    page = follow(club, ada.submit(path, "/member-plans/changes"))
    assert "0 of 112 plans changed" in page.text
    assert 'http-equiv="refresh"' in page.source
    (bar,) = [each for each in page.elements if "data-to-poll" in each.attributes]
    told = ada.client.get(bar.attributes["data-to-poll"]).get_json()
    assert told["status"] == "queued"
    assert told[bar.attributes["data-to-done"]] == 0
    assert told[bar.attributes["data-to-expected"]] == 112
    club.world.work()
    change = page.link("Check again").removeprefix(PREFIX)
    done = ada.page(change)
    assert "112 plans were changed." in done.text
    assert "refresh" not in done.source


def test_figures_that_hold_no_more_are_shown_anew(club: Club) -> None:
    ada = club.world.ada
    page = ada.page(f"{club.path}/member-plans/change?band=worker&coverage=100")
    form = page.form("/member-plans/changes")
    club.fill(1)
    answer = ada.client.post(form.action, data=form.values)
    assert answer.status_code == 422
    assert "does not hold any more" in answer.text
    assert "Change 3 plans" in answer.text
    assert club.world.rows(Plan) == {"tokenoffset_plan": []}
    for missing in ("plans_to_change", "difference_cents"):
        sent = {name: value for name, value in form.values.items() if name != missing}
        assert ada.client.post(form.action, data=sent).status_code == 422


def test_the_filter_stays_with_the_form_that_applies_it(club: Club) -> None:
    query = "search=ben&role=member&current_band=none&band=casual&coverage=100"
    path = f"{club.path}/member-plans/change?{query}"
    page = follow(club, club.world.ada.submit(path, "/member-plans/changes"))
    assert "1 plan was changed." in page.text
    plan = club.plan_of(club.members["ben"])
    assert plan is not None
    assert club.plan_of(club.members["ada"]) is None


def test_a_preview_over_the_cap_offers_nothing(club: Club) -> None:
    club.change(cap_cents_per_month=200)
    page = club.page(club.world.ada, "/member-plans/change?band=worker&coverage=100")
    assert "This would pass the cap" in page.text
    assert not page.has_form("/member-plans/changes")


def test_a_coverage_of_many_that_cannot_be_is_refused_beside_the_field(club: Club) -> None:
    page = club.page(club.world.ada, "/member-plans/change?band=worker&coverage=x", status=422)
    assert "to-coverage-error" in page.source
    assert 'value="x"' in page.source


# --- the organization's own account ---------------------------------------------------------------


def test_an_organization_has_sources_estimates_and_a_plan_of_its_own(club: Club) -> None:
    world = club.world
    auditor, admin = world.browser("auditor"), world.browser("admin")
    club.join(auditor, Role.AUDITOR)
    club.join(admin, Role.ADMIN)
    answer = admin.submit(f"{club.path}/bands", "/estimates", band="agentic")
    review = answer.location.removeprefix(PREFIX)
    assert admin.submit(review, "/plan/adoptions").status_code == 303
    world.bill()
    for browser in (world.ada, admin, auditor):
        for path in ("/", "/sources", "/plan", "/billing-records"):
            assert browser.get(f"{club.path}{path}").status_code == 200
        assert "$35.00" in club.page(browser, "/plan").text
    for path in ("/", "/sources", "/plan", "/billing-records", "/bands"):
        assert world.ben.get(f"{club.path}{path}").status_code == 403
        assert world.stranger.get(f"{club.path}{path}").status_code == 404
    rows = world.rows()
    for browser, status in ((auditor, 403), (world.ben, 403), (world.stranger, 404)):
        for path in ("/plan/pause", "/plan/adoptions", "/estimates"):
            assert browser.post(f"{club.path}{path}").status_code == status
    assert world.rows() == rows
    # Each person's own account knows nothing of it.
    for browser in (world.ada, admin, world.ben):
        assert "There is no plan yet" in browser.page("/plan").text


def test_anyone_who_only_reads_is_offered_nothing_to_change(club: Club) -> None:
    auditor = club.world.browser("auditor")
    club.join(auditor, Role.AUDITOR)
    body = {"provider": "anthropic", "key": KEYS["anthropic"]}
    source = club.api(club.world.ada, "POST", "/sources", body).get_json()["id"]
    club.world.work()
    estimate = club.api(club.world.ada, "POST", "/estimates", {"kind": "band", "band": "casual"})
    review = f"/estimates/{estimate.get_json()['id']}"
    adopted = club.world.ada.submit(f"{club.path}{review}", "/plan/adoptions")
    assert adopted.status_code == 303
    for path in ("/", "/plan", "/sources", f"/sources/{source}", review):
        page = club.page(auditor, path)
        assert [each.action for each in page.forms if "/plan" in each.action] == [], path
        assert [each.action for each in page.forms if "/sources" in each.action] == [], path
        for wanted in ("/bands", "/connect/", "/key", "/disconnect"):
            assert not any(link.endswith(wanted) for link in page.links()), path


def test_a_sample_of_an_organization_is_followed_where_it_is(club: Club) -> None:
    body = {"provider": "anthropic", "key": KEYS["anthropic"]}
    source = club.api(club.world.ada, "POST", "/sources", body).get_json()["id"]
    page = club.page(club.world.ada, f"/sources/{source}")
    (bar,) = [each for each in page.elements if "data-to-poll" in each.attributes]
    assert club.world.ada.client.get(bar.attributes["data-to-poll"]).status_code == 200


@pytest.mark.parametrize("path", ["/", "/plan", "/sources", "/bands"])
def test_pages_of_an_organization_do_not_say_you_for_it(club: Club, path: str) -> None:
    world = club.world
    page = club.page(world.ada, path).text
    assert "Your plan" not in page
    assert "Your AI contribution" not in page
    assert "do you use" not in page
    assert "Fernhill" in page
