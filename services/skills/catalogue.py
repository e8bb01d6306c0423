"""The skills that exist, each made with what it needs."""

from __future__ import annotations

from concurrent.futures import Executor
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from services.skills.known.about import Courtesy, WhatCanYouDo, WhoAreYou
from services.skills.known.alarms import AlarmStatus, CancelAlarm, SetAlarm, Silence, Snooze
from services.skills.known.arithmetic import Calculate
from services.skills.known.chance import FlipCoin, RandomNumber, RollDice
from services.skills.known.clock import TellDate, TellTime, TimeDifference
from services.skills.known.meaning import CompareMeaning, EmbedText, SearchMemory
from services.skills.known.memory import (
    CorrectFact,
    ExplainMemory,
    ForgetMemory,
    RecallAbout,
    RecallFact,
    RememberFact,
)
from services.skills.known.recollection import RecallDay, RecallTalk
from services.skills.known.speaker import ChangeVolume, Repeat, Resume, Stop
from services.skills.known.timers import CancelTimer, ChangeTimer, PauseTimer, SetTimer, TimerStatus, UnpauseTimer
from services.skills.known.units import ConvertUnits
from services.skills.known.which import WhichOne
from services.skills.meaning import Meaning, NoMeaning
from services.skills.places import Places
from services.skills.remembering import Memory
from services.skills.ringing import AlarmBook
from services.skills.settings import SkillsSettings
from services.skills.skill import Skill

__all__ = ["catalogue"]


def catalogue(
    settings: SkillsSettings,
    *,
    book: AlarmBook,
    zone: ZoneInfo,
    thread: Executor,
    memory: Memory,
    meaning: Meaning | None = None,
) -> dict[str, Skill[Any]]:
    """Return every skill by name. `thread` is for blocking work, `memory` and `meaning` what those use that need it."""
    places, random = Places(), Random()
    askers = (CancelTimer(book), ChangeTimer(book), PauseTimer(book), UnpauseTimer(book), CancelAlarm(book))
    skills: tuple[Skill[Any], ...] = (
        TellTime(places, thread),
        TellDate(places, thread),
        TimeDifference(places, thread),
        SetTimer(book, most=settings.most_alarms),
        TimerStatus(book),
        *askers,
        WhichOne(book, askers),
        SetAlarm(book, zone, most=settings.most_alarms),
        AlarmStatus(book),
        Snooze(book, seconds=settings.snooze_s),
        Silence(book),
        Calculate(),
        ConvertUnits(),
        FlipCoin(random),
        RollDice(random),
        RandomNumber(random),
        Stop(book),
        Repeat(book),
        Resume(),
        ChangeVolume(book),
        WhoAreYou(),
        WhatCanYouDo(),
        Courtesy(),
        RememberFact(memory),
        CorrectFact(memory),
        RecallFact(memory),
        RecallAbout(memory),
        ExplainMemory(memory),
        ForgetMemory(memory),
        RecallDay(memory),
        RecallTalk(memory),
        *(_meant(meaning or NoMeaning(), memory) if settings.meaning else ()),
    )
    return {skill.name: skill for skill in skills}


def _meant(meaning: Meaning, memory: Memory) -> tuple[Skill[Any], ...]:
    return EmbedText(meaning), CompareMeaning(meaning), SearchMemory(memory)
