"""The built-in demonstration: a person made of espeak-ng speaks into the microphone's place, in real time.

Everything between that voice and the answer's last sample is the real conversation: the samples come through a raw PCM
pipe as from any input, and the questions are asked when the answers are over, one of them in the middle of an answer.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.events import AudioPlayed, Event, TurnFinished, TurnStarted
from shared.pcm import CAPTURE_RATE

__all__ = ["QUESTIONS", "Person", "Question"]

_FRAME = CAPTURE_RATE // 50
_SILENCE = bytes(2 * _FRAME)
_PAUSE_SECONDS = 0.8
_UNHEARD_FRAMES = 8 * 50  # a question that nobody noticed is not waited for


@dataclass(frozen=True, slots=True)
class Question:
    """Something the person says; `over` says it in the middle of the answer before it instead of after."""

    text: str
    over: bool = False


QUESTIONS: tuple[Question, ...] = (
    Question("what time is it in Tokyo"),
    Question("set a pasta timer for ten minutes"),
    Question("what is seventeen times twenty three"),
    Question("what can you do"),
    Question("how many miles is ten kilometers", over=True),
    Question("how long is left on the pasta timer"),
)


class Person:
    """Speaks the questions into `pipe`, listening to the conversation's events to know when.

    `speak` gives a text's samples (mono s16le, 16 kHz). `done` is set when the last answer is over.
    """

    def __init__(self, questions: Sequence[Question], speak: Callable[[str], bytes]) -> None:
        self._questions = deque(questions)
        self._speak = speak
        self._frames: deque[bytes] = deque()
        self._open_turns = 0
        self.done = asyncio.Event()

    async def talk(self, pipe: Path) -> None:
        """Write frames into the named pipe at the pace of real time until `done`; ends when the reader goes away."""
        loop = asyncio.get_running_loop()
        fd = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
        try:
            self._ask()
            start, written, quiet = loop.time(), 0, 0
            while not self.done.is_set():
                frame = self._frames.popleft() if self._frames else _SILENCE
                await asyncio.to_thread(os.write, fd, frame)
                written += 1
                quiet = 0 if self._frames or self._open_turns else quiet + 1
                if quiet > _UNHEARD_FRAMES:
                    quiet = 0
                    self._ask()
                await asyncio.sleep(start + written * 0.02 - loop.time())
        except BrokenPipeError:
            self.done.set()
        finally:
            os.close(fd)

    def listen(self, event: Event) -> None:
        """Take in one event of the conversation, and ask the next question when its moment has come."""
        if isinstance(event, AudioPlayed):
            if self._next_is_over() and event.until_sample / event.rate > 1.2 and not self._frames:
                self._ask()
        elif isinstance(event, TurnStarted):
            self._open_turns += 1
        elif isinstance(event, TurnFinished):
            self._open_turns -= 1
            if event.reason != "interrupted":
                self._ask()

    def _next_is_over(self) -> bool:
        return bool(self._questions) and self._questions[0].over

    def _ask(self) -> None:
        if not self._questions:
            self.done.set()
            return
        question = self._questions.popleft()
        if not question.over:
            self._frames.extend([_SILENCE] * round(_PAUSE_SECONDS * 50))
        self._frames.extend(_frames(self._speak(question.text)))


def _frames(pcm: bytes) -> Iterator[bytes]:
    size = 2 * _FRAME
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size].ljust(size, b"\0")
