"""One generation by the language model, streamed."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import JsonValue

from shared.events.base import Event, Part
from shared.events.memory import Remembered

__all__ = [
    "NOTHING_USED",
    "Choice",
    "Likely",
    "LlmDelta",
    "LlmFailed",
    "LlmPrepare",
    "LlmRequest",
    "LlmResponse",
    "LogitBias",
    "Message",
    "Sampling",
    "Structure",
    "TokenChance",
    "ToolRequest",
    "ToolSpec",
    "Usage",
]

Finish = Literal["stop", "length", "tool", "cancelled", "deadline"]


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
    prepared_tokens: int = 0
    """Of those, the ones evaluated while the person was still speaking (`llm.prepare`)."""
    completion_tokens: int
    dropped_messages: int
    """Oldest messages left out so that the rest fits the context."""
    queue_ns: int
    prefill_ns: int
    decode_ns: int


NOTHING_USED = Usage(
    prompt_tokens=0,
    cached_tokens=0,
    completion_tokens=0,
    dropped_messages=0,
    queue_ns=0,
    prefill_ns=0,
    decode_ns=0,
)
"""What an answer cost that no model generated."""


class LogitBias(Part):
    """What is added to a token's score before it is drawn."""

    token: int
    bias: float


class Sampling(Part):
    """How a token is drawn from the model's chances, apart from temperature and seed. The defaults change nothing."""

    top_k: int | None = None
    """Only the k likeliest; 0 for all, None as the settings say."""
    top_p: float | None = None
    """Only the likeliest that together reach this chance; None as the settings say."""
    min_p: float = 0.0
    """Only those at least this part as likely as the likeliest."""
    typical_p: float = 1.0
    """Locally typical sampling (Meister and others, 2022): the part of the chances that is kept."""
    repetition_penalty: float = 1.0
    """Divides the scores of tokens said lately."""
    presence_penalty: float = 0.0
    """Taken from the scores of tokens said lately, once."""
    frequency_penalty: float = 0.0
    """Taken from the scores of tokens said lately, each time."""
    penalty_tokens: int = 64
    """What counts as lately for the three penalties, in tokens; -1 for everything."""
    dry_multiplier: float = 0.0
    """Strength of DRY, which discourages repeating a run of tokens; 0 is off."""
    dry_base: float = 1.75
    dry_allowed: int = 2
    """Longest repeated run that costs nothing, in tokens."""
    dry_tokens: int = -1
    """How far back DRY looks; -1 for the whole context."""
    logit_bias: tuple[LogitBias, ...] = ()


class Structure(Part):
    """The form an answer must have; at most one field is given, and none means any text."""

    json_schema: dict[str, JsonValue] | None = None
    """The answer is JSON of this schema."""
    regex: str = ""
    """The whole answer matches this pattern, in Python's notation without look-around and back references."""
    choices: tuple[str, ...] = ()
    """The answer is one of these."""
    gbnf: str = ""
    """The answer is derived from `root` of this grammar, in llama.cpp's notation."""


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
    recalled: tuple[Remembered, ...] = ()
    """What of long-term memory the messages hold, the best first."""
    prompt: str = ""
    """Text to go on from, as it is, when there are no messages."""
    mode: Literal["fast", "strict"] = "fast"
    """`strict`: the same bits whatever else is computed meanwhile or was before, on an engine of the same fingerprint.
    """
    priority: Literal["interactive", "background"] = "interactive"
    """Background work stands still, and then goes on as if nothing had been, while an interactive answer is made."""
    deadline_ms: int = 0
    """Milliseconds after which the answer ends where it is; 0 for no end."""
    sampling: Sampling = Sampling()
    structure: Structure = Structure()
    n: int = 1
    """Answers wanted; the second is drawn with the next seed, and so on."""
    stop_tokens: tuple[int, ...] = ()
    """Token ids that end the answer and are not part of it."""
    logprobs: int | None = None
    """With a number, the response tells each token's log-probability and those of so many likeliest alternatives."""
    overflow: Literal["drop-turns", "error"] = "drop-turns"
    """What is done when the messages exceed the context: leave out the oldest turns and say how many, or fail."""
    model: str = ""
    """Name of the model that is to answer, or the path of a GGUF; empty for the one in use."""
    tool_choice: str = "auto"
    """`auto`: the model decides; `none`: it calls no tool; `required`: it calls one; else the name of the tool that it
    calls."""


class LlmPrepare(Event):
    """Request: evaluate what an `llm.request` will probably begin with, as long as nobody needs the processor.

    Nothing answers it. The next one of the session takes its place, and the end of the utterance ends it.
    """

    kind: ClassVar[str] = "llm.prepare"
    fenced: ClassVar[bool] = True
    messages: tuple[Message, ...]
    """The last one may go on: it is what was understood so far of a person who still speaks."""
    tools: tuple[ToolSpec, ...]
    max_tokens: int
    """Of the answer that will be asked for."""
    mode: Literal["fast", "strict"] = "fast"


class LlmDelta(Event):
    """A piece of text, in order."""

    kind: ClassVar[str] = "llm.delta"
    fenced: ClassVar[bool] = True
    request: str
    index: int
    """From 0, without gaps."""
    text: str
    choice: int = 0
    """Which of the answers wanted it belongs to."""


class Likely(Part):
    """A token and its log-probability."""

    token: int
    text: str
    logprob: float


class TokenChance(Part):
    """A token of the answer, how likely it was, and what else was likely, from the model's own untouched scores."""

    token: int
    text: str
    logprob: float
    others: tuple[Likely, ...] = ()
    """The likeliest tokens, the likeliest first."""


class Choice(Part):
    """One of several answers to a request."""

    text: str
    finish: Finish
    logprobs: tuple[TokenChance, ...] = ()


class LlmResponse(Event):
    """The generation ended."""

    kind: ClassVar[str] = "llm.response"
    request: str
    text: str
    """All deltas joined."""
    finish: Finish
    tool_requests: tuple[ToolRequest, ...]
    usage: Usage
    model: str
    fingerprint: str = ""
    """Hash of everything that can change the answer apart from the request: model file, engine build, processor
    features, threads, chunk and cache mode. Empty while the model's file is still being read for it."""
    logprobs: tuple[TokenChance, ...] = ()
    more: tuple[Choice, ...] = ()
    """The second answer and those after it, where several were wanted."""
    cached: bool = False
    """It was not generated now but remembered from the same request before."""


class LlmFailed(Event):
    """The generation broke or could not begin."""

    kind: ClassVar[str] = "llm.failed"
    request: str
    reason: Literal["no-model", "too-long", "engine", "overloaded", "invalid"]
    message: str
    """What happened and what to do, for a person."""
