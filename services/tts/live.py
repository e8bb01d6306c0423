"""Live speech: an engine's samples brought from its thread to the event loop, in pieces, while it still works.

The first piece is short, so that it can be heard at once; later ones are longer. Leaving the iteration stops the
engine: it hears of it at its next buffer (espeak-ng) or node of the network (onnxruntime).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from services.tts.port import Delivery, Engine, SpeechStopped, SpokenWord

__all__ = ["Piece", "pieces"]

FIRST_PIECE_MS: Final = 40
PIECE_MS: Final = 120
_WINDOW: Final = 256
"""Pieces that may wait unread, some 30 s of speech, before the engine is held back."""

_SAMPLE_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples of a clause, in order."""

    first_sample: int
    pcm: bytes
    """Mono s16le."""
    words: tuple[SpokenWord, ...]
    """Stretches whose last sample is in this piece or in an earlier one."""


async def pieces(engine: Engine, thread: Executor, text: str, delivery: Delivery) -> AsyncGenerator[Piece, None]:
    """Yield what `engine` makes of `text`, run on its `thread`; close the generator to stop it.

    Closing does not wait for the native work, which ends by itself very soon; the next text of the same thread
    follows it. Raises what the engine raises.
    """
    pipe = _Pipe(asyncio.get_running_loop(), engine.rate)
    work = asyncio.get_running_loop().run_in_executor(thread, _speak, engine, text, delivery, pipe)
    work.add_done_callback(pipe.ended)
    try:
        while (piece := await pipe.read()) is not None:
            yield piece
        await work
    finally:
        pipe.stop()
        work.cancel()


def _speak(engine: Engine, text: str, delivery: Delivery, pipe: _Pipe) -> None:
    with contextlib.suppress(SpeechStopped):
        engine.speak(text, delivery, pipe)
        pipe.flush()


@dataclass(slots=True)
class _Pending:
    """Samples and words that do not make a piece yet; belongs to the engine's thread."""

    first_sample: int = 0
    pcm: bytearray = field(default_factory=bytearray)
    words: list[SpokenWord] = field(default_factory=list)

    def take(self, size: int) -> Piece:
        """Cut the first `size` bytes off, with the words that end in them."""
        until = self.first_sample + size // _SAMPLE_BYTES
        words = tuple(w for w in self.words if w.until_sample <= until)
        piece = Piece(self.first_sample, bytes(self.pcm[:size]), words)
        del self.pcm[:size], self.words[: len(words)]
        self.first_sample = until
        return piece


class _Pipe:
    """The `Out` of one clause: written by the engine's thread, read by the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rate: int) -> None:
        self._loop = loop
        self._size = FIRST_PIECE_MS * rate // 1000 * _SAMPLE_BYTES
        self._later = PIECE_MS * rate // 1000 * _SAMPLE_BYTES
        self._pending = _Pending()
        self._room = threading.Semaphore(_WINDOW)
        self._queue: deque[Piece] = deque()
        self._arrived = asyncio.Event()
        self._finished = False
        self._lock = threading.Lock()
        self._stopped = False
        self._callbacks: list[Callable[[], None]] = []

    # ---- the engine's thread

    @property
    def stopped(self) -> bool:
        """See Out."""
        return self._stopped

    def write(self, pcm: bytes, words: tuple[SpokenWord, ...] = ()) -> None:
        """See Out."""
        self._pending.pcm += pcm
        self._pending.words += words
        while len(self._pending.pcm) >= self._size:
            self._send(self._pending.take(self._size))
            self._size = self._later
        if self._stopped:
            raise SpeechStopped

    def when_stopped(self, callback: Callable[[], None]) -> None:
        """See Out."""
        with self._lock:
            if not self._stopped:
                self._callbacks.append(callback)
                return
        callback()

    def flush(self) -> None:
        """Send what remains."""
        self._send(self._pending.take(len(self._pending.pcm)))

    def _send(self, piece: Piece) -> None:
        self._room.acquire()
        if self._stopped:
            raise SpeechStopped
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody listens
            self._loop.call_soon_threadsafe(self._offer, piece)

    # ---- the loop

    def _offer(self, piece: Piece) -> None:
        self._queue.append(piece)
        self._arrived.set()

    def ended(self, _: object) -> None:
        """The engine is done, one way or the other."""
        self._finished = True
        self._arrived.set()

    async def read(self) -> Piece | None:
        """Return the next piece, or None when the engine is done."""
        while not self._queue:
            if self._finished:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        self._room.release()
        return self._queue.popleft()

    def stop(self) -> None:
        """Let the engine know that nobody reads on."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            callbacks, self._callbacks = self._callbacks, []
        self._room.release(_WINDOW)
        for callback in callbacks:
            callback()
