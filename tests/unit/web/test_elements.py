"""Templates keep the promises of docs/how-to/theme-and-templates.md, which names all of them."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import render_template_string
from jinja2 import DictLoader, TemplateNotFound

from flask_tokenoffset import formatting
from flask_tokenoffset.blueprints.html import charts, rendering
from flask_tokenoffset.blueprints.html.rendering import View
from flask_tokenoffset.methodology import Range, TokenCounts
from flask_tokenoffset.services.sources.usage import DayTotals
from tests.hosts.host_apps import PREFIX, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

PACKAGE = Path(rendering.__file__).parents[2]
TEMPLATES = PACKAGE / "templates/tokenoffset"
ELEMENTS = sorted((TEMPLATES / "elements").glob("*.html"))
GUIDE = (PACKAGE.parent / "docs/how-to/theme-and-templates.md").read_text(encoding="utf-8")
STYLE_SHEET = (rendering.STATIC_FOLDER / "tokenoffset.css").read_text(encoding="utf-8")
#: How our pages name the elements, and how a template of the host's does.
KEPT = "{% set to = tokenoffset.elements() %}"
IMPORT = '{% import "tokenoffset/elements.html" as to with context %}'


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(params=[IMPORT, KEPT], ids=["imported", "kept"])
def shown(host: Callable[..., Flask], request: pytest.FixtureRequest) -> Callable[..., str]:
    """Call it for what a template of ours makes of a piece of markup."""
    app = host()

    def show(markup: str, **context: object) -> str:
        with app.test_request_context(f"{PREFIX}/"):
            return render_template_string(request.param + markup, tokenoffset=View(()), **context)

    return show


def signature_of(path: Path) -> str:
    found = re.search(r"{% macro (\w+\(.*?\)) -?%}", read(path), re.DOTALL)
    assert found is not None, path.name
    return re.sub(r"\s+", " ", found[1])


def test_the_guide_names_every_element_with_its_parameters() -> None:
    documented = set(re.findall(r"^\| `(\w+\(.*\))` \|", GUIDE, re.MULTILINE))
    assert documented == {signature_of(path) for path in ELEMENTS}


def test_every_element_is_named_after_its_file_and_gathered(shown: Callable[..., str]) -> None:
    for path in ELEMENTS:
        assert signature_of(path).startswith(f"{path.stem}(")
        assert shown(f"{{{{ to.{path.stem} is defined }}}}") == "True"


def test_the_guide_names_every_template() -> None:
    others = {path for path in TEMPLATES.rglob("*.html") if path not in ELEMENTS}
    named = set(re.findall(r"`(tokenoffset/[\w/]+\.html)`", GUIDE))
    missing = {str(path.relative_to(TEMPLATES.parent)) for path in others} - named
    assert missing == set()
    assert [name for name in named if not (TEMPLATES.parent / name).exists()] == []


def test_the_guide_names_every_block() -> None:
    for name in ("base.html", "layout.html"):
        blocks = set(re.findall(r"{%-? block (\w+)", read(TEMPLATES / name)))
        assert blocks
        assert {each for each in blocks if f"`{each}`" not in GUIDE} == set()


def test_the_guide_names_every_property_and_no_other() -> None:
    read_by_us = set(re.findall(r"var\((--to-[\w-]+)", STYLE_SHEET))
    rows = re.findall(r"^\| (`--to-.*?) \|", GUIDE, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"--to-[\w-]+", row)} == read_by_us


def test_the_style_sheet_only_reads_the_hosts_properties() -> None:
    assert re.findall(r"^\s*--to-[\w-]+:", STYLE_SHEET, re.MULTILINE) == []


def test_the_guide_names_what_the_script_looks_for() -> None:
    script = (rendering.STATIC_FOLDER / "tokenoffset.js").read_text(encoding="utf-8")
    for name in re.findall(r"data-to-[\w-]+", script):
        assert f"`{name}`" in GUIDE, name


def test_the_guide_names_what_templates_find() -> None:
    public = {name for name in dir(View) if not name.startswith("_")}
    named = set(re.findall(r"`tokenoffset\.(\w+)", GUIDE))
    assert named == public
    for function in re.findall(r"\| writes figures: (.*) \|", GUIDE)[0].split(", "):
        assert callable(getattr(formatting, function.strip("`")))
    for function in re.findall(r"\| draws: (.*) \|", GUIDE)[0].split(", "):
        assert callable(getattr(charts, function.strip("`")))


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_carries_inline_script_or_style(path: Path) -> None:
    markup = re.sub(r"{#.*?#}", "", read(path), flags=re.DOTALL)
    assert re.findall(r"\sstyle\s*=|<style|\son\w+\s*=|javascript:", markup) == []
    for script in re.findall(r"<script[^>]*>", markup):
        assert " src=" in script


def test_every_class_of_ours_says_so() -> None:
    for path in TEMPLATES.rglob("*.html"):
        for value in re.findall(r'\sclass="([^"]*)"', read(path)):
            names = re.sub(r"{%.*?%}|{{.*?}}", " ", value).split()
            assert [name for name in names if not name.startswith("to-")] == [], path.name


def test_values_are_escaped_in_every_element(shown: Callable[..., str]) -> None:
    evil = "<script>alert('1')</script>\" onfocus=\"x"
    day = [DayTotals(date(2026, 11, 1), TokenCounts(1, 2, 3, 4), 5)]
    page = shown(
        """
        {{ to.badge(evil) }}{{ to.button(evil, name=evil, value=evil) }}
        {% call to.card(evil) %}{{ evil }}{% endcall %}
        {{ to.checkbox_field("a", evil, hint=evil, error=evil) }}
        {{ to.comparison(evil, [(evil, evil, evil)]) }}
        {{ to.confirm_action(evil, evil, evil, evil, evil, evil, id="b") }}
        {{ to.data_table(evil, [evil, {"title": evil, "numeric": true}], [[evil, evil]], "c") }}
        {% call to.disclosure(evil) %}{{ evil }}{% endcall %}
        {{ to.empty_state(evil, evil) }}
        {{ to.figure_list([{"label": evil, "value": evil, "note": evil}]) }}
        {% call to.form(evil, label=evil) %}{{ evil }}{% endcall %}
        {{ to.link_button(evil, evil) }}{{ to.notice("info", evil, evil) }}
        {{ to.page_header(evil, evil, [(evil, evil)]) }}
        {{ to.post_button(evil, evil, {evil: evil}, label_more=evil) }}
        {{ to.progress(evil, 1, 2, poll_url=evil, check_url=evil) }}
        {{ to.radio_cards("d", evil, [{"value": evil, "title": evil, "figure": evil, "text": evil}],
                          hint=evil, error=evil) }}
        {{ to.range_figure(evil, range, "energy", note=evil) }}
        {{ to.select_field("e", evil, [(evil, evil)], evil, evil, evil) }}
        {{ to.slider_field("f", evil, 100, 5, hint=evil, error=evil) }}
        {{ to.steps([evil, {"title": evil, "text": evil}]) }}
        {{ to.text_field("g", evil, evil, hint=evil, error=evil, unit=evil,
                         attributes={"maxlength": evil}) }}
        {{ to.usage_chart(day, title=evil) }}{{ to.cost_chart(day, title=evil) }}
        """,
        evil=evil,
        range=Range.exactly(Decimal(1)),
        day=day,
    )
    assert "<script" not in page
    assert '" onfocus="' not in page


def test_a_posting_form_carries_the_token_and_a_looking_one_does_not(
    shown: Callable[..., str],
) -> None:
    assert 'name="tokenoffset_csrf"' in shown("{% call to.form() %}{% endcall %}")
    assert 'name="tokenoffset_csrf"' in shown("{{ to.post_button('Go', '/go') }}")
    assert "tokenoffset_csrf" not in shown("{% call to.form(method='get') %}{% endcall %}")


def test_an_error_is_tied_to_its_field(shown: Callable[..., str]) -> None:
    wrong = shown("{{ to.text_field('label', 'Label', hint='Short.', error='Too long.') }}")
    assert 'aria-invalid="true"' in wrong
    assert 'aria-describedby="to-label-error to-label-hint"' in wrong
    assert 'id="to-label-error"' in wrong
    right = shown("{{ to.text_field('label', 'Label') }}")
    assert "aria-invalid" not in right
    assert "aria-describedby" not in right


def test_what_just_failed_is_announced_and_what_stands_there_is_not(
    shown: Callable[..., str],
) -> None:
    assert 'role="alert"' in shown("{{ to.notice('error', 'No') }}")
    assert 'role="status"' in shown("{{ to.notice('success', 'Yes') }}")
    assert "role=" not in shown("{{ to.notice('error', 'No', live=false) }}")


@pytest.mark.parametrize(
    ("value", "place"), [(0, 0), (4, 0), (50, 10), (100, 20), (133, 23), (1000, 40)]
)
def test_a_slider_never_moves_a_value_by_itself(
    shown: Callable[..., str], value: int, place: int
) -> None:
    page = " ".join(shown("{{ to.slider_field('p', 'Percent', value, 5) }}", value=value).split())
    # The form sends the number; the slider stands at the last place that does not pass it.
    assert f'value="{value}" aria-describedby' in page
    assert f'type="range" min="0" max="40" step="1" value="{place}"' in page
    assert page.count('name="p"') == 1


def test_the_first_hundred_percent_take_half_of_the_slider(shown: Callable[..., str]) -> None:
    page = shown("{{ to.slider_field('p', 'Percent', 100, 5) }}")
    stops = page.partition('data-to-stops="')[2].partition('"')[0].split(",")
    assert (stops[0], stops[20], stops[40], len(stops)) == ("0", "100", "1000", 41)
    assert sorted(map(int, stops)) == list(map(int, stops))
    assert '<text x="50%"' in page


def test_presets_and_slider_wait_for_the_script(shown: Callable[..., str]) -> None:
    page = shown("{{ to.slider_field('p', 'Percent', 100, 5) }}")
    assert page.count("data-to-with-script hidden") == 2
    assert [f'data-to-preset="{each}"' in page for each in (50, 100, 200)] == [True] * 3


def test_before_the_first_page_a_sample_is_starting(shown: Callable[..., str]) -> None:
    begun = shown("{{ to.progress('Reading', 0, 0) }}")
    assert ">Starting<" in " ".join(begun.split()).replace("> S", ">S").replace("g <", "g<")
    assert " value=" not in begun.partition("<progress")[2].partition(">")[0]
    assert "3 of about 6 pages read" in shown("{{ to.progress('Reading', 3, 6) }}")
    # A vendor may take more pages than were expected; nobody is shown 7 of 6.
    assert "6 of about 6 pages read" in shown("{{ to.progress('Reading', 7, 6) }}")


def test_columns_wrap_and_align_where_they_are_asked_to(shown: Callable[..., str]) -> None:
    page = shown(
        "{{ to.data_table('T', [{'title': 'Call', 'wrap': true}, 'Plain',"
        " {'title': 'Sum', 'numeric': true}], [['a', 'b', 'c']], 't') }}"
    )
    assert '<th scope="row" class="to-wrap">a</th>' in page
    assert "<td>b</td>" in page
    assert '<td class="to-numeric">c</td>' in page


def test_rows_stack_under_their_titles_and_remain_a_table(shown: Callable[..., str]) -> None:
    stacked, plain = (
        shown(
            "{{ to.data_table('T', ['Call', {'title': evil, 'wrap': true}], [['a', 'b']], 't',"
            " stack=stack) }}",
            evil='"Sum"',
            stack=stack,
        )
        for stack in (True, False)
    )
    assert '<th scope="row" role="rowheader" data-label="Call">a</th>' in stacked
    assert '<td role="cell" data-label="&#34;Sum&#34;" class="to-wrap">b</td>' in stacked
    roles = re.findall(r'role="(\w+)"', stacked)
    head, body = ["rowgroup", "row", "columnheader", "columnheader"], ["row", "rowheader", "cell"]
    assert roles == ["region", "table", *head, "rowgroup", *body]
    assert re.findall(r'role="(\w+)"', plain) == ["region"]
    assert "data-label" not in plain


def test_a_host_replaces_a_single_element(host: Callable[..., Flask]) -> None:
    app = host()
    mine = "{% macro badge(text, kind='neutral') %}<b>{{ text }}</b>{% endmacro %}"
    app.jinja_loader = DictLoader({"tokenoffset/elements/badge.html": mine})
    with app.test_request_context(f"{PREFIX}/"):
        page = render_template_string(
            IMPORT + "{{ to.badge('New') }}{{ to.money(5) }}", tokenoffset=View(())
        )
    assert page == '<b>New</b><span class="to-number">$0.05</span>'


def test_a_replaced_element_finds_what_is_in_the_context_of_the_page(
    host: Callable[..., Flask],
) -> None:
    app = host()
    mine = (
        "{% macro disclosure(summary) %}<b>{{ of_the_page }}: {{ summary }}</b>"
        "{{ caller() if caller else '' }}{% endmacro %}"
    )
    app.jinja_loader = DictLoader({"tokenoffset/elements/disclosure.html": mine})
    day = [DayTotals(date(2026, 11, 1), TokenCounts(1, 2, 3, 4), 5)]
    with app.test_request_context(f"{PREFIX}/"):
        for shows in ("one", "another"):
            page = render_template_string(
                KEPT + "{{ to.money(5) }}{{ to.disclosure('More') }}{{ to.usage_chart(day) }}",
                tokenoffset=View(()),
                of_the_page=shows,
                day=day,
            )
            assert f"$0.05</span><b>{shows}: More</b>" in page
            assert f"<b>{shows}: The figures behind this chart</b>" in page


def test_a_host_may_gather_the_elements_itself(host: Callable[..., Flask]) -> None:
    app = host()
    mine = "{% macro badge(text) %}<b>{{ text }}</b>{% endmacro %}"
    app.jinja_loader = DictLoader({"tokenoffset/elements.html": mine})
    with app.test_request_context(f"{PREFIX}/"):
        page = render_template_string(KEPT + "{{ to.badge('New') }}", tokenoffset=View(()))
    assert page == "<b>New</b>"


def test_there_is_no_element_of_another_name(shown: Callable[..., str]) -> None:
    with pytest.raises(TemplateNotFound):
        shown(KEPT + "{{ to.no_such_element('x') }}")


def test_a_page_has_our_files_in_its_head_and_one_root(host: Callable[..., Flask]) -> None:
    page = sign_in(host().test_client()).get(f"{PREFIX}/").text
    head = page.partition("</head>")[0]
    assert re.search(r'<link rel="stylesheet" href="/tokenoffset/static/tokenoffset\.css\?v=', head)
    assert re.search(r'<script type="module" src="/tokenoffset/static/tokenoffset\.js\?v=', head)
    assert page.count('class="to-root"') == 1


def test_a_hosts_nonce_is_printed_on_our_files(host: Callable[..., Flask]) -> None:
    app = host(settings={"csp_nonce": lambda: "n0nce"})
    page = sign_in(app.test_client()).get(f"{PREFIX}/").text
    assert page.count('nonce="n0nce"') == 2
