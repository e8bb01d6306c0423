"""The grammar of what skills understand: sentence templates to a graph of words, and how those words sound."""

from __future__ import annotations

from services.stt.grammar.automaton import RARE, GrammarTooLarge, WordGraph
from services.stt.grammar.compiled import Grammar, GrammarShelf
from services.stt.grammar.templates import SentencesMalformed, compile_sentences, spoken_form

__all__ = [
    "RARE",
    "Grammar",
    "GrammarShelf",
    "GrammarTooLarge",
    "SentencesMalformed",
    "WordGraph",
    "compile_sentences",
    "spoken_form",
]
