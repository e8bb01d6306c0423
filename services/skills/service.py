"""The skills service: answers each `tool.call` with exactly one `tool.result`, and rings what is due."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from typing import ClassVar

from bus.transport import Register
from services.contract import Context
from services.skills.desk import Desk
from services.skills.home import home_zone
from services.skills.offload import off_loop
from services.skills.ringing import AlarmFile, AlarmStore, HouseClock, OwnShelf, SharedShelf, Shelf
from services.skills.settings import SkillsSettings
from shared.clock import Clock
from shared.events import Event, ToolCall

__all__ = ["SkillsService"]


class SkillsService:
    """Consumes `tool.call`; publishes `tool.result`, `alarm.rang` and, once ready, `skills.registered`.

    Calls are answered one after the other, in order. A fenced turn does not cancel a skill: what was asked for is
    done, and said in its result. `store` defaults to the file named in the settings. With a `register` workers on any
    machines keep one book of timers and alarms in it, by its Redis's clock; it is closed at the end.
    """

    name: ClassVar[str] = "skills"
    consumes: ClassVar[tuple[type[Event], ...]] = (ToolCall,)

    def __init__(
        self, settings: SkillsSettings, *, store: AlarmStore | None = None, register: Register | None = None
    ) -> None:
        self._settings = settings
        self._register = register
        self._store = store or AlarmFile(settings.alarms_file.expanduser())

    async def run(self, ctx: Context) -> None:
        """Serve until cancelled."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="skills")
        try:
            zone = await off_loop(thread, home_zone, self._settings.timezone)
            shelf, clock = self._shelf(ctx.clock, thread)
            desk = Desk(self._settings, shelf, clock, ctx, zone=zone, thread=thread)
            await desk.open()
            async for event in ctx.inbox:
                assert isinstance(event, ToolCall)
                await desk.serve(event)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)
            if self._register is not None:
                await self._register.close()

    def _shelf(self, clock: Clock, thread: Executor) -> tuple[Shelf, Clock]:
        if self._register is None:
            return OwnShelf(self._store, thread), clock
        house = HouseClock(clock)
        return SharedShelf(self._register, house, thread), house
