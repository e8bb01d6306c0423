"""The one thread of one engine: native work is done there in order, the event loop awaits it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from services.stt.ports import Engine, MakeEngine, Sentences
from services.stt.settings import SttSettings
from shared.installed import InstalledModel

__all__ = ["Worker"]

T = TypeVar("T")
P = ParamSpec("P")


class Worker:
    """An engine and its thread. `load` makes the engine there; `retire` lets both go once nobody uses them."""

    def __init__(self, pool: ThreadPoolExecutor, engine: Engine) -> None:
        self._pool = pool
        self._users = 0
        self._retired = False
        self.engine = engine

    @classmethod
    async def load(cls, make: MakeEngine, settings: SttSettings, model: InstalledModel | None) -> Worker:
        """Raises EngineUnusable."""
        pool = ThreadPoolExecutor(1, thread_name_prefix="sotto-stt")
        try:
            engine = await asyncio.get_running_loop().run_in_executor(pool, make, settings, model)
        except BaseException:
            pool.shutdown(wait=False)
            raise
        return cls(pool, engine)

    async def call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on the engine's thread, after what was asked of it before."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))

    async def teach(self, sentences: Sentences) -> None:
        """Have the engine learn these. When this is cancelled, so is that."""
        wanted = True
        try:
            await self.call(self.engine.learn, sentences, lambda: wanted)
        finally:
            wanted = False

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the engine until the block ends, even when it is retired meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._close_if_done()

    def retire(self) -> None:
        """Let the engine and its thread go once nobody uses them."""
        self._retired = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._retired and not self._users:
            self._pool.shutdown(wait=False)
