"""The language model reads along while the person speaks, and never more than the next request will begin with."""

from __future__ import annotations

from dataclasses import replace

from shared.events import LlmPrepare, LlmRequest, ModelLoaded, SpeechStarted, SttPartial, ToolSpec
from tests.services.dialogue.walk import Walk, fresh

TOOL = ToolSpec(name="tell_time", description="The time.", parameters={"type": "object"})


def with_model(**settings: object) -> Walk:
    walk = Walk(fresh(**settings))
    walk.feed(ModelLoaded, turn=0, role="llm", name="m", engine="llama-cpp", load_ns=1)
    walk.state = replace(walk.state, tools=(TOOL,))
    return walk


def speak(walk: Walk) -> None:
    walk.feed(SpeechStarted, turn=0, sample=walk.position, noticed_sample=walk.position, probability=0.9)


def understood(walk: Walk, stable: str, *, complete: bool = False) -> None:
    """Recognition is sure of so many words."""
    walk.feed(
        SttPartial,
        turn=0,
        utterance=walk.recognising,
        text=f"{stable} and",
        stable=stable,
        until_sample=walk.position,
        language="en",
        confidence=0.8,
        engine="walk",
        complete=complete,
    )


def told(walk: Walk) -> list[LlmPrepare]:
    return [event for event in walk.published if isinstance(event, LlmPrepare)]


def test_it_is_told_the_past_at_the_onset_and_then_every_few_words() -> None:
    walk = with_model()
    speak(walk)
    for stable in ("", "tell", "tell me", "tell me a story", "tell me a story about", "tell me a story about the sea"):
        understood(walk, stable)
    onset, *later = told(walk)
    assert [message.role for message in onset.messages] == ["system"]
    assert [event.messages[-1].content for event in later] == ["tell me a story", "tell me a story about the sea"]
    assert {event.turn for event in told(walk)} == {1}


def test_the_request_begins_as_was_told() -> None:
    """The past with it: what was heard of the answer before, and the same tools."""
    walk = with_model()
    walk.ask("what is the sea")
    speak(walk)
    understood(walk, "and who lives there")
    walk.final("and who lives there today")
    walk.result("", outcome="unmatched")
    prepared, request = told(walk)[-1], [e for e in walk.published if isinstance(e, LlmRequest)][-1]
    assert request.messages[:-1] == prepared.messages[:-1]
    assert request.messages[-1].content.startswith(prepared.messages[-1].content)
    assert (request.tools, request.max_tokens) == (prepared.tools, prepared.max_tokens)


def test_a_sentence_that_skills_know_is_no_business_of_the_model() -> None:
    walk = with_model()
    speak(walk)
    understood(walk, "what time is it", complete=True)
    assert len(told(walk)) == 1, "only the past, at the onset"


def test_nothing_is_told_without_a_model_or_when_it_is_not_wanted() -> None:
    for walk in (Walk(), with_model(prepare_words=0)):
        speak(walk)
        understood(walk, "tell me a story about the sea")
        assert told(walk) == []


def test_speech_over_an_answer_is_told_only_once_it_is_an_interruption() -> None:
    walk = with_model()
    walk.feed(SpeechStarted, turn=0, sample=0, noticed_sample=0, probability=0.9)
    walk.final("tell me a story")
    before = len(told(walk))
    speak(walk)
    assert len(told(walk)) == before
    walk.ring("barge-in")
    understood(walk, "no tell me a joke")
    assert [event.messages[-1].content for event in told(walk)[before:]] == ["tell me a story\nno tell me a joke"]
