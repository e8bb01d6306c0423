"""What faults cost: turns held while processes are killed, stopped and cut off, and what became of each of them.

Every fault for every service, for the conversation and for Redis itself (tests/chaos/matrix.py), drawn from a seed.
Then the takeover: a worker that has a request and is killed; the time until another one's answer is there. `--matrix`
prints who is struck by what, and why not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from shared.logs import configure
from tests.chaos.matrix import FAULTS, MATRIX, WHY_NOT, drawn, struck
from tests.chaos.world import ALIVE_S, Tally, World, chaos
from tests.kit.redis_server import small_disk

_MARGIN_S = 0.1
_DISK = ("--appendfsync", "everysec", "--auto-aof-rewrite-min-size", "8mb")
_FEW = argparse.Namespace(worlds=1, faults=16, turns=100, stop_s=2 * ALIVE_S, takeovers=10)
_ALL = argparse.Namespace(worlds=4, faults=208, turns=4000, stop_s=10.0, takeovers=40)


async def a_world(dice: random.Random, cells: Sequence[tuple[str, str]], size: argparse.Namespace) -> Tally:
    """Some of the faults, in turn; at least their share of the turns."""
    async with _on_a_small_disk() as world:
        for number, (target, fault) in enumerate(cells, 1):
            await world.strike(target, fault, dice, turns=-(-size.turns // size.faults), stop_s=size.stop_s)
            print(f"{number}/{len(cells)} {target}: {fault}", file=sys.stderr, flush=True)
        return await world.settle()


@contextlib.asynccontextmanager
async def _on_a_small_disk() -> AsyncIterator[World]:
    """Where a disk can be mounted (root), Redis's fills up; else its memory."""
    with contextlib.ExitStack() as stack:
        if os.geteuid():
            world = chaos()
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sotto-disk-")))
            world = chaos(*_DISK, disk=stack.enter_context(small_disk(folder / "disk", "64m")))
        async with world as entered:
            yield entered


async def takeovers(rounds: int) -> list[float]:
    """Milliseconds from a kill until the other worker has answered, each."""
    async with chaos() as world:
        return [await world.takeover() * 1e3 for _ in range(rounds)]


def figures(seed: int, size: argparse.Namespace) -> Iterator[Figure]:
    """Everything measured."""
    tally, dice = Tally(), random.Random(seed)
    cells = drawn(dice, size.faults)
    for number in range(size.worlds):
        tally += asyncio.run(a_world(dice, cells[number :: size.worlds], size))
    yield at_least("faults", sum(tally.faults.values()), "", size.faults)
    yield at_least("cells of the matrix struck", len(tally.faults), "", min(size.faults, len(struck())))
    yield at_least("turns", tally.turns, "", size.turns)
    yield at_least("requests", tally.requests, "", size.turns)
    yield plain("requests answered", tally.answered, "")
    yield plain("requests lost with an apology", tally.apologies, "")
    yield at_most("events lost", len(tally.lost), "", 0)
    yield at_most("answers, words, sounds or rings that came twice", len(tally.twice), "", 0)
    yield plain("effects begun again, and found done", tally.repeated, "")
    yield at_most("ledgers that do not add up", len(tally.unbalanced), "", 0)
    for problem in (*tally.lost, *tally.twice, *tally.unbalanced)[:20]:
        print(problem, file=sys.stderr)
    took = asyncio.run(takeovers(size.takeovers))
    yield plain("takeover, p50", percentile(took, 50), "ms")
    yield at_most("takeover, p95", percentile(took, 95), "ms", (ALIVE_S + _MARGIN_S) * 1e3)


def table() -> str:
    """The matrix, as it is read."""
    head = f"{'':14}" + "".join(f"{fault:7}" for fault in FAULTS)
    rows = [f"{target:14}" + "".join(f"{mark:7}" for mark in row.values()) for target, row in MATRIX.items()]
    notes = [f"{fault}: {what}" for fault, what in FAULTS.items()]
    return "\n".join([head, *rows, "", *notes, "", *(f"{mark}  {reason}" for mark, reason in WHY_NOT.items())])


def main() -> int:
    """Print the table, or one JSON object a line; 1 when a goal was missed."""
    arguments = parser(__doc__)
    arguments.add_argument("--seed", type=int, default=2026, help="draws the same faults again")
    arguments.add_argument("--matrix", action="store_true", help="print who is struck by what, and end")
    options = arguments.parse_args()
    if options.matrix:
        print(table())
        return 0
    configure("error", "console")
    logging.disable(logging.ERROR)  # what is done on purpose would be told
    return report(figures(options.seed, _ALL if options.full else _FEW), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
