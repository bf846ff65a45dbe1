"""What a page and a call of ours cost, beside a bare view of the same application.

Ada has sampled a vendor, adopted a plan and is signed in; Ben has picked a band. Each address is
asked for in turns with a bare view that returns the same object or the same text to the same
browser and does nothing else. The medians of the processor time
are compared, through Flask's test client, in one process. (Processor time, because what else the
machine does says nothing about us.)

Each round of requests gives a ratio of its own; the line says the median of all and the least and
the largest of the rounds. The dashboard with ninety days of charts is printed without a bar: it
draws seven hundred elements, and a bare view draws none.

    python benchmarks/requests.py [--requests 100] [--rounds 5] [--check]
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder would hide the library of the same name.
sys.path[0] = str(ROOT)

from tests.support.world import API, PREFIX, World

if TYPE_CHECKING:
    from tests.support.world import Browser

WARM_UP_REQUESTS = 20


def settle(world: World) -> list[tuple[str, Browser, str, float | None]]:
    """Give the people what the pages show; gives title, browser, address and bar of each."""
    ada, ben = world.ada, world.ben
    ada.settle()
    ben.adopt(ben.pick_band())
    return [
        ("API /me", ada, f"{API}/me", 4.0),
        ("API /sources", ada, f"{API}/sources", 4.0),
        ("API /plan", ada, f"{API}/plan", 4.0),
        ("API /bands", ada, f"{API}/bands", 1.4),
        ("dashboard, a band", ben, f"{PREFIX}/", 10.0),
        ("dashboard, 90 days", ada, f"{PREFIX}/", None),
        ("bands", ada, f"{PREFIX}/bands", 10.0),
    ]


def add_bare_view(world: World, browser: Browser, address: str) -> str:
    """Give the host a view that sends what an address of ours sends; gives its address."""
    answer = browser.client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status}"
    body = answer.get_json() if answer.is_json else answer.text
    bare = f"/bare/{len(list(world.app.url_map.iter_rules()))}"
    # The world has been asked already, after which Flask takes no more views.
    world.app._got_first_request = False
    world.app.add_url_rule(bare, bare, lambda: body)
    return bare


def ask(browser: Browser, address: str) -> float:
    """Ask for an address; gives the seconds of processor time until the answer is read."""
    began = time.thread_time()
    answer = browser.client.get(address)
    seconds = time.thread_time() - began
    assert answer.status_code == 200, f"{address}: {answer.status}"
    return seconds


def compare(browser: Browser, address: str, bare: str, requests: int) -> tuple[float, float]:
    """Ask for both in turns; gives the median seconds of ours and of the bare one."""
    times: dict[str, list[float]] = {address: [], bare: []}
    gc.collect()
    gc.disable()
    for number in range(requests):
        # Each first as often as the other, so that both meet the same noise.
        for each in (address, bare) if number % 2 else (bare, address):
            times[each].append(ask(browser, each))
    gc.enable()
    return statistics.median(times[address]), statistics.median(times[bare])


def compare_all(world: World, requests: int, rounds: int) -> bool:
    """Compare every address; gives whether all keep their bars."""
    well = True
    for title, browser, address, bar in settle(world):
        bare = add_bare_view(world, browser, address)
        for _ in range(WARM_UP_REQUESTS):
            ask(browser, address)
            ask(browser, bare)
        found = [compare(browser, address, bare, requests) for _ in range(rounds)]
        ratios = [ours / theirs for ours, theirs in found]
        ratio = statistics.median(ratios)
        kept = bar is None or ratio <= bar
        well &= kept
        with world.statements() as sent:
            ask(browser, address)
        ours, theirs = (statistics.median(each) for each in zip(*found, strict=True))
        print(
            f"{title:<20} {ours * 1e3:6.2f} ms, {len(sent)} statements;"
            f" bare {theirs * 1e3:5.2f} ms; ratio {ratio:5.2f}"
            f" ({min(ratios):.2f} to {max(ratios):.2f})"
            + ("" if bar is None else f", at most {bar:g}: {'kept' if kept else 'MISSED'}"),
            flush=True,
        )
    return well


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100, help="of each address in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="fail where a bar is missed")
    arguments = parser.parse_args()
    world = World()
    try:
        well = compare_all(world, arguments.requests, arguments.rounds)
    finally:
        world.close()
    return 0 if well or not arguments.check else 1


if __name__ == "__main__":
    sys.exit(main())
