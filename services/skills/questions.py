"""What skills ask back ("Which one?", "For how long?", "At what time?") and how the next sentence answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

from pydantic import Field

from services.skills.ringing import Alarm, Question
from services.skills.skill import Arguments, Asked

__all__ = ["Answering", "OneOfSeveral", "answers", "asking", "completed"]


class Answering(Arguments):
    """Arguments that may be but the part that was asked for."""

    answering: bool = Field(False, description="It only answers a question.", json_schema_extra={"spoken": True})


class OneOfSeveral(Arguments):
    """Which of the timers or alarms that are set."""

    name: str = Field("", description="What it is for; empty when it has no name.")
    which: Literal["", "all"] = Field("", description="all for every one.")
    position: int = Field(
        0,
        ge=-1,
        description="Its place among them, from 1 for the next to ring; -1 for the last.",
        json_schema_extra={"spoken": True},
    )
    among: tuple[str, ...] = Field(
        (), description="Ids of those that may be meant.", json_schema_extra={"spoken": True}
    )

    def nth(self, alarms: list[Alarm]) -> list[Alarm]:
        """The one at the position among those, in the order they ring; all of them where none is said."""
        if not self.position:
            return alarms
        return alarms[-1:] if self.position < 0 else alarms[self.position - 1 : self.position]


A = TypeVar("A", bound=Answering)


def asking(skill: str, arguments: Arguments, asked: Asked, *, among: Iterable[Alarm] = ()) -> Question:
    """Return the question of a skill that needs more than these arguments, perhaps to choose one `among` several."""
    return Question(
        session=asked.session,
        at=asked.now_ns,
        skill=skill,
        arguments=arguments.model_dump(mode="json", exclude_defaults=True),
        among=tuple(alarm.id for alarm in among),
    )


def answers(arguments: Answering, skill: str, asked: Asked) -> bool:
    """Whether these are no answer, or the answer to what the skill asked."""
    question = asked.question
    return not arguments.answering or (question is not None and question.skill == skill)


def completed(arguments: A, asked: Asked) -> A:
    """An answer together with what was said before it was asked for; anything else as it is."""
    if not arguments.answering or asked.question is None:
        return arguments
    before = {key: value for key, value in asked.question.arguments.items() if key != "answering"}
    return arguments.model_validate(before | arguments.model_dump(exclude={"answering"}, exclude_defaults=True))
