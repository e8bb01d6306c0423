"""The words that the model says by itself: those of all answers that it learns, without what is copied into them."""

from __future__ import annotations

import re

from scripts.builtin.dialogues import NO_TOOLS
from scripts.builtin.facts import FACTS, FAVOURITES
from scripts.builtin.questions import ANSWER
from scripts.builtin.talk import TALK
from scripts.builtin.words import LISTS

__all__ = ["WORDS"]

_ABOUT = (*FAVOURITES, *(word for name in ("animal", "relation") for word in LISTS[name]))
"""What a question may be about that is asked without its name."""

_ANSWERS: tuple[str, ...] = (
    ANSWER,
    NO_TOOLS,
    "Okay. Oh, I will remember that you are, that your",
    *(answer for talk in TALK for answer in talk.answers),
    *(
        re.sub(r"\{\w+\}", "", answer)
        for forms in FACTS.values()
        for name in ("taken", "answer", "unknown", "noted")
        for answer in forms[name]
    ),
    *_ABOUT,
)

WORDS = tuple(dict.fromkeys(filter(None, (word.strip(".,!?:") for answer in _ANSWERS for word in answer.split()))))
