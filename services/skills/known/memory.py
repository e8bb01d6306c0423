"""Memory by voice: remember, correct, tell back, say how it is known, and forget."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import PurePath
from typing import Any, Literal, TypeVar

from pydantic import Field, JsonValue

from services.skills.known.memory_days import dated, this_year
from services.skills.known.memory_words import as_said, told_back
from services.skills.labels import upper_first
from services.skills.remembering import Memory, MemoryOff, MemoryUnavailable, MemoryUnreadable
from services.skills.skill import Answer, Arguments, Asked, Skill
from shared.events import Remembered, Removed

__all__ = ["CorrectFact", "ExplainMemory", "ForgetMemory", "RecallAbout", "RecallFact", "RememberFact"]

_LONGEST = 600
_ALL = 1000
"""Facts that are looked through for a name."""
_TOLD = 5
"""Facts that are told in one answer."""
_QUOTED = 160
"""Letters of a turn or a passage that are read out."""
_PASSED = Answer("", passed=True)

A = TypeVar("A", bound=Arguments)
Method = Callable[[Any, A, Asked], Coroutine[Any, Any, Answer]]


def _with_memory(method: Method[A]) -> Method[A]:
    """Say it when memory is off, cannot be read or does not answer."""

    @wraps(method)
    async def answer(self: Any, arguments: A, asked: Asked) -> Answer:
        try:
            return await method(self, arguments, asked)
        except MemoryOff:
            return Answer(asked.words.say("memory", "switched_off"), {"error": "memory is off"}, failed=True)
        except MemoryUnreadable as error:
            return _failed(error.problem, asked)
        except MemoryUnavailable:
            return Answer(asked.words.say("memory", "unavailable"), {"error": "memory does not answer"}, failed=True)

    return answer


class FactArguments(Arguments):
    """A statement, or a form of one with its words."""

    fact: str = Field("", description="The whole statement to remember, as: my bike code is 4512.")
    form: Literal["", "name", "home", "thing", "allergy"] = Field("", json_schema_extra={"spoken": True})
    day: str = Field("", json_schema_extra={"spoken": True})
    thing: str = Field("", json_schema_extra={"spoken": True})
    value: str = Field("", json_schema_extra={"spoken": True})


class RememberFact(Skill[FactArguments]):
    """Remember something the user says about themselves or asks you to remember, for later conversations."""

    name = "remember_fact"
    arguments = FactArguments

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def fits(self, arguments: FactArguments, asked: Asked) -> bool:
        if not arguments.form:
            return arguments.fact.strip().lower() not in ("", *asked.words.say(self.name, "nothing").split())
        short = len(arguments.value.split()) <= 8 and arguments.value.split()[0] not in ("not", "nicht", "pas", "no")
        known = asked.words.say(self.name, "attributes").split()
        named = arguments.form != "thing" or (
            len(arguments.thing.split()) <= 4 and arguments.thing.split()[-1] in known
        )
        return short and named and "?" not in asked.sentence

    @_with_memory
    async def answer(self, arguments: FactArguments, asked: Asked) -> Answer:
        text = dated(self._statement(arguments, asked), arguments.day, asked)
        if len(text) > _LONGEST:
            return Answer(asked.words.say(self.name, "too_long"), {"error": "too long"}, failed=True)
        stored = await self._memory.store(text, asked.language)
        if stored.item is None:
            return _failed(stored.problem, asked)
        fact = this_year(told_back(stored.item.text, asked.language), asked)
        old = stored.replaced[0] if stored.replaced else ""
        speech = asked.words.say(self.name, "replaced" if old else "stored", fact=fact, old=old)
        return Answer(speech, {"remembered": stored.item.text, "replaced": list(stored.replaced)})

    def _statement(self, arguments: FactArguments, asked: Asked) -> str:
        if not arguments.form:
            return as_said(arguments.fact, asked.sentence)
        if arguments.form == "thing" and asked.language != "en":  # its gender is in the person's own words
            return asked.sentence
        value, thing = as_said(arguments.value, asked.sentence), as_said(arguments.thing, asked.sentence)
        return asked.words.say(self.name, f"form_{arguments.form}", value=value.rstrip(".!"), thing=thing)


class CorrectionArguments(Arguments):
    """What it really is."""

    value: str = Field(description="The right value.")


class CorrectFact(Skill[CorrectionArguments]):
    """Correct the value of the fact that was told last."""

    name = "correct_fact"
    arguments = CorrectionArguments
    offered = False

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def fits(self, arguments: CorrectionArguments, asked: Asked) -> bool:
        return len(arguments.value.split()) <= 12

    async def answer(self, arguments: CorrectionArguments, asked: Asked) -> Answer:
        try:
            stored = await self._memory.store(as_said(arguments.value, asked.sentence), asked.language, corrects=True)
        except (MemoryOff, MemoryUnavailable):
            return _PASSED
        if stored.item is None:
            return _failed(stored.problem, asked) if stored.problem else _PASSED
        fact = told_back(stored.item.text, asked.language)
        old = stored.replaced[0] if stored.replaced else ""
        return Answer(asked.words.say(self.name, "corrected", fact=fact, old=old), {"remembered": stored.item.text})


class ThingArguments(Arguments):
    """What is asked for."""

    thing: str = Field("", description="What of the user's is asked for, as: bike code.")
    form: Literal["", "name", "home", "parked"] = ""


class RecallFact(Skill[ThingArguments]):
    """Tell back a fact by what it is about; what was never told is a question for the model."""

    name = "recall_fact"
    arguments = ThingArguments
    offered = False

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def answer(self, arguments: ThingArguments, asked: Asked) -> Answer:
        about = asked.words.say(self.name, f"topic_{arguments.form}") if arguments.form else arguments.thing
        try:
            items = await self._memory.find("value", about)
        except MemoryUnreadable as error:
            return _failed(error.problem, asked)
        except (MemoryOff, MemoryUnavailable):
            return _PASSED
        if not items:
            return _PASSED
        told = [asked.words.say(self.name, "told", fact=told_back(item.text, asked.language)) for item in items[:_TOLD]]
        return Answer(" ".join(map(upper_first, told)), {"facts": [item.text for item in items]})


class TopicArguments(Arguments):
    """What it is about."""

    topic: str = Field("", max_length=200, description="What to look for; empty for everything the user told you.")
    perhaps: bool = Field(False, json_schema_extra={"spoken": True})
    """It may as well be a question for the model: only facts that name the topic answer it."""


class RecallAbout(Skill[TopicArguments]):
    """Look up what the user told you earlier, in this or in past conversations, or what their documents say."""

    name = "recall_about"
    arguments = TopicArguments

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @_with_memory
    async def answer(self, arguments: TopicArguments, asked: Asked) -> Answer:
        topic = as_said(arguments.topic, asked.sentence)
        if not topic:
            return self._all(await self._memory.find("facts", limit=100), asked)
        if arguments.perhaps:
            items = await _naming(self._memory, topic)
        else:
            items = await self._memory.find("about", topic, limit=3)
        if not items:
            return _PASSED if arguments.perhaps else Answer(asked.words.say(self.name, "none"), {"memories": []})
        told = [_told(self.name, "one", item, asked) for item in items]
        return Answer(" ".join(map(upper_first, told)), {"memories": [item.text for item in items]})

    def _all(self, items: Sequence[Remembered], asked: Asked) -> Answer:
        if not items:
            return Answer(asked.words.say(self.name, "none_at_all"), {"memories": []})
        told = [upper_first(f"{told_back(item.text, asked.language)}.") for item in items[:_TOLD]]
        if len(items) > _TOLD:
            told.append(asked.words.say(self.name, "more", count=len(items) - _TOLD))
        return Answer(" ".join(told), {"memories": [item.text for item in items]})


class ExplainArguments(Arguments):
    """What is to be explained; empty for what was told last."""

    thing: str = ""


class ExplainMemory(Skill[ExplainArguments]):
    """Say from when and where the last answer, or something the user told, is known."""

    name = "explain_memory"
    arguments = ExplainArguments
    offered = False

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def answer(self, arguments: ExplainArguments, asked: Asked) -> Answer:
        thing = as_said(arguments.thing, asked.sentence)
        try:
            items = await self._known(thing) if thing else await self._memory.find("told")
        except MemoryUnreadable as error:
            return _failed(error.problem, asked)
        except (MemoryOff, MemoryUnavailable):
            return _PASSED
        if not items:
            return Answer(asked.words.say("recall_about", "none"), {"memories": []}) if thing else _PASSED
        told = [_told(self.name, "fact", item, asked) for item in items[:2]]
        return Answer(" ".join(map(upper_first, told)), {"memories": [item.text for item in items]})

    async def _known(self, thing: str) -> Sequence[Remembered]:
        return await self._memory.find("value", thing) or await _naming(self._memory, thing)


class ForgetArguments(Arguments):
    """What is to go."""

    what: Literal["last", "since", "about", "all"] = Field(description="What is to be forgotten.")
    topic: str = Field("", description="What it is about.")
    whose: Literal["", "mine", "named"] = ""
    """A thing of the person's own; or something by its name alone, which is meant only where they told of it."""
    minutes: float = Field(0, ge=0, le=100_000, description="How far back, in minutes.")
    hours: float = Field(0, ge=0, le=10_000, description="How far back, in hours.")


