"""A worker for the chaos suite: does what it is asked, keeps each effect once, and says so.

Run as a program with the bus's URL, its name, the prefix, how long a silent process lives, and a folder for effects.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import ClassVar

from bus import Bus
from services.contract import Context
from services.link import LinkService, LinkSettings
from services.supervisor import Child, Supervisor, run_process
from shared.clock import SystemClock
from shared.events import Event, LlmDelta, LlmRequest, LlmResponse, TextEntered, ToolCall, ToolResult, Usage
from shared.ids import id_source, process_prefix
from shared.logs import configure

_USAGE = Usage(
    prompt_tokens=0,
    cached_tokens=0,
    completion_tokens=0,
    dropped_messages=0,
    queue_ns=0,
    prefill_ns=0,
    decode_ns=0,
)


class Doer:
    """Answers calls with an effect, requests to the model with three words, and keeps every text that is entered.

    An effect is a file named by the event's id, made only where there is none: a store of its own, keyed by event.
    """

    name: ClassVar[str] = "skills"
    consumes: ClassVar[tuple[type[Event], ...]] = (ToolCall, LlmRequest, TextEntered)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        async for event in ctx.inbox:
            match event:
                case ToolCall():
                    await asyncio.to_thread(self._do, event)
                    ctx.emit(
                        ToolResult,
                        outcome="answered",
                        name="do",
                        speech=event.sentence,
                        data={},
                        action="none",
                        language="en",
                    )
                case LlmRequest():
                    ctx.turn(event).start(self._answer(ctx, event))
                case TextEntered():
                    await asyncio.to_thread(self._do, event)

    def _do(self, event: Event) -> None:
        place = self._folder / event.kind / event.id
        place.parent.mkdir(exist_ok=True)
        try:
            place.open("x").close()
        except FileExistsError:
            if isinstance(event, ToolCall):  # a text is for every worker
                (self._folder / "again" / event.id).touch()

    async def _answer(self, ctx: Context, request: LlmRequest) -> None:
        wait_s = request.deadline_ms / 1000
        for index in range(3):
            await asyncio.sleep(wait_s / 3)
            await ctx.bus.outlet(request).send(ctx.event(LlmDelta, request=request.id, index=index, text=f"{index} "))
        ctx.emit(
            LlmResponse,
            request=request.id,
            text="0 1 2 ",
            finish="stop",
            tool_requests=(),
            usage=_USAGE,
            model=ctx.name,
        )


def main(url: str, name: str, prefix: str, alive_s: str, folder: str) -> int:
    """Work until told to stop."""
    configure("error", "console")
    settings = LinkSettings(url=url, name=name, prefix=prefix, alive_s=float(alive_s), beat_s=float(alive_s) / 6)
    clock, ids = SystemClock(), id_source(process_prefix())

    async def work(stop: asyncio.Event) -> int:
        bus = Bus(clock=clock, ids=ids)
        link = LinkService(settings, ("skills",))
        children = [Child(Doer, lambda: Doer(Path(folder))), Child(LinkService, lambda: link)]
        await Supervisor(bus, clock, ids, name, children).run(stop)
        return 0

    return run_process(work)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
