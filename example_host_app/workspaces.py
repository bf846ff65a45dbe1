"""The pages Fernhill is there for: workspaces and the documents in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, render_template
from flask_login import current_user, login_required
from sqlalchemy import select

from example_host_app.database import db
from example_host_app.models import Document, Workspace, WorkspaceMember

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

workspaces = Blueprint("workspaces", __name__)


def init_app(app: Flask) -> None:
    """Add the pages to the application."""
    app.register_blueprint(workspaces)
    app.register_error_handler(404, not_found)


@workspaces.get("/")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def home() -> ResponseReturnValue:
    """What one was writing lately."""
    recent = db.session.scalars(
        select(Document)
        .join(WorkspaceMember, WorkspaceMember.workspace_id == Document.workspace_id)
        .where(WorkspaceMember.user_id == current_user.id)
        .order_by(Document.changed_at.desc())
        .limit(6)
    ).all()
    mine = db.session.scalars(_own_workspaces().order_by(Workspace.name)).all()
    return render_template("home.html", workspaces=mine, documents=recent)


@workspaces.get("/workspaces/<int:workspace_id>")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def workspace(workspace_id: int) -> ResponseReturnValue:
    """One workspace, for those who belong to it."""
    found = db.session.scalar(_own_workspaces().where(Workspace.id == workspace_id))
    if found is None:
        abort(404)
    return render_template("workspace.html", workspace=found)


def not_found(_error: Exception) -> ResponseReturnValue:
    """Say that there is no such page, in Fernhill's own layout."""
    return render_template("not_found.html"), 404


def _own_workspaces() -> Select[Any]:
    return (
        select(Workspace)
        .join(WorkspaceMember, WorkspaceMember.workspace_id == Workspace.id)
        .where(WorkspaceMember.user_id == current_user.id)
    )
