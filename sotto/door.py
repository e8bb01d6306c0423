"""The door to whoever answers: the Sotto that runs, over its local socket, else engines in this process.

Its methods belong to the background's event loop.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.app import Settings, Writer
    from services.local.calls import Call
    from shared.events import Event, LlmRequest

__all__ = ["Door"]

Answer = tuple[dict[str, Any], bytes]


class Door:
    """See the module. Engines are made when they are first needed here, and kept until `close`."""

    def __init__(self) -> None:
        self._ready = False
        self._opening = asyncio.Lock()
        self._writer: Writer | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._calls: dict[str, Call] = {}

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
                async for event in running.stream(_stamped(fields)):
                    yield event
                return
        from shared.events import LlmRequest

        writer = await self._own_writer()
        async with writer.bus.stream(writer.event(LlmRequest, **fields)) as stream:
            async for event in stream:
                yield event

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
            self._thread = ThreadPoolExecutor(1, "sotto-sound")
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


def _stamped(fields: dict[str, Any]) -> LlmRequest:
    from shared.clock import SystemClock
    from shared.events import LlmRequest, Stamp
    from shared.ids import id_source, process_prefix

    prefix = process_prefix()
    return Stamp("python", SystemClock(), id_source(prefix), f"python-{prefix}")(LlmRequest, **fields)


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
