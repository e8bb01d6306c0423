"""Whoever answers on the command line: the Sotto that runs, else the language model loaded here."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from services.local.client import connected
from shared.clock import SystemClock
from shared.events import Event, LlmRequest, Stamp
from shared.ids import id_source, process_prefix

if TYPE_CHECKING:
    from services.app import Writer
    from ui.cli.session import Session

__all__ = ["Asker"]


class Asker:
    """A context manager. What was set about the model for this command alone has it loaded here."""

    def __init__(self, session: Session) -> None:
        self._here = session.is_set_for_it("llm", "models")
        self._settings = session.settings
        self._writer: Writer | None = None
        self._made = contextlib.AsyncExitStack()
        prefix = process_prefix()
        self._stamp = Stamp("terminal", SystemClock(), id_source(prefix), f"terminal-{prefix}")

    async def stream(self, **fields: Any) -> AsyncIterator[Event]:
        """Yield what a language model request causes, its response or failure last. Leaving calls it off."""
        request = self._stamp(LlmRequest, **fields)
        if not self._here:
            async with connected() as running:
                if running is not None:
                    async for event in running.stream(request):
                        yield event
                    return
        async with (await self._own()).bus.stream(request) as stream:
            async for event in stream:
                yield event

    async def _own(self) -> Writer:
        if self._writer is None:
            from services.app import Writer

            self._writer = await self._made.enter_async_context(Writer(self._settings))
        return self._writer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._made.aclose()
