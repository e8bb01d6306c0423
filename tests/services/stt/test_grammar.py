"""The grammar: hassil's templates as a graph of whole words, and how missing words are pronounced."""

from __future__ import annotations

import pytest

from services.stt.grammar import GrammarTooLarge, SentencesMalformed, compile_sentences, spoken_form
from services.stt.grammar.automaton import Pieces
from services.stt.grammar.lexicon import arpabet, pronounce


def document(*sentences: str, **rest: object) -> dict[str, object]:
    return {"intents": {"Test": {"data": [{"sentences": list(sentences)}]}}, **rest}


def accepts(sentence: str, template: str, **rest: object) -> bool:
    return compile_sentences(document(template, **rest), "en").accepts(sentence.split())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("turn (on|off) the light[s]", "turn off the lights"),
        ("turn (on|off) the light[s]", "turn on the light"),
        ("[please] stop", "stop"),
        ("what's the time", "what's the time"),
        ("(turn on;the light)", "the light turn on"),
        ("Stop, now!", "stop now"),
        ("<verb> {thing}", "open new york"),
        ("set {n} minute[s]", "set twenty five minutes"),
        ("set {n} minute[s]", "set one minute"),
        ("volume {0..100,10:level}", "volume fifty"),
        ("wait 5 minutes", "wait five minutes"),
        ("un[b]lock", "unblock"),
    ],
)
def test_a_sentence_of_a_template_is_accepted(template: str, sentence: str) -> None:
    rest = {
        "lists": {"thing": {"values": ["door", "new york"]}, "n": {"range": {"from": 1, "to": 60}}},
        "expansion_rules": {"verb": "(open|close)"},
    }
    assert accepts(sentence, template, **rest)


@pytest.mark.parametrize("sentence", ["turn the light", "turn on the", "turn on off the light", "turn on the lightss"])
def test_what_the_template_does_not_say_is_refused(sentence: str) -> None:
    assert not accepts(sentence, "turn (on|off) the light[s]")


def test_skip_words_may_stand_around_a_sentence_but_not_in_it() -> None:
    graph = compile_sentences(document("stop it", skip_words=["please", "could you"]), "en")  # type: ignore[arg-type]
    assert all(graph.accepts(s.split()) for s in ("stop it", "please stop it", "could you stop it please"))
    assert not graph.accepts(["stop", "please", "it"])
    assert not graph.accepts(["stop", "it", "could", "you"]), "what opens a sentence does not end one"


def test_sentences_through_a_wildcard_or_an_unknown_list_are_left_out() -> None:
    graph = compile_sentences(
        document("say {anything}", "play {missing}", "stop", lists={"anything": {"wildcard": True}}), "en"
    )  # type: ignore[arg-type]
    assert graph.vocabulary == {"stop"}


def test_leaving_words_out_leaves_out_their_sentences_alone() -> None:
    graph = compile_sentences(document("go to {city}", lists={"city": {"values": ["oslo", "łódź"]}}), "en")  # type: ignore[arg-type]
    smaller = graph.without(frozenset({"łódź"}))
    assert smaller.accepts(["go", "to", "oslo"])
    assert not smaller.accepts(["go", "to", "łódź"])


def test_equal_endings_share_their_states() -> None:
    """A hundred numbers before the same words cost a hundred words, not a hundred copies of the rest."""
    graph = compile_sentences(
        document("set {n} minutes please", lists={"n": {"range": {"from": 1, "to": 99}}}),  # type: ignore[arg-type]
        "en",
    )
    assert len(graph.arcs) < 12


def test_a_document_that_hassil_cannot_read_is_refused() -> None:
    with pytest.raises(SentencesMalformed, match="'en'"):
        compile_sentences({"intents": {"Test": {"data": [{"sentences": ["turn (on"]}]}}}, "en")


def test_rules_that_refer_to_themselves_end_in_an_error() -> None:
    with pytest.raises(GrammarTooLarge):
        compile_sentences(document("<a>", expansion_rules={"a": "x [<a>]"}), "en")  # type: ignore[arg-type]


def test_a_grammar_beyond_its_bound_is_refused() -> None:
    pieces = Pieces(limit=2)
    with pytest.raises(GrammarTooLarge, match="2"):
        pieces.text(0, "one two three")


def test_text_becomes_words_as_they_are_spoken() -> None:
    assert spoken_form("What’s 25%?", "en").split() == ["what's", "twenty", "five"]
    assert spoken_form("Über 3", "de").split() == ["über", "drei"]


def test_words_outside_the_dictionary_are_pronounced_by_espeak() -> None:
    said = pronounce(["reykjavik", "sotto"])
    assert said["reykjavik"].split()[-3:] == ["V", "IH", "K"]
    assert said["sotto"].split()[0] == "S"


def test_phonemes_without_a_counterpart_give_no_pronunciation() -> None:
    assert arpabet("t_æ_p") == "T AE P"
    assert arpabet("t_☃") is None
    assert arpabet("") is None


def test_a_sentence_with_many_alternatives_surprises_more_and_none_at_all_without_end() -> None:
    graph = compile_sentences(document("stop", "set a timer for (one|two|three|four) minutes"), "en")
    plain, rich = graph.surprise(["stop"]), graph.surprise(["set", "a", "timer", "for", "two", "minutes"])
    assert 0 < plain < rich < graph.surprise(["dance"])
