"""The journal service: records every event of its bus, and dialogue's steps, into the session's folder.

It watches and says nothing, so that a session is the same with and without it. What goes wrong while recording is told
once; the conversation goes on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel

from bus.journal import Journal, Recorder, forget, recordings, sweep
from services.contract import Context
from services.journal.settings import JournalSettings
from shared.events import Event, MemoryForget, MemoryForgotten, TurnFinished, TurnName
from shared.logs import get_logger

__all__ = ["JournalService", "forget_in_all", "receipt"]

_DAY_NS = 86_400_000_000_000

_log = get_logger("journal")


class JournalService:
    """Records from the first event of the bus on, as far as it is remembered. It is made once.

    `held_with` is kept beside the events: the settings of the session, whose secrets are masked. `over` says by which
    means it is held.
    """

    name: ClassVar[str] = "journal"
    consumes: ClassVar[tuple[type[Event], ...]] = (MemoryForget, TurnFinished)

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
            ctx.tasks.create_task(self._tell(ctx, self._problem, untap), name="journal:problem")
            wish: MemoryForget | None = None
            async for event in ctx.inbox:
                if isinstance(event, MemoryForget):
                    await self._forget(ctx, event, recorder)
                    wish = event
                elif wish is not None and (event.session, event.turn) == (wish.session, wish.turn):
                    await self._forget_wish(wish, recorder)
                    wish = None
        finally:
            self._recorder = None
            untap()
            await recorder.close()

    def step(self, session: str, input: str, woke: bool, now: int) -> None:
        """Record that dialogue took an input; see `DialogueService.watch`."""
        if self._recorder is not None:
            self._recorder.step(session, input, woke, now)

    async def _tell(self, ctx: Context, problem: asyncio.Future[str], untap: Callable[[], None]) -> None:
        reason = await problem
        untap()
        _log.error("recording ended", reason=reason)
        ctx.degraded(f"the session is not recorded any more: {reason}. Free some space, or set journal.folder.")

    async def _forget(self, ctx: Context, order: MemoryForget, recorder: Recorder) -> None:
        """Remove what is to be forgotten from this recording and from all others."""
        try:
            own = await recorder.do(lambda journal: journal.forget(order))
            others, live = await asyncio.to_thread(forget_in_all, self._settings.root, order, own=ctx.session)
        except OSError as error:
            done = {"removed": 0, "detail": f"the recordings cannot be changed: {error.strerror}", "ok": False}
        else:
            done = receipt((own or 0) + others, live)
        ctx.emit(MemoryForgotten, store=self.name, **done)

    @staticmethod
    async def _forget_wish(wish: MemoryForget, recorder: Recorder) -> None:
        """Remove the turn that had something forgotten, now that it is over: it names what that was."""
        named = TurnName(session=wish.session, turn=wish.turn)
        order = wish.model_copy(
            update={"turns": (named,), "since": 0, "until": 0, "texts": (), "about": "", "everything": False}
        )
        try:
            await recorder.do(lambda journal: journal.forget(order))
        except OSError as error:
            _log.warning("the wish to forget is still recorded", reason=error.strerror)

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


def forget_in_all(root: Path, order: MemoryForget, *, own: str = "") -> tuple[int, int]:
    """Remove what is to be forgotten from all recordings but a session's `own`, which is being written.

    Returns how many turns went, and how many others are being written: they stay as they are. It blocks.
    """
    turns = live = 0
    for summary in recordings(root):
        if summary.live:
            live += summary.id != own
        else:
            turns += forget(summary.folder, order)
    return turns, live


def receipt(turns: int, live: int) -> dict[str, Any]:
    """What `memory.forgotten` says of that."""
    detail = f"{live} sessions are being recorded by another Sotto" if live else f"{turns} recorded turns"
    return {"removed": turns, "detail": detail, "ok": not live}
