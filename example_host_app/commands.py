"""Fernhill's own commands: ``flask --app example_host_app fernhill ...``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from example_host_app.ten_thousand import MEMBERS, fill_ferries

if TYPE_CHECKING:
    from flask import Flask

fernhill = AppGroup("fernhill", help="Prepare Fernhill for a demonstration.")


def init_app(app: Flask) -> None:
    """Add the commands to the application's."""
    app.cli.add_command(fernhill)


@fernhill.command("seed-scale")
@click.option("--members", default=MEMBERS, show_default=True, type=click.IntRange(1, MEMBERS))
def seed_scale(members: int) -> None:
    """Fill North Sound Ferries up to so many members, each with a user of Fernhill's."""
    began = time.monotonic()
    added = fill_ferries(members)
    click.echo(f"{added:,} people came aboard in {time.monotonic() - began:.1f} s.")
