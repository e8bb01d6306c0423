"""The evaluation: a model's file answers prompts written by hand through the real engine, and is checked by rules."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from services.llm import LlmSettings
from services.llm.engines.llama import LlamaEngine
from services.llm.port import GenerationFailed, LanguageModel, PromptTooLong, ToolWish
from services.skills import SkillsSettings
from services.skills.catalogue import catalogue
from services.skills.meaning import NoMeaning
from services.skills.remembering import NoMemory
from services.skills.ringing import AlarmBook
from shared.clock import SystemClock
from shared.events import LlmRequest, Message, Stamp, ToolRequest, ToolSpec
from shared.ids import id_source
from shared.installed import InstalledModel

__all__ = [
    "SETS",
    "Judged",
    "Prompt",
    "broken",
    "judge",
    "judged",
    "offered",
    "opened",
    "prompts",
    "report",
    "scrambled",
]

_STAMP = Stamp("evaluation", SystemClock(), id_source("evaluation-"), "evaluation")
_BROKEN = "<|broken|>"
SETS = ("held_out", "unseen", "fresh", "fourth", "fifth")
"""The test sets: four that were looked at while phrases were added, and one that nobody who wrote phrases had seen."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is said, and what the answer to the last of it must be."""

    category: str
    turns: list[str]
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    """Arguments that may be there or not."""
    result: str = ""
    """What the skill answers to the call that the last turn leads to; the answer after that is checked."""
    says: list[str] = field(default_factory=list)
    any: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judged:
    """A prompt, what was answered, and whether that is right."""

    prompt: Prompt
    answer: str
    right: bool


def prompts(name: str = "held_out") -> list[Prompt]:
    """The committed test set of that name."""
    text = Path(__file__).with_name(f"{name}.toml").read_text("utf-8")
    return [Prompt(**item) for item in tomllib.loads(text)["prompt"]]


def offered() -> tuple[ToolSpec, ...]:
    """The tools as the skills register them."""
    book = AlarmBook(SystemClock(), ring_every=1, rings=1)
    with ThreadPoolExecutor(1) as thread:
        skills = catalogue(
            SkillsSettings(),
            book=book,
            zone=ZoneInfo("UTC"),
            thread=thread,
            memory=NoMemory(),
            meaning=NoMeaning(),
        )
    return tuple(skill.tool() for skill in skills.values() if skill.offered)


async def opened(path: Path, *, context_tokens: int = 512) -> LanguageModel:
    """The model of a file, on the engine that the assistant uses."""
    model = InstalledModel("llm", path.stem, "llama-cpp", path.parent, (path,), ())
    settings = LlmSettings(threads=1, context_tokens=context_tokens, sequences=1, cache_mb=0, prefix_disk_mb=0)
    return await LlamaEngine().open(model, settings, SystemClock())


async def answered(
    model: LanguageModel, messages: Sequence[Message], tools: Sequence[ToolSpec], *, seed: int = 0
) -> tuple[str, tuple[ToolWish, ...]]:
    """One answer, with the settings of a conversation."""
    request = _STAMP(
        LlmRequest,
        turn=0,
        messages=tuple(messages),
        tools=tuple(tools),
        max_tokens=120,
        temperature=0.7,
        seed=seed,
        stop=(),
    )
    answer = model.answer(request)
    try:
        text = "".join([piece async for piece in answer])
    except GenerationFailed as error:
        return f"{_BROKEN} {error}", ()
    except PromptTooLong as error:  # which the person is told
        return str(error), ()
    return text, (await answer.outcome()).tools


async def judge(model: LanguageModel, prompt: Prompt, tools: Sequence[ToolSpec]) -> Judged:
    """Hold the conversation of a prompt and check its last answer."""
    messages: list[Message] = []
    text, calls = "", ()
    for turn in prompt.turns:
        messages.append(Message(role="user", content=turn))
        text, calls = await answered(model, messages, tools)
        messages.append(Message(role="assistant", content=text or "Okay."))
    if prompt.result:
        if not calls:
            return Judged(prompt, text, right=False)
        asked = tuple(ToolRequest(id=str(i), name=call.name, arguments=call.arguments) for i, call in enumerate(calls))
        told = json.dumps({"result": 1, "speech": prompt.result})
        messages[-1] = Message(role="assistant", content=text, tool_requests=asked)
        messages.append(Message(role="tool", content=told, name=calls[0].name))
        text, calls = await answered(model, messages, tools)
    said = text or "; ".join(f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)}" for call in calls)
    return Judged(prompt, said, _is_right(prompt, text, calls))


