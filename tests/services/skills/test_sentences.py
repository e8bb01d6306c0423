"""The sentence files: whole, in step with the skills and with each other, and fit for a grammar."""

from __future__ import annotations

import re
import string

import pytest

from services.skills.sentences import LANGUAGES, load

LIST = re.compile(r"\{(\w+)")
RULE = re.compile(r"<(\w+)>")


@pytest.fixture(scope="module", params=LANGUAGES)
def sentences(request):
    return load(request.param)


def texts(document):
    for body in document["intents"].values():
        for block in body["data"]:
            yield from block["sentences"]
    yield from document["expansion_rules"].values()


@pytest.mark.parametrize("face", ["ours", "borrowed", "published"])
def test_every_list_and_rule_that_is_named_exists(sentences, face):
    document = sentences.published if face == "published" else getattr(sentences, face)()
    for text in texts(document):
        assert set(RULE.findall(text)) <= document["expansion_rules"].keys(), text
        assert set(LIST.findall(text)) <= document["lists"].keys(), text


def test_a_grammar_gets_no_wildcards(sentences):
    for name, body in sentences.published["lists"].items():
        assert body.keys() <= {"values", "range"}, name


def test_every_sentence_has_a_skill(sentences, skills):
    assert sentences.ours()["intents"].keys() <= skills.keys()
    assert sentences.borrowed()["intents"].keys() <= skills.keys()


def test_every_skill_has_sentences(sentences, skills):
    assert sentences.ours()["intents"].keys() == skills.keys()


def test_every_language_has_the_same_phrases_with_the_same_fields():
    english = load("en").phrases
    for language in LANGUAGES:
        phrases = load(language).phrases
        assert phrases.keys() == english.keys(), language
        for skill, texts_ in english.items():
            assert phrases[skill].keys() == texts_.keys(), (language, skill)
            for key, text in texts_.items():
                assert fields(phrases[skill][key]) <= fields(text) | {"time", "day"}, (language, skill, key)


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_yaml_read_every_word_as_a_word(sentences):
    """`on`, `off`, `yes` and `no` are booleans in YAML 1.1 unless they are quoted."""
    for phrases in sentences.phrases.values():
        assert all(isinstance(key, str) and isinstance(text, str) for key, text in phrases.items())
    assert all(isinstance(word, str) for word in sentences.published["skip_words"])
    assert all(isinstance(name, str) for name in sentences.source["expansion_rules"])


def test_the_published_document_is_what_hassil_reads(sentences):
    from hassil import Intents

    intents = Intents.from_dict(sentences.published)
    assert all(block.sentences for intent in intents.intents.values() for block in intent.data)


def test_a_grammar_hears_contractions_that_text_is_freed_of():
    [block, *_] = load("en").published["intents"]["tell_time"]["data"]
    assert "(what is|what's) the time [in {place}]" in block["sentences"]
