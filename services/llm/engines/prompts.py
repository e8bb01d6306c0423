"""Prompts: what the model is to read for a request, in tokens, and what of it is certain while it is being spoken.

One thread reads them, beside the one that computes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.llm.engines.pool import common
from services.llm.engines.weights import Weights
from services.llm.fit import fit
from services.llm.port import InvalidRequest, PromptTooLong
from services.llm.template import ChatTemplate
from shared.events import LlmPrepare, LlmRequest, Message

__all__ = ["Prompt", "Prompts"]

_ANSWER_SHARE = 4
"""At most one part in so many of the context is kept free for the answer."""

_LONGEST_TOKEN = 128
"""Bytes. No vocabulary has many longer tokens: a text of more than so many for each token of the context is refused
before it is cut into tokens, which would take seconds for megabytes."""

_GOES_ON = " x"
"""A way in which what is being said may go on: what comes out the same with it and without it is certain."""

Messages: TypeAlias = Sequence[Message]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is to read."""

    tokens: list[int]
    dropped_messages: int
    ends_in_thought: bool
    """The prompt itself opened a block of reasoning."""
    plain: bool
    """The answer is all text: it goes on from a text, or has a form that was asked for."""


class Prompts:
    """Of one model; remembers how many turns the last one had to leave out, to leave out the same again."""

    def __init__(self, weights: Weights, template: ChatTemplate, context_tokens: int, *, thinking: bool) -> None:
        self._weights = weights
        self._template = template
        self._context = context_tokens
        self._thinking = thinking
        self._dropped_turns = 0
        controls = sorted(weights.control_texts(), key=len, reverse=True)
        self._forged = re.compile("|".join(map(re.escape, controls)) or "(?!)")

    def read(self, request: LlmRequest) -> Prompt:
        """Return the newest turns that leave room for the answer, or the text as it is.

        Raises PromptTooLong or InvalidRequest.
        """
        limit = self._context - min(request.max_tokens, self._context // _ANSWER_SHARE)
        self._refuse_flood(request, limit)
        if not request.messages:
            return Prompt(self._text(request.prompt, limit), 0, ends_in_thought=False, plain=True)
        ends_in_thought = False

        def encode(messages: Messages) -> list[int]:
            nonlocal ends_in_thought
            # A space, not nothing: what stood on both sides must not become a control token in its turn.
            clean = [m.model_copy(update={"content": self._forged.sub(" ", m.content)}) for m in messages]
            text = self._template.render(clean, request.tools, thinking=self._thinking)
            ends_in_thought = text.rstrip().endswith("<think>")
            return self._tokens(text)

        dropped_before = 0 if request.mode == "strict" else self._dropped_turns
        fitted = fit(request.messages, encode, limit, dropped_before, may_drop=request.overflow == "drop-turns")
        if request.mode == "fast":
            self._dropped_turns = fitted.dropped_turns
        shaped = request.structure != type(request.structure)()
        return Prompt(fitted.tokens, fitted.dropped_messages, ends_in_thought, plain=shaped)

    def read_ahead(self, wish: LlmPrepare) -> tuple[LlmRequest, Prompt]:
        """Return what the prompt begins with however the person goes on, and a request that it is the beginning of.

        Raises PromptTooLong or InvalidRequest.
        """
        request = _request(wish, wish.messages)
        prompt = self.read(request)
        other = self.read(_request(wish, _gone_on(wish.messages)))
        certain = common(prompt.tokens, other.tokens)
        return request, Prompt(prompt.tokens[:certain], prompt.dropped_messages, ends_in_thought=False, plain=False)

    def _text(self, text: str, limit: int) -> list[int]:
        tokens = self._tokens(text)
        if not tokens:
            raise InvalidRequest("There is nothing to answer: no messages, and no prompt.", remedy="Give a text.")
        if len(tokens) > limit:
            raise PromptTooLong(
                f"The prompt comes to {len(tokens)} tokens, but the model's context has room for {limit}.",
                remedy="Shorten it, or raise `llm.context_tokens`.",
            )
        return tokens

    def _refuse_flood(self, request: LlmRequest, limit: int) -> None:
        """Refuse a message that exceeds the context by far without reading it."""
        longest = max((len(m.content) for m in request.messages), default=len(request.prompt))
        if longest > self._context * _LONGEST_TOKEN:
            raise PromptTooLong(
                f"A text of {longest} characters comes to more than {longest // _LONGEST_TOKEN} tokens, "
                f"but the model's context has room for {limit}.",
                remedy="Ask about a part of it, or raise `llm.context_tokens`.",
            )

    def _tokens(self, text: str) -> list[int]:
        tokens, bos = self._weights.tokens(text), self._weights.bos
        return tokens if bos is None or tokens[:1] == [bos] else [bos, *tokens]


def _request(wish: LlmPrepare, messages: tuple[Message, ...]) -> LlmRequest:
    fields = {name: getattr(wish, name) for name in LlmPrepare.model_fields}
    return LlmRequest(**{**fields, "messages": messages}, temperature=0.0, seed=0, stop=())


def _gone_on(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    if messages and messages[-1].role == "user":
        return (*messages[:-1], messages[-1].model_copy(update={"content": messages[-1].content + _GOES_ON}))
    return (*messages, Message(role="user", content=_GOES_ON.strip()))
