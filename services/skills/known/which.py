"""The answer to "Which one?": the pasta one, the second, the one for five minutes, both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.skills.known.alarms import CancelAlarm, WhichAlarm
from services.skills.known.timers import CancelTimer, ChangeTimer, PauseTimer, UnpauseTimer, WhichTimer
from services.skills.labels import named
from services.skills.ringing import Alarm, AlarmBook, Question
from services.skills.skill import Answer, Asked, Skill

__all__ = ["WhichOne"]

Asker = CancelAlarm | CancelTimer | ChangeTimer | PauseTimer | UnpauseTimer


class WhichArguments(WhichAlarm, WhichTimer):
    """One of those that were asked about."""

    none: bool = False
    bare: bool = False
    """A name and nothing else was said: it has to be one of theirs."""


class WhichOne(Skill[WhichArguments]):
    """Choose among the timers or alarms that were asked about."""

    name = "which_one"
    arguments = WhichArguments
    offered = False

    def __init__(self, book: AlarmBook, askers: Sequence[Asker]) -> None:
        self._book = book
        self._askers = {asker.name: asker for asker in askers}

    def fits(self, arguments: WhichArguments, asked: Asked) -> bool:
        if asked.question is None or asked.question.skill not in self._askers:
            return False
        among = self._among(asked.question)
        return not arguments.bare or all(named(among, word) for word in arguments.name.split())

    async def answer(self, arguments: WhichArguments, asked: Asked) -> Answer:
        assert asked.question is not None
        if arguments.none:
            return Answer("")
        among, asker = self._among(asked.question), self._askers[asked.question.skill]
        if among and arguments.which == "all":
            answers = [await self._done(asker, [alarm], asked) for alarm in among]
            return Answer(" ".join(answer.speech for answer in answers), {"count": len(answers)}, answers[-1].action)
        chosen = asker.meant(among, arguments, asked)
        if not chosen:
            self._book.ask(asked.question)
        return await self._done(asker, chosen, asked)

    def _among(self, question: Question) -> list[Alarm]:
        """Those that were asked about and are still there, in the order they ring."""
        return [alarm for alarm in self._book.all() if alarm.id in question.among]

    @staticmethod
    async def _done(asker: Skill[Any], chosen: Sequence[Alarm], asked: Asked) -> Answer:
        """What was first asked for, done to these; with none the asker says that there is no such."""
        assert asked.question is not None
        arguments = asker.arguments.model_validate(asked.question.arguments)
        among = tuple(alarm.id for alarm in chosen) or ("",)
        return await asker.answer(arguments.model_copy(update={"among": among}), asked)