class ForgetMemory(Skill[ForgetArguments]):
    """Forget what was said last, in the last minutes, or about something."""

    name = "forget_memory"
    arguments = ForgetArguments
    offered = False

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @_with_memory
    async def answer(self, arguments: ForgetArguments, asked: Asked) -> Answer:
        words, topic = asked.words, as_said(arguments.topic, asked.sentence)
        if arguments.what == "all":
            return Answer(words.say(self.name, "all"))
        length = timedelta(minutes=arguments.minutes, hours=arguments.hours)
        since = asked.now_ns - round(length.total_seconds()) * 1_000_000_000 if arguments.what == "since" else 0
        own = await _found(self._memory, "value", topic) if arguments.whose == "mine" else ()
        if arguments.whose == "named" and not await _naming(self._memory, topic):
            return _PASSED
        if own:  # what others have of the same name stays
            erased = await self._memory.erase("items", items=tuple(item.id for item in own))
        else:
            erased = await self._memory.erase(arguments.what, text=topic, since=since)
        gone: Mapping[str, JsonValue] = {
            "removed": [f"{line.store}: {line.count} {line.detail}".strip() for line in erased.removed]
        }
        left = [line for line in erased.removed if not line.ok]
        if left:
            return Answer(words.say(self.name, "incomplete", problem=_problems(left)), gone, failed=True)
        if not any(line.count for line in erased.removed):
            return Answer(words.say(self.name, "nothing"), gone)
        match arguments.what:
            case "about":
                phrase = "about_mine" if arguments.whose == "mine" else "about"
                return Answer(words.say(self.name, phrase, topic=told_back(topic, asked.language)), gone)
            case "since":
                return Answer(words.say(self.name, "minutes", duration=words.duration(length)), gone)
            case _:
                return Answer(words.say(self.name, "done"), gone)


