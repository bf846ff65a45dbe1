"""The commands: ``flask tokenoffset ...``.

Flask finds the group by its entry point, before and without loading the host's application, so
that a key can be made before the settings are complete. Each command's module is imported when the
command is called for: ``flask --help`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, cast

import click
from flask.cli import AppGroup, ScriptInfo

from flask_tokenoffset.errors import TokenOffsetError

#: Command name to where it stands. A new command is a new line here.
_COMMANDS: Final[dict[str, str]] = {
    "audit": "flask_tokenoffset.cli.audit:audit",
    "consents": "flask_tokenoffset.cli.consents:consents",
    "db": "flask_tokenoffset.cli.db:db",
    "documents": "flask_tokenoffset.cli.documents:documents",
    "estimate": "flask_tokenoffset.cli.estimate:estimate",
    "keys": "flask_tokenoffset.cli.keys:keys",
    "permissions": "flask_tokenoffset.cli.permissions:permissions",
    "privacy": "flask_tokenoffset.cli.privacy:privacy",
    "requests": "flask_tokenoffset.cli.requests:requests",
    "retention": "flask_tokenoffset.cli.retention:retention",
    "tick": "flask_tokenoffset.cli.worker:tick",
    "updates": "flask_tokenoffset.cli.updates:updates",
    "worker": "flask_tokenoffset.cli.worker:worker",
}


class _LazyGroup(AppGroup):
    """Imports a command when it is called for, and shows our errors as sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name].split(":")
        return cast("click.Command", getattr(import_module(module), attribute))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TokenOffsetError as error:
            # str() and not .message: a configuration error names its setting there.
            raise click.ClickException(str(error)) from error
        except Exception as error:
            if cure := _cure(ctx, error):
                raise click.ClickException(cure) from error
            raise


def _cure(ctx: click.Context, error: Exception) -> str | None:
    """What to do about an error of the database, if it is that our tables are not there."""
    # Not at the top, for the reason that stands there.
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from flask_tokenoffset.migrations import runner  # noqa: PLC0415
    from flask_tokenoffset.state import state_of  # noqa: PLC0415

    info = ctx.find_object(ScriptInfo)
    if info is None or not isinstance(error, DBAPIError):
        return None
    app = info.load_app()
    with app.app_context():  # The command's own has ended with it.
        return runner.explain(state_of(app).engine, error)


@click.group(cls=_LazyGroup)
def tokenoffset() -> None:
    """Tables, keys, workers, logs, legal texts and people's rights in flask-tokenoffset."""
