"""Killed at a random moment, memory has all that it said it kept and nothing that it said it forgot.

`--long` kills it forty times instead of twice.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.memory.engines.chroma import open_chroma
from services.memory.store import Store
from tests.services.memory.conftest import raw

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
SERVICE = """
import asyncio, sys
from pathlib import Path
from bus import Bus
from services.memory import MemoryService, MemorySettings
from services.testing import running
from shared.events import MemoryErase, MemoryErased, MemoryStore, MemoryStored, TurnFinished
from shared.ids import id_source
from tests.services.memory.conftest import Embedder

async def main():
    life = sys.argv[2]
    bus = Bus(ids=id_source(f"bus{life}-"))
    settings = MemorySettings(folder=Path(sys.argv[1]), embed_wait_ms=30000)
    async with running(Embedder(), bus=bus), running(MemoryService(settings), bus=bus) as bench:
        for number in range(1_000_000):
            name = f"l{life}n{number}x"
            spoken = {"reason": "answered", "by": "llm", "latency": None, "turn": number + 1, "session": f"s{life}"}
            heard = f"It is {name}."
            bench.publish(TurnFinished, asked=f"what is turn{name}?", answered=heard, heard=heard, **spoken)
            pin = "" if number % 3 else "my pin is "
            # A fact is known by what caused it: ids of the life before must not come again.
            event = bench.event(MemoryStore, text=f"{pin}fact{name}")
            bus.publish(event.model_copy(update={"cause": name}))
            await bench.next(MemoryStored, timeout=60)
            print("kept", name, flush=True)
            if number % 10 == 9:
                gone = f"l{life}n{number - 5}x"
                for what in ("fact", "turn"):
                    bench.publish(MemoryErase, what="about", text=f"{what}{gone}")
                    await bench.next(MemoryErased, timeout=60)
                print("forgot", gone, flush=True)

asyncio.run(main())
"""


def lived_and_killed(folder: Path, life: int, draw: random.Random) -> tuple[list[str], list[str]]:
    """Let the service work until a random moment; returns what it said it kept, and what it said it forgot."""
    command = [sys.executable, "-c", SERVICE, str(folder), str(life)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as service:
        assert service.stdout is not None
        said = [service.stdout.readline().split() for _ in range(draw.randrange(1, 60))]
        time.sleep(draw.uniform(0, 0.05))  # the moment itself is what is drawn
        os.kill(service.pid, signal.SIGKILL)
        said += [line.split() for line in service.stdout if line.endswith("\n")]
    acknowledged = [words for words in said if len(words) == 2]  # between lines of the log
    return [name for word, name in acknowledged if word == "kept"], [
        name for word, name in acknowledged if word == "forgot"
    ]


def agree(folder: Path, kept: set[str], forgotten: set[str]) -> None:
    """Text, words, conversations and vectors hold the same."""
    store, vectors = Store(folder / "memory.sqlite3"), open_chroma(folder / "vectors")
    try:
        store._connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 0)")
        live = [item for item in store.everything() if item.state == "live"]
        assert vectors.ids() == {item.id for item in live}
        assert store.pending() == []
        texts = "\n".join(item.text for item in store.everything())
        said = "\n".join(
            one.heard for name in store.conversations.listed() for one in store.conversations.whole(name.name)[1]
        )
        for name in (
            name for name in kept if not name.endswith("4x")
        ):  # those are forgotten, the last one perhaps half
            assert f"fact{name}" in texts
            assert name in said
        assert sum(item.text.startswith("my pin is") for item in live) <= 1
    finally:
        store.close()
        vectors.close()
    files = raw(folder)
    assert [
        name for name in sorted(forgotten) if f"fact{name}".encode() in files or f"turn{name}".encode() in files
    ] == []


async def test_killed_at_random_moments_nothing_is_lost_half_there_or_back_again(remembering, tmp_path, steps) -> None:
    draw, kept, forgotten = random.Random(5), set[str](), set[str]()
    for life in range(2 if steps <= 100_000 else 40):
        came, gone = await asyncio.to_thread(lived_and_killed, tmp_path / "memory", life, draw)
        kept.update(came)
        forgotten.update(gone)
        async with remembering() as person:
            await person.ask("anything")  # waits until the vectors have followed
        await asyncio.to_thread(agree, tmp_path / "memory", kept, forgotten)
