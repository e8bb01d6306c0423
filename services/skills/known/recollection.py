"""Looking back by days: what the person wanted to know of a day, and what was talked about on one."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.skills.days import day_named
from services.skills.known.memory_days import between, past_day, this_year
from services.skills.known.memory_words import told_back
from services.skills.labels import upper_first
from services.skills.remembering import Memory, MemoryOff, MemoryUnavailable
from services.skills.skill import Answer, Arguments, Asked, Skill
from shared.events import Remembered

__all__ = ["RecallDay", "RecallTalk"]

_ALL = 1000
_TOLD = 5
_LETTERS = 80


class DayArguments(Arguments):
    """Which day."""

    day: str


class RecallDay(Skill[DayArguments]):
    """Tell what the person wanted to have remembered for a day; a day without anything is a question for the model."""

    name = "recall_day"
    arguments = DayArguments
    offered = False

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def answer(self, arguments: DayArguments, asked: Asked) -> Answer:
        day = day_named(arguments.day, asked.now.date())
        try:
            facts = await self._memory.find("facts", limit=_ALL)
        except (MemoryOff, MemoryUnavailable):
            return Answer("", passed=True)
        found = [item for item in reversed(facts) if day and asked.words.date(day) in item.text]
        if not found:
            return Answer("", passed=True)
        told = [upper_first(f"{this_year(told_back(item.text, asked.language), asked)}.") for item in found]
        return Answer(" ".join(told[:_TOLD]), {"memories": [item.text for item in found]})


class TalkArguments(Arguments):
    """When: the last day on which anything was said where neither is named."""

    day: str = ""
    days: int = 0
    last: bool = False
    """The last question alone."""


class RecallTalk(Skill[TalkArguments]):
    """Tell what was talked about on a day."""

    name = "recall_talk"
    arguments = TalkArguments
    offered = False

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def fits(self, arguments: TalkArguments, asked: Asked) -> bool:
        return not arguments.day or past_day(arguments.day, asked.now.date()) is not None

    async def answer(self, arguments: TalkArguments, asked: Asked) -> Answer:
        since, until = self._span(arguments, asked)
        try:
            said = list(await self._memory.find("said", limit=_ALL, since=since, until=until))
        except (MemoryOff, MemoryUnavailable):
            return Answer(asked.words.say("memory", "unavailable"), {"error": "memory does not answer"}, failed=True)
        if not (arguments.day or arguments.days):
            said = [item for item in said if _day(item, asked) == _day(said[0], asked)]
        meant = said[:1] if arguments.last else reversed(said)
        questions = list(dict.fromkeys(_question(item) for item in meant))
        if not questions:
            return Answer(asked.words.say(self.name, "none"), {"asked": []})
        when = "" if arguments.days else this_year(asked.words.date(_day(said[0], asked)), asked)
        return Answer(self._speech(questions, when, asked), {"asked": [*questions]})

    @staticmethod
    def _span(arguments: TalkArguments, asked: Asked) -> tuple[int, int]:
        today = asked.now.date()
        if arguments.days:
            return between(today - timedelta(days=arguments.days), today, asked)
        day = past_day(arguments.day, today) if arguments.day else None
        return between(day, day, asked) if day else (0, asked.now_ns + 1)

    def _speech(self, questions: list[str], when: str, asked: Asked) -> str:
        words = asked.words
        quoted = words.all_of(words.say(self.name, "one", asked=_short(question)) for question in questions[-_TOLD:])
        told = words.say(self.name, "told" if when else "lately", date=when, asked=quoted)
        more = len(questions) - _TOLD
        return f"{told} {words.say(self.name, 'more', count=more)}" if more > 0 else told


def _day(item: Remembered, asked: Asked) -> datetime:
    at = datetime.fromtimestamp(item.at / 1e9, asked.now.tzinfo)
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _question(item: Remembered) -> str:
    return item.text.partition("\n")[0]


def _short(question: str) -> str:
    plain = " ".join(question.split())
    return plain if len(plain) <= _LETTERS else f"{plain[:_LETTERS].rsplit(' ', 1)[0]} …"
