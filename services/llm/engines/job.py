"""One generation as the engine's thread sees it: which tokens are to be evaluated next, and what is said after them."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import IntEnum

from services.llm.engines.abort import AbortFlag
from services.llm.engines.pool import Place, Saved
from services.llm.engines.sampling import Drawing
from services.llm.engines.weights import Weights
from services.llm.port import Finish, GenerationFailed, Outcome, ToolWish
from services.llm.reader import AnswerReader
from shared.clock import Clock
from shared.events import TokenChance, Usage

__all__ = ["Job", "Rules", "Tally", "Urgency"]


class Urgency(IntEnum):
    """Who goes first."""

    INTERACTIVE = 0
    AHEAD = 1
    """Nobody asks yet: a prompt is evaluated while it is being spoken."""
    BACKGROUND = 2


@dataclass(slots=True)
class Tally:
    """What a generation has cost so far, in tokens and ns."""

    asked: int
    """When it was asked for, monotonic ns."""
    began: int = 0
    """When its evaluation began; 0 before that."""
    spoke: int = 0
    """When its first token was drawn; 0 before that."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    prepared_tokens: int = 0
    completion_tokens: int = 0
    dropped_messages: int = 0

    def usage(self, now: int) -> Usage:
        """Close the account."""
        began = self.began or now
        spoke = self.spoke or now
        return Usage(
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            prepared_tokens=self.prepared_tokens,
            completion_tokens=self.completion_tokens,
            dropped_messages=self.dropped_messages,
            queue_ns=began - self.asked,
            prefill_ns=spoke - began,
            decode_ns=now - spoke,
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """When an answer ends, and which way it is computed."""

    max_tokens: int
    strict: bool
    urgency: Urgency
    deadline: int
    """Monotonic ns; 0 for none."""
    stop_tokens: frozenset[int] = field(default=frozenset())
    private: bool = True
    """It is part of a conversation."""
    may_call: bool = True
    """Tools that it calls are called."""

    @property
    def interactive(self) -> bool:
        return self.urgency == Urgency.INTERACTIVE


class Job:
    """A prompt and its answer. `write` takes speakable text; `markers` are control tokens whose text the reader needs.

    Bytes become text by an incremental decoder: each token costs the same however long the answer, a character split
    over tokens comes whole, and bytes that are no UTF-8 become U+FFFD.
    """

    def __init__(
        self,
        prompt: list[int],
        *,
        rules: Rules,
        drawing: Drawing,
        reader: AnswerReader,
        weights: Weights,
        markers: Collection[int],
        flag: AbortFlag,
        write: Callable[[str], None],
        settle: Callable[[Outcome], None],
        fail: Callable[[BaseException], None],
        tally: Tally,
        clock: Clock,
    ) -> None:
        self.rules = rules
        self.flag = flag
        self.fail = fail
        self.tally = tally
        self.tokens = prompt
        """The prompt, and after it what was drawn."""
        self.place: Place | None = None
        self.saved: Saved | None = None
        """Its state while its place serves a more urgent one."""
        self.ticket = 0
        """Its rank among those that wait."""
        self.forgotten = False
        """What it has evaluated is to be gone when it ends."""
        self.served = 0
        """The step that it was last part of."""
        self._prompt_tokens = tally.prompt_tokens = len(prompt)
        self._drawing = drawing
        self._reader = reader
        self._weights = weights
        self._markers = markers
        self._write = write
        self._settle = settle
        self._clock = clock
        self._text = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._spoke = False
        self._chances: list[TokenChance] = []

    @property
    def prompt(self) -> list[int]:
        return self.tokens[: self._prompt_tokens]

    @property
    def silent(self) -> bool:
        """Its prompt is evaluated for later, and nothing is to be said."""
        return self.rules.max_tokens == 0

    def pending(self, limit: int) -> list[int]:
        """The next tokens to evaluate, at most `limit`."""
        assert self.place is not None
        start = len(self.place.tokens)
        return self.tokens[start : start + limit]

    def decoding(self) -> bool:
        """True once the prompt is evaluated."""
        return self.place is not None and len(self.place.tokens) >= self._prompt_tokens

    def begin(self, cached: int, prepared: int) -> None:
        """Its evaluation begins, with so many tokens known already, and so many of those since somebody spoke."""
        if not self.tally.began:
            self.tally.began = self._clock.monotonic_ns()
            self.tally.cached_tokens = cached
            self.tally.prepared_tokens = prepared

    def over(self, now: int) -> Finish | None:
        """Why it must end before its next step, if it must."""
        if self.flag.raised:
            return "cancelled"
        return "deadline" if 0 < self.rules.deadline <= now else None

    def advance(self, context: object, row: int) -> Finish | None:
        """Draw and say the next token; returns how the answer ended, None when it goes on. Raises GenerationFailed."""
        token = self._drawing.draw(context, row)
        tally = self.tally
        if not tally.spoke:
            tally.spoke = self._clock.monotonic_ns()
        if self._weights.ends(token) or token in self.rules.stop_tokens:
            return "stop"
        tally.completion_tokens += 1
        chance = self._drawing.chance(context, row, token)
        if chance is not None:
            self._chances.append(chance)
        self._say(self._text.decode(self._weights.piece(token, control=token in self._markers)))
        if self._reader.stopped:
            return "stop"
        self.tokens.append(token)
        return "length" if tally.completion_tokens >= self.rules.max_tokens else None

    def end(self, finish: Finish) -> None:
        """Say what is left to say, and how it ended."""
        try:
            tools = () if finish == "cancelled" else self._last_words()
        except GenerationFailed as error:
            self.fail(error)
            return
        if tools and finish in ("stop", "length"):
            finish = "tool"
        self._settle(Outcome(finish, tools, self.tally.usage(self._clock.monotonic_ns()), tuple(self._chances)))

    def close(self) -> None:
        """Give the memory back."""
        self._drawing.close()

    def _last_words(self) -> tuple[ToolWish, ...]:
        self._say(self._text.decode(b"", final=True))
        self._written(self._reader.finish())
        if self._reader.unreadable and not (self._spoke or self._reader.wishes):
            raise GenerationFailed(
                "The model asked for a tool in a form that cannot be read.", remedy="Ask again, in other words."
            )
        return tuple(self._reader.wishes) if self.rules.may_call else ()

    def _say(self, raw: str) -> None:
        if raw:
            self._written(self._reader.feed(raw))

    def _written(self, text: str) -> None:
        if text:
            self._spoke = True
            self._write(text)
