"""The journal service: records every event of its bus, and dialogue's steps, into the session's folder.

It watches and says nothing, so that a session is the same with and without it. What goes wrong while recording is told
once; the conversation goes on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import ClassVar

import structlog
from pydantic import BaseModel

from bus.journal import Journal, Recorder, sweep
from services.contract import Context
from services.journal.settings import JournalSettings
from shared.events import Event

__all__ = ["JournalService"]

_DAY_NS = 86_400_000_000_000

_log = structlog.get_logger("journal")


class JournalService:
    """Records from the first event of the bus on, as far as it is remembered. It is made once.

    `held_with` is kept beside the events: the settings of the session, whose secrets are masked. `over` says by which
    means it is held.
    """

    name: ClassVar[str] = "journal"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(self, settings: JournalSettings, *, held_with: BaseModel | None = None, over: str = "") -> None:
        self._settings = settings
        self._held_with = held_with
        self._over = over
        self._recorder: Recorder | None = None
        self._problem: asyncio.Future[str] | None = None

    async def run(self, ctx: Context) -> None:
        """Record until cancelled, then write what waits."""
        recorder = Recorder(self._opener(ctx), failed=self._failed, grown=self._sweeper(ctx))
        for event in ctx.bus.replay() if self._problem is None else ():
            recorder.event(event)
        self._problem = asyncio.get_running_loop().create_future()
        untap = ctx.bus.tap(recorder.event)
        self._recorder = recorder
        try:
            await recorder.opened
            if not self._problem.done():
                ctx.ready()
            reason = await self._problem
            untap()
            _log.error("recording ended", reason=reason)
            ctx.degraded(f"the session is not recorded any more: {reason}. Free some space, or set journal.folder.")
            await asyncio.Event().wait()
        finally:
            self._recorder = None
            untap()
            await recorder.close()

    def step(self, session: str, input: str, woke: bool, now: int) -> None:
        """Record that dialogue took an input; see `DialogueService.watch`."""
        if self._recorder is not None:
            self._recorder.step(session, input, woke, now)

    def _failed(self, reason: str) -> None:
        if self._problem is not None and not self._problem.done():
            self._problem.set_result(reason)

    def _opener(self, ctx: Context) -> Callable[[], Journal]:
        started_at, session, settings, over = ctx.clock.now_ns(), ctx.session, self._settings, self._over
        held_with = self._held_with

        def open_journal() -> Journal:
            card = json.loads(held_with.model_dump_json()) if held_with is not None else {}
            return Journal(
                settings.root, session, started_at=started_at, over=over, settings=card, sound=settings.audio
            )

        return open_journal

    def _sweeper(self, ctx: Context) -> Callable[[Journal], None]:
        settings, now = self._settings, ctx.clock.now_ns

        def sweep_old(journal: Journal) -> None:
            oldest = now() - settings.max_age_days * _DAY_NS
            gone = sweep(settings.root, most_bytes=settings.budget_mb * 1_000_000, oldest=oldest, own=journal.place)
            if gone:
                _log.info("old recordings were deleted", gone=gone)

        return sweep_old
