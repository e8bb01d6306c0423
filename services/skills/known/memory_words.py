"""The words of what was told: as they were said, and as they are said back."""

from __future__ import annotations

import re

__all__ = ["as_said", "told_back"]

_YOU = {
    "my": "your", "mine": "yours", "i": "you", "me": "you", "myself": "yourself", "am": "are", "i'm": "you're",
    "i've": "you've", "i'll": "you'll", "i'd": "you'd", "our": "your", "ours": "yours", "we": "you", "us": "you",
}  # fmt: skip
_KEPT_SMALL = ("the", "a", "an", "this", "that", "these", "those", "there", "it")


def as_said(slot: str, sentence: str) -> str:
    """What of the sentence fell into a slot, in the letters it was said in; the slot itself where it was reworded."""
    if not sentence or not slot:
        return slot.strip()
    said, wanted = sentence.split(), [_bare(word) for word in slot.split()]
    for start in range(len(said) - len(wanted), -1, -1):
        run = said[start : start + len(wanted)]
        if [_bare(word) for word in run] == wanted:
            return " ".join(run).strip(' \t\n.,;:!?"“”«»„')
    return slot.strip()


def _bare(word: str) -> str:
    return re.sub(r"[^\w']", "", word.replace("’", "'")).lower()


def told_back(text: str, language: str) -> str:
    """A statement of the person's as it is said to them: "my bike code is 4512" as "your bike code is 4512"."""
    if language != "en":
        return text
    words = text.split(" ")
    turned = [_YOU.get(word.lower().replace("’", "'").rstrip(",."), word) for word in words]
    if turned[0] == words[0] and words[0].lower() in _KEPT_SMALL:
        turned[0] = words[0].lower()
    return re.sub(r"\byou was\b", "you were", " ".join(turned))
