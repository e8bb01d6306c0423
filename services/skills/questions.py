"""What skills ask back ("Which one?", "For how long?", "At what time?") and how the next sentence answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pydantic import Field

from services.skills.ringing import Alarm, Question
from services.skills.skill import Arguments, Asked

__all__ = ["Answering", "answers", "asking", "completed"]


class Answering(Arguments):
    """Arguments that may be but the part that was asked for."""

    answering: bool = Field(False, description="It only answers a question.", json_schema_extra={"spoken": True})


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
