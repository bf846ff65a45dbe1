"""A small host with the real extension, two simulated vendors and people who use it.

The vendors answer in the process, the clock stands still until a test moves it, and jobs wait until
a test has them done. Everything else is as a partner runs it: the test speaks HTTP.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
from sqlalchemy import event, select

from flask_tokenoffset.models import Base
from flask_tokenoffset.oidc import IdentityGateway
from flask_tokenoffset.permissions import Permission, declared
from flask_tokenoffset.services.people.profiles import find_person
from flask_tokenoffset.services.plans import billing
from flask_tokenoffset.services.plans.shown_terms import digest_of_terms
from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.state import EXTENSION_KEY, State, state_of
from flask_tokenoffset.tasks.jobs import TASKS
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    OPENAI_DEMO_KEY,
    AnthropicSimulator,
    OpenAISimulator,
    Simulator,
)
from flask_tokenoffset.unit_of_work import Task
from flask_tokenoffset.vault import generate_key
from tests.support.documents import published
from tests.support.html_page import HtmlPage
from tests.support.kept_hosts import OPERATOR, address_of, give_back, take_host
from tests.support.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from flask_tokenoffset.host.mailer import OutgoingMail

PREFIX: Final = "/tokenoffset"
API: Final = f"{PREFIX}/api/v1"
#: A Friday morning, so that neither a month nor a weekly refresh is about to begin.
START: Final = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
KEYS: Final = {"anthropic": ANTHROPIC_DEMO_KEY, "openai": OPENAI_DEMO_KEY}


class SteadyClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def today(self) -> date:
        return self._now.date()

    def move(self, **span: float) -> None:
        """Let time pass.

        :param span: as ``timedelta`` takes it, for example ``days=7``.
        """
        self._now += timedelta(**span)

    def move_to(self, now: datetime) -> None:
        self._now = now


class HeldQueue:
    """Keeps jobs until the test has them done."""

    def __init__(self) -> None:
        self.run_ids: list[UUID] = []
        #: Everything but samples: mail and changes to many plans.
        self.jobs: list[tuple[Task, UUID]] = []

    def start(self) -> None:
        pass

    def enqueue(self, task: Task, row_id: UUID, *, attempt: int = 0) -> None:
        del attempt  # whatever is given is done once
        if task is Task.SAMPLE:
            self.run_ids.append(row_id)
        else:
            self.jobs.append((task, row_id))

    def check(self) -> None:
        """Nothing can be wrong with it."""


class Browser:
    """A browser in which a person is signed in, or nobody.

    :param name: the host's user; ``None`` for someone who is not signed in.
    :param verified: whether the host knows that the user's address is theirs. What is said with a
        user's first sign-in holds for ever.
    """

    def __init__(self, world: World, name: str | None, *, verified: bool = True) -> None:
        self._world = world
        self.name = name
        #: What the paths of pages and operations begin with: nothing for one's own account.
        self.prefix = ""
        self.client: FlaskClient = world.app.test_client()
        self.user_key = ""
        if name is not None:
            fields = {"name": name, "verified": "yes" if verified else ""}
            self.user_key = self.client.post("/sign-in", data=fields).text

    @property
    def address(self) -> str:
        """Where the current user gets mail."""
        return address_of(self.name or "")

    def grow_stale(self) -> None:
        """Let the host no longer count the sign-in as a fresh one."""
        with self.client.session_transaction() as session:
            session["_fresh"] = False

    def reauthenticate(self) -> None:
        """Let the host count the person as reauthenticated."""
        with self.client.session_transaction() as session:
            session["_fresh"] = True

    def within(self, organization_id: UUID) -> Browser:
        """The same browser, in which every path is one of an organization."""
        inside = copy(self)
        inside.prefix = f"/organizations/{organization_id}"
        return inside

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page of ours.

        :param path: below the host's prefix and the browser's.
        """
        return self.client.get(PREFIX + self.prefix + path, **options)

    def page(self, path: str, *, status: int = 200) -> HtmlPage:
        """Open a page of ours and read it."""
        response = self.get(path)
        assert response.status_code == status, response.text
        return HtmlPage(response.text)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form with the token of this browser's session.

        :param path: below the prefix.
        """
        return self.client.post(PREFIX + self.prefix + path, data={**self.token_field, **fields})

    def submit(self, path: str, action: str, **fields: Any) -> TestResponse:
        """Open a page, fill in one of its forms, and send it as a browser does.

        :param path: the page, below the prefix.
        :param action: how the form's address ends.
        :param fields: what is typed over what the form holds.
        """
        form = self.page(path).form(action)
        values = {**form.values, **fields}
        if form.method == "get":
            return self.client.get(form.action, query_string=values)
        return self.client.post(form.action, data=values)

    def api(self, method: str, path: str, json: Any = None) -> TestResponse:
        """Call an operation of the JSON API.

        :param path: below ``/api/v1`` and the browser's prefix.
        """
        if json is None and method not in {"GET", "HEAD"}:
            json = {}
        return self.client.open(API + self.prefix + path, method=method, json=json)

    @cached_property
    def token_field(self) -> dict[str, str]:
        """The hidden field of every form, as this session's pages carry it."""
        values = HtmlPage(self.client.get(f"{PREFIX}/me").text).hidden_fields()
        return {name: value for name, value in values.items() if name == "tokenoffset_csrf"}

    @property
    def world(self) -> World:
        """The world they live in."""
        return self._world

    @property
    def account_id(self) -> UUID:
        """The account behind the current user; they have changed something already."""
        with self._world.app.app_context():
            person = find_person(self._world.state.session, self.user_key)
            assert person is not None, f"{self.name} has no account yet"
            return person.account_id

    @property
    def has_account(self) -> bool:
        """Whether there is a row for them."""
        with self._world.app.app_context():
            return find_person(self._world.state.session, self.user_key) is not None

    def change_address(self, email: str, *, verified: bool = True) -> None:
        """Let the host say another address of the current user.

        :param verified: whether the host knows that it is theirs.
        """
        fields = {"email": email, "verified": "yes" if verified else ""}
        assert self.client.post("/address", data=fields).status_code == 204

    def connect(self, provider: str = "anthropic", **body: Any) -> UUID:
        """Connect a vendor with a key it accepts; the first sample waits in the queue."""
        answer = self.api("POST", "/sources", {"provider": provider, "key": KEYS[provider], **body})
        return UUID(_answered(answer, 201)["id"])

    def sample(self, provider: str = "anthropic", **body: Any) -> UUID:
        """Connect a vendor and wait until its first sample is complete."""
        source_id = self.connect(provider, **body)
        self._world.work()
        return source_id

    def resample(self, source_id: UUID) -> None:
        """Ask for a new sample and wait until it is complete."""
        _answered(self.api("POST", f"/sources/{source_id}/samples"), 202)
        self._world.work()

    def newest_estimate(self, source_id: UUID) -> dict[str, Any]:
        """The estimate of a source's newest sample, as the API shows it."""
        answer = self.api("POST", "/estimates", {"kind": "sampled", "source_id": str(source_id)})
        return _answered(answer, 200)

    def pick_band(self, key: str = "worker") -> str:
        """Make an estimate from a band; returns its id."""
        answer = self.api("POST", "/estimates", {"kind": "band", "band": key})
        return str(_answered(answer, 201)["id"])

    def adopt(self, estimate_id: str, coverage_percent: int = 100) -> dict[str, Any]:
        """Adopt an estimate; returns the plan."""
        answer = self.api(
            "POST",
            "/plan/adoptions",
            {"estimate_id": estimate_id, "coverage_percent": coverage_percent},
        )
        return _answered(answer, 201)

    def create_organization(self, name: str = "Acme") -> UUID:
        """Make an organization, whose owner they are; returns its id."""
        return UUID(_answered(self.api("POST", "/organizations", {"name": name}), 201)["id"])

    def settle(self, provider: str = "anthropic", coverage_percent: int = 100) -> UUID:
        """Go the whole way: connect, sample, adopt, and owe one month's record."""
        source_id = self.sample(provider)
        self.adopt(self.newest_estimate(source_id)["id"], coverage_percent)
        self._world.bill()
        return source_id


