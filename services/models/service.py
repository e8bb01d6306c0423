"""The models service: pulls what it is asked for, and tells the assistant of every model that arrives.

A model may arrive by this process's own pull, by `sotto models pull` in another one, or by hand; all three end as
`model.pulled`, and the services that run engines take it over between turns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from services.contract import Context
from services.models.catalogue import Entry
from services.models.store import Store
from shared.errors import SottoError
from shared.events import Event, ModelCancel, ModelFailed, ModelProgress, ModelPull, ModelPulled, Role
from shared.installed import InstalledModel

__all__ = ["ModelsService"]

State = tuple[tuple[int, int], ...]
"""Size and time of change of each file."""

_ROLES: tuple[Role, ...] = ("stt", "llm", "tts", "embedding", "rerank")
_STEPS = 100
"""A pull publishes its progress about so many times."""


class ModelsService:
    """Watches a store every `watch_s` seconds, and pulls one model after the other."""

    name: ClassVar[str] = "models"
    consumes: ClassVar[tuple[type[Event], ...]] = (ModelCancel, ModelPull)

    def __init__(self, store: Store, watch_s: float = 2.0) -> None:
        self._store = store
        self._watch_s = watch_s
        self._wanted: deque[str] = deque()
        self._asked = asyncio.Event()
        self._pulling = asyncio.Lock()
        self._under_way: dict[asyncio.Timeout, str] = {}
        """What ends each pull that goes on or waits, with the model's name."""
        self._told: dict[InstalledModel, State] = {}

    def fetch(self, names: Iterable[str]) -> None:
        """Pull these models, in order, beside the conversation; what waits already is not repeated.

        Raises UnknownModel at once for a name that is not in the catalogue.
        """
        names = [self._store.catalogue.get(name).name for name in names]
        self._wanted += [name for name in names if name not in self._wanted]
        self._asked.set()

    async def run(self, ctx: Context) -> None:
        """Pull and watch until cancelled."""
        self._told = await self._look(ctx, {})
        ctx.tasks.create_task(self._pull_wanted(ctx), name="models:pull")
        ctx.tasks.create_task(self._watch(ctx, self._told), name="models:watch")
        ctx.ready()
        async for event in ctx.inbox:
            if isinstance(event, ModelPull):
                ctx.turn(event).start(self._pull_asked(ctx, event.name))
            elif isinstance(event, ModelCancel):
                self._stop(ctx, event.name)

    async def _watch(self, ctx: Context, seen: dict[InstalledModel, State]) -> None:
        while True:
            await asyncio.sleep(self._watch_s)
            now = await self._look(ctx, seen)
            for model, state in now.items():
                if seen.get(model) == state:  # it has stopped growing
                    self._tell(ctx, model, state)
            seen = now

    async def _look(self, ctx: Context, before: dict[InstalledModel, State]) -> dict[InstalledModel, State]:
        try:
            return await asyncio.to_thread(_present, self._store)
        except SottoError as error:
            ctx.degraded(str(error))
            return before

    def _tell(self, ctx: Context, model: InstalledModel, state: State) -> None:
        """Publish a model that is new, or whose files were replaced, once."""
        if self._told.get(model) != state:
            self._told[model] = state
            ctx.emit(ModelPulled, role=model.role, name=model.name, engine=model.engine, path=str(model.path))

    async def _pull_wanted(self, ctx: Context) -> None:
        while True:
            await self._asked.wait()
            while self._wanted:
                await self._pull(ctx, self._wanted[0])
                self._wanted.popleft()
            self._asked.clear()

    async def _pull_asked(self, ctx: Context, name: str) -> None:
        """Answer a request: `model.pulled` comes also for a model that is here already."""
        try:
            await asyncio.to_thread(self._store.catalogue.get, name)
        except SottoError as error:
            ctx.emit(ModelFailed, role="llm", name=name, engine="", message=str(error))
            return
        if await self._pulled(ctx, name):
            await self._tell_of(ctx, name, again=True)

    async def _pull(self, ctx: Context, name: str) -> None:
        if await self._pulled(ctx, name):
            await self._tell_of(ctx, name)

    async def _pulled(self, ctx: Context, name: str) -> bool:
        """Pull, after those that were asked for before; True when it arrived, else what is in its way was told."""
        entry = self._store.catalogue.get(name)
        try:
            async with asyncio.timeout(None) as patience:
                self._under_way[patience] = name
                async with self._pulling:
                    await self._follow(ctx, entry)
        except TimeoutError:
            return False
        except SottoError as error:
            _fail(ctx, entry, str(error))
            return False
        finally:
            self._under_way.pop(patience, None)
        return True

    def _stop(self, ctx: Context, name: str) -> None:
        """Pull a model no further, nor begin to. It is told at once: the network may be waited for a while yet."""
        mine = [patience for patience, pulled in self._under_way.items() if pulled == name]
        for patience in mine:
            del self._under_way[patience]
            patience.reschedule(asyncio.get_running_loop().time())
        if mine:
            words = f"The pull of {name} was stopped. What came is kept: the next pull goes on from there."
            _fail(ctx, self._store.catalogue.get(name), words)

    async def _follow(self, ctx: Context, entry: Entry) -> None:
        """Pull and tell how far it is."""
        step = 0
        async with contextlib.aclosing(self._store.pull(entry.name)) as pulled:
            async for progress in pulled:
                if progress.done_bytes * _STEPS >= step * progress.total_bytes:
                    step = progress.done_bytes * _STEPS // max(1, progress.total_bytes) + 1
                    ctx.emit(
                        ModelProgress,
                        role=entry.role,
                        name=entry.name,
                        engine=entry.engine,
                        done_bytes=progress.done_bytes,
                        total_bytes=progress.total_bytes,
                    )

    async def _tell_of(self, ctx: Context, name: str, *, again: bool = False) -> None:
        for model, state in (await asyncio.to_thread(_present, self._store)).items():
            if model.name == name:
                if again:
                    self._told.pop(model, None)
                self._tell(ctx, model, state)


def _fail(ctx: Context, entry: Entry, message: str) -> None:
    ctx.emit(ModelFailed, role=entry.role, name=entry.name, engine=entry.engine, message=message)


def _present(store: Store) -> dict[InstalledModel, State]:
    models = [model for role in _ROLES for model in store.installed(role)]
    return {model: tuple(_state(file) for file in model.files) for model in models}


def _state(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)
