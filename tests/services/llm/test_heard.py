"""A form may leave the words of the conversation open, and gets them whole."""

from __future__ import annotations

from services.llm.heard import alternatives, with_heard
from shared.events import Message

FORM = 'root ::= " " heard\n'


def said(*texts: str) -> list[Message]:
    return [Message(role="user", content=text) for text in texts]


def test_the_words_that_were_said_fill_the_rule() -> None:
    assert with_heard(FORM, said("Anna, 42!")) == f'{FORM}heard ::= "4" ("2") | "A" ("nna") | "a" ("nna")\n'


def test_words_of_one_beginning_stand_together() -> None:
    assert alternatives(["pear", "plum", "fig", "p"]) == '"f" ("ig") | "p" ("ear" | "lum" | "")'


def test_a_form_that_asks_for_none_stays_as_it_is() -> None:
    assert with_heard('root ::= "unheard"\n', said("Anna")) == 'root ::= "unheard"\n'
    assert with_heard('root ::= heard\nheard ::= "x"\n', said("Anna")) == 'root ::= heard\nheard ::= "x"\n'


def test_what_would_end_a_text_or_be_a_mark_of_the_template_is_no_word() -> None:
    assert with_heard(FORM, said('a"b <|end_| \\n \x00 …')).splitlines()[1] == (
        'heard ::= "A" ("") | "B" ("") | "E" ("nd") | "N" ("") | "a" ("") | "b" ("") | "e" ("nd") | "n" ("")'
    )


def test_where_nothing_was_said_there_is_still_a_rule() -> None:
    assert "heard ::=" in with_heard(FORM, [])


def test_only_the_last_words_of_a_long_conversation_are_taken() -> None:
    words = with_heard(FORM, said("first", *(f"word{n}" for n in range(900)), "last"))
    assert '"ast"' in words
    assert '"irst"' not in words