def _is_right(prompt: Prompt, text: str, calls: tuple[ToolWish, ...]) -> bool:
    if prompt.tool:
        return len(calls) == 1 and calls[0].name == prompt.tool and _same(prompt, calls[0].arguments)
    said = text.casefold()
    return (
        not calls
        and all(part.casefold() in said for part in prompt.says)
        and (not prompt.any or any(part.casefold() in said for part in prompt.any))
        and not any(part.casefold() in said for part in prompt.never)
    )


def _same(prompt: Prompt, arguments: dict[str, Any]) -> bool:
    given = {name: _plain(value) for name, value in arguments.items() if name not in prompt.open}
    return given == {name: _plain(value) for name, value in prompt.arguments.items()}


def _plain(value: object) -> object:
    return " ".join(value.split()).casefold() if isinstance(value, str) else value


def scrambled(count: int) -> list[list[str]]:
    """Random conversations: letters, bytes, words in no order, very long and very short ones."""
    random = Random(7)
    words = [word for prompt in prompts() for turn in prompt.turns for word in turn.split()]
    letters = "abcdefghijklmnopqrstuvwxyz ÄéñßøЖ中文日本🙂\t\n\"'{}[]<>|\\/0123456789.,!?-"

    def said() -> str:
        kind = random.randrange(5)
        if kind == 0:
            return "".join(random.choice(letters) for _ in range(random.randint(1, 200)))
        if kind == 1:
            return " ".join(random.choice(words) for _ in range(random.randint(1, 60)))
        if kind == 2:
            return "".join(chr(random.randint(32, 0xD7FF)) for _ in range(random.randint(1, 60)))
        if kind == 3:
            return random.choice(words) * random.randint(1, 30)
        return (
            random.choice(("", " ", "?", "<|end|>", "<tool_call>", "<|user|>", '{"name": "stop"}', "0", "\u200b", "a"))
            or "."
        )

    return [[said() for _ in range(random.choice((1, 1, 1, 2, 3)))] for _ in range(count)]


async def broken(path: Path, count: int) -> list[tuple[list[str], str]]:
    """Of so many random conversations those whose answer was empty or broken, with what was answered."""
    model, tools, found = await opened(path), offered(), []
    known = {tool.name for tool in tools}
    try:
        for seed, turns in enumerate(scrambled(count)):
            messages: list[Message] = []
            for turn in turns:
                messages.append(Message(role="user", content=turn))
                text, calls = await answered(model, messages, tools, seed=seed)
                if not _whole(text, calls, known):
                    found.append((turns, text or str(calls)))
                messages.append(Message(role="assistant", content=text or "Okay."))
    finally:
        await model.close()
    return found


def _whole(text: str, calls: tuple[ToolWish, ...], known: set[str]) -> bool:
    """An answer is a sentence without marks of the template, or calls of tools that exist."""
    if calls:
        return all(call.name in known for call in calls)
    return bool(text.strip()) and "<|" not in text and "tool_call" not in text and "\ufffd" not in text


async def judged(path: Path, prompts: Sequence[Prompt]) -> list[Judged]:
    """Each of the prompts, answered and checked."""
    model, tools = await opened(path), offered()
    try:
        return [await judge(model, prompt, tools) for prompt in prompts]
    finally:
        await model.close()


def report(results: Sequence[Judged], *, wrong: bool = True) -> str:
    """Right and all by category, and what is wrong."""
    lines = []
    for category in dict.fromkeys(result.prompt.category for result in results):
        of = [result for result in results if result.prompt.category == category]
        lines.append(f"{category:18} {sum(result.right for result in of):3} of {len(of)}")
        if wrong:
            lines += [f"    {' / '.join(r.prompt.turns)[-90:]!r}  ->  {r.answer[:110]!r}" for r in of if not r.right]
    right = sum(result.right for result in results)
    lines.append(f"{'all':18} {right:3} of {len(results)}  ({right / len(results):.1%})")
    return "\n".join(lines)
