"""Dictation: asks for the recognition of whatever is said, one utterance after the other, and answers nothing.

It stands in dialogue's place where only the transcript is wanted. Every stretch of speech that ends in a pause becomes
one `stt.final`; none is lost when speech goes on while the last one is still being decoded.
"""

from __future__ import annotations

from typing import ClassVar

from services.contract import Context
from shared.events import Event, SpeechEnded, SpeechStarted, SttFailed, SttFinal, SttFinish, SttStart
from shared.pcm import CAPTURE_RATE

__all__ = ["DictationService"]

_PREROLL_SAMPLES = CAPTURE_RATE * 3 // 10


class DictationService:
    """See the module. `language` is ISO 639-1, or empty to detect."""

    name: ClassVar[str] = "dictation"
    consumes: ClassVar[tuple[type[Event], ...]] = (SpeechStarted, SpeechEnded, SttFinal, SttFailed)

    def __init__(self, language: str = "") -> None:
        self._language = language

    async def run(self, ctx: Context) -> None:
        """Start an utterance at each onset and finish it at the pause that follows; one at a time."""
        ctx.ready()
        utterance = 0
        waiting: list[SpeechStarted | SpeechEnded] = []
        decoding = False
        async for event in ctx.inbox:
            if isinstance(event, SttFinal | SttFailed):
                decoding = False
            elif isinstance(event, SpeechStarted | SpeechEnded):
                waiting.append(event)
            while waiting and not decoding:
                next_event = waiting.pop(0)
                if isinstance(next_event, SpeechStarted):
                    utterance += 1
                    start = max(0, next_event.sample - _PREROLL_SAMPLES)
                    ctx.emit(SttStart, utterance=str(utterance), from_sample=start, language=self._language)
                elif utterance:
                    decoding = True
                    ctx.emit(SttFinish, utterance=str(utterance), until_sample=next_event.noticed_sample)
