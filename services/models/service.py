"""The models service: pulls what it is asked for, and tells the assistant of every model that arrives.

A model may arrive by this process's own pull, by `sotto models pull` in another one, or by hand; all three end as
`model.pulled`, and the services that run engines take it over between turns.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from services.contract import Context
from services.models.store import Store
from shared.errors import SottoError
from shared.events import Event, ModelFailed, ModelProgress, ModelPull, ModelPulled, Role
from shared.installed import InstalledModel

__all__ = ["ModelsService"]

State = tuple[tuple[int, int], ...]
"""Size and time of change of each file."""

_ROLES: tuple[Role, ...] = ("stt", "llm", "tts", "embedding")
_STEPS = 100
"""A pull publishes its progress about so many times."""


class ModelsService:
    """Watches a store every `watch_s` seconds, and pulls one model after the other."""

    name: ClassVar[str] = "models"
    consumes: ClassVar[tuple[type[Event], ...]] = (ModelPull,)

    def __init__(self, store: Store, watch_s: float = 2.0) -> None:
        self._store = store
        self._watch_s = watch_s
        self._wanted: deque[str] = deque()
        self._asked = asyncio.Event()
        self._pulling = asyncio.Lock()
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
        async with self._pulling:
            if await self._pulled(ctx, name):
                await self._tell_of(ctx, name, again=True)

    async def _pull(self, ctx: Context, name: str) -> None:
        async with self._pulling:
            if await self._pulled(ctx, name):
                await self._tell_of(ctx, name)

    async def _pulled(self, ctx: Context, name: str) -> bool:
        """Pull and tell how far it is; True when it arrived."""
        entry = self._store.catalogue.get(name)
        step = 0
        try:
            async for progress in self._store.pull(name):
                if progress.done_bytes * _STEPS >= step * progress.total_bytes:
                    step = progress.done_bytes * _STEPS // max(1, progress.total_bytes) + 1
                    ctx.emit(
                        ModelProgress,
                        role=entry.role,
                        name=name,
                        engine=entry.engine,
                        done_bytes=progress.done_bytes,
                        total_bytes=progress.total_bytes,
                    )
        except SottoError as error:
            ctx.emit(ModelFailed, role=entry.role, name=name, engine=entry.engine, message=str(error))
            return False
        return True

    async def _tell_of(self, ctx: Context, name: str, *, again: bool = False) -> None:
        for model, state in (await asyncio.to_thread(_present, self._store)).items():
            if model.name == name:
                if again:
                    self._told.pop(model, None)
                self._tell(ctx, model, state)


def _present(store: Store) -> dict[InstalledModel, State]:
    models = [model for role in _ROLES for model in store.installed(role)]
    return {model: tuple(_state(file) for file in model.files) for model in models}


def _state(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)
