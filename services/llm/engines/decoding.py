"""One generation, step by step, on the engine's thread: evaluate the prompt, then draw, read and evaluate in turn."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from services.llm.engines.sequence import Aborted, Sampling, TokenSequence
from services.llm.engines.weights import Weights
from services.llm.port import GenerationFailed, Outcome, ToolWish
from services.llm.reader import AnswerReader
from shared.clock import Clock
from shared.events import Usage

__all__ = ["Decoding", "Tally"]

Finish = Literal["stop", "length", "tool", "cancelled"]


@dataclass(slots=True)
class Tally:
    """What a generation has cost so far, in tokens and ns."""

    queue_ns: int
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    dropped_messages: int = 0
    prefill_ns: int = 0
    decode_ns: int = 0

    def outcome(self, finish: Finish, tools: tuple[ToolWish, ...] = ()) -> Outcome:
        """Close the account."""
        usage = Usage(
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
            dropped_messages=self.dropped_messages,
            queue_ns=self.queue_ns,
            prefill_ns=self.prefill_ns,
            decode_ns=self.decode_ns,
        )
        return Outcome(finish, tools, usage)


class Decoding:
    """Generates once. `markers` are the control tokens whose text the reader needs; `write` takes speakable text.

    Bytes become text by an incremental decoder: each token costs the same however long the answer, a character split
    over tokens comes whole, and bytes that are no UTF-8 become U+FFFD.
    """

    def __init__(
        self,
        sequence: TokenSequence,
        weights: Weights,
        *,
        markers: Collection[int],
        sampling: Sampling,
        reader: AnswerReader,
        write: Callable[[str], None],
    ) -> None:
        self._sequence = sequence
        self._weights = weights
        self._markers = markers
        self._sampling = sampling
        self._reader = reader
        self._write = write
        self._text = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._spoke = False

    def run(self, prompt: list[int], max_tokens: int, tally: Tally, clock: Clock) -> Outcome:
        """Generate at most `max_tokens`; an abort ends it early as `cancelled`. Raises GenerationFailed."""
        began = clock.monotonic_ns()
        try:
            tally.prompt_tokens = len(prompt)
            tally.cached_tokens = self._sequence.keep(prompt)
            self._sequence.evaluate(prompt[tally.cached_tokens :])
            token = self._sequence.draw(self._sampling)
            tally.prefill_ns, began = clock.monotonic_ns() - began, clock.monotonic_ns()
            finish = self._decode(token, min(max_tokens, self._sequence.context_tokens - len(prompt)), tally)
        except Aborted:
            finish = "cancelled"
        if tally.prefill_ns:
            tally.decode_ns = clock.monotonic_ns() - began
        else:
            tally.prefill_ns = clock.monotonic_ns() - began
        return self._end(finish, tally)

    def _decode(self, token: int, limit: int, tally: Tally) -> Finish:
        while not self._weights.ends(token):
            if tally.completion_tokens >= limit:
                return "length"
            tally.completion_tokens += 1
            self._say(self._text.decode(self._weights.piece(token, control=token in self._markers)))
            if self._reader.stopped:
                break
            self._sequence.evaluate([token])
            token = self._sequence.draw(self._sampling)
        return "stop"

    def _end(self, finish: Finish, tally: Tally) -> Outcome:
        if finish == "cancelled":
            return tally.outcome(finish)
        self._say(self._text.decode(b"", final=True))
        self._written(self._reader.finish())
        if self._reader.wishes:
            return tally.outcome("tool", tuple(self._reader.wishes))
        if self._reader.unreadable and not self._spoke:
            raise GenerationFailed(
                "The model asked for a tool in a form that cannot be read.", remedy="Ask again, in other words."
            )
        return tally.outcome(finish)

    def _say(self, raw: str) -> None:
        self._written(self._reader.feed(raw))

    def _written(self, text: str) -> None:
        self._spoke = self._spoke or bool(text)
        self._write(text)
