"""What the tests of the sources' pages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from flask_tokenoffset.models import (
    Connection,
    CostLine,
    Credential,
    DailyCost,
    DailyUsage,
    KeptDay,
    SampleRun,
    Source,
    UsageSeries,
)
from flask_tokenoffset.providers import VendorHTTP
from tests.support.world import KEYS

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World

#: What connecting writes, and what sampling does.
CONNECTED = (Source, Connection, Credential, SampleRun)
SAMPLED = (UsageSeries, DailyUsage, CostLine, DailyCost, KeptDay)
VENDORS = pytest.mark.parametrize("provider", ["anthropic", "openai"])


def do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a client try a vendor in trouble again at once."""
    defaults: Any = VendorHTTP.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "sleep", lambda _seconds: None)


def connect(browser: Browser, provider: str = "anthropic", **fields: Any) -> TestResponse:
    """Fill in the form of a vendor and send it."""
    path = f"/sources/connect/{provider}"
    return browser.submit(path, path, **{"key": KEYS[provider], **fields})


def text_of(world: World, source_id: object) -> str:
    """What the page of one of Ada's sources says."""
    return world.ada.page(f"/sources/{source_id}").text


def squashed(text: str) -> str:
    """A text without its spaces, since links and emphasis add some."""
    return "".join(text.split())


def calls(world: World) -> list[object]:
    """Everything either vendor was asked."""
    return [*world.anthropic.calls, *world.openai.calls]


def stored(world: World, model: type[Any]) -> list[dict[str, Any]]:
    """The rows of a table by column name."""
    names = [column.name for column in model.__table__.columns]
    (rows,) = world.rows(model).values()
    return [dict(zip(names, row, strict=True)) for row in rows]


def is_empty(world: World, *models: type[Any]) -> bool:
    """Whether no row of these stands in the database."""
    return not any(world.rows(*models).values())
