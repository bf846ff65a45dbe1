"""What the members of an organization cost to list: 10 of them against 10,000 (run by hand).

Two organizations stand in one PostgreSQL database, with a third one of 10,000 members beside them,
so that the table is not the organization. The first page of members, the first page of the API, a
search and a page from deep inside are asked for in turns, in one process, by one owner of both. The
median of the time each takes on the server (Flask, the database and what lies between) is compared,
and the statements are counted: the first page of 10,000 must take at most twice as long as that of
10, and no statement more.

Usage: ``python benchmarks/members.py [--rounds 150] [--members 10000]``
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
sys.path.insert(0, str(ROOT))

from tests.support.organizations import fill_many
from tests.support.services import postgres_server
from tests.support.world import API, PREFIX, World

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.world import Browser

MOST_RATIO = 2.0
FEW = 10
WARM_UP_ROUNDS = 10


def addresses(owner: Browser, organization_id: UUID, *, many: bool) -> dict[str, str]:
    """What is asked for: title and address."""
    place = f"/organizations/{organization_id}"
    list_of = {"page": f"{PREFIX}{place}/members", "API": f"{API}{place}/members"}
    cursor = ""
    if many:
        for _ in range(20):
            page = owner.client.get(f"{list_of['API']}?limit=100{cursor}").get_json()
            cursor = f"&cursor={page['next_cursor']}"
    return {
        "first page": list_of["page"],
        "API, first page": list_of["API"],
        "search, found early": f"{list_of['page']}?search=member",
        "search, found nowhere": f"{list_of['page']}?search=nobody",
        "API, page 21": f"{list_of['API']}?limit=50{cursor}",
    }


def ask(owner: Browser, address: str) -> float:
    """The seconds until an answer is there."""
    began = time.perf_counter()
    answer = owner.client.get(address)
    seconds = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    return seconds


def compare(world: World, members: int, rounds: int) -> bool:
    """Ask for everything in turns; gives whether the first pages keep the bar."""
    owner = world.ada
    both = []
    for size in (FEW, members, members):
        organization_id = owner.create_organization(f"{size} members")
        fill_many(world, organization_id, size - 1)
        both.append(addresses(owner, organization_id, many=size > FEW))
    few, many = both[:2]
    well = True
    gc.disable()
    for title in few:
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(WARM_UP_ROUNDS + rounds):
            # Each first as often as the other, so that both meet the same noise.
            order = (0, 1) if number % 2 else (1, 0)
            for which in order:
                seconds = ask(owner, (few, many)[which][title])
                if number >= WARM_UP_ROUNDS:
                    times[which].append(seconds)
            gc.collect(1)
        counts = []
        for which in (few, many):
            with world.statements() as sent:
                ask(owner, which[title])
            counts.append(len(sent))
        small, large = (statistics.median(each) for each in times)
        ratio = large / small
        if "first" in title:
            well &= ratio <= MOST_RATIO and counts[0] == counts[1]
        print(
            f"{title:<22} {FEW} members {small * 1e3:6.2f} ms, {counts[0]} statements;"
            f" {members:,} members {large * 1e3:6.2f} ms, {counts[1]} statements; ratio {ratio:.2f}"
        )
    gc.enable()
    return well


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=150, help="of each address and organization")
    parser.add_argument("--members", type=int, default=10_000, help="of the large organization")
    arguments = parser.parse_args()
    with postgres_server() as url:
        world = World(url)
        try:
            well = compare(world, arguments.members, arguments.rounds)
        finally:
            world.close()
    print(
        f"{'kept' if well else 'BROKEN'}: a first page of {arguments.members:,} takes at most"
        f" {MOST_RATIO:.0f} times as long as one of {FEW}, and no statement more"
    )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
