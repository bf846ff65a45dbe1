"""Small host applications to mount the web frame in, and a feature for them to serve."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID, uuid4

import flask_login
from flask import Blueprint, Flask, render_template_string, session
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from pydantic import Field
from sqlalchemy import event

from flask_tokenoffset.blueprints import mount
from flask_tokenoffset.blueprints.access.context import acting_person, current_user
from flask_tokenoffset.blueprints.json_api.operations import (
    OperationAnswer,
    add_operations,
    operation,
)
from flask_tokenoffset.blueprints.navigation import NavigationItem
from flask_tokenoffset.blueprints.schemas.base import (
    Answer,
    Body,
    ItemList,
    ListQuery,
    decode_cursor,
    encode_cursor,
)
from flask_tokenoffset.clock import SystemClock
from flask_tokenoffset.errors import Conflict, KeyRefused, NotFound, TokenOffsetError, VaultError
from flask_tokenoffset.host.flask_login import flask_login_user
from flask_tokenoffset.host.users import HostUser
from flask_tokenoffset.permissions import Permission, requires
from flask_tokenoffset.settings import Settings
from flask_tokenoffset.state import EXTENSION_KEY, State, current_state
from tests.support.tables import make_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flask.testing import FlaskClient

    from flask_tokenoffset.unit_of_work import Task

PREFIX = "/tokenoffset"
API = f"{PREFIX}/api/v1"
KNOWN_ID = UUID("7e57ab1e-0000-4000-8000-000000000001")


class PotRequest(Body):
    """A pot to make."""

    label: Annotated[str, Field(min_length=1, max_length=40)]
    litres: Annotated[int, Field(ge=1, le=100)] = 1


class PotAnswer(Answer):
    """A pot."""

    id: UUID
    label: str
    litres: int


@operation(
    "GET",
    "/pots",
    permission=Permission.READ_PLAN,
    summary="List pots",
    query=ListQuery,
    answers={200: ItemList[PotAnswer]},
)
def list_pots(query: ListQuery) -> OperationAnswer:
    """Pots one to three, a page at a time."""
    (start,) = decode_cursor(query.cursor, 1) if query.cursor else (0,)
    numbers = range(int(start), min(3, int(start) + query.limit))
    end = int(start) + query.limit
    return ItemList[PotAnswer](
        items=[PotAnswer(id=KNOWN_ID, label=f"pot {n + 1}", litres=1) for n in numbers],
        next_cursor=encode_cursor([end]) if end < 3 else None,
    )


@operation(
    "POST",
    "/pots",
    permission=Permission.CHANGE_PLAN,
    summary="Make a pot",
    body=PotRequest,
    answers={201: PotAnswer},
    problems=[Conflict],
)
def make_pot(body: PotRequest) -> OperationAnswer:
    """A pot is made, and its maker with it."""
    if body.label == "taken":
        raise Conflict("There is a pot of that name already. Choose another one.")
    with current_state().unit_of_work() as work:
        acting_person(work)
    pot = PotAnswer(id=uuid4(), label=body.label, litres=body.litres)
    return pot, 201, {"Location": f"{API}/pots/{pot.id}"}


@operation(
    "GET",
    "/pots/<uuid:pot_id>",
    permission=Permission.READ_PLAN,
    summary="Show a pot",
    answers={200: PotAnswer},
)
def show_pot(pot_id: UUID) -> OperationAnswer:
    """One pot."""
    if pot_id != KNOWN_ID:
        raise NotFound("There is no such thing here.")
    return PotAnswer(id=pot_id, label="known", litres=2)


@operation(
    "DELETE",
    "/pots/<uuid:pot_id>",
    permission=Permission.CHANGE_PLAN,
    summary="Break a pot",
    answers={204: None},
    problems=[KeyRefused, VaultError],
)
def break_pot(pot_id: UUID) -> OperationAnswer:
    """The pot is gone."""
    if pot_id != KNOWN_ID:
        raise NotFound("There is no such thing here.")
    return None


def pot_operations(api: Blueprint) -> None:
    add_operations(api, list_pots, make_pot, show_pot, break_pot)


@requires(Permission.READ_PUBLISHED)
def about() -> str:
    return "About pots"


@requires(Permission.READ_PLAN)
def dashboard() -> str:
    return render_template_string(
        "{% extends 'tokenoffset/layout.html' %}"
        "{% block tokenoffset_title %}Pots{% endblock %}"
        "{% block tokenoffset_content %}<p>account {{ tokenoffset.current_user.account_id }}</p>"
        "{% endblock %}"
    )


@requires(Permission.CHANGE_PLAN)
def pot_form() -> str:
    return render_template_string(
        "<form method=post>{{ tokenoffset.csrf_field() }}</form>"
        "<meta content='{{ tokenoffset.csrf_token() }}'>"
    )


@requires(Permission.CHANGE_PLAN)
def save_pot() -> str:
    with current_state().unit_of_work() as work:
        acting_person(work)
    return f"saved for {current_user().account_id}"


def pot_pages(pages: Blueprint) -> None:
    pages.add_url_rule("/", view_func=dashboard)
    pages.add_url_rule("/about", view_func=about)
    pages.add_url_rule("/pots", view_func=pot_form)
    pages.add_url_rule("/pots", view_func=save_pot, methods=["POST"])


NAVIGATION = (
    NavigationItem("Dashboard", "dashboard", Permission.READ_PLAN),
    NavigationItem("About", "about", Permission.READ_PUBLISHED),
)


def failing_feature(error: Callable[[], Exception]) -> dict[str, Any]:
    """Keyword arguments of :func:`make_host` for a feature whose every route raises an error."""

    @operation("GET", "/fail", permission=Permission.READ_PUBLISHED, summary="Fail", answers={})
    def fail() -> OperationAnswer:
        """Fails."""
        raise error()

    @requires(Permission.READ_PUBLISHED)
    def fail_page() -> str:
        raise error()

    def pages(blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/fail", view_func=fail_page)

    return {"pages": [pages], "operations": [lambda api: add_operations(api, fail)]}


def session_user() -> HostUser | None:
    """The hook of hosts that keep a key in the session."""
    key = session.get("user")
    return HostUser(key=key, name="Ada") if isinstance(key, str) else None


class IdleQueue:
    """A queue that nothing of the frame has any business with but to start it."""

    def start(self) -> None:
        pass

    def check(self) -> None:
        pass

    def enqueue(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:
        raise AssertionError(f"The frame enqueued {task} {row_id} ({attempt}).")


def make_host(
    *,
    login: bool = False,
    login_view: str | None = "sign_in_page",
    csrf: str = "none",
    config: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    url_prefix: str = PREFIX,
    pages: Sequence[Callable[[Blueprint], None]] = (pot_pages,),
    operations: Sequence[Callable[[Blueprint], None]] = (pot_operations,),
    navigation: Sequence[NavigationItem] = (),
) -> Flask:
    """A host with routes of its own and the frame mounted in it.

    :param login: whether it uses Flask-Login.
    :param csrf: whether ``CSRFProtect`` is set up: ``none``, ``before`` us or ``after`` us.
    """
    app = Flask("host")
    app.config.update(
        {"SECRET_KEY": "host secret", "SQLALCHEMY_DATABASE_URI": "sqlite://", **(config or {})}
    )
    db = SQLAlchemy(app)
    add_host_routes(app)
    if login:
        add_flask_login(app, db, login_view)
    if csrf == "before":
        CSRFProtect(app)
    state = State(
        settings=Settings(keys="unused", **(settings or {})),
        db=db,
        user_loader=flask_login_user if login else session_user,
        url_prefix=url_prefix,
        clock=SystemClock(),
        vault=cast("Any", None),
        gateway=cast("Any", None),
        queue=IdleQueue(),
        attempts=cast("Any", None),
    )
    app.extensions[EXTENSION_KEY] = state
    mount(
        app,
        state,
        pages=pages,
        operations=operations,
        navigation=navigation,
        organization_pages=(),
        organization_operations=(),
        organization_navigation=(),
    )
    if csrf == "after":
        CSRFProtect(app)
    with app.app_context():
        make_tables(db.engine)
        db.create_all()
    return app


def add_host_routes(app: Flask) -> None:
    @app.get("/")
    def home() -> str:
        return "host home"

    @app.post("/host-form")
    def host_form() -> str:
        return "host saved"

    @app.get("/sign-in")
    def sign_in_page() -> str:
        return "please sign in"

    @app.get("/host-token")
    def host_token() -> str:
        return render_template_string("{{ csrf_token() }}")

    @app.errorhandler(404)
    def not_found(_error: Exception) -> tuple[str, int]:
        return "<h1>host not found</h1>", 404


def add_flask_login(app: Flask, db: SQLAlchemy, login_view: str | None) -> None:
    class User(db.Model, flask_login.UserMixin):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        username = db.Column(db.String(20))

        def get_id(self) -> str:
            return f"changes-with-the-password:{self.id}"

    manager = flask_login.LoginManager(app)
    manager.login_view = login_view

    manager.user_loader(lambda key: db.session.get(User, int(key.partition(":")[2])))

    @app.post("/host-login")
    def host_login() -> str:
        user = User(username="ada")
        db.session.add(user)
        db.session.commit()
        flask_login.login_user(user)
        return str(user.id)


def dispose(app: Flask) -> None:
    """Close the database connections of a host."""
    state: State = app.extensions[EXTENSION_KEY]
    with app.app_context():
        state.db.engine.dispose()


def sign_in(client: FlaskClient, key: str = "user-1") -> FlaskClient:
    """Sign a person in at a host without Flask-Login."""
    with client.session_transaction() as stored:
        stored["user"] = key
    return client


def form_token(client: FlaskClient) -> str:
    """The token of our own form, as a browser would send it."""
    page = client.get(f"{PREFIX}/pots").text
    return page.partition("content='")[2].partition("'")[0]


@contextmanager
def counted_statements(app: Flask) -> Iterator[list[str]]:
    """The SQL a host sends while the block runs."""
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    with app.app_context():
        engine = app.extensions[EXTENSION_KEY].db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def every_error() -> list[type[TokenOffsetError]]:
    """Every class of our tree that can come out of a view."""
    found: list[type[TokenOffsetError]] = []
    waiting: list[type[TokenOffsetError]] = [TokenOffsetError]
    while waiting:
        error = waiting.pop()
        found.append(error)
        waiting.extend(error.__subclasses__())
    return found
