"""Every element on one page, for looking at and for the browser's tests.

``python tests/browser/gallery.py FOLDER`` puts pictures of it there: narrow and wide, light and
dark. It needs the machine's Chromium (``tools/find-chromium.sh`` says which).
"""

from __future__ import annotations

import csv
import sys
import threading
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response, jsonify, render_template_string, request
from werkzeug.serving import make_server

from flask_tokenoffset.blueprints.navigation import NavigationItem
from flask_tokenoffset.methodology import Range, TokenCounts
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.services.sources.usage import DayTotals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Blueprint, Flask

TEMPLATE = Path(__file__).with_name("gallery.html")
LEDGER = Path(__file__).parents[2] / "docs/data/usage-series/individual-a-daily.csv"
#: The strictest policy a host may have: everything from its own origin, nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NAVIGATION = (
    NavigationItem("Dashboard", "gallery", Permission.READ_PUBLISHED),
    NavigationItem("Estimate sources", "second", Permission.READ_PUBLISHED),
    NavigationItem("Plan", "second", Permission.READ_PUBLISHED),
    NavigationItem("Billing records", "second", Permission.READ_PUBLISHED),
    NavigationItem("Methodology", "second", Permission.READ_PUBLISHED),
    NavigationItem("Connections", "second", Permission.READ_PUBLISHED),
)
TOKENS_PER_MONTH = 140_000_000


def steady_days() -> list[DayTotals]:
    """Ninety working weeks' days with every kind of token in sight."""
    first = date(2026, 8, 22)
    days = []
    for at in range(90):
        day = first + timedelta(days=at)
        size = (at * 7919 % 61 + 40) * (1 if day.weekday() < 5 else 0) + (at % 9) * 3
        tokens = TokenCounts(size * 21_000, size * 60_000, size * 12_000, size * 8_000)
        days.append(DayTotals(day, tokens, size * 31_000_000))
    return days


def real_days() -> list[DayTotals]:
    """A published series, in which two days tower over all others."""
    with LEDGER.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))[-90:]
    return [
        DayTotals(
            date.fromisoformat(row["date"]),
            TokenCounts(
                int(row["uncached_input_tokens"]),
                int(row["cached_input_tokens"]),
                int(row["cache_creation_tokens"]),
                int(row["output_tokens"]),
            ),
            int(row["total_tokens"]) * 400,
        )
        for row in rows
    ]


def idle_days() -> list[DayTotals]:
    """Ninety days without a token."""
    return [DayTotals(each.day, TokenCounts.zero(), 0) for each in steady_days()]


@requires(Permission.READ_PUBLISHED)
def gallery() -> str:
    return render_template_string(
        TEMPLATE.read_text(encoding="utf-8"),
        steady=steady_days(),
        real=real_days(),
        idle=idle_days(),
        tokens_per_month=TOKENS_PER_MONTH,
        energy=Range(Decimal(18_400), Decimal(70_000), Decimal(196_000)),
        water=Range(Decimal(92_000), Decimal(420_000), Decimal(700_000)),
        carbon=Range(Decimal(6_100), Decimal(25_200), Decimal(84_000)),
    )


@requires(Permission.READ_PUBLISHED)
def second() -> str:
    return render_template_string(
        "{% extends 'tokenoffset/layout.html' %}"
        "{% block tokenoffset_title %}Second page{% endblock %}"
        "{% block tokenoffset_content %}<h1>Are you sure?</h1>{% endblock %}"
    )


@requires(Permission.READ_PUBLISHED)
def run_state() -> Response:
    """A sample that is under way, or done once a person said so."""
    done = request.args.get("done") == "yes"
    return jsonify(
        status="complete" if done else "running", pages_done=7 if done else 5, pages_expected=7
    )


def gallery_pages(pages: Blueprint) -> None:
    pages.add_url_rule("/", view_func=gallery)
    pages.add_url_rule("/second", view_func=second)
    pages.add_url_rule("/run-state", view_func=run_state)


def with_policy(app: Flask) -> Flask:
    """Send the strictest policy with every answer."""

    @app.after_request
    def add(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on loopback; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def take_pictures(folder: Path) -> None:
    """Pictures of the whole page in every width and both themes."""
    import os
    import shutil

    from playwright.sync_api import sync_playwright

    from tests.hosts.host_apps import dispose, make_host

    folder.mkdir(parents=True, exist_ok=True)
    app = with_policy(make_host(pages=(gallery_pages,), navigation=NAVIGATION))
    chromium = os.environ.get("TEST_CHROMIUM") or shutil.which("chromium")
    with served(app) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in (320, 360, 1280):
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": width, "height": 900},
                    color_scheme=scheme,
                )
                page.goto(f"{address}/tokenoffset/")
                page.screenshot(path=folder / f"{width}-{scheme}.png", full_page=True)
                page.close()
        browser.close()
    dispose(app)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent.parent))
    take_pictures(Path(sys.argv[1]))
