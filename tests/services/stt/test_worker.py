"""The one thread of an engine: what it is taught may be given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from services.stt import SttSettings
from services.stt.ports import Engine, Sentences, always
from services.stt.worker import Worker
from shared.installed import InstalledModel
from tests.services.stt.test_service import Counter


class Slow(Counter):
    """Learns until it is told that nobody wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.left = threading.Event(), threading.Event()

    def learn(self, sentences: Sentences, wanted: Callable[[], bool] = always) -> None:
        self.begun.set()
        while wanted():
            pass
        self.left.set()


async def test_who_gives_up_teaching_has_the_engine_back() -> None:
    engine = Slow()

    def make(settings: SttSettings, model: InstalledModel | None) -> Engine:
        return engine

    worker = await Worker.load(make, SttSettings(), None)
    with worker.in_use():
        teaching = asyncio.create_task(worker.teach({}))
        assert await asyncio.to_thread(engine.begun.wait, 30)
        teaching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await teaching
        assert await asyncio.to_thread(engine.left.wait, 30)
        worker.retire()
