"""Skills' sentence templates (hassil) as a graph of word sequences: what a grammar decoder can search.

Sequences, alternatives, optionals, permutations, lists, number ranges and expansion rules are followed; a wildcard or
an unknown list has no words of its own, so the sentences through it are left to dictation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from services.stt.grammar.automaton import EMPTY, RARE, SPACE, GrammarTooLarge, Pieces, WordGraph
from shared.errors import SottoError
from shared.logs import get_logger

if TYPE_CHECKING:
    from hassil.expression import Expression, Sentence
    from hassil.intents import IntentData, Intents, SlotList

__all__ = ["SentencesMalformed", "compile_sentences", "spoken_form"]

_log = get_logger("stt")

_MAX_ARCS = 200_000
_MAX_VALUES = 1500
"""Values of one list, or numbers of one range, that a grammar takes; a decoder confuses longer lists anyway."""
_MAX_PERMUTATION = 4
_SHORTEST_POLITE = 4
_MAX_DEPTH = 24
_NOT_SPOKEN = re.compile(r"[^\w' ]+")
_NUMBER = re.compile(r"\d+")


class SentencesMalformed(SottoError):
    """The skills' sentences are no valid intents document."""


def compile_sentences(document: Mapping[str, JsonValue], language: str) -> WordGraph:
    """Return the graph of every sentence of an intents document in hassil's format.

    Raises SentencesMalformed for what hassil cannot read and GrammarTooLarge beyond 200,000 arcs.
    """
    import hassil  # noqa: F401 (the package before its modules: another thread that does so too cannot deadlock)
    from hassil.intents import Intents
    from hassil.parser import ParseError

    try:
        intents = Intents.from_dict({"language": language, **document})
        return _Compiler(intents, language).compile()
    except (KeyError, TypeError, AttributeError, AssertionError, ValueError, ParseError) as error:
        raise SentencesMalformed(
            f"The skills' sentences for {language!r} cannot be read: {error!r}.",
            remedy="Recognition works without a grammar; report the skill that registered them.",
        ) from error


def spoken_form(text: str, language: str) -> str:
    """Return `text` as its words are spoken: lower case, digits as words, no punctuation; outer spaces kept."""
    text = _NUMBER.sub(lambda digits: f" {_number(int(digits[0]), language)} ", text)
    text = unicodedata.normalize("NFC", text.lower()).replace("’", "'")
    return _NOT_SPOKEN.sub(" ", text.replace("_", " "))


def _number(value: int, language: str) -> str:
    from hassil.numbers import get_rbnf_engine

    try:
        words = get_rbnf_engine(language).format_number(value).text
    except ValueError:
        return str(value)
    return _NOT_SPOKEN.sub(" ", words.lower().replace("\u00ad", "")).strip()


