"""``flask tokenoffset documents``: publish legal texts, and see how far their notices are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from flask_tokenoffset.errors import TokenOffsetError
from flask_tokenoffset.services.documents.documents import DEFAULT_LANGUAGE, all_standings, history
from flask_tokenoffset.services.documents.files import TEMPLATE_FOLDER, read_file, read_folder
from flask_tokenoffset.services.documents.publishing import publish
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from datetime import datetime

    from flask_tokenoffset.services.documents.documents import Standing
    from flask_tokenoffset.services.documents.publishing import Draft


@click.group(cls=AppGroup)
def documents() -> None:
    """Legal texts: their versions, and the notice of what changes."""


@documents.command("publish", short_help="Publish the versions in files.")
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
)
@click.option(
    "--all",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Publish every file of this folder that ends with .md, in the order of its sequence.",
)
@click.option(
    "--allow-template",
    is_flag=True,
    help="Publish a text that still holds marks of a template. For trying things out only.",
)
def publish_command(files: tuple[Path, ...], folder: Path | None, allow_template: bool) -> None:
    """Publish versions; what is published already is left alone.

    A published version never changes. Everyone is told of a material change by mail, which a worker
    does, and it takes effect 14 days after that at the earliest. Each version is published by
    itself; the first that is refused ends the command.
    """
    if bool(files) == (folder is not None):
        raise click.UsageError("Name files, or a folder with --all.")
    drafts = [read_file(each) for each in files] if folder is None else read_folder(folder)
    state = current_state()
    for draft in drafts:
        try:
            with state.unit_of_work() as work:
                published = publish(work, draft, state.clock.now(), allow_template=allow_template)
                sentence = _sentence(draft, is_new=published.is_new)
        except TokenOffsetError as refusal:
            raise click.ClickException(f"{_name(draft)}: {refusal}") from refusal
        click.echo(sentence)
    if state.mailer is None and any(draft.material and draft.sequence > 1 for draft in drafts):
        click.echo(
            "This application sends no mail (TOKENOFFSET_MAILER is not set), so people learn of"
            " material changes from the banner on their pages only.",
            err=True,
        )


@documents.command("list")
def list_command() -> None:
    """List every version, and since when it counts."""
    state = current_state()
    now = state.clock.now()
    found = all_standings(state.session)
    if not found:
        click.echo("No document is published. See «flask tokenoffset documents publish --help».")
    for standing in found:
        version = standing.version
        click.echo(
            f"{version.document} {version.version} ({version.language}): {_standing(standing, now)}"
        )


@documents.command()
@click.argument("document")
@click.argument("version", required=False)
@click.option("--language", default=DEFAULT_LANGUAGE, show_default=True)
def show(document: str, version: str | None, language: str) -> None:
    """Print a version: what is said of it, then its text. Without one, the version in force."""
    state = current_state()
    now = state.clock.now()
    found = [
        each
        for each in history(state.session, document, language)
        if (each.counts_at(now) if version is None else each.version.version == version)
    ]
    if not found:
        raise click.ClickException(
            "There is no such version. «flask tokenoffset documents list» says which there are."
        )
    shown = found[0]
    click.echo(f"{shown.version.title}, version {shown.version.version}: {_standing(shown, now)}")
    click.echo(f"SHA-256 {shown.version.digest}\n")
    click.echo(shown.version.text, nl=False)


@documents.command("template", with_appcontext=False)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def template_command(folder: Path) -> None:
    """Write the texts that we ship into a folder, for a lawyer to complete. Overwrites nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for template in sorted(TEMPLATE_FOLDER.glob("*.md")):
        copy = folder / template.name
        if copy.exists():
            click.echo(f"{copy} is there already, so it was left alone.")
            continue
        copy.write_bytes(template.read_bytes())
        click.echo(f"{copy} was written.")


def _name(draft: Draft) -> str:
    return f"{draft.document} {draft.version} ({draft.language})"


def _sentence(draft: Draft, *, is_new: bool) -> str:
    name = _name(draft)
    if not is_new:
        return f"{name} is published already, the very same."
    if draft.material and draft.sequence > 1:
        return f"{name} is published. Everyone is being told; «documents list» says how far it is."
    return f"{name} is published."


def _standing(standing: Standing, now: datetime) -> str:
    if standing.effective_at is None:
        return f"people are being told; takes effect at {_moment(standing.not_before)} or later"
    verb = "in effect since" if standing.counts_at(now) else "takes effect at"
    told = (
        "" if standing.notice_at is None else f", everyone was told {_moment(standing.notice_at)}"
    )
    return f"{verb} {_moment(standing.effective_at)}{told}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
