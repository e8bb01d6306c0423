"""Live pieces: an engine's samples arrive whole and in order, and closing stops the engine."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.tts.live import Piece, pieces
from services.tts.port import Delivery, Out, SpeechStopped, SpokenWord, TtsError


@dataclass
class Scripted:
    """An engine that writes what a function tells it to."""

    script: Callable[[Out], None]
    name: str = "scripted"
    model: str = "scripted"
    rate: int = 1000
    ended: threading.Event = field(default_factory=threading.Event)

    def speak(self, text: str, delivery: Delivery, out: Out) -> None:
        try:
            self.script(out)
        finally:
            self.ended.set()


async def read(engine: Scripted) -> list[Piece]:
    with ThreadPoolExecutor(1) as thread:
        async with contextlib.aclosing(pieces(engine, thread, "text", Delivery("en"))) as stream:
            return [piece async for piece in stream]


@given(st.lists(st.integers(0, 400), max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_chunking_gives_the_same_samples_without_a_gap(sizes: list[int]) -> None:
    """Pieces are 40 samples at first (40 ms at this rate), then 120, then the rest; words come with their ends."""
    total = sum(sizes)
    samples = b"".join(i.to_bytes(2, "little") for i in range(total))
    words = [SpokenWord(i, i + 1, i, until) for i, until in enumerate(range(0, total, 37))]

    def script(out: Out) -> None:
        place, told = 0, 0
        for size in sizes:
            place += size
            done = [w for w in words[told:] if w.until_sample <= place]
            told += len(done)
            out.write(samples[2 * (place - size) : 2 * place], tuple(done))

    found = asyncio.run(read(Scripted(script)))
    assert b"".join(piece.pcm for piece in found) == samples
    assert [piece.first_sample for piece in found] == [
        sum(len(p.pcm) for p in found[:i]) // 2 for i in range(len(found))
    ]
    assert [len(piece.pcm) // 2 for piece in found[:-1]] == ([40] + [120] * len(found))[: len(found) - 1]
    assert [w for piece in found for w in piece.words] == words
    for piece in found:
        assert all(w.until_sample <= piece.first_sample + len(piece.pcm) // 2 for w in piece.words)


async def test_what_the_engine_raises_is_raised_after_its_pieces() -> None:
    """Nothing that was made is lost."""

    def script(out: Out) -> None:
        out.write(b"\0\0" * 40)
        raise TtsError("broken")

    with ThreadPoolExecutor(1) as thread:
        async with contextlib.aclosing(pieces(Scripted(script), thread, "text", Delivery("en"))) as stream:
            assert len((await anext(stream)).pcm) == 80
            with pytest.raises(TtsError, match="broken"):
                await anext(stream)


async def test_a_reader_that_leaves_stops_an_engine_that_waits_for_room() -> None:
    """The engine is held back by a slow reader, and freed by one that is gone."""
    stopped = threading.Event()

    def script(out: Out) -> None:
        out.when_stopped(stopped.set)
        while True:
            out.write(b"\0\0" * 1200)

    engine = Scripted(script)
    with ThreadPoolExecutor(1) as thread:
        async with contextlib.aclosing(pieces(engine, thread, "text", Delivery("en"))) as stream:
            await anext(stream)
        assert await asyncio.to_thread(engine.ended.wait, 10)
    assert stopped.is_set()


async def test_a_text_that_waits_for_the_thread_is_dropped_when_closed() -> None:
    """It is never spoken."""
    gate, second = threading.Event(), Scripted(lambda _: None)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(gate.wait, 10)
        stream = pieces(second, thread, "text", Delivery("en"))
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        gate.set()
    assert not second.ended.is_set()


async def test_a_callback_set_after_the_stop_is_called_at_once() -> None:
    """An engine that begins too late learns it too."""
    begun, called = threading.Event(), threading.Event()

    def script(out: Out) -> None:
        with contextlib.suppress(SpeechStopped):
            out.write(b"\0\0" * 40)
        begun.wait(10)
        out.when_stopped(called.set)
        assert out.stopped
        raise SpeechStopped

    with ThreadPoolExecutor(1) as thread:
        async with contextlib.aclosing(pieces(Scripted(script), thread, "text", Delivery("en"))) as stream:
            await anext(stream)
        begun.set()
    assert called.is_set()
