"""What faults cost: turns held while processes are killed, stopped and cut off, and what became of each of them.

Every kind of fault for every worker, for the conversation's connection and for Redis itself, drawn from a seed. Then
the takeover: a worker that has a request and is killed; the time until another one's answer is there.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from shared.logs import configure
from tests.kit.chaos import ALIVE_S, Fault, Tally, chaos

_MARGIN_S = 0.1


async def struck(seed: int, faults: int, turns: int) -> Tally:
    """So many faults, at least so many turns."""
    dice = random.Random(seed)
    async with chaos() as world:
        left: list[Fault] = []
        for number in range(faults):
            if not left:
                left = world.faults()
                dice.shuffle(left)
            fault = left.pop()
            await world.strike(fault, dice, turns=turns // faults)
            print(f"{number + 1}/{faults} {fault.name}", file=sys.stderr, flush=True)
        return await world.settle()


async def takeovers(rounds: int) -> list[float]:
    """Milliseconds from a kill until the other worker has answered, each."""
    async with chaos() as world:
        return [await world.takeover() * 1e3 for _ in range(rounds)]


def figures(seed: int, faults: int, turns: int, rounds: int) -> Iterator[Figure]:
    """Everything measured."""
    tally = asyncio.run(struck(seed, faults, turns))
    yield at_least("faults", sum(tally.faults.values()), "", faults)
    yield at_least("turns", tally.turns, "", turns)
    yield plain("requests answered", tally.answered, "")
    yield plain("requests lost with an apology", tally.apologies, "")
    yield at_most("events lost", len(tally.lost), "", 0)
    yield at_most("answers or words that came twice", len(tally.twice), "", 0)
    yield plain("effects begun again, and found done", tally.repeated, "")
    yield at_most("ledgers that do not add up", len(tally.unbalanced), "", 0)
    took = asyncio.run(takeovers(rounds))
    yield plain("takeover, p50", percentile(took, 50), "ms")
    yield at_most("takeover, p95", percentile(took, 95), "ms", (ALIVE_S + _MARGIN_S) * 1e3)


def main() -> int:
    """Print the table, or one JSON object a line; 1 when a goal was missed."""
    arguments = parser(__doc__)
    arguments.add_argument("--seed", type=int, default=2026, help="draws the same faults again")
    options = arguments.parse_args()
    configure("error", "console")
    logging.disable(logging.ERROR)  # what is done on purpose would be told
    size = (200, 4000, 40) if options.full else (15, 60, 10)
    return report(figures(options.seed, *size), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
