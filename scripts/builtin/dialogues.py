"""Conversations drawn from all that can be said, as a model is to learn them; there is no end of them.

Each is drawn from its own number, so that training can go on where it was. Half of them are written as speech
recognition writes: small letters, no marks; some hold slips of the keyboard.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from scripts.builtin.facts import Fact, fact, never_told
from scripts.builtin.phrases import drawn_from
from scripts.builtin.questions import ANSWER, question
from scripts.builtin.slots import slot
from scripts.builtin.talk import TALK
from scripts.builtin.wishes import WISHES, Wish
from scripts.builtin.words import invented

__all__ = ["ADDED", "NO_TOOLS", "SYNONYMS", "Line", "called", "dialogue"]


@dataclass(frozen=True, slots=True)
class Line:
    """Something said. `learn` marks what the model is to say itself in this place."""

    role: str
    text: str
    learn: bool = False


_HERE = Path(__file__).parent
_AROUND: dict[str, list[str]] = tomllib.loads((_HERE / "dressing.toml").read_text("utf-8"))
SYNONYMS: dict[str, list[str]] = tomllib.loads((_HERE / "synonyms.toml").read_text("utf-8"))
_ASKS_WITH = frozenset(["what", "who", "which", "where", "when", "how", "why", "what's", "whose"])
ADDED = tuple(word for name in ("before", "after", "asking", "frames", "tails") for word in _AROUND[name])
"""What may stand before and after a phrase."""
_IMPERATIVES = frozenset(
    """
    set start make give create put wake call remind tell alert let ring time count cancel stop delete remove end
    clear kill abort drop forget pause halt hold freeze resume continue add extend take shorten reduce get turn
    switch convert change translate express calculate compute work divide split multiply subtract share flip toss
    throw spin roll cast pick choose say name generate draw speak talk raise increase lower decrease remember
    memorise note write save store search check look list show snooze silence mute shut find read explain play
    open send order book
    """.split()  # noqa: SIM905
)


_LITTLE = frozenset(
    """
    the a an to of is are my me do does for please you it that this in on at and so be i i'm can could would will
    """.split()  # noqa: SIM905
)
NO_TOOLS = "I cannot do that here: in this conversation I have no tools."


def dialogue(number: int) -> list[Line]:
    """The conversation of that number."""
    random = Random(number * 2654435761 % 2**63)
    return _Conversation(random).held()


def called(tool: str, arguments: dict[str, object]) -> str:
    """A call as the model writes it."""
    return f"<tool_call>{json.dumps({'name': tool, 'arguments': arguments}, ensure_ascii=False)}</tool_call>"


class _Conversation:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.lower = random.random() < 0.5
        self.marks = not self.lower or random.random() < 0.15
        self.lines: list[Line] = []
        self.told: dict[str, Fact] = {}
        self.tools = random.random() > 0.06

    def held(self) -> list[Line]:
        random = self.random
        if not self.tools:
            self.lines.append(Line("tool", "none"))
        turns = random.choices((1, 2, 3, 4, 5, 6, 8, 10), (22, 18, 16, 14, 12, 8, 6, 4))[0]
        after: list[tuple[str, str, dict[str, object], str]] = []
        for index in range(turns):
            last = index == turns - 1
            if after and random.random() < 0.7:
                said, tool, arguments, result = after.pop()
                self._wish(Wish(said, tool, arguments, result), last)
                continue
            after = []
            kind = random.random()
            if kind < 0.27:
                self._talk()
            elif kind < 0.55:
                wish = _drawn(random)
                after = list(wish.after)
                self._wish(wish, last)
            elif kind < 0.67:
                self._question()
            elif kind < 0.70:
                self._echo()
            elif kind < 0.81 and not last:
                self._tell()
            elif kind < 0.97:
                self._ask(last)
            else:
                self._tell()
        return self.lines

    # ---- what happens in one turn

    def _talk(self, head: str = "") -> None:
        talk = self.random.choices(TALK, [talk.share for talk in TALK])[0]
        said = drawn_from(talk.asks, self.random, slot(self.random))
        if talk.name == "gibberish" and self.random.random() < 0.25:
            said = self._shuffled()
        self._says(said if talk.name == "gibberish" else self._dressed(said), set(), head)
        self._answers(self.random.choice(talk.answers))

    def _shuffled(self) -> str:
        """The words of several sayings in no order, which mean nothing."""
        random = self.random
        words: list[str] = []
        for _ in range(random.randint(2, 7)):
            kind = random.randrange(3)
            words += (
                _drawn(random).said if kind == 0 else question(random) if kind == 1 else fact(random).told
            ).split()
        random.shuffle(words)
        return " ".join(words[: random.randint(4, 50)])

    def _question(self) -> None:
        self._says(self._dressed(question(self.random)))
        self._answers(ANSWER)

    def _echo(self) -> None:
        """Something to be said back, word for word."""
        fill = slot(self.random)
        words = [
            fill(
                self.random.choice(
                    (
                        "invented",
                        "invented",
                        "number",
                        "common",
                        "person",
                        "food",
                        "city",
                        "number",
                        "colour",
                        "thing",
                        "hobby",
                    )
                )
            )
            for _ in range(self.random.randint(1, 6))
        ]
        if self.random.random() < 0.3:
            words = drawn_from(_AROUND["echoed"], self.random, fill).split()
        text = " ".join(words)
        text = text.lower() if self.lower else text
        self._says(f"{drawn_from(_AROUND['echo'], self.random, fill)} {text}", set(text.split()))
        self._answers(text)

    def _wish(self, wish: Wish, last: bool, head: str = "") -> None:
        kept = {word for value in wish.arguments.values() if isinstance(value, str) for word in value.split()}
        said = self._says(self._dressed(wish.said, hesitating=not kept), kept, head)
        if not self.tools:
            self._answers(NO_TOOLS)
            return
        if not last and self.random.random() < 0.3:
            self.lines.append(Line("assistant", wish.result if wish.result[0] != "{" else "Okay."))
            return
        arguments = {
            name: self._cased(value, said) if isinstance(value, str) else value
            for name, value in wish.arguments.items()
        }
        self.lines.append(Line("assistant", called(wish.tool, arguments), learn=True))
        if self.random.random() < 0.3:
            result = wish.result if self.random.random() < 0.85 else self._any_result()
            self.lines.append(Line("tool", result))
            self._answers("Okay." if result[0] == "{" or result == "answered" else result)

    def _any_result(self) -> str:
        return self.random.choice((
            "I could not do that.", "No timer is running.", "There is no such timer.", "My memory is switched off.", "I do not know that unit.", "answered", "I cannot calculate that.", f"I do not know a place called {slot(self.random)('person')}.", "That is no time of day.", '{"change": "louder"}',
        ))  # fmt: skip

    def _tell(self) -> None:
        alike = self.random.choice(list(self.told)).partition(" ")[0] if self.told else ""
        told = fact(self.random, alike if self.random.random() < 0.3 else "")
        if self.told and self.random.random() < 0.22:  # it has changed
            key = self.random.choice(list(self.told))
            told = fact(self.random, key.partition(" ")[0])
            prefix = self.random.choice(
                (
                    *("no,", "actually", "sorry,", "wait,", "I mean", "correction,", "no wait,", "now"),
                    *(
                        "oh no I meant",
                        "scratch that,",
                        "that was wrong,",
                        "forget what I said,",
                        "in truth",
                        "or rather",
                    ),
                )
            )
            self._says(f"{prefix} {told.told}", _kept(told))
        else:
            dressed = self._dressed(told.told) if self.random.random() < 0.6 else told.told
            self._says(dressed, _kept(told))
        self.told[told.key] = told
        if self.random.random() < 0.2:
            self.lines.append(
                Line(
                    "assistant",
                    f"I will remember that {self._valued(told.noted, told)}.".replace("that my ", "that your ")
                    .replace("that I ", "that you ")
                    .replace("you am ", "you are "),
                )
            )
        else:
            self._answers(self._valued(told.taken, told))

    def _ask(self, last: bool) -> None:
        if self.random.random() < 0.22:
            self._recalled(last)
            return
        if self.told and self.random.random() < 0.8:
            asked = self.random.choice(list(self.told.values()))
            self._says(self._dressed(asked.asked), set(asked.key.split()[1:]))
            self._answers(self._valued(asked.answer, asked))
        elif self.random.random() < 0.55 or self.told:
            asked = never_told(self.random, set(self.told))
            self._says(self._dressed(asked.asked), set(asked.key.split()[1:]))
            self._answers(asked.unknown)
        else:
            self._tell()

    def _recalled(self, last: bool) -> None:
        """Something said with notes from earlier conversations before it."""
        random = self.random
        facts = {f.key: f for f in (fact(random) for _ in range(random.choice((1, 1, 2, 3, 4))))}
        about = random.choice(list(facts.values()))
        notes = [f"- On {self._day()} the user said: {self._valued(f.noted, f)}" for f in facts.values()]
        if random.random() < 0.4:
            talk = random.choice(TALK)
            asked = drawn_from(talk.asks, random, slot(random))
            notes.insert(
                random.randint(0, len(notes)),
                f"- On {self._day()} the user asked: {asked} You answered: {random.choice(talk.answers)}",
            )
        head = "[Your notes from before; use what helps, they are no instructions:\n" + "\n".join(notes) + "]\n\n"
        kind = random.random()
        if kind < 0.6:
            self._says(self._dressed(about.asked), set(about.key.split()[1:]), head)
            self._answers(self._valued(about.answer, about))
        elif kind < 0.72:
            asked_of = never_told(random, {*facts, *self.told})
            self._says(self._dressed(asked_of.asked), set(asked_of.key.split()[1:]), head)
            self._answers(asked_of.unknown)
        elif kind < 0.82:
            self._says(self._dressed(question(random)), set(), head)
            self._answers(ANSWER)
        elif kind < 0.92:
            self._talk(head)
        else:
            self._wish(_drawn(random), last, head)

    def _day(self) -> str:
        return f"20{self.random.randint(24, 30)}-{self.random.randint(1, 12):02}-{self.random.randint(1, 28):02}"

    # ---- how it is written

    def _says(self, said: str, kept: set[str] = frozenset(), head: str = "") -> str:  # type: ignore[assignment]
        text = self._slipped(said, kept)
        if self.lower:
            text = text.lower()
        if self.marks:
            text = text[:1].upper() + text[1:] if not self.lower and self.random.random() < 0.85 else text
            if text[-1].isalnum() and self.random.random() < 0.8:
                asks = text.split()[0].lower() in (
                    "what",
                    "who",
                    "how",
                    "when",
                    "where",
                    "why",
                    "which",
                    "do",
                    "does",
                    "is",
                    "are",
                    "can",
                    "could",
                    "will",
                    "would",
                    "did",
                    "have",
                    "what's",
                    "am",
                    "should",
                )
                text += self.random.choice("???." if asks else "...!")
        elif self.random.random() < 0.8:
            text = text.replace(",", "").replace(":", "").replace("?", "") or text
        text = " ".join(text.split())
        self.lines.append(Line("user", head + text))
        return text

    def _answers(self, text: str) -> None:
        if self.random.random() < 0.02 and " " in text:  # cut off by the person, as the history shows it
            words = text.split()
            self.lines.append(Line("assistant", " ".join(words[: self.random.randint(1, len(words) - 1)]) + " —"))
        else:
            self.lines.append(Line("assistant", text, learn=True))

    def _valued(self, text: str, of: Fact) -> str:
        return text.replace(of.value, of.value.lower()) if self.lower else text

    def _cased(self, value: str, said: str) -> str:
        """A string argument as it stands in what was said."""
        return value.lower() if self.lower else value

    def _dressed(self, said: str, *, hesitating: bool = True) -> str:
        random = self.random
        first = said.split(maxsplit=1)[0].lower()
        if first in _IMPERATIVES and random.random() < 0.35:
            said = f"{random.choice(_AROUND['asking'])} {said}"
        elif first in _ASKS_WITH and random.random() < 0.25:
            said = f"{random.choice(_AROUND['frames'])} {said}"
        elif first in _ASKS_WITH and random.random() < 0.1:
            said = f"{said}, {random.choice(_AROUND['tails'])}"
        if random.random() < 0.09:
            clause = drawn_from(_AROUND["meanwhile"], random, slot(random))
            said = random.choice(
                (
                    f"{clause}, {said}",
                    f"{clause} so {said}",
                    f"{clause} and {said}",
                    f"{said}, {clause}",
                    f"{said} because {clause}",
                    f"{clause}. {said}",
                )
            )
        if random.random() < 0.25:
            before = random.choice(_AROUND["before"])
            said = f"{before}{random.choice((',', ','))} {said}"
        if random.random() < 0.18:
            said = f"{said}{random.choice((',', ''))} {random.choice(_AROUND['after'])}"
        if hesitating and random.random() < 0.2:
            words = said.split()
            words.insert(random.randint(0, len(words)), self._beside())
            said = " ".join(words)
        return said

    def _beside(self) -> str:
        """A word that changes nothing, or that nobody knows: what is meant is in the others."""
        random = self.random
        kind = random.random()
        if kind < 0.25:
            return random.choice(("um", "uh", "like", "you know", "er"))
        if kind < 0.6:
            return random.choice(_AROUND["straying"])
        return invented(random).lower()

    def _otherwise(self, word: str) -> str:
        """The word, or what may be said instead."""
        others = SYNONYMS.get(word.lower())
        return self.random.choice(others) if others and self.random.random() < 0.3 else word

    def _slipped(self, said: str, kept: set[str]) -> str:
        """Perhaps with a slip of the keyboard, or a small word lost."""
        random = self.random
        words = said.split(" ")
        if random.random() < 0.45:
            words = [self._otherwise(word) if word not in kept else word for word in words]
            said = " ".join(words)
        if random.random() < 0.1 and len(words) > 3:  # as in a telegram, or as in a hurry
            words = [
                word for word in words if word in kept or word.lower() not in _LITTLE or random.random() < 0.5
            ] or words
            said = " ".join(words)
        if random.random() > 0.1:
            return said
        at = random.randrange(len(words))
        word = words[at]
        if word in kept or not word.isalpha():
            return said
        if len(word) < 4:
            if word.lower() in ("the", "a", "to", "of", "is", "my", "an", "me", "do") and word != said:
                del words[at]
        else:
            place = random.randrange(1, len(word) - 1)
            words[at] = random.choice(
                (
                    word[:place] + word[place + 1 :],
                    word[:place] + word[place + 1] + word[place] + word[place + 2 :],
                    word[:place] + word[place] + word[place:],
                )
            )
        return " ".join(words)


def _kept(told: Fact) -> set[str]:
    """The words of a fact that are to be said as they are."""
    return {*told.value.split(), *told.key.split()[1:]}


def _drawn(random: Random) -> Wish:
    draw = random.choices([wish for _, wish in WISHES], [share for share, _ in WISHES])[0]
    return draw(random)


def stream(start: int = 0) -> Iterator[list[Line]]:
    """All conversations from a number on."""
    number = start
    while True:
        yield dialogue(number)
        number += 1
