"""Whether the conversation notices who watches it: many event sockets that are read slowly, or never.

Two assistants, in processes of their own, are asked the same typed questions in turn, one here and one there; one of
them is watched. Whatever else the machine does meets both alike, so the difference is the watchers' doing. Before
anybody watches the two are compared in the same way: that is the baseline, what the comparison itself is worth.

Memory is that of the watched one after each crowd of watchers has come, fallen behind and left, with few questions
beside them, once its bus remembers as many events as it ever will. What the first crowds needed the allocator keeps for
the next ones: memory is flat when the second half of them adds nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil

from scripts.figures import Figure, at_most, parser, percentile, plain, report
from scripts.wire import Wire
from services.app import Assistant, Settings
from services.gateway import GatewaySettings
from services.journal import JournalSettings
from services.models.settings import ModelsSettings
from services.skills.settings import SkillsSettings
from shared.events import GatewayOpened, ModelFailed, TextEntered, TurnFinished
from shared.logs import configure

_AGE = 1400
"""Questions after which the bus remembers as many events as it ever will."""
_FEW = 100
"""Questions in the company of each crowd after which memory is looked at."""
_PEERS = """
import os, select, socket, sys
os.nice(19)
request = (b"GET /v1/events HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
           b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n")
peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
for peer in peers:
    peer.sendall(request)
    peer.recv(12)
print("there", flush=True)
each = float(sys.argv[3])
while each:
    for peer in peers:
        if select.select([sys.stdin], [], [], each / len(peers))[0]:
            sys.exit()
        if select.select([peer], [], [], 0)[0]:
            peer.recv(8192)
sys.stdin.read()
"""
"""Event sockets that are read every so many seconds, 8 kB at a time; 0: never."""


# ---- the one who is asked, in a process of its own


@contextlib.asynccontextmanager
async def assistant(folder: Path) -> AsyncIterator[tuple[Assistant, int]]:
    """A typed assistant with its gateway, and the gateway's port."""
    settings = Settings(
        gateway=GatewaySettings(enabled=True, port=0),
        journal=JournalSettings(folder=folder / "sessions"),
        models=ModelsSettings(folder=folder / "models"),
        skills=SkillsSettings(alarms_file=folder / "alarms.json"),
    )
    made = Assistant(settings, "text", watched=True)
    with made.bus.subscribe(GatewayOpened, name="bench") as opened:
        async with made:
            yield made, int((await anext(opened)).url.rpartition(":")[2])


async def asked(made: Assistant, times: int) -> list[float]:
    """How long each of so many questions took, in ms."""
    took = []
    with made.bus.subscribe(TurnFinished, name="bench") as finished:
        for _ in range(times):
            began = time.perf_counter()
            made.emit(TextEntered, text="what is 17 times 23", speak=False)
            await anext(finished)
            took.append((time.perf_counter() - began) * 1e3)
    return took


def overwhelm(made: Assistant) -> None:
    """Publish what is too much for sockets that are hardly read."""
    for number in range(300):
        made.emit(ModelFailed, role="vad", name="none", engine="none", message="x" * (60_000 if number < 12 else 1))


async def obey() -> None:
    """Do what the lines of standard input say until they end; each is answered by a line of JSON."""
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        async with assistant(Path(folder)) as (made, port):
            print(json.dumps(port), flush=True)
            while words := (await asyncio.to_thread(sys.stdin.readline)).split():
                answer: Any = None
                if words[0] == "ask":
                    answer = await asked(made, int(words[1]))
                elif words[0] == "overwhelm":
                    overwhelm(made)
                print(json.dumps(answer), flush=True)


class Asked:
    """An assistant in a process of its own, and who speaks to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--obey"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port: int = self._answer()

    def tell(self, *words: object) -> Any:
        """Have it do something and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def memory(self) -> float:
        """MiB that it holds."""
        held: int = psutil.Process(self._process.pid).memory_info().rss
        return held / 2**20

    def end(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


# ---- the comparison


@contextlib.contextmanager
def peers(port: int, count: int, every_s: float) -> Iterator[None]:
    """So many event sockets of another process, each read every so often, or never (0)."""
    arguments = (sys.executable, "-c", _PEERS, str(port), str(count), str(every_s))
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def behind(watched: Asked, left: bool = False) -> None:
    """Return when every watcher is behind, or when all have `left`."""
    wire = Wire(f"http://127.0.0.1:{watched.port}")
    before = -1
    for _ in range(20):
        clients = wire.get("/v1/stats")["clients"]
        delivered = sum(client["delivered"] for client in clients)
        if (not clients) if left else delivered == before:
            return
        before = delivered
        time.sleep(0.5)


Pair = tuple[list[float], list[float]]
"""How long questions took in ms: of the one that nobody watches, and of the other."""


def compared(alone: Asked, watched: Asked, times: int) -> Pair:
    """Ask both in turn, each so often."""
    both: Pair = [], []
    for _ in range(times):
        for one, took in zip((alone, watched), both, strict=True):
            took.extend(one.tell("ask", 1))
    return both


def later(both: Pair) -> tuple[float, float, float]:
    """How much later p99 of the watched one is, in %, and between what it lies with 95 % certainty (bootstrap)."""
    dice = np.random.default_rng(1)
    values = [np.array(side) for side in both]
    drawn = [np.percentile(dice.choice(side, (500, len(side))), 99, axis=1) for side in values]
    low, high = np.percentile((drawn[1] / drawn[0] - 1) * 100, (2.5, 97.5))
    return (percentile(both[1], 99) / percentile(both[0], 99) - 1) * 100, float(low), float(high)


def crowd(
    alone: Asked, watched: Asked, count: int, every_s: float, times: int, rounds: int
) -> tuple[Pair, list[float]]:
    """The times of questions with a crowd of watchers that comes `rounds` times, and MiB held after each."""
    both: Pair = [], []
    held = []
    for _ in range(rounds):
        with peers(watched.port, count, every_s):
            watched.tell("overwhelm")
            behind(watched)
            for side, took in zip(both, compared(alone, watched, times // rounds), strict=True):
                side.extend(took)
        behind(watched, left=True)
        held.append(watched.memory())
    return both, held


def figures(count: int, times: int, rounds: int) -> Iterator[Figure]:
    """Everything measured."""
    with contextlib.ExitStack() as stack:
        alone, watched = Asked(), Asked()
        stack.callback(alone.end)
        stack.callback(watched.end)
        for one in (alone, watched):
            one.tell("overwhelm")
            one.tell("ask", _AGE)
        yield from told("when nobody watches", compared(alone, watched, times), "baseline: ")
        for how, every_s in (("that never read", 0.0), ("that read slowly", 1.0)):
            both, _ = crowd(alone, watched, count, every_s, times, rounds)
            _, held = crowd(alone, watched, count, every_s, _FEW * rounds, rounds)
            yield from told(f"with {count} watchers {how}", both)
            more, _, _ = later(both)
            yield at_most(f"{count} watchers {how} make p99 later by", more, "%", 5)
            half = rounds // 2
            yield plain(f"memory grown from crowd 1 to crowd {half}", held[half - 1] - held[0], "MiB")
            yield at_most(f"from crowd {half} to crowd {rounds}", held[-1] - held[half - 1], "MiB", 5)


def told(when: str, both: Pair, baseline: str = "") -> Iterator[Figure]:
    """What both lived through."""
    for percent in (50, 99):
        yield plain(f"baseline: a typed question to the other one, p{percent}", percentile(both[0], percent), "ms")
        yield plain(f"{baseline}{when}, p{percent}", percentile(both[1], percent), "ms")
    more, low, high = later(both)
    yield plain(f"{baseline}p99 {when} differs by", more, "%")
    yield plain("  at least, with 95 % certainty", low, "%")
    yield plain("  at most", high, "%")


def main(words: Sequence[str] | None = None) -> int:
    """Print the figures; 1 when a goal was missed."""
    options = parser(__doc__)
    options.add_argument("--watchers", type=int, default=200, help="how many (default: 200)")
    options.add_argument("--obey", action="store_true", help="be one of the two that are asked")
    arguments = options.parse_args(words)
    configure("error")
    if arguments.obey:
        asyncio.run(obey())
        return 0
    times, rounds = (20_000, 20) if arguments.full else (4000, 10)
    return report(figures(arguments.watchers, times, rounds), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
