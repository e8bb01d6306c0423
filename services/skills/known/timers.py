"""Timers: set, cancel, lengthen, pause, and how long is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, JsonValue

from services.skills.labels import label, named, remaining, upper_first
from services.skills.questions import Answering, OneOfSeveral, answers, asking, completed
from services.skills.ringing import Alarm, AlarmBook
from services.skills.skill import Action, Answer, Arguments, Asked, Skill

__all__ = ["CancelTimer", "ChangeTimer", "PauseTimer", "SetTimer", "TimerStatus", "UnpauseTimer"]

_LONGEST = timedelta(days=7)
_MOST_WORDS_OF_A_NAME = 3
_UNNAMED = frozenset({"a", "an", "the", "another", "new", "my", "it", "me", "timer", "alarm", "countdown", "first"})


class Duration(Arguments):
    """A length of time."""

    hours: float = Field(0, ge=0, le=1000, description="Hours.")
    minutes: float = Field(0, ge=0, le=10_000, description="Minutes.")
    seconds: float = Field(0, ge=0, le=1_000_000, description="Seconds.")

    def length(self) -> timedelta:
        """The whole, to the second."""
        return timedelta(seconds=round(self.hours * 3600 + self.minutes * 60 + self.seconds))


class SetTimerArguments(Duration, Answering):
    """How long, and for what."""

    name: str = Field("", max_length=60, description="What the timer is for, as pasta; may be empty.")


class WhichTimer(OneOfSeveral):
    """One of the timers that are set."""

    start_hours: float = Field(0, description="Hours the timer was set for, to tell it from others.")
    start_minutes: float = Field(0, description="Minutes the timer was set for, to tell it from others.")
    start_seconds: float = Field(0, description="Seconds the timer was set for, to tell it from others.")

    def start_length(self) -> timedelta:
        """The length the timer was set for; zero when that was not said."""
        seconds = self.start_hours * 3600 + self.start_minutes * 60 + self.start_seconds
        return timedelta(seconds=round(seconds))


class ChangeArguments(WhichTimer, Duration):
    """Which timer, and by how much."""

    change: Literal["add", "remove"] = Field("add", description="Whether to lengthen or to shorten it.")


def speakable_name(name: str) -> bool:
    """Whether an open slot holds what may be the name of a timer."""
    words = name.split()
    if any(mark.isdigit() for mark in name):
        return False
    return len(words) <= _MOST_WORDS_OF_A_NAME and not (words and words[0] in _UNNAMED) and name not in _UNNAMED


class SetTimer(Skill[SetTimerArguments]):
    """Set a timer that rings after a length of time."""

    name = "set_timer"
    arguments = SetTimerArguments

    def __init__(self, book: AlarmBook, *, most: int) -> None:
        self._book = book
        self._most = most

    def fits(self, arguments: SetTimerArguments, asked: Asked) -> bool:
        return speakable_name(arguments.name) and answers(arguments, self.name, asked)

    async def answer(self, arguments: SetTimerArguments, asked: Asked) -> Answer:
        arguments = completed(arguments, asked)
        words, length = asked.words, arguments.length()
        if not length:
            self._book.ask(asking(self.name, arguments, asked))
            return Answer(words.say(self.name, "how_long"), {"error": "no duration"}, failed=True)
        if length > _LONGEST:
            return Answer(words.say(self.name, "too_long", duration=words.duration(_LONGEST)), failed=True)
        if len(self._book.all()) >= self._most:
            return Answer(words.say(self.name, "too_many", count=self._most), failed=True)
        timer = self._book.add(_timer(arguments, asked))
        key = "set_named" if timer.name else "set"
        name = upper_first(label(timer, words, asked.now.tzinfo))
        speech = words.say(self.name, key, duration=words.duration(length), label=name)
        about: dict[str, JsonValue] = {"timer": timer.id, "name": timer.name, "seconds": length.total_seconds()}
        return Answer(speech, about, lasting=True)


def _timer(arguments: SetTimerArguments, asked: Asked) -> Alarm:
    length = round(arguments.length().total_seconds()) * 1_000_000_000
    now = asked.now_ns
    return Alarm(
        id=asked.id,
        kind="timer",
        name=arguments.name.strip(),
        language=asked.language,
        session=asked.session,
        set_at=now,
        length=length,
        due=now + length,
    )


class _OfTimers(Skill[WhichTimer]):
    """What has to do with timers that are set."""

    arguments = WhichTimer

    def __init__(self, book: AlarmBook) -> None:
        self._book = book

    def fits(self, arguments: WhichTimer, asked: Asked) -> bool:
        return speakable_name(arguments.name)

    def _chosen(self, arguments: WhichTimer, asked: Asked) -> list[Alarm]:
        """The timers that the words may mean."""
        return self.meant([alarm for alarm in self._book.all() if alarm.kind == "timer"], arguments, asked)

    def meant(self, timers: list[Alarm], arguments: WhichTimer, asked: Asked) -> list[Alarm]:
        """Those of some timers, in the order they ring, that the words may mean."""
        if arguments.among:
            return [timer for timer in timers if timer.id in arguments.among]
        length = round(arguments.start_length().total_seconds()) * 1_000_000_000
        if arguments.name.strip():
            timers = named(timers, arguments.name)
        if length:
            timers = [timer for timer in timers if timer.length == length]
        return arguments.nth(timers)

    def _none(self, asked: Asked) -> Answer:
        some = any(alarm.kind == "timer" for alarm in self._book.all())
        return Answer(asked.words.say("timers", "no_such" if some else "none"), {"timers": []}, failed=True)

    def _which(self, timers: list[Alarm], arguments: WhichTimer, asked: Asked) -> Answer:
        self._book.ask(asking(self.name, arguments, asked, among=timers))
        labels = [label(timer, asked.words, asked.now.tzinfo) for timer in timers]
        told = asked.words.all_of(labels)
        if len(set(labels)) < len(labels):
            told = "; ".join(self._left_one(timer, asked) for timer in timers)
        speech = asked.words.say("timers", "which", list=told)
        return Answer(speech, {"timers": _facts(timers, self._book)}, failed=True)

    def _left_one(self, timer: Alarm, asked: Asked) -> str:
        """One of several, with the time that is left."""
        words = asked.words
        key = {"paused": "paused_one", "ringing": "ringing_one"}.get(timer.state, "left_one")
        name = label(timer, words, asked.now.tzinfo)
        return words.say("timers", key, label=name, duration=remaining(self._book.left(timer), words))

    def _say(self, key: str, timer: Alarm, asked: Asked) -> Answer:
        name = label(timer, asked.words, asked.now.tzinfo)
        left = remaining(self._book.left(timer), asked.words)
        speech = upper_first(asked.words.say("timers", key, label=name, duration=left))
        return Answer(speech, {"timers": _facts([timer], self._book)})


class CancelTimer(_OfTimers):
    """Cancel a timer, or all of them; one that rings is silenced."""

    name = "cancel_timer"

    async def answer(self, arguments: WhichTimer, asked: Asked) -> Answer:
        timers = self._chosen(arguments, asked)
        ringing = [timer for timer in timers if timer.state == "ringing"]
        if not timers:
            return self._none(asked)
        if arguments.which == "all":
            self._remove(timers)
            action: Action = "silence" if ringing else "none"
            return Answer(asked.words.say("timers", "cancelled_all"), {"cancelled": len(timers)}, action)
        if ringing:
            self._remove(ringing)
            return Answer("", {"silenced": len(ringing)}, "silence")
        if len(timers) > 1:
            return self._which(timers, arguments, asked)
        answer = self._say("cancelled", timers[0], asked)
        self._remove(timers)
        return answer

    def _remove(self, timers: list[Alarm]) -> None:
        for timer in timers:
            self._book.remove(timer)


class TimerStatus(_OfTimers):
    """Tell how long is left on the timers that are set."""

    name = "timer_status"

    async def answer(self, arguments: WhichTimer, asked: Asked) -> Answer:
        timers = self._chosen(arguments, asked)
        if not timers:
            answer = self._none(asked)
            return Answer(answer.speech, answer.data)
        if len(timers) == 1:
            return self._say({"paused": "paused", "ringing": "ringing"}.get(timers[0].state, "left"), timers[0], asked)
        said = "; ".join(self._left_one(timer, asked) for timer in timers)
        speech = asked.words.say("timers", "left_several", count=len(timers), list=said)
        return Answer(speech, {"timers": _facts(timers, self._book)})


class _OfOneTimer(_OfTimers):
    """What is done to exactly one timer."""

    async def answer(self, arguments: WhichTimer, asked: Asked) -> Answer:
        timers = self._among(self._chosen(arguments, asked))
        if not timers:
            return self._none(asked)
        if len(timers) > 1:
            return self._which(timers, arguments, asked)
        return self._do(timers[0], arguments, asked)

    def _among(self, timers: list[Alarm]) -> list[Alarm]:
        return timers

    def _do(self, timer: Alarm, arguments: WhichTimer, asked: Asked) -> Answer:
        raise NotImplementedError


class ChangeTimer(_OfOneTimer):
    """Add time to a timer or take time off it."""

    name = "change_timer"
    arguments = ChangeArguments

    def _do(self, timer: Alarm, arguments: WhichTimer, asked: Asked) -> Answer:
        assert isinstance(arguments, ChangeArguments)
        by = round(arguments.length().total_seconds()) * 1_000_000_000
        changed = self._book.extend(timer, by if arguments.change == "add" else -by)
        return self._say("changed", changed, asked)


class PauseTimer(_OfOneTimer):
    """Pause a running timer."""

    name = "pause_timer"

    def _among(self, timers: list[Alarm]) -> list[Alarm]:
        return [timer for timer in timers if timer.state == "waiting"]

    def _do(self, timer: Alarm, arguments: WhichTimer, asked: Asked) -> Answer:
        return self._say("paused_now", self._book.pause(timer), asked)


class UnpauseTimer(_OfOneTimer):
    """Let a paused timer run on."""

    name = "unpause_timer"

    def _among(self, timers: list[Alarm]) -> list[Alarm]:
        return [timer for timer in timers if timer.state == "paused"]

    def _none(self, asked: Asked) -> Answer:
        return Answer(asked.words.say("timers", "not_paused"), {"timers": []}, failed=True)

    def _do(self, timer: Alarm, arguments: WhichTimer, asked: Asked) -> Answer:
        return self._say("running_again", self._book.unpause(timer), asked)


def _facts(timers: list[Alarm], book: AlarmBook) -> list[JsonValue]:
    return [
        {"name": timer.name, "state": timer.state, "seconds_left": max(0, round(book.left(timer) / 1e9))}
        for timer in timers
    ]
