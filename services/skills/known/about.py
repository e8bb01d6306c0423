"""Who Sotto is, what it can do, and small courtesies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.skills.skill import Answer, Arguments, Asked, NoArguments, Skill

__all__ = ["Courtesy", "WhatCanYouDo", "WhoAreYou"]


class WhoAreYou(Skill[NoArguments]):
    """Say who the assistant is."""

    name = "who_are_you"

    async def answer(self, arguments: NoArguments, asked: Asked) -> Answer:
        return Answer(asked.words.say(self.name, "answer"))


class WhatCanYouDo(Skill[NoArguments]):
    """Say what the assistant can do."""

    name = "what_can_you_do"

    async def answer(self, arguments: NoArguments, asked: Asked) -> Answer:
        return Answer(asked.words.say(self.name, "answer"))


class CourtesyArguments(Arguments):
    """What was said."""

    topic: Literal["thanks", "hello", "morning", "goodbye", "night", "how_are_you", "sorry", "praise"] = Field(
        description="The courtesy to answer."
    )


class Courtesy(Skill[CourtesyArguments]):
    """Answer thanks, a greeting or a goodbye."""

    name = "courtesy"
    arguments = CourtesyArguments

    async def answer(self, arguments: CourtesyArguments, asked: Asked) -> Answer:
        return Answer(asked.words.say(self.name, arguments.topic))
