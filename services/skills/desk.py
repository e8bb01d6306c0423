"""One run of the skills: finds the skill for a call, asks it, and makes its answer a result."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.contract import Context
from services.skills.catalogue import catalogue
from services.skills.labels import ring_speech
from services.skills.meaning import MeaningOnTheBus
from services.skills.remembering import MemoryOnTheBus
from services.skills.ringing import Alarm, AlarmBook, Done, Ringer, Shelf
from services.skills.settings import SkillsSettings
from services.skills.skill import Answer, Arguments, Asked, Skill
from services.skills.tongues import Source, Tongues
from services.skills.understanding import understood
from services.skills.wording import Wording
from shared.clock import Clock
from shared.events import AlarmRang, SkillsRegistered, ToolCall, ToolResult
from shared.logs import get_logger

__all__ = ["Desk"]

_HOURS24 = {"custom": None, "12": False, "24": True}
_log = get_logger("skills")


@dataclass(frozen=True, slots=True)
class _Reply:
    """What becomes a result."""

    outcome: Literal["answered", "unmatched", "failed"]
    skill: str
    answer: Answer
    language: str

    def adding(self, words: str) -> _Reply:
        """The same with something more to say."""
        return replace(self, answer=replace(self.answer, speech=f"{self.answer.speech} {words}"))

    def of(self, call: ToolCall) -> Done:
        """The call, done so."""
        result = {
            "outcome": self.outcome,
            "name": self.skill,
            "speech": self.answer.speech,
            "data": dict(self.answer.data),
            "action": self.answer.action,
            "language": self.language,
        }
        return Done(call=call.id, result=result)


class Desk:
    """`thread` does all blocking work, one job at a time."""

    def __init__(
        self, settings: SkillsSettings, shelf: Shelf, clock: Clock, ctx: Context, *, zone: ZoneInfo, thread: Executor
    ) -> None:
        self._ctx = ctx
        self._clock = clock
        self._zone = zone
        self._tongues = Tongues(settings.languages, thread, hours24=_HOURS24[settings.hours])
        self._book = AlarmBook(
            clock, ring_every=round(settings.ring_every_s * 1e9), rings=settings.rings, counter=ctx.session
        )
        self._ringer = Ringer(self._book, shelf, rang=self._rang, troubled=ctx.degraded)
        memory = MemoryOnTheBus(ctx)
        self._skills = catalogue(
            settings,
            book=self._book,
            zone=zone,
            thread=thread,
            memory=memory,
            meaning=MeaningOnTheBus(ctx),
        )

    async def open(self) -> None:
        """Read what was kept, tell what there is, and start to ring."""
        await self._tongues.open()
        await self._ringer.open()
        self._ctx.emit(
            SkillsRegistered,
            sentences=self._tongues.published(),
            tools=tuple(skill.tool() for skill in self._skills.values() if skill.offered),
        )
        self._ctx.ready()
        self._ctx.tasks.create_task(self._ringer.run(), name="skills:ringer")
        self._ctx.tasks.create_task(self._ringer.follow(), name="skills:follow")
        self._ctx.tasks.create_task(self._tongues.warm(), name="skills:warm")

    async def serve(self, call: ToolCall) -> None:
        """Answer one call with one result. A call that comes again, after a crash or elsewhere, takes effect once."""
        while (done := self._book.done(call.id)) is None:
            changes = self._book.changes
            reply = await self._reply(call)
            if self._book.changes == changes:
                done = reply.of(call)
                break
            self._book.note(reply.of(call))
            if not await self._ringer.keep() and reply.answer.lasting:
                words = await self._tongues.words(reply.language)
                self._book.note(reply.adding(words.say("set_timer", "unsaved")).of(call))
        if not done.result:  # it was long ago: whoever asked has his answer
            done = _Reply("answered", call.name, Answer(""), call.language).of(call)
        self._ctx.emit(ToolResult, **done.result)
        _log.info("skill", outcome=done.result["outcome"], skill=done.result["name"], call=call.id)

    async def _reply(self, call: ToolCall) -> _Reply:
        language = self._tongues.known(call.language)
        asked = self._asked(call, await self._tongues.words(language))
        found = await self._understood(call, asked) if call.sentence else self._named(call, asked)
        if found is None:
            return _Reply("unmatched", call.name, Answer(""), call.language)
        skill, arguments = found
        answer = arguments if isinstance(arguments, Answer) else await skill.answer(arguments, asked)
        if answer.passed:
            return _Reply("unmatched", call.name, Answer(""), call.language)
        return _Reply("failed" if answer.failed else "answered", skill.name, answer, language)

    def _asked(self, call: ToolCall, words: Wording) -> Asked:
        now = self._clock.now_ns()
        return Asked(
            id=call.id,
            session=call.session,
            language=words.language,
            now=self._at(now),
            now_ns=now,
            words=words,
            sentence=call.sentence,
            question=self._book.take_question(call.session) if call.sentence else None,
        )

    def _at(self, now_ns: int) -> datetime:
        return datetime.fromtimestamp(now_ns / 1e9, UTC).astimezone(self._zone)

    async def _understood(self, call: ToolCall, asked: Asked) -> tuple[Skill[Any], Arguments] | None:
        """Our own sentences first, with answers to what we asked; the borrowed ones when none of ours is meant."""
        ours = (Source.OURS,) if asked.question is None else (Source.OURS, Source.ANSWERS)
        for sources in (ours, (Source.BORROWED,)):
            matches = await self._tongues.matches(call.sentence, asked.language, *sources)
            found = understood(matches, self._skills, asked)
            if found is not None:
                return found
        return None

    def _named(self, call: ToolCall, asked: Asked) -> tuple[Skill[Any], Arguments | Answer] | None:
        """The skill that a model calls, with its arguments or the failure that names what is wrong with them."""
        skill = self._skills.get(call.name)
        return None if skill is None else (skill, self._checked(skill, call, asked))

    @staticmethod
    def _checked(skill: Skill[Any], call: ToolCall, asked: Asked) -> Arguments | Answer:
        try:
            return skill.arguments.model_validate(call.arguments)
        except ValidationError as error:
            problem = "; ".join(_problem(item["loc"], item["msg"]) for item in error.errors(include_url=False))
            return Answer(asked.words.say("failed", "arguments", problem=problem), {"error": problem}, failed=True)

    async def _rang(self, alarm: Alarm) -> None:
        language = self._tongues.known(alarm.language)
        speech = ring_speech(alarm, await self._tongues.words(language), self._at(self._clock.now_ns()))
        self._ctx.emit(
            AlarmRang,
            id=f"{alarm.id}.{alarm.due:x}.{alarm.attempt}",  # whoever says it
            session=alarm.session,
            turn=0,
            alarm=alarm.id,
            speech=speech,
            language=language,
            attempt=alarm.attempt,
        )


def _problem(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message}" if place else message
