"""What people say, brought to the plain form that sentence templates are written in."""

from __future__ import annotations

from services.skills.spoken.numerals import digits
from services.skills.spoken.tidy import Habits, tidy

__all__ = ["Habits", "digits", "tidy"]
