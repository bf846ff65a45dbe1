"""What Fernhill keeps: people, the workspaces they share, and the documents they write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from flask_login import UserMixin
from sqlalchemy import ForeignKey, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash

from example_host_app.database import db

if TYPE_CHECKING:
    from example_host_app.database import Model
else:
    # Flask-SQLAlchemy makes this class when it is set up, so a type checker cannot see it.
    Model = db.Model

#: What stands in the place of a hash for a person who cannot sign in: no password has this one.
NO_PASSWORD: Final = "!"


def _now() -> datetime:
    # Naive UTC: Fernhill is older than its wish for time zones.
    return datetime.now(UTC).replace(tzinfo=None)


class User(Model, UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """A person with an account at Fernhill."""

    __tablename__ = "user"
    # The extension knows a person by this number, so it never goes to another person.
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    #: Whether they followed a link we mailed there. The extension asks for an attribute of this
    #: name, and trusts no address without it.
    email_verified: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Whether they work for Fernhill and answer people's privacy requests.
    answers_requests: Mapped[bool] = mapped_column(default=False, server_default=false())
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=_now)

    def has_password(self, password: str) -> bool:
        return check_password_hash(self.password_hash, password)

    @property
    def tokenoffset_operator(self) -> bool:
        # The extension asks for an attribute of this name, and takes nobody for one without it.
        return self.answers_requests


class Workspace(Model):
    """A place where some people write together."""

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    members: Mapped[list[User]] = relationship(secondary="workspace_member")
    documents: Mapped[list[Document]] = relationship(
        back_populates="workspace", order_by="Document.changed_at.desc()"
    )


class WorkspaceMember(Model):
    """That a person belongs to a workspace."""

    __tablename__ = "workspace_member"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)


class Document(Model):
    """Something being written."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(default=_now)
    workspace: Mapped[Workspace] = relationship(back_populates="documents")
