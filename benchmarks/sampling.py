"""How much longer a sample takes than fetching and decoding its pages (run by hand).

A large organization (60 groups of usage and 120 cost lines a day) is simulated in another process,
its pages rendered before the clock starts. The same pages are read over loopback in turns: once to
be thrown away after JSON decoding, and once as a whole sample run into a real PostgreSQL, estimate
included. The same client, limits and retries are used for both.

Then the window grows tenfold, and the peak memory of the sampling process is compared.

Usage: ``python benchmarks/sampling.py [--rounds 9] [--provider anthropic]``
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import resource
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import delete, func, select, text

from flask_tokenoffset import HostUser, TokenOffset
from flask_tokenoffset.migrations import runner
from flask_tokenoffset.models import (
    CostLine,
    DailyCost,
    DailyUsage,
    Estimate,
    RunStatus,
    SampleRun,
    UsageSeries,
)
from flask_tokenoffset.providers import PROVIDERS, VendorHTTP
from flask_tokenoffset.providers.reports import DailyReportsClient
from flask_tokenoffset.services.people import profiles as people
from flask_tokenoffset.services.sampling import connections
from flask_tokenoffset.services.sampling import runs as sampling
from flask_tokenoffset.services.sources.windows import sample_window
from flask_tokenoffset.state import State, state_of
from flask_tokenoffset.tasks.worker import settle_memory
from flask_tokenoffset.testing import (
    ANTHROPIC_DEMO_KEY,
    OPENAI_DEMO_KEY,
    AnthropicSimulator,
    OpenAISimulator,
)
from flask_tokenoffset.testing.simulators.transport import LoopbackTransport
from flask_tokenoffset.vault import generate_key, read_key
from tests.support.services import postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from uuid import UUID

    from flask_tokenoffset.clock import DayRange

BAR = 1.7
SIMULATORS = {
    "anthropic": (AnthropicSimulator, ANTHROPIC_DEMO_KEY),
    "openai": (OpenAISimulator, OPENAI_DEMO_KEY),
}
KEEP_DAYS = 1_000


def main() -> int:
    arguments = read_arguments()
    if arguments.peak_of is not None:
        return print_peak(arguments)
    status = 0
    for provider in arguments.provider:
        with simulated(provider) as base_url, postgres_server() as database_url:
            status |= compare_times(provider, base_url, database_url, arguments)
            compare_memory(provider, base_url, database_url)
    return status


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--provider", action="append", choices=sorted(SIMULATORS))
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    parser.add_argument("--database-url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.provider = arguments.provider or ["anthropic", "openai"]
    return arguments


@contextlib.contextmanager
def simulated(provider: str) -> Iterator[str]:
    """A simulator in another process, its pages rendered; gives its base URL."""
    context = multiprocessing.get_context("spawn")
    parent, child = context.Pipe()
    process = context.Process(target=serve, args=(provider, child), daemon=True)
    process.start()
    try:
        yield parent.recv()
    finally:
        process.terminate()
        process.join()


def serve(provider: str, pipe: Connection) -> None:
    simulator = SIMULATORS[provider][0](profile="large", history=KEEP_DAYS)
    end = simulator.today
    for days in (90, 900):
        # Whatever hours count as settled, the window ends today or up to two days before.
        for back in range(3):
            last = end - timedelta(days=back)
            simulator.prerender(last - timedelta(days=days), last)
    with simulator.serve() as base_url:
        pipe.send(base_url)
        time.sleep(3_600)


@contextlib.contextmanager
def prepared(provider: str, base_url: str, database_url: str) -> Iterator[State]:
    """An application with our tables in a real PostgreSQL."""
    app = Flask("benchmark")
    app.secret_key = "benchmark"
    app.config |= {
        "SQLALCHEMY_DATABASE_URI": database_url,
        "TOKENOFFSET_KEYS": generate_key("benchmark"),
        "TOKENOFFSET_EMBEDDED_QUEUE": True,
        "TOKENOFFSET_SAMPLE_DAYS": 90,
        "TOKENOFFSET_HTTP_TRANSPORTS": {provider: LoopbackTransport(base_url)},
    }
    database = SQLAlchemy(app)
    TokenOffset(app, user_loader=lambda: HostUser(key="benchmark"))
    with app.app_context():
        runner.upgrade(database.engine)
        yield state_of(app)


def connect(state: State, provider: str, user_key: str = "benchmark") -> UUID:
    """Connect the simulated vendor for a person; gives the id of the waiting run."""
    key = read_key(SIMULATORS[provider][1])
    organization = connections.check_key(
        state.gateway, provider=provider, key=key, clock=state.clock, settings=state.settings
    )
    with state.unit_of_work() as work:
        person = people.ensure_person(work.session, HostUser(key=user_key), state.clock.now())
        _, run = connections.connect(
            work,
            account_id=person.account_id,
            person=person,
            provider=provider,
            provider_title=provider,
            key=key,
            label=None,
            organization=organization,
            vault=state.vault,
            clock=state.clock,
            settings=state.settings,
        )
        return run.id


def window_of(state: State, days: int) -> DayRange:
    return sample_window(state.clock.now(), days=days, settling_hours=state.settings.settling_hours)


def sample(state: State, run_id: UUID) -> float:
    began = time.perf_counter()
    status = sampling.run_sample(
        state.unit_of_work,
        run_id=run_id,
        gateway=state.gateway,
        vault=state.vault,
        clock=state.clock,
        settings=state.settings,
    )
    elapsed = time.perf_counter() - began
    if status != RunStatus.COMPLETE:
        raise SystemExit(f"The sample ended as {status}.")
    return elapsed


def fetch_and_decode(provider: str, base_url: str, window: DayRange) -> float:
    """Read the same pages with the same client and throw them away."""
    vendor = PROVIDERS[provider]
    key = read_key(SIMULATORS[provider][1])
    began = time.perf_counter()
    with VendorHTTP(provider, vendor.endpoints, key, transport=LoopbackTransport(base_url)) as http:
        client = vendor.open(key, http)
        assert isinstance(client, DailyReportsClient)
        for report in (client.usage_report, client.cost_report):
            for _ in client.pages(report, window):
                pass
    return time.perf_counter() - began


def forget(state: State) -> None:
    """Empty what a sample writes, so that each round is a first one in tables without bloat."""
    with state.unit_of_work() as work:
        for model in (DailyUsage, DailyCost):
            work.session.execute(text(f"TRUNCATE {model.__tablename__}"))
        for model in (UsageSeries, CostLine, Estimate):
            work.session.execute(delete(model).execution_options(synchronize_session=False))


def requeue(state: State, run_id: UUID) -> None:
    with state.unit_of_work() as work:
        run = work.session.get_one(SampleRun, run_id)
        run.status, run.attempt = RunStatus.QUEUED, 0


def compare_times(
    provider: str, base_url: str, database_url: str, arguments: argparse.Namespace
) -> int:
    with prepared(provider, base_url, database_url) as state:
        run_id = connect(state, provider)
        window = window_of(state, 90)
        settle_memory()
        baselines, samples = [], []
        for number in range(arguments.rounds + 1):
            baseline = fetch_and_decode(provider, base_url, window)
            forget(state)
            requeue(state, run_id)
            sampled = sample(state, run_id)
            if number:  # the first round warms caches on both sides
                baselines.append(baseline)
                samples.append(sampled)
        usage_rows = state.session.scalar(select(func.count(DailyUsage.day)))
        cost_rows = state.session.scalar(select(func.count(DailyCost.day)))
        state.session.rollback()
        forget(state)
    ratio = statistics.median(samples) / statistics.median(baselines)
    print(
        f"{provider}: {usage_rows:,} usage rows and {cost_rows:,} cost rows in"
        f" {statistics.median(samples) * 1000:.0f} ms; fetching and decoding alone takes"
        f" {statistics.median(baselines) * 1000:.0f} ms (medians of {arguments.rounds} rounds)"
    )
    print(f"{provider}: ratio {ratio:.2f}, bar {BAR:.1f}: {'met' if ratio <= BAR else 'MISSED'}")
    return int(ratio > BAR)


def compare_memory(provider: str, base_url: str, database_url: str) -> None:
    """Each window in a process of its own, since a peak never falls."""
    peaks = {}
    for days in (90, 900):
        command = [sys.executable, __file__, "--provider", provider, "--peak-of", str(days)]
        command += ["--base-url", base_url, "--database-url", database_url]
        peaks[days] = float(subprocess.run(command, check=True, capture_output=True).stdout)
    growth = peaks[900] / peaks[90]
    print(
        f"{provider}: peak memory {peaks[90]:.1f} MiB for 90 days, {peaks[900]:.1f} MiB for 900:"
        f" times {growth:.2f}"
    )


def print_peak(arguments: argparse.Namespace) -> int:
    (provider,) = arguments.provider
    with prepared(provider, arguments.base_url, arguments.database_url) as state:
        run_id = connect(state, provider, f"peak of {arguments.peak_of}")
        with state.unit_of_work() as work:
            run = work.session.get_one(SampleRun, run_id)
            window = window_of(state, arguments.peak_of)
            run.window_start, run.window_end = window.start, window.end
        sample(state, run_id)
        forget(state)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return 0


if __name__ == "__main__":
    sys.exit(main())
