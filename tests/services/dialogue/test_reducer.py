"""The reducer as a whole: whatever happens in whatever order, the conversation goes on."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from services.dialogue.commands import Woke
from services.dialogue.state import ANSWER, BARGE_IN, ENDPOINT, LIMIT, RECOGNITION
from shared.events import (
    AlarmRang,
    AudioPlayed,
    LlmDelta,
    LlmFailed,
    LlmResponse,
    MemoryResult,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    SessionCleared,
    SessionClosed,
    SpeechEnded,
    SpeechStarted,
    SttFailed,
    SttPartial,
    TextEntered,
    ToolRequest,
    TtsAudio,
    TtsFailed,
    WakeDetected,
    WordMark,
)
from tests.services.dialogue.walk import USAGE, Walk, fresh

SAID = st.sampled_from(["", "stop", "okay", "mm-hmm", "what time is it", "set a timer for", "no, the other one"])
TEXT = st.sampled_from(["Done.", "It is ten past nine, and all is well. Do you want more?", "", "…", "- One\n- two\n"])
SERVICES = st.sampled_from(["stt", "skills", "llm", "tts", "audio", "listening", "metrics"])
WAKES = st.sampled_from([ANSWER, BARGE_IN, ENDPOINT, LIMIT, RECOGNITION])


class AnyOrder(RuleBasedStateMachine):
    """Everything may come at any time, asked for or not."""

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk(fresh(wake=self.wake))

    wake: tuple[str, ...] = ()

    @rule(back=st.integers(0, 400))
    def speech_starts(self, back: int) -> None:
        walk = self.walk
        sample = max(0, walk.position - back)
        walk.feed(SpeechStarted, turn=0, sample=sample, noticed_sample=walk.position, probability=0.9)

    @rule(back=st.integers(0, 2000))
    def speech_ends(self, back: int) -> None:
        walk = self.walk
        sample = max(0, walk.position - back)
        walk.feed(SpeechEnded, turn=0, start_sample=0, sample=sample, noticed_sample=walk.position)

    @rule(samples=st.integers(1, 20_000))
    def sound_comes_in(self, samples: int) -> None:
        self.walk.capture(samples)

    @rule(phrase=st.sampled_from(["hey_jarvis", "alexa"]))
    def a_wake_word(self, phrase: str) -> None:
        self.walk.feed(WakeDetected, turn=0, phrase=phrase, sample=self.walk.position, score=0.9)

    @rule(text=SAID, stable=st.booleans())
    def a_partial(self, text: str, stable: bool) -> None:
        self.walk.feed(
            SttPartial,
            turn=0,
            utterance=self.walk.recognising,
            text=text,
            stable=text if stable else "",
            until_sample=self.walk.position,
            language="en",
            confidence=0.5,
            engine="walk",
        )

    @rule(text=SAID, trusted=st.booleans(), others=st.sampled_from([(), ("set a timer for fifteen minutes",)]))
    def a_final(self, text: str, trusted: bool, others: tuple[str, ...]) -> None:
        self.walk.final(text, trusted=trusted, others=others)

    @rule(stale=st.booleans())
    def recognition_fails(self, stale: bool) -> None:
        name = "u0" if stale else self.walk.recognising
        self.walk.feed(SttFailed, turn=0, utterance=name, engine="walk", reason="it broke")

    @rule(
        speech=TEXT,
        back=st.integers(0, 1),
        outcome=st.sampled_from(["answered", "unmatched", "failed"]),
        action=st.sampled_from(["none", "stop", "repeat", "resume", "louder", "silence"]),
    )
    def a_skill_answers(self, speech: str, back: int, outcome: str, action: str) -> None:
        self.walk.result(speech, turn=max(1, self.walk.state.turn - back), outcome=outcome, action=action)

    @rule(there=st.booleans())
    def memory_comes_or_goes(self, there: bool) -> None:
        if there:
            self.walk.feed(ServiceReady, turn=0, service="memory")
        else:
            self.walk.feed(ServiceCrashed, turn=0, service="memory", error="it broke", handling=None)

    @rule(back=st.integers(0, 1))
    def memory_answers(self, back: int) -> None:
        turn = max(0, self.walk.state.turn - back)
        self.walk.feed(MemoryResult, turn=turn, request="", items=(), by="words")

    @rule(text=TEXT, back=st.integers(0, 1))
    def the_model_says_more(self, text: str, back: int) -> None:
        self.walk.feed(LlmDelta, turn=max(0, self.walk.state.turn - back), request="", index=0, text=text)

    @rule(text=TEXT, tools=st.integers(0, 2))
    def the_model_is_done(self, text: str, tools: int) -> None:
        self.walk.request = 0
        self.walk.feed(
            LlmResponse,
            turn=self.walk.state.turn,
            request="",
            text=text,
            finish="tool" if tools else "stop",
            tool_requests=tuple(ToolRequest(id=str(i), name="t", arguments={}) for i in range(tools)),
            usage=USAGE,
            model="walk",
        )

    @rule(reason=st.sampled_from(["no-model", "engine"]))
    def the_model_fails(self, reason: str) -> None:
        self.walk.request = 0
        self.walk.feed(LlmFailed, turn=self.walk.state.turn, request="", reason=reason, message="a sentence")

    @precondition(lambda self: self.walk.clauses and not self.walk.paused)
    @rule()
    def a_clause_is_played(self) -> None:
        self.walk.play(self.walk.clauses.pop(0))

    @precondition(lambda self: self.walk.clauses)
    @rule()
    def a_clause_is_begun(self) -> None:
        clause = self.walk.clauses[0]
        mark = WordMark(start=0, end=1, first_sample=0, until_sample=50)
        place = {"reply": clause.reply, "clause": clause.clause, "rate": 16_000}
        self.walk.feed(TtsAudio, turn=clause.turn, **place, first_sample=0, marks=(mark,), last=False, pcm=bytes(100))
        self.walk.feed(AudioPlayed, turn=clause.turn, **place, until_sample=50, capture_sample=0, ended=False)

    @precondition(lambda self: self.walk.clauses)
    @rule()
    def a_clause_cannot_be_spoken(self) -> None:
        clause = self.walk.clauses.pop(0)
        self.walk.feed(
            TtsFailed, turn=clause.turn, reply=clause.reply, clause=clause.clause, engine="walk", reason="it broke"
        )

    @rule(text=SAID, speak=st.booleans())
    def somebody_types(self, text: str, speak: bool) -> None:
        self.walk.feed(TextEntered, turn=0, text=text, speak=speak)

    @rule(alarm=st.sampled_from(["tea", "eggs"]))
    def an_alarm_rings(self, alarm: str) -> None:
        self.walk.feed(AlarmRang, turn=0, alarm=alarm, speech="It is time.", language="en", attempt=1)

    @rule(service=SERVICES)
    def a_service_crashes(self, service: str) -> None:
        self.walk.feed(ServiceCrashed, turn=0, service=service, error="it broke", handling=None)

    @rule(service=SERVICES)
    def a_service_is_given_up(self, service: str) -> None:
        self.walk.feed(ServiceFailed, turn=0, service=service, error="it broke", restarts=5)

    @rule(service=SERVICES)
    def a_service_is_ready(self, service: str) -> None:
        self.walk.feed(ServiceReady, turn=0, service=service)

    @rule(kind=st.sampled_from([SessionCleared, SessionClosed]))
    def the_session_is_cleared_or_its_input_ends(self, kind: type) -> None:
        fields = {"reason": "input ended"} if kind is SessionClosed else {}
        self.walk.feed(kind, turn=0, **fields)

    @rule(name=WAKES)
    def a_wake_comes_unasked(self, name: str) -> None:
        self.walk.step(Woke(name))

    @precondition(lambda self: self.walk.wakes)
    @rule(data=st.data())
    def a_wake_comes(self, data: st.DataObject) -> None:
        self.walk.ring(data.draw(st.sampled_from(sorted(self.walk.wakes))))

    @invariant()
    def what_is_open_is_waited_for(self) -> None:
        """Whenever a turn is open, something is armed that will end it even if nobody ever answers."""
        state = self.walk.state
        assert (self.walk.open_turn == 0) == (
            state.answer is None and not (state.utterance and state.utterance.started)
        )
        if state.answer is not None:
            assert ANSWER in self.walk.wakes
        if state.utterance is not None and not state.utterance.finishing:
            assert LIMIT in self.walk.wakes or ENDPOINT in self.walk.wakes
        if state.utterance is not None and state.utterance.finishing:
            assert RECOGNITION in self.walk.wakes

    def teardown(self) -> None:
        walk = self.walk
        walk.settle()
        assert walk.open_turn == 0
        assert walk.state.idle
        walk.open_microphone()
        walk.ask("what time is it")
        assert walk.finished()[-1].reason == "answered"
        assert walk.finished()[-1].heard == "Done."


class AnyOrderWithWakeWord(AnyOrder):
    """The same behind a wake word."""

    wake = ("hey_jarvis",)


_SOME = settings(max_examples=50, stateful_step_count=40, deadline=None, report_multiple_bugs=False)
_MANY = settings(_SOME, max_examples=600)

TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = _SOME
TestAnyOrderWithWakeWord = AnyOrderWithWakeWord.TestCase
TestAnyOrderWithWakeWord.settings = _SOME


@pytest.mark.slow
@pytest.mark.parametrize("machine", [AnyOrder, AnyOrderWithWakeWord])
def test_many_walks(machine: type[AnyOrder]) -> None:
    run_state_machine_as_test(machine, settings=_MANY)
