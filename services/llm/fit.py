"""Fitting a conversation into the context: the oldest turns are left out, whole, and it is known how many.

A turn is a person's message and everything up to the next one, so a tool's call and answer stay together. System
messages are never left out, nor is the last turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.llm.port import PromptTooLong
from shared.events import Message

__all__ = ["Fitted", "fit"]

_SPARE = 0.75
"""When turns must go, the rest is to fill at most this part: the next turns then leave the same ones out, and the
model's memory of what remains stays valid instead of being evaluated anew at every turn."""

Encode = Callable[[Sequence[Message]], list[int]]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits."""

    tokens: list[int]
    dropped_messages: int
    dropped_turns: int


def fit(
    messages: Sequence[Message], encode: Encode, limit: int, dropped_before: int = 0, *, may_drop: bool = True
) -> Fitted:
    """Return the prompt of as many of the newest turns as fit `limit` tokens (`encode` turns messages into them).

    `dropped_before` is how many turns the previous prompt left out; it is kept to when that fits. The prompt is
    encoded about log2(turns) times. Without `may_drop` all must fit. Raises PromptTooLong with both numbers.
    """
    turns = _turns(messages)

    def without(dropped: int) -> Fitted:
        kept = _without(messages, turns, dropped)
        return Fitted(encode(kept), len(messages) - len(kept), dropped)

    whole = without(0)
    if len(whole.tokens) <= limit:
        return whole
    if not may_drop:
        raise _too_long(len(whole.tokens), limit)
    most = max(0, len(turns) - 1)
    if 0 < dropped_before <= most:
        same = without(dropped_before)
        if len(same.tokens) <= limit:
            return same
    least = without(most)
    if len(least.tokens) > limit:
        raise _too_long(len(least.tokens), limit)
    return _fewest(without, most, least, int(limit * _SPARE))


def _too_long(tokens: int, limit: int) -> PromptTooLong:
    return PromptTooLong(
        f"The question and its instructions come to {tokens} tokens, but the model's context has room for {limit}.",
        remedy="Ask in fewer words, or raise `llm.context_tokens`.",
    )


def _fewest(without: Callable[[int], Fitted], most: int, least: Fitted, limit: int) -> Fitted:
    """The fitted prompt of the fewest dropped turns within `limit`, `least` if none is; by bisection."""
    low, high, best = 1, most, least
    while low < high:
        middle = (low + high) // 2
        tried = without(middle)
        if len(tried.tokens) <= limit:
            high, best = middle, tried
        else:
            low = middle + 1
    return best


def _turns(messages: Sequence[Message]) -> list[list[int]]:
    """Indices of the messages of each turn, system messages left aside."""
    turns: list[list[int]] = []
    for index, message in enumerate(messages):
        if message.role == "system":
            continue
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(index)
    return turns


def _without(messages: Sequence[Message], turns: list[list[int]], dropped: int) -> list[Message]:
    gone = {index for turn in turns[:dropped] for index in turn}
    return [message for index, message in enumerate(messages) if index not in gone]
