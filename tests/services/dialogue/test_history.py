"""The history: what the language model is told was said and heard."""

from __future__ import annotations

from services.dialogue.history import Exchange, messages
from services.dialogue.ledger import Ledger
from shared.events import WordMark


def exchange(asked: str, text: str, heard_words: int | None = None) -> Exchange:
    """A past turn of which so many words were heard (None: all, by reading)."""
    ledger = Ledger().sent("r", 0, text)
    at = 0
    for index, word in enumerate(text.split()):
        mark = WordMark(start=at, end=at + len(word), first_sample=index, until_sample=index + 1)
        ledger = ledger.marked("r", 0, 1, (mark,))
        at += len(word) + 1
    ledger = ledger.played("r", 0, heard_words or 0, 1, ended=heard_words == len(text.split()))
    return Exchange(1, asked, text, ledger, shown=heard_words is None, complete=True, real=True)


def told(*past: Exchange, asked: str = "and now?") -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in messages("Be brief.", past, asked)]


def test_the_model_is_told_the_words_that_were_heard_and_where_it_was_cut_off() -> None:
    assert told(exchange("a story", "Once upon a time", 2)) == [
        ("system", "Be brief."),
        ("user", "a story"),
        ("assistant", "Once upon —"),
        ("user", "and now?"),
    ]


def test_an_answer_that_was_heard_to_its_end_has_no_mark() -> None:
    assert told(exchange("a story", "Once upon a time", 4))[2] == ("assistant", "Once upon a time")


def test_an_answer_that_was_shown_counts_whole() -> None:
    assert told(exchange("a story", "Once upon a time"))[2] == ("assistant", "Once upon a time")


def test_a_question_whose_answer_nobody_heard_joins_the_next() -> None:
    assert told(exchange("a story", "Once upon a time", 0)) == [("system", "Be brief."), ("user", "a story\nand now?")]


def test_what_the_assistant_said_by_itself_never_stands_first_and_joins_the_answer_before_it() -> None:
    alarm = exchange("", "Your tea is ready.", 4)
    assert told(alarm) == [("system", "Be brief."), ("user", "and now?")]
    assert told(exchange("tea", "In a minute.", 3), alarm)[2] == ("assistant", "In a minute.\nYour tea is ready.")


def test_without_a_system_prompt_there_is_no_system_message() -> None:
    assert [m.role for m in messages("", (), "hello")] == ["user"]
