"""What services keep on disk, forgotten while they do not run: no recording begins for it, and no model is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from services.contract import Context
from services.journal.service import JournalService, forget_in_all, receipt
from services.llm.answers import AnswerStore
from services.llm.engines.states import forget_states
from services.llm.service import LlmService
from services.llm.settings import LlmSettings
from services.local.place import Place
from services.settings import Settings
from services.supervisor import Child
from shared.errors import SottoError
from shared.events import Event, MemoryForget, MemoryForgotten

__all__ = ["at_rest"]

Forget = Callable[[MemoryForget], Mapping[str, Any]]


class AtRest:
    """Answers `memory.forget` in the name of a service: `forget` blocks, and returns the fields of its answer."""

    name: ClassVar[str] = "at-rest"
    consumes: ClassVar[tuple[type[Event], ...]] = (MemoryForget,)

    def __init__(self, store: str, forget: Forget) -> None:
        self._store = store
        self._forget = forget

    async def run(self, ctx: Context) -> None:
        """Answer until cancelled."""
        ctx.ready()
        async for order in ctx.inbox:
            assert isinstance(order, MemoryForget)
            try:
                done = await asyncio.to_thread(self._forget, order)
            except (OSError, SottoError) as error:
                done = {"removed": 0, "detail": str(error), "ok": False}
            ctx.emit(MemoryForgotten, store=self._store, **done)


def at_rest(settings: Settings) -> list[Child]:
    """The stores of a conversation that outlive it, but for memory and vectors. Their labels are the services'."""

    def recordings(order: MemoryForget) -> Mapping[str, Any]:
        return receipt(*forget_in_all(settings.journal.root, order))

    def answers(_: MemoryForget) -> Mapping[str, Any]:
        return _forget_answers(settings.llm)

    return [_child(JournalService.name, recordings), _child(LlmService.name, answers)]


def _child(store: str, forget: Forget) -> Child:
    return Child(AtRest, lambda: AtRest(store, forget), name=store)


def _forget_answers(settings: LlmSettings) -> Mapping[str, Any]:
    """All of them: they do not tell what they hold."""
    count = forget_states(settings.states_folder) + _cleared(settings.cache_file)
    detail = f"all {count} evaluated prompts and remembered answers" if count else "nothing was remembered"
    running = Place().holder()
    if running is not None:
        detail += f"; what the Sotto that runs (process {running.pid}) has in memory is there until it ends"
    return {"removed": count, "detail": detail, "ok": running is None}


def _cleared(file: Path) -> int:
    if not file.exists():
        return 0
    store = AnswerStore(file)
    try:
        return store.clear()
    finally:
        store.close()