class World:
    """The host, its vendors, its clock and its people.

    :param database_url: where the host keeps its tables.
    :param customer: what both vendors' simulators are told of their customer, for example
        ``{"history": 5}``.
    :param new_host: whether no world before may have had the host; see
        :mod:`tests.support.kept_hosts`.
    :param settings: more of the host's configuration.
    """

    def __init__(
        self,
        database_url: str = "sqlite://",
        *,
        customer: dict[str, Any] | None = None,
        new_host: bool = False,
        **settings: Any,
    ) -> None:
        self.clock = SteadyClock(START)
        self.queue = HeldQueue()
        self._mailbox = Mailbox(PREFIX)
        self.anthropic = AnthropicSimulator(today=self.clock.today, **(customer or {}))
        self.openai = OpenAISimulator(today=self.clock.today, **(customer or {}))
        mail = {
            "TOKENOFFSET_MAILER": self._mailbox,
            "TOKENOFFSET_PUBLIC_URL": "http://localhost",
        }
        config = _config(database_url, self.vendors, mail | settings)
        self._host = take_host(config, new=new_host)
        self.app = self._host.app
        state = state_of(self.app)
        self.app.extensions[EXTENSION_KEY] = replace(
            state,
            clock=self.clock,
            queue=self.queue,
            identities=IdentityGateway(
                state.settings.oauth_providers,
                clock=self.clock,
                outbound=state.settings.outbound,
            ),
        )
        self._host.create_tables()

    @property
    def vendors(self) -> dict[str, Simulator]:
        """The simulated vendors by name."""
        return {each.name: each for each in (self.anthropic, self.openai)}

    @property
    def state(self) -> State:
        """The extension's collaborators."""
        return state_of(self.app)

    @property
    def shown_terms(self) -> str:
        """What pages show an amount with, as their forms send it back."""
        settings = self.state.settings
        return digest_of_terms(settings.method, settings.programmes)

    @property
    def mail(self) -> Mailbox:
        """What was sent. A test that has links sent must look in here."""
        self._mailbox.looked_into = True
        return self._mailbox

    @property
    def mailbox(self) -> list[OutgoingMail]:
        """Every message that has left by mail, the oldest first."""
        return self.mail.messages

    def browser(self, name: str | None, *, verified: bool = True) -> Browser:
        """A new browser, for instance a second one of a person who has one.

        :param verified: whether the host knows that the address of a new user is theirs.
        """
        return Browser(self, name, verified=verified)

    @cached_property
    def ada(self) -> Browser:
        """A person who uses this."""
        return Browser(self, "ada")

    @cached_property
    def ben(self) -> Browser:
        """Another person who uses this."""
        return Browser(self, "ben")

    @cached_property
    def stranger(self) -> Browser:
        """A person whom the host knows, and who has never changed anything here."""
        return Browser(self, "stranger")

    @cached_property
    def operator(self) -> Browser:
        """A person who works for the platform, as the host says."""
        return Browser(self, OPERATOR)

    @cached_property
    def nobody(self) -> Browser:
        """A browser in which nobody is signed in."""
        return Browser(self, None)

    def change_organization(self) -> None:
        """Let every vendor's key belong to another organization from now on."""
        for vendor in self.vendors.values():
            vendor.organization += " and Daughters"

    def work(self) -> None:
        """Do every job that waits, as a worker would."""
        while self.queue.run_ids:
            run_id = self.queue.run_ids.pop(0)
            with self.app.app_context():
                sampling.run_sample(
                    self.state.unit_of_work,
                    run_id=run_id,
                    gateway=self.state.gateway,
                    vault=self.state.vault,
                    clock=self.clock,
                    settings=self.state.settings,
                )
        while self.queue.jobs:
            task, row_id = self.queue.jobs.pop(0)
            with self.app.app_context():
                TASKS[task](str(row_id))

    def bill(self) -> int:
        """Make the billing records that are due, as the schedule would; returns how many."""
        with self.app.app_context(), self.state.unit_of_work() as work:
            return len(billing.create_due_records(work, self.clock.now()))

    def rows(self, *models: type[Base]) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that stands in our tables.

        :param models: only these.
        """
        tables = [model.__table__ for model in models] or Base.metadata.sorted_tables
        with self.app.app_context():
            return {
                str(table): sorted(
                    (tuple(row) for row in self.state.session.execute(select(table))), key=repr
                )
                for table in tables
            }

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL the host sends while the block runs."""
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            sent.append(statement)

        with self.app.app_context():
            engine = self.state.db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)

    def page_paths(self, prefix: str = "", *, operator: bool = False, **values: Any) -> list[str]:
        """Every page of ours that can be opened, below the host's prefix and the browser's.

        :param prefix: a browser's ``prefix``: the pages of that organization.
        :param operator: whether those are wanted that only an operator may open.
        :param values: what stands in the variable parts of paths; a page whose parts are not all
            given is a mistake of the test and raises.
        """
        blueprint = "pages"
        # The page of a link is shown for any token.
        values.setdefault("token", "t" * 43)
        if not prefix:
            values = {**published(self), **values}
        if prefix:
            blueprint = "organization"
            values = {**values, "organization_id": prefix.rpartition("/")[2]}
        paths = []
        for rule in self.app.url_map.iter_rules():
            ours = rule.endpoint.startswith(f"tokenoffset.{blueprint}.")
            if rule.endpoint.endswith((".identity_callback", ".export_usage")):
                continue  # They answer an identity provider and send a file, and show no page.
            needed = declared(self.app.view_functions[rule.endpoint])
            if needed is Permission.HANDLE_REQUESTS and not operator:
                continue
            if ours and "GET" in (rule.methods or ()):
                built = rule.build({name: values[name] for name in rule.arguments})
                assert built is not None
                paths.append(built[1].removeprefix(PREFIX + prefix))
        return sorted(paths)

    def close(self) -> None:
        """Let go of the host and its database, and look for mail that nobody expected."""
        give_back(self._host)
        self._mailbox.refuse_surprises()


def _config(
    database_url: str, vendors: dict[str, Simulator], settings: dict[str, Any]
) -> dict[str, Any]:
    transports = {name: vendor.transport() for name, vendor in vendors.items()}
    return {
        "SECRET_KEY": "the host's secret",
        "SQLALCHEMY_DATABASE_URI": database_url,
        "TOKENOFFSET_KEYS": generate_key("2026-11"),
        "TOKENOFFSET_EMBEDDED_QUEUE": True,
        "TOKENOFFSET_HTTP_TRANSPORTS": transports,
        **settings,
    }


def _answered(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.get_json()
    return answer


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    """Call it for a world, with settings of the host if need be; it is taken down afterwards."""
    made: list[World] = []

    def make(*arguments: Any, **settings: Any) -> World:
        made.append(World(*arguments, **settings))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A host whose people have done nothing yet."""
    return make_world()


@pytest.fixture
def settled_world(world: World) -> World:
    """Ada and Ben each with a connection, a sample, a plan and a billing record; one stranger."""
    world.ada.settle()
    world.ben.settle()
    return world
