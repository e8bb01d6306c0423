"""Whether the numbers of a request can be used, before an engine sees them."""

from __future__ import annotations

import math

from services.llm.port import InvalidRequest
from shared.events import LlmRequest, Structure

__all__ = ["check"]

_MOST_ANSWERS = 16
_MOST_ALTERNATIVES = 64


def check(request: LlmRequest) -> None:
    """Raise InvalidRequest naming the first field whose value cannot be used, and what it may be."""
    wanted = request.sampling
    _within("max_tokens", request.max_tokens, 0)
    _within("temperature", request.temperature, 0)
    _within("n", request.n, 1, _MOST_ANSWERS)
    _within("logprobs", request.logprobs or 0, 0, _MOST_ALTERNATIVES)
    _within("deadline_ms", request.deadline_ms, 0)
    _within("top_k", wanted.top_k or 0, 0)
    _within("top_p", 1 if wanted.top_p is None else wanted.top_p, 0, 1)
    _within("min_p", wanted.min_p, 0, 1)
    _within("typical_p", wanted.typical_p, 0, 1)
    _within("repetition_penalty", wanted.repetition_penalty, 0.01, 100)
    _within("presence_penalty", wanted.presence_penalty, -100, 100)
    _within("frequency_penalty", wanted.frequency_penalty, -100, 100)
    _within("penalty_tokens", wanted.penalty_tokens, -1, 1 << 20)
    _within("dry_multiplier", wanted.dry_multiplier, 0, 100)
    _within("dry_base", wanted.dry_base, 1, 100)
    _within("dry_allowed", wanted.dry_allowed, 0, 1 << 20)
    _within("dry_tokens", wanted.dry_tokens, -1, 1 << 20)
    _tool_choice(request)
    for bias in wanted.logit_bias:
        _within(f"logit_bias of token {bias.token}", bias.bias, -1000, 1000)


def _tool_choice(request: LlmRequest) -> None:
    choice = request.tool_choice
    if choice in ("auto", "none"):
        return
    names = [tool.name for tool in request.tools]
    if not names or choice not in ("required", *names):
        known = ", ".join(names) or "none is offered"
        raise InvalidRequest(
            f"tool_choice is {choice!r}.", remedy=f"It may be auto, none, required, or a tool: {known}."
        )
    if request.structure != Structure():
        raise InvalidRequest(
            "The answer is to be a tool's call and to have another form.", remedy="Choose one of them."
        )


def _within(name: str, value: float, least: float, most: float = math.inf) -> None:
    if not least <= value <= most or math.isinf(value):
        bounds = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
        raise InvalidRequest(f"{name} is {value:g}.", remedy=f"It may be {bounds}.")
