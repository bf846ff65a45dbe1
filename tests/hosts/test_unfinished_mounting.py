"""A developer who forgot a step of mounting reads which one, where they look for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jinja2 import DictLoader
from sqlalchemy import text

from flask_tokenoffset.cli import tokenoffset
from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.migrations import runner
from flask_tokenoffset.models import Base
from tests.support.world import World, make_world, world

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["make_world", "world"]

CURE = "Run «flask tokenoffset db upgrade»"


@pytest.fixture
def forgotten(make_world: Callable[..., World], database_url: str) -> World:
    """A host that never ran our migrations, with a query of its own that fails as well."""
    world = make_world(database_url)
    world.app.config["PROPAGATE_EXCEPTIONS"] = False

    @world.app.get("/broken")
    def broken() -> str:
        return str(world.state.session.execute(text("SELECT * FROM nowhere")).all())

    with world.app.app_context():
        Base.metadata.drop_all(world.state.engine)
    return world


@pytest.mark.parametrize("path", ["/", "/api/v1/plan"])
def test_the_trace_in_the_log_ends_with_the_cure(
    forgotten: World, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    answer = forgotten.ada.get(path)
    assert answer.status_code == 500
    assert CURE not in answer.text  # It is none of a visitor's business.
    assert CURE in caplog.text.splitlines()[-1]


def test_commands_say_the_cure_in_a_sentence(forgotten: World) -> None:
    cli = forgotten.app.test_cli_runner()
    for arguments in (["keys", "status"], ["db", "current"], ["tick"]):
        result = cli.invoke(tokenoffset, arguments)
        assert result.exit_code == 1, arguments
        last_line = result.output.splitlines()[-1]
        assert last_line.startswith("Error: The tables of flask-tokenoffset are at base"), arguments
        assert CURE in last_line


def test_the_hosts_own_errors_are_left_alone(
    forgotten: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert forgotten.app.test_client().get("/broken").status_code == 500
    assert "nowhere" in caplog.text
    assert CURE not in caplog.text


def test_an_error_of_ours_with_another_cause_is_left_alone(
    forgotten: World, caplog: pytest.LogCaptureFixture
) -> None:
    with forgotten.app.app_context():
        runner.upgrade(forgotten.state.engine)
        with forgotten.state.engine.begin() as connection:
            connection.execute(text("ALTER TABLE tokenoffset_person RENAME TO renamed_by_hand"))
    assert forgotten.ada.get("/").status_code == 500
    assert "tokenoffset_person" in caplog.text
    assert CURE not in caplog.text


def test_a_layout_that_would_swallow_our_pages_is_named(make_world: Callable[..., World]) -> None:
    world = make_world(new_host=True)
    world.app.jinja_loader = DictLoader(
        {"tokenoffset/base.html": "<main>{% block body %}{% endblock %}</main>"}
    )
    world.app.testing = True
    with pytest.raises(ConfigurationError, match="has no block called content") as refused:
        world.ada.get("/")
    assert "TOKENOFFSET_BASE_TEMPLATE" in str(refused.value)
