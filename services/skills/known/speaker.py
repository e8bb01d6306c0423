"""How Sotto is told to stop, to say it again, to go on, and to speak louder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.skills.ringing import AlarmBook
from services.skills.skill import Answer, Arguments, Asked, NoArguments, Skill

__all__ = ["ChangeVolume", "Repeat", "Resume", "Stop"]


class Stop(Skill[NoArguments]):
    """Stop speaking; while something rings, silence it."""

    name = "stop"

    def __init__(self, book: AlarmBook) -> None:
        self._book = book

    async def answer(self, arguments: NoArguments, asked: Asked) -> Answer:
        silenced = self._book.silence()
        if not silenced:
            return Answer("", {}, "stop")
        return Answer("", {"silenced": len(silenced)}, "silence")


class Repeat(Skill[NoArguments]):
    """Say the last answer again."""

    name = "repeat"

    def __init__(self, book: AlarmBook) -> None:
        self._book = book

    async def answer(self, arguments: NoArguments, asked: Asked) -> Answer:
        if asked.question is not None:
            self._book.ask(asked.question)
        return Answer("", {}, "repeat")


class Resume(Skill[NoArguments]):
    """Go on with the answer that was interrupted."""

    name = "resume"

    async def answer(self, arguments: NoArguments, asked: Asked) -> Answer:
        return Answer("", {}, "resume")


class VolumeArguments(Arguments):
    """Louder, quieter, or how loud."""

    change: Literal["louder", "quieter", "mute", "unmute"] = Field(
        "louder", description="What to do, when no percentage is given."
    )
    percent: int | None = Field(None, ge=0, le=100, description="The volume to set, 0 to 100.")


class ChangeVolume(Skill[VolumeArguments]):
    """Speak louder or quieter, mute or unmute, or set the volume to a percentage. What rings is silenced by mute."""

    name = "change_volume"
    arguments = VolumeArguments

    def __init__(self, book: AlarmBook) -> None:
        self._book = book
        self._before_mute = 100
        """Percent, as far as it was told here."""
        self._muted = False

    async def answer(self, arguments: VolumeArguments, asked: Asked) -> Answer:
        if arguments.percent is not None:
            self._before_mute = arguments.percent or self._before_mute
            self._muted = arguments.percent == 0
            speech = asked.words.say(self.name, "set", percent=arguments.percent)
            return Answer(speech, {"percent": arguments.percent}, "volume")
        match arguments.change:
            case "mute" if silenced := self._book.silence():
                return Answer("", {"silenced": len(silenced)}, "silence")
            case "mute":
                self._muted = True
                return Answer("", {"percent": 0}, "volume")
            case "unmute" if not self._muted:  # the loudness may have been set elsewhere: leave it
                return Answer("", {})
            case "unmute":
                self._muted = False
                return Answer("", {"percent": self._before_mute}, "volume")
            case change:
                return Answer("", {"change": change}, change)
