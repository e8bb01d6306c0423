"""What the dashboard costs: its process while 200 events a second come and a browser looks at it, and a day's memory.

The events are those of spoken conversations, published on a bus of this process and told by a real gateway to the
dashboard in a process of its own, which a headless Chromium shows. A day of them is folded as fast as it goes.

Baseline in the same run: the same page while nothing happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from scripts.bench_metrics import minute
from scripts.figures import Figure, at_most, parser, plain, report
from services.gateway import GatewayService, GatewaySettings
from services.testing import running
from shared.clock import SystemClock
from shared.events import AudioCaptured, Event, GatewayOpened, Stamp, encode
from shared.ids import id_source
from shared.logs import configure
from ui.dashboard.launch import command, environment
from ui.dashboard.view import View

if TYPE_CHECKING:  # a role of its own
    from playwright.async_api import Page

_RATE = 200
_SETTLE_S = 4.0
_PAGES = ("conversation", "timeline", "metrics")
_DAY = 200 * 86_400


def conversation() -> Iterator[Event]:
    """Events of spoken conversations without end, but for the microphone's frames, which dashboards do not ask for."""
    stamp = Stamp("bench", SystemClock(), id_source("e-"), "test")
    for number in itertools.count():
        for event in minute(stamp):
            if not isinstance(event, AudioCaptured):
                yield event.model_copy(update={"turn": event.turn + 6 * number}) if event.turn else event


@contextlib.asynccontextmanager
async def shown(url: str, port: int) -> AsyncIterator[psutil.Process]:
    """A dashboard of the gateway at `url`; its process."""
    child = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
        command("127.0.0.1", port), env=environment(url, ""), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield psutil.Process(child.pid)
    finally:
        child.kill()
        child.wait()


async def spent(process: psutil.Process, seconds: float) -> float:
    """Percent of a core that the process takes for so long."""
    before = sum(process.cpu_times()[:2])
    began = time.monotonic()
    await asyncio.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began) * 100


async def looked_at(seconds: float) -> list[tuple[str, float, float, float]]:
    """For each page: what it costs while nothing happens and at 200 events a second, and MiB that it grew by."""
    from playwright.async_api import async_playwright

    found = []
    service = GatewayService(GatewaySettings(port=0))
    async with running(service, wait_ready=False) as bench, async_playwright() as driver:
        opened = await bench.next(GatewayOpened, timeout=60)
        browser = await driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        async with shown(opened.url, port := _free()) as process:
            for name in _PAGES:
                page = await browser.new_page()
                await _visit(page, f"http://127.0.0.1:{port}/{name}")
                await asyncio.sleep(_SETTLE_S)
                idle = await spent(process, seconds / 2)
                speaking = asyncio.create_task(_speak(bench.bus.publish))
                await asyncio.sleep(_SETTLE_S)
                before = process.memory_info().rss
                busy = await spent(process, seconds)
                grown = (process.memory_info().rss - before) / 2**20
                speaking.cancel()
                found.append((name, idle, busy, grown))
                await page.close()
        await browser.close()
    return found


async def _visit(page: Page, address: str) -> None:
    """Open a page as soon as it can be opened."""
    from playwright.async_api import Error

    for _ in range(200):
        with contextlib.suppress(Error):  # nobody listens yet
            await page.goto(address)
            await page.wait_for_selector("[data-state=open]", state="attached")
            return
        await asyncio.sleep(0.2)


async def _speak(publish: Callable[[Event], None]) -> None:
    """Publish as fast as is asked, for ever."""
    began = time.monotonic()
    for number, event in enumerate(conversation()):
        publish(event.model_copy(update={"at": time.time_ns()}))
        if (ahead := number / _RATE - (time.monotonic() - began)) > 0.005:
            await asyncio.sleep(ahead)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pages(seconds: float) -> Iterator[Figure]:
    """What each page costs."""
    for name, idle, busy, grown in asyncio.run(looked_at(seconds)):
        yield plain(f"baseline: {name} while nothing happens", idle, "% core")
        yield at_most(f"{name} at {_RATE} events a second", busy, "% core", 15)
        yield plain("memory grown meanwhile", grown, "MiB")


def memory(count: int) -> Iterator[Figure]:
    """What the view holds after so many events, and after twice as many."""
    view, process = View(), psutil.Process()
    frames = ({"event": json.loads(encode(event)[0])} for event in conversation())
    held = []
    for _ in range(2):
        for frame in itertools.islice(frames, count):
            view.fold(frame)
        held.append(process.memory_info().rss / 2**20)
    yield plain(f"memory after {count} events", held[0], "MiB")
    yield at_most(f"{count} more make it grow by", held[1] - held[0], "MiB", 10)


def figures(full: bool, chosen: Sequence[str]) -> Iterator[Figure]:
    """Everything measured."""
    if "memory" in chosen:
        yield from memory(_DAY if full else 60_000)
    if "pages" in chosen:
        yield from pages(60 if full else 10)


def main() -> int:
    """Print the figures; 1 when a goal was missed."""
    options = parser(__doc__)
    options.add_argument("--only", nargs="+", default=("memory", "pages"), help="parts to measure")
    arguments = options.parse_args()
    configure("error")
    return report(figures(arguments.full, arguments.only), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