class _Compiler:
    def __init__(self, intents: Intents, language: str) -> None:
        self._intents = intents
        self._language = language
        self._pieces = Pieces(_MAX_ARCS)
        self._ranges: dict[range, WordGraph] = {}
        self._left_out: set[str] = set()

    def compile(self) -> WordGraph:
        start = self._polite(0, self._intents.skip_words)
        end = self._pieces.state()
        for intent in self._intents.intents.values():
            for data in intent.data:
                for sentence in data.sentences:
                    self._join(self._expression(sentence.expression, start, data, 0), end)
        # Behind a sentence only "please": a phrase of several words, as "could you", opens the next one.
        self._pieces.finals.add(self._polite(end, [word for word in self._intents.skip_words if " " not in word]))
        if self._left_out:
            _log.info("left to dictation", lists=sorted(self._left_out), language=self._language)
        return self._pieces.words()

    def _polite(self, source: int, phrases: Iterable[str]) -> int:
        """Words that may be skipped, at most one phrase of them, with room for a sentence on either side.

        They are marked, so that the decoder takes them only where it clearly hears them; what is shorter than
        `_SHORTEST_POLITE` letters it would hear everywhere.
        """
        source = self._pieces.text(source, SPACE)
        target = self._pieces.state()
        self._pieces.arc(source, EMPTY, target)
        for phrase in phrases:
            words = [word + RARE for word in spoken_form(phrase, self._language).split()]
            if sum(map(len, words)) - len(words) >= _SHORTEST_POLITE:
                self._join(self._pieces.text(source, SPACE.join(["", *words, ""])), target)
        return target

    def _expression(self, expression: Expression, source: int, data: IntentData, depth: int) -> int | None:
        """Add the paths of an expression; return the state behind it, or None when there is no way through."""
        from hassil import expression as e

        if depth > _MAX_DEPTH:
            raise GrammarTooLarge("The skills' expansion rules refer to themselves.")
        match expression:
            case e.TextChunk():
                return self._pieces.text(source, spoken_form(expression.original_text, self._language))
            case e.Alternative():
                return self._choice(list(expression.items), source, data, depth)
            case e.Permutation():
                return self._permutation(list(expression.items), source, data, depth)
            case e.Group():
                return self._sequence(list(expression.items), source, data, depth)
            case e.ListReference():
                return self._list(expression, source, data, depth)
            case e.RuleReference():
                rule = self._rule(expression.rule_name, data)
                return self._expression(rule.expression, source, data, depth + 1) if rule else None
            case _:
                return None

    def _sequence(self, items: list[Expression], source: int | None, data: IntentData, depth: int) -> int | None:
        for item in items:
            if source is None:
                return None
            source = self._expression(item, source, data, depth + 1)
        return source

    def _choice(self, items: list[Expression], source: int, data: IntentData, depth: int) -> int | None:
        ends = [end for item in items if (end := self._expression(item, source, data, depth + 1)) is not None]
        if not ends:
            return None
        target = self._pieces.state()
        for end in ends:
            self._pieces.arc(end, EMPTY, target)
        return target

    def _permutation(self, items: list[Expression], source: int, data: IntentData, depth: int) -> int | None:
        if len(items) <= 1 or len(items) > _MAX_PERMUTATION:
            return self._sequence(items, source, data, depth)
        target = self._pieces.state()
        found = False
        for index, item in enumerate(items):
            first = self._expression(item, self._pieces.text(source, SPACE), data, depth + 1)
            if first is None:
                continue
            rest = items[:index] + items[index + 1 :]
            end = self._permutation(rest, self._pieces.text(first, SPACE), data, depth + 1)
            found |= end is not None
            self._join(end, target)
        return target if found else None

    def _list(self, reference: object, source: int, data: IntentData, depth: int) -> int | None:
        from hassil.expression import ListReference
        from hassil.intents import RangeSlotList, TextSlotList

        assert isinstance(reference, ListReference)
        inline = reference.get_inline_range()
        slots = (
            RangeSlotList(None, inline[0], inline[1], inline[2]) if inline else self._slots(reference.list_name, data)
        )
        target = self._pieces.state()
        match slots:
            case RangeSlotList():
                numbers = range(slots.start, slots.stop + 1, slots.step)
                self._pieces.graph(source, self._numbers(numbers[:_MAX_VALUES]), target)
            case TextSlotList():
                if len(slots.values) > _MAX_VALUES:
                    self._left_out.add(reference.list_name)
                for entry in slots.values[:_MAX_VALUES]:
                    self._join(self._expression(entry.text_in, source, data, depth + 1), target)
            case _:
                self._left_out.add(reference.list_name)
                return None
        return target

    def _numbers(self, values: range) -> WordGraph:
        """The minimal graph of the numbers' words: a thousand of them share a hundred arcs."""
        if values not in self._ranges:
            said = Pieces(_MAX_ARCS)
            for value in values:
                words = f"minus {_number(-value, self._language)}" if value < 0 else _number(value, self._language)
                said.finals.add(said.text(0, words))
            self._ranges[values] = said.words()
        return self._ranges[values]

    def _slots(self, name: str, data: IntentData) -> SlotList | None:
        return data.slot_lists.get(name) or self._intents.slot_lists.get(name)

    def _rule(self, name: str, data: IntentData) -> Sentence | None:
        rule = data.expansion_rules.get(name) or self._intents.expansion_rules.get(name)
        if rule is None:
            self._left_out.add(f"<{name}>")
        return rule

    def _join(self, end: int | None, target: int) -> None:
        if end is not None:
            self._pieces.arc(end, EMPTY, target)