async def _naming(memory: Memory, topic: str) -> tuple[Remembered, ...]:
    """The facts that name the topic, the newest first."""
    words = rf"(?<!\w){re.escape(topic)}(?!\w)"
    facts = await _found(memory, "facts", limit=_ALL)
    return tuple(item for item in facts if topic and re.search(words, item.text, re.IGNORECASE))[:_TOLD]


async def _found(memory: Memory, purpose: str, text: str = "", limit: int = 5) -> tuple[Remembered, ...]:
    """What is known; nothing where it cannot be read, for then something else is to be done."""
    try:
        return await memory.find(purpose, text, limit=limit)
    except MemoryUnreadable:
        return ()


def _told(skill: str, fact: str, item: Remembered, asked: Asked) -> str:
    """The remembered sentence and its date, or its place."""
    words = asked.words
    if item.what == "document":
        place = words.say("recall_about", "of_file", file=PurePath(item.source).name, place=item.place or "1")
        return words.say(skill, "document", place=place, text=_short(item.text))
    at = datetime.fromtimestamp(item.at / 1e9, UTC).astimezone(asked.now.tzinfo)
    date = words.date(at, year=at.year != asked.now.year)
    if item.what == "fact":
        return words.say(skill, fact, date=date, fact=told_back(item.text, asked.language))
    question, _, heard = item.text.partition("\n")
    return words.say(skill, "turn", date=date, asked=_short(question), heard=_short(heard))


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _QUOTED else f"{plain[:_QUOTED].rsplit(' ', 1)[0]} …"


def _problems(lines: Sequence[Removed]) -> str:
    return " ".join(upper_first(f"{line.store}: {line.detail}") for line in lines)


def _failed(problem: str, asked: Asked) -> Answer:
    return Answer(asked.words.say("memory", "failed", problem=problem), {"error": problem}, failed=True)
