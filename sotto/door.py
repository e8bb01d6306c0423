"""The door to whoever answers: the Sotto that runs, over its local socket, else engines in this process.

Its methods belong to the background's event loop.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from services.app import Settings, Writer
    from services.embedding.direct import Direct, DirectRanker
    from services.local.calls import Call
    from shared.events import Event

__all__ = ["Door"]

Answer = tuple[dict[str, Any], bytes]
T = TypeVar("T")


class Door:
    """See the module. Engines are made when they are first needed here, and kept until `close`."""

    def __init__(self) -> None:
        self._ready = False
        self._opening = asyncio.Lock()
        self._writer: Writer | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._calls: dict[str, Call] = {}
        self._open: dict[tuple[str, str], Direct | DirectRanker] = {}

    async def ready(self) -> None:
        """Load what asking needs, once; off the event loop."""
        if not self._ready:
            await asyncio.to_thread(_load)
            self._ready = True

    async def stream(self, fields: dict[str, Any]) -> AsyncGenerator[Event, None]:
        """Yield what a language model request causes, its response or failure last. Leaving calls it off.

        Raises SottoError when whoever was asked has ended.
        """
        await self.ready()
        from services.local.client import connected

        async with connected() as running:
            if running is not None:
                async for event in running.stream(_stamped("LlmRequest", fields)):
                    yield event
                return
        from shared.events import LlmRequest

        writer = await self._own_writer()
        async with writer.bus.stream(writer.event(LlmRequest, **fields)) as stream:
            async for event in stream:
                yield event

    async def reply(self, kind: str, fields: dict[str, Any]) -> Event | None:
        """Return what the Sotto that runs replies to a request; None when none runs, or none that answers such ones.

        Raises SottoError.
        """
        await self.ready()
        from services.local.client import Refused, connected

        async with connected() as running:
            if running is not None:
                try:
                    return [event async for event in running.stream(_stamped(kind, fields))][-1]
                except Refused as error:
                    if error.type != "NoMailbox":
                        raise
        return None

    async def here(self, name: str, work: Callable[[Any], T], model: str) -> T:
        """Do `work` with the `embedding` or `reranker` of a model, opened once in this process. Raises SottoError."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "sotto-engines")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(_opened(self._open, name, model)))

    async def call(self, name: str, payload: bytes, options: dict[str, Any]) -> Answer:
        """Return what `transcribe` or `speak` give. Raises SottoError."""
        await self.ready()
        from services.local.client import Refused, connected

        async with connected() as running:
            if running is not None:
                try:
                    return await running.call(name, payload, **options)
                except Refused as error:
                    if error.type != "UnknownCall":  # a conversation answers none: it would hold it up
                        raise
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "sotto-engines")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _called, self._calls, name, payload, options)

    async def close(self) -> None:
        """Let everything go that was made here."""
        async with self._opening:
            writer, self._writer = self._writer, None
            if writer is not None:
                await writer.__aexit__()
        thread, self._thread = self._thread, None
        self._calls = {}
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)
        opened, self._open = self._open, {}
        for one in opened.values():
            await asyncio.to_thread(one.close)

    async def _own_writer(self) -> Writer:
        async with self._opening:
            if self._writer is None:
                writer = await asyncio.to_thread(_writer)
                await writer.__aenter__()
                self._writer = writer
            return self._writer


def _load() -> None:
    for name in ("pydantic", "services.local.client", "shared.clock", "shared.events", "shared.ids"):
        importlib.import_module(name)


def _stamped(kind: str, fields: dict[str, Any]) -> Event:
    import shared.events
    from shared.clock import SystemClock
    from shared.ids import id_source, process_prefix

    prefix = process_prefix()
    stamp = shared.events.Stamp("python", SystemClock(), id_source(prefix), f"python-{prefix}")
    request: Event = stamp(getattr(shared.events, kind), **fields)
    return request


def _settings() -> Settings:
    from services.app import Settings
    from shared.config import find_file, load

    return load(Settings, flags={}, environ=os.environ, file=find_file(None, os.environ)).settings


def _writer() -> Writer:
    from services.app import Writer

    return Writer(_settings())


def _called(calls: dict[str, Call], name: str, payload: bytes, options: dict[str, Any]) -> Answer:
    """Make a call on the thread of the engines, which are opened there."""
    if not calls:
        from services.app import calling

        calls.update(calling(_settings()))
    return calls[name](options, payload)


def _opened(opened: dict[tuple[str, str], Direct | DirectRanker], name: str, model: str) -> Direct | DirectRanker:
    """What embeds or ranks, opened on the thread of the engines."""
    if (name, model) not in opened:
        import services.app

        make = services.app.reranker if name == "reranker" else services.app.embedding
        opened[name, model] = make(_settings(), model)
    return opened[name, model]
