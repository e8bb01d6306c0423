"""What people tell of themselves, how the assistant takes it, and how it is asked for later in the conversation."""

# fmt: off
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random

from scripts.builtin.phrases import draw, drawn_from
from scripts.builtin.slots import person_or_invented, slot
from scripts.builtin.words import LISTS, invented, number_words

__all__ = ["FACTS", "FAVOURITES", "Fact", "fact", "never_told"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was told. `key` is what it is about: a later fact of the same key replaces it."""

    key: str
    told: str
    taken: str
    asked: str
    answer: str
    unknown: str
    """The answer when it was never told."""
    noted: str
    """As a note from an earlier conversation has it."""
    value: str
    """What of it is to be copied."""


FACTS: dict[str, dict[str, list[str]]] = tomllib.loads(Path(__file__).with_name("facts.toml").read_text("utf-8"))["kind"]

FAVOURITES = {
    "colour": "colour", "color": "colour", "food": "food", "dish": "food", "meal": "food", "drink": "drink", "animal": "wild", "season": "season",
    "sport": "sport", "hobby": "hobby", "instrument": "instrument", "language": "language", "day": "weekday", "month": "month", "city": "city",
    "country": "country", "flower": "common", "book": "invented", "song": "invented", "band": "invented", "singer": "person", "movie": "invented",
    "film": "invented", "game": "invented", "author": "person", "actor": "person", "fruit": "food", "number": "number", "artist": "invented",
    "restaurant": "invented", "teacher": "person", "word": "common", "place": "city", "vegetable": "food", "subject": "invented", "car": "invented", "team": "invented", "toy": "common", "tree": "common", "ice cream": "common", "series": "invented", "show": "invented",
}  # fmt: skip
_OWN = {"home": "city", "job": "job", "hobby": "hobby", "dislike": "food", "allergy": "food", "drink": "drink", "plan": "activity"}
_WEIGHTS = {"name": 4, "favourite": 4, "pet": 2, "relation": 2, "thing": 4, "home": 2, "job": 2}


def fact(random: Random, kind: str = "") -> Fact:
    """Draw something that somebody may tell."""
    kind = kind or random.choices(list(FACTS), [_WEIGHTS.get(name, 1) for name in FACTS])[0]
    key, value = _about(kind, random)
    forms = FACTS[kind]
    fill = slot(random, k=key, v=value)

    def say(part: str) -> str:
        return drawn_from(forms[part], random, fill)

    taken = say("taken")
    if taken.startswith(value):
        taken = f"Oh, {taken}"  # what is copied begins with a space, as it did where it was said
    return Fact(f"{kind} {key}", say("told"), taken, say("asked"), say("answer"), say("unknown"), say("noted"), value)


def never_told(random: Random, told: set[str]) -> Fact:
    """A fact that is asked for and was never told, often one that is much like another that was."""
    like = [kind for key in sorted(told) for kind, _, about in [key.partition(" ")] if about]
    while True:
        drawn = fact(random, random.choice(like) if like and random.random() < 0.6 else "")
        if drawn.key not in told:
            return drawn


def _about(kind: str, random: Random) -> tuple[str, str]:
    strange = random.random() < 0.55
    if kind == "favourite":
        key = random.choice(list(FAVOURITES))
        return key, random.choice((invented(random), invented(random).lower())) if strange else _value(FAVOURITES[key], random)
    if kind == "pet":
        return random.choice(LISTS["animal"]), person_or_invented(random)
    if kind == "relation":
        return random.choice(LISTS["relation"]), _titled(person_or_invented(random), random)
    if kind == "thing":
        kind_of_key = random.random()
        key = random.choice(LISTS["thing"]) if kind_of_key < 0.6 else random.choice(LISTS["common"])
        if kind_of_key > 0.8:
            key += f" {random.choice(('spot', 'number', 'place', 'code', 'word', 'date', 'size', 'key', 'box', 'room', 'group', 'card'))}"
        return key, _value(random.choice(("number", "number", "invented", "invented", "common", "colour", "city", "person")), random)
    if kind == "age":
        years = random.randint(5, 99)
        return "", number_words(years) if random.random() < 0.4 else str(years)
    if kind == "name":
        return "", _titled(invented(random) if random.random() < 0.7 else random.choice(LISTS["person"]), random)
    if kind == "job" and strange:
        return "", invented(random).lower() + random.choice(("er", "smith", " maker", " seller", "ist", "keeper", "wright"))
    return "", _value(_OWN[kind], random) if not strange or kind in ("plan", "job") else invented(random).lower() if kind != "home" else invented(random)


def _titled(name: str, random: Random) -> str:
    """A name, now and then with what stands before or after it."""
    if random.random() < 0.85:
        return name
    return random.choice((f"{random.choice(('Mister', 'Doctor', 'Professor', 'Mrs', 'Aunt', 'Captain'))} {name}", f"{name} {invented(random)}"))


def _value(name: str, random: Random) -> str:
    if name == "invented":
        words = [invented(random)] if random.random() < 0.6 else [random.choice(LISTS["common"]).capitalize() for _ in range(2)]
        return draw(random.choice(("{x}", "{x}", "the {x}")), random, {"x": " ".join(words)})
    if name == "number":
        return _code(random) if random.random() < 0.3 else _digits(random.randint(1, 6), random)
    if name == "person":
        return person_or_invented(random)
    return random.choice(LISTS[name])


def _code(random: Random) -> str:
    """Numbers one after the other, or letters, with digits or without."""
    if random.random() < 0.5:
        return " ".join(_digits(random.randint(1, 3), random) for _ in range(random.randint(2, 4)))
    letters = "".join(random.choice("ABCDEFGHKLMNOPQRSTXYZ") for _ in range(random.randint(1, 3)))
    if len(letters) > 1 and random.random() < 0.2:
        return letters
    return f"{letters}{random.choice(('', ' ', '-'))}{_digits(random.randint(1, 4), random)}"


def _digits(count: int, random: Random) -> str:
    return "".join(random.choice("0123456789") for _ in range(count))
