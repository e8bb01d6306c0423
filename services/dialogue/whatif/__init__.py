"""What if: a recorded conversation, held again in virtual time under another setting.

Dialogue is the real one. What came from outside comes as it came, and engines answer what they answered, as long after
they were asked; so what is different follows from the setting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bus import Bus, Mailbox
from services.contract import Context
from services.dialogue.service import DialogueService
from services.dialogue.settings import DialogueSettings
from services.dialogue.whatif.cast import Cast
from services.dialogue.whatif.past import Past
from services.dialogue.whatif.turns import Change, Turn, changes, turns
from services.dialogue.whatif.virtual import LoopClock, VirtualLoop
from shared.events import Event, Stamp, TurnFinished, TurnStarted
from shared.ids import id_source

__all__ = ["Change", "Held", "Turn", "changes", "hold", "turns"]

_PATIENCE_S = 120
"""Virtual seconds after the end of the record in which turns that are open may end."""


@dataclass(frozen=True, slots=True)
class Held:
    """How it went."""

    turns: list[Turn]
    events: list[Event]
    guessed: tuple[str, ...]
    """What the record had no answer to."""


def hold(events: Sequence[Event], settings: DialogueSettings) -> Held:
    """Hold the recorded conversation under `settings`; the same twice is the same to the byte. Blocks."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_hold(events, settings))


async def _hold(events: Iterable[Event], settings: DialogueSettings) -> Held:
    past = Past.of(events)
    clock = LoopClock(past.start)
    bus = Bus(clock=clock, ids=id_source("bus-"))
    log: list[Event] = []
    bus.tap(log.append)
    async with asyncio.TaskGroup() as tasks:
        dialogue = DialogueService(settings)
        inbox = Mailbox(bus, bus.subscribe(*dialogue.consumes, name=dialogue.name, capacity=100_000))
        ctx = Context(dialogue.name, bus=bus, inbox=inbox, clock=clock, ids=id_source("now-"), session="", tasks=tasks)
        cast = Cast(past, bus, Stamp("record", clock, id_source("cast-")), tasks)
        going = [tasks.create_task(ctx.serve(dialogue)), *cast.begin()]
        await asyncio.sleep(0)
        await cast.play()
        for _ in range(_PATIENCE_S):
            await asyncio.sleep(1)
            if not _open(log):
                break
        for task in (*going, *asyncio.all_tasks() - {asyncio.current_task()}):
            task.cancel()
    return Held(turns(log), log, tuple(cast.guessed))


def _open(log: Iterable[Event]) -> set[tuple[str, int]]:
    begun = {(event.session, event.turn) for event in log if isinstance(event, TurnStarted)}
    return begun - {(event.session, event.turn) for event in log if isinstance(event, TurnFinished)}
