"""One generation by the language model, streamed."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import JsonValue

from shared.events.base import Event, Part

__all__ = ["LlmDelta", "LlmFailed", "LlmRequest", "LlmResponse", "Message", "ToolRequest", "ToolSpec", "Usage"]


class ToolRequest(Part):
    """A tool that the model asks for."""

    id: str
    name: str
    arguments: dict[str, JsonValue]


class Message(Part):
    """A line of the conversation, in the terms of chat templates."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    name: str = ""
    """Tool name, for role `tool`."""
    tool_requests: tuple[ToolRequest, ...] = ()


class ToolSpec(Part):
    """A function the model may call."""

    name: str
    description: str
    parameters: dict[str, JsonValue]
    """JSON schema of the arguments, an object."""


class Usage(Part):
    """What a generation cost, in tokens and ns."""

    prompt_tokens: int
    cached_tokens: int
    """Prompt tokens that were already evaluated."""
    completion_tokens: int
    dropped_messages: int
    """Oldest messages left out so that the rest fits the context."""
    queue_ns: int
    prefill_ns: int
    decode_ns: int


class LlmRequest(Event):
    """Request: answer the last message. Deltas and one response or failure follow, each with this event as cause."""

    kind: ClassVar[str] = "llm.request"
    fenced: ClassVar[bool] = True
    replies: ClassVar[tuple[str, ...]] = ("llm.response", "llm.failed")
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    max_tokens: int
    """Of the answer. With 0 the prompt is evaluated and nothing said: a later one that begins alike answers sooner."""
    temperature: float
    seed: int
    stop: tuple[str, ...]


class LlmDelta(Event):
    """A piece of text, in order."""

    kind: ClassVar[str] = "llm.delta"
    fenced: ClassVar[bool] = True
    request: str
    index: int
    """From 0, without gaps."""
    text: str


class LlmResponse(Event):
    """The generation ended."""

    kind: ClassVar[str] = "llm.response"
    request: str
    text: str
    """All deltas joined."""
    finish: Literal["stop", "length", "tool", "cancelled"]
    tool_requests: tuple[ToolRequest, ...]
    usage: Usage
    model: str


class LlmFailed(Event):
    """The generation broke or could not begin."""

    kind: ClassVar[str] = "llm.failed"
    request: str
    reason: Literal["no-model", "too-long", "engine", "overloaded"]
    message: str
    """What happened and what to do, for a person."""
