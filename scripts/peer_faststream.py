"""The same flood through FastStream, for bench_redis: run by a Python that has faststream[redis], with a Redis's URL.

A text of the same size is published to a stream, and handled in a second process, by its broker's defaults. Prints
events a second.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time

from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub

_BODY = {
    "id": "here-0000000001",
    "at": 1,
    "source": "here",
    "session": "s",
    "turn": 1,
    "cause": None,
    "root": "here-0000000001",
    "trace": None,
    "text": "what time is it",
    "speak": False,
}


def broker_at(url: str) -> RedisBroker:
    """A broker that logs nothing."""
    return RedisBroker(url, logger=logging.getLogger("silent"))


async def there(url: str, count: int) -> None:
    """Handle so many."""
    broker, handled, done = broker_at(url), [0], asyncio.Event()

    @broker.subscriber(stream=StreamSub("faststream", polling_interval=100, max_records=256))
    async def handle(body: dict) -> None:  # type: ignore[type-arg]
        handled[0] += 1
        if handled[0] == count:
            done.set()

    app = FastStream(broker)

    @app.after_startup
    async def ready() -> None:
        await asyncio.sleep(0.5)
        print("ready", flush=True)

    running = asyncio.create_task(app.run())
    await done.wait()
    print("done", flush=True)
    app.exit()
    await running


async def here(url: str, count: int) -> float:
    """Publish so many; return the seconds until they were handled."""
    command = [sys.executable, __file__, url, str(count), "there"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:  # noqa: ASYNC220 (nothing else runs)
        assert other.stdout is not None
        other.stdout.readline()
        async with broker_at(url) as broker:
            began = time.perf_counter()
            for _ in range(count):
                await broker.publish(_BODY, stream="faststream")
        other.stdout.readline()
        took = time.perf_counter() - began
        other.wait()
        return took


if __name__ == "__main__":
    address, number = sys.argv[1], int(sys.argv[2])
    if len(sys.argv) > 3:
        asyncio.run(there(address, number))
    else:
        print(json.dumps({"rate": number / asyncio.run(here(address, number))}))
