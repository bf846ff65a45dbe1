"""Signing in and out, and a person's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import (
    LoginManager,
    current_user,
    login_fresh,
    login_required,
    login_user,
    logout_user,
)
from sqlalchemy import delete, select

from example_host_app.database import db
from example_host_app.models import User, WorkspaceMember
from example_host_app.people import TO_TRY
from flask_tokenoffset import forget_person
from flask_tokenoffset.errors import LastOwner

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

accounts = Blueprint("accounts", __name__)
login_manager = LoginManager()
login_manager.login_view = "accounts.sign_in"
login_manager.login_message = "Sign in to go on."

LONGEST_NAME = 80


def init_app(app: Flask) -> None:
    """Add accounts to the application."""
    login_manager.init_app(app)
    app.register_blueprint(accounts)


@login_manager.user_loader  # type: ignore[untyped-decorator]  # Flask-Login has no types
def load_user(user_id: str) -> User | None:
    """Find who a session belongs to."""
    return db.session.get(User, int(user_id))


@accounts.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Show the form."""
    if current_user.is_authenticated and login_fresh():
        return redirect(_way_on(), code=303)
    return _sign_in_page()


@accounts.post("/sign-in")
def check_sign_in() -> ResponseReturnValue:
    """Sign in a person who knows their password."""
    email = request.form.get("email", "").strip().lower()
    user = db.session.scalar(select(User).where(User.email == email))
    if user is None or not user.has_password(request.form.get("password", "")):
        flash("That address and password do not belong together.", "error")
        return _sign_in_page(email), 422
    login_user(user)
    return redirect(_way_on(), code=303)


@accounts.post("/sign-out")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def sign_out() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    return redirect(url_for("accounts.sign_in"), code=303)


@accounts.get("/settings")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def settings() -> ResponseReturnValue:
    """Show what may be changed."""
    return render_template("settings.html")


@accounts.post("/settings")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def change_settings() -> ResponseReturnValue:
    """Change the name."""
    name = request.form.get("name", "").strip()
    if not 0 < len(name) <= LONGEST_NAME:
        flash(f"A name has 1 to {LONGEST_NAME} characters.", "error")
        return render_template("settings.html"), 422
    current_user.name = name
    db.session.commit()
    flash("Saved.", "notice")
    return redirect(url_for("accounts.settings"), code=303)


@accounts.post("/settings/delete")
@login_required  # type: ignore[untyped-decorator]  # Flask-Login has no types
def delete_account() -> ResponseReturnValue:
    """Delete the current user, here and in the extension."""
    user = db.session.get_one(User, current_user.id)
    if not user.has_password(request.form.get("password", "")):
        flash("That is not your password, so nothing was deleted.", "error")
        return render_template("settings.html"), 422
    if current_app.config["FOOTPRINT"]:
        try:
            forget_person(str(user.id))
        except LastOwner as refused:
            flash(refused.message, "error")
            return render_template("settings.html"), refused.status
    logout_user()
    db.session.execute(delete(WorkspaceMember).where(WorkspaceMember.user_id == user.id))
    db.session.delete(user)
    db.session.commit()
    flash("Your account is deleted.", "notice")
    return redirect(url_for("accounts.sign_in"), code=303)


def _sign_in_page(email: str = "") -> str:
    """The form; the demo also offers people to try."""
    to_try = TO_TRY if current_app.config["SIMULATE"] else ()
    return render_template("sign_in.html", email=email, to_try=to_try)


def _way_on() -> str:
    """Where a person wanted to go, if that is one of our own paths."""
    wanted = request.args.get("next", "")
    # A browser reads “//host” and “/\host” as another site.
    is_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_path and wanted.isprintable() else url_for("workspaces.home")
