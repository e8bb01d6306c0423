"""Models that requests name, beside the one in use: several at once, within a budget of memory.

One that has no room yet takes the place of the one that was used longest ago, once nothing is generated with that any
more. One that nobody asked for a while is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.contract import Context
from services.llm.port import Engine, LanguageModel, ModelUnusable
from services.llm.settings import LlmSettings
from shared.events import ModelLoaded, ModelUnloaded
from shared.gguf import read_gguf
from shared.installed import InstalledModel

__all__ = ["Beside", "NotEnoughMemory"]

_SHARE = 0.7
"""Unless told otherwise, models may take this part of the memory that is free."""

_Key = tuple[Path, tuple[tuple[int, int], ...]]
"""A model's file, and the sizes and times of change of all its parts: one with a part replaced is another one."""


class NotEnoughMemory(ModelUnusable):
    """The model alone is more than the memory that models may take."""


@dataclass(slots=True)
class _Lent:
    entry: InstalledModel
    model: LanguageModel
    bytes: int
    users: int = 0
    used: int = 0
    """When it was last used, monotonic ns."""


class Beside:
    """See the module. `find` looks for a model by its name or path, on disk; it raises NoLanguageModel."""

    def __init__(self, settings: LlmSettings, engine: Engine, find: Callable[[str], InstalledModel]) -> None:
        self._settings = settings
        self._engine = engine
        self._find = find
        self._open: dict[_Key, _Lent] = {}
        self._changing = asyncio.Lock()
        self._left = asyncio.Event()

    @property
    def names(self) -> tuple[str, ...]:
        """The open ones, by their last use."""
        return tuple(lent.entry.name for lent in sorted(self._open.values(), key=lambda lent: lent.used))

    @contextlib.asynccontextmanager
    async def lend(self, ctx: Context, name: str) -> AsyncIterator[tuple[str, LanguageModel]]:
        """Yield the model and its name, opened if need be; it stays open meanwhile.

        Raises NoLanguageModel, EngineMissing, GgufUnreadable, ModelUnusable or NotEnoughMemory.
        """
        found, key = await asyncio.to_thread(self._look, name)
        lent = self._open.get(key)
        if lent is None or self._changing.locked():  # whoever waits for room comes first
            async with self._changing:
                lent = self._open.get(key) or await self._load(ctx, found, key)
                lent.users += 1
        else:
            lent.users += 1
        try:
            yield lent.entry.name, lent.model
        finally:
            lent.users -= 1
            lent.used = ctx.clock.monotonic_ns()
            self._left.set()

    async def unload(self, ctx: Context, name: str = "") -> bool:
        """Let the model of that name go (every one, without), once nobody uses it; returns whether there was one."""
        async with self._changing:
            chosen = [key for key, lent in self._open.items() if name in ("", lent.entry.name)]
            for key in chosen:
                await self._unused(self._open[key])
                await self._let_go(ctx, key)
        return bool(chosen)

    async def sweep(self, ctx: Context) -> None:
        """Let go what was not used for as long as the settings say, for ever."""
        idle = self._settings.idle_minutes * 60
        while idle:
            await asyncio.sleep(idle / 2)
            async with self._changing:
                before = ctx.clock.monotonic_ns() - int(idle * 1e9)
                for key in [k for k, lent in self._open.items() if not lent.users and lent.used < before]:
                    await self._let_go(ctx, key)

    async def close(self, ctx: Context) -> None:
        """Let all go; whatever they generate ends."""
        for key in tuple(self._open):
            await self._let_go(ctx, key)

    def _look(self, name: str) -> tuple[InstalledModel, _Key]:
        found = self._find(name)
        try:
            states = [file.stat() for file in found.files or (found.path,)]
        except OSError as error:
            raise ModelUnusable(f"{found.name}: {error.strerror}.", remedy="Run `sotto models verify`.") from error
        return found, (_first(found).resolve(), tuple((state.st_size, state.st_mtime_ns) for state in states))

    async def _load(self, ctx: Context, found: InstalledModel, key: _Key) -> _Lent:
        settings = self._settings
        need = await asyncio.to_thread(_need, found, settings)
        await self._make_room(ctx, found.name, need)
        began = ctx.clock.monotonic_ns()
        model = await self._engine.open(found, settings, ctx.clock)
        lent = self._open[key] = _Lent(found, model, need)
        took = ctx.clock.monotonic_ns() - began
        ctx.emit(ModelLoaded, role="llm", name=found.name, engine=found.engine, load_ns=took)
        return lent

    async def _make_room(self, ctx: Context, name: str, need: int) -> None:
        allowed = self._settings.memory_mb << 20 or int(psutil.virtual_memory().available * _SHARE) + self._taken()
        if need > allowed:
            raise NotEnoughMemory(
                f"{name} needs about {need / 1e6:,.0f} MB of memory, and models may take {allowed / 1e6:,.0f} MB.",
                remedy="Take a smaller one, lower `llm.context_tokens`, or raise `llm.memory_mb`.",
            )
        while self._taken() + need > allowed:
            oldest = min(self._open, key=lambda key: (self._open[key].users > 0, self._open[key].used))
            await self._unused(self._open[oldest])
            await self._let_go(ctx, oldest)

    def _taken(self) -> int:
        return sum(lent.bytes for lent in self._open.values())

    async def _unused(self, lent: _Lent) -> None:
        while lent.users:
            self._left.clear()
            await self._left.wait()

    async def _let_go(self, ctx: Context, key: _Key) -> None:
        lent = self._open.pop(key)
        await lent.model.close()
        ctx.emit(ModelUnloaded, role="llm", name=lent.entry.name, engine=lent.entry.engine)


def _first(found: InstalledModel) -> Path:
    """The GGUF that is opened; of one in parts the first."""
    return next((file for file in sorted(found.files) if file.suffix == ".gguf"), found.path)


def _need(found: InstalledModel, settings: LlmSettings) -> int:
    """About how many bytes it will take."""
    first = _first(found)
    others = sum(file.stat().st_size for file in found.files if file != first and file.is_file())
    return others + read_gguf(first).memory(settings.context_tokens, settings.sequences or 1)
