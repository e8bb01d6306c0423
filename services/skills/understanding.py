"""Chooses among the readings of a sentence: the first whose skill accepts the arguments and finds that they fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from services.skills.matcher import Match
from services.skills.skill import Arguments, Asked, Skill

__all__ = ["understood"]


def understood(
    matches: Iterable[Match], skills: Mapping[str, Skill[Any]], asked: Asked
) -> tuple[Skill[Any], Arguments] | None:
    """Return the skill that is asked for and its arguments; None when no reading, the best first, is meant for one."""
    for match in matches:
        skill = skills[match.skill]
        try:
            arguments = skill.arguments.model_validate(match.slots)
        except ValidationError:
            continue
        if skill.fits(arguments, asked):
            return skill, arguments
    return None
