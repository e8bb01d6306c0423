"""The view: folded from frames alone, the same for the same frames, and bounded."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events import (
    AudioPlayed,
    Latency,
    LlmDelta,
    LlmResponse,
    MetricSample,
    ModelLoaded,
    ModelProgress,
    ModelPulled,
    ServiceCrashed,
    ServiceReady,
    ServiceRestarted,
    SpeechStarted,
    SttPartial,
    SubscriptionOverflowed,
    TextEntered,
    TtsRequest,
    TurnCommitted,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    Usage,
)
from tests.ui.dashboard.socket_kit import Frames
from ui.dashboard.turns import MOST_STEPS
from ui.dashboard.view import View

LATENCY = Latency(
    endpoint_wait=500_000_000,
    recognition_tail=6_000_000,
    queue=1_000_000,
    prefill=8_000_000,
    first_clause=0,
    synthesis=4_000_000,
    playout=1_000_000,
    total=520_000_000,
)


@pytest.fixture
def frames() -> Frames:
    return Frames()


@pytest.fixture
def view(frames: Frames) -> View:
    view = View()
    view.fold(frames.hello())
    return view


def a_turn(frames: Frames, number: int, text: str = "what time is it") -> list[dict[str, Any]]:
    finished = {"asked": text, "answered": "It is noon.", "heard": "It is noon.", "by": "time"}
    return [
        frames.event(TurnStarted, turn=number, reason="speech", first_sample=100),
        frames.event(
            TurnCommitted,
            turn=number,
            text=text,
            language="en",
            confidence=1.0,
            last_voiced_sample=900,
            endpoint_sample=1000,
        ),
        frames.event(
            TtsRequest, turn=number, reply="r", clause=0, text="It is noon.", language="en", voice="", last=True
        ),
        frames.event(TurnFinished, turn=number, reason="answered", latency=LATENCY, **finished),
    ]


def test_a_spoken_turn(view, frames):
    """What is being understood shows at once, then what was asked, answered and heard, and where the time went."""
    speech = frames.event(SpeechStarted, sample=100, noticed_sample=500, probability=0.9)
    view.fold(speech)
    view.fold(frames.event(TurnStarted, turn=1, reason="speech", first_sample=100))
    partial = {"utterance": "u", "until_sample": 800, "language": "en", "confidence": 0.9, "engine": "x"}
    view.fold(frames.event(SttPartial, text="what time is", stable="what", **partial))
    turn = view.turns["one", 1]
    assert (turn.partial, turn.stable, turn.over) == ("what time is", "what", False)
    assert [step.kind for step in turn.steps] == ["speech.started", "turn.started", "stt.partial"]
    for frame in a_turn(frames, 1)[1:]:
        view.fold(frame)
    assert (turn.asked, turn.generated, turn.heard, turn.by) == (
        "what time is it",
        "It is noon.",
        "It is noon.",
        "time",
    )
    assert turn.over
    assert turn.latency == LATENCY
    assert (turn.first_sample, turn.until_sample) == (100, 1000)


def test_an_interrupted_answer_keeps_what_was_heard_apart(view, frames):
    """The words that were played, and the words that were only generated."""
    view.fold(frames.event(TurnStarted, turn=1, reason="text", first_sample=0))
    view.fold(frames.event(TextEntered, turn=1, text="tell me all", speak=True))
    for index, text in enumerate(("First this. ", "Then that.")):
        view.fold(frames.event(LlmDelta, turn=1, request="q", index=index, text=text))
    turn = view.turns["one", 1]
    assert (turn.asked, turn.generated) == ("tell me all", "First this. Then that.")
    said = {"heard": "First", "generated": "First this. Then that.", "at_sample": 5}
    view.fold(frames.event(TurnInterrupted, turn=1, reply="r", reason="barge-in", **said))
    assert (turn.heard, turn.interrupted) == ("First", "barge-in")


def test_runs_of_like_events_are_one_step(view, frames):
    """A thousand deltas or reports of playing do not push out what began the turn."""
    view.fold(frames.event(TurnStarted, turn=1, reason="text", first_sample=0))
    for index in range(1000):
        view.fold(frames.event(LlmDelta, turn=1, request="q", index=index, text="a"))
        played = {"until_sample": index, "rate": 22050, "capture_sample": 10 + index, "ended": False}
        view.fold(frames.event(AudioPlayed, turn=1, reply="r", clause=0, **played))
    turn = view.turns["one", 1]
    assert [(step.kind, step.count) for step in turn.steps] == [
        ("turn.started", 1),
        ("llm.delta", 1000),
        ("audio.played", 1000),
    ]
    assert turn.speaking_until == 1009


def test_memory_is_bounded(view, frames):
    """After a day, too: the newest is kept, and what a turn lost is counted."""
    for number in range(1, 300):
        for frame in a_turn(frames, number):
            view.fold(frame)
    assert [number for _, number in view.turns] == list(range(200, 300))
    assert (len(view.recent), len(view.whole), len(view.finished)) == (500, 300, 299)
    turn = view.turns["one", 299]
    for _ in range(MOST_STEPS + 50):
        view.fold(frames.event(ServiceReady, turn=299, service="stt"))
    assert len(turn.steps) == MOST_STEPS
    assert turn.lost == 54
    for index in range(1000):
        view.fold(frames.event(MetricSample, name=f"m{index % 250}", value=1.0, labels={}))
    assert len(view.series) == 200


def test_the_tail_of_a_forgotten_turn_is_no_turn(view, frames):
    """An event of a turn that is kept no more does not bring it back."""
    for frame in a_turn(frames, 7):
        view.fold(frame)
    view.fold(frames.event(LlmDelta, turn=3, request="q", index=0, text="late"))
    assert list(view.turns) == [("one", 7)]


def test_services_as_their_supervisor_tells(view, frames):
    """State, why, and how often it was run again."""
    view.fold(frames.event(ServiceReady, service="stt"))
    view.fold(frames.event(ServiceCrashed, service="stt", error="it broke", handling=None))
    assert (view.services["stt"].state, view.services["stt"].reason) == ("crashed", "it broke")
    view.fold(frames.event(ServiceRestarted, service="stt", restarts=1, delay_ns=0))
    view.fold(frames.event(ServiceReady, service="stt"))
    stt = view.services["stt"]
    assert (stt.state, stt.reason, stt.restarts, stt.crashes) == ("ready", "", 1, 1)


def test_models_pulls_and_figures(view, frames):
    """The engine in use by role, a pull until it is there, tokens per second, and who was too slow."""
    model = {"role": "llm", "name": "small", "engine": "llama.cpp"}
    view.fold(frames.event(ModelProgress, done_bytes=1, total_bytes=2, **model))
    assert view.pulls["small"].done_bytes == 1
    view.fold(frames.event(ModelPulled, path="/x", **model))
    view.fold(frames.event(ModelLoaded, load_ns=5, **model))
    assert view.pulls == {}
    assert view.models["llm"].name == "small"
    usage = Usage(
        prompt_tokens=9,
        cached_tokens=0,
        completion_tokens=20,
        dropped_messages=0,
        queue_ns=0,
        prefill_ns=3_000_000,
        decode_ns=500_000_000,
    )
    response = {"request": "q", "text": "a", "finish": "stop", "tool_requests": (), "model": "small"}
    view.fold(frames.event(LlmResponse, turn=1, usage=usage, **response))
    assert (view.generations[0].tokens_per_s, view.generations[0].prefill_ms) == (40.0, 3.0)
    view.fold(frames.event(SubscriptionOverflowed, subscription="s", policy="drop_oldest", dropped=4))
    assert view.overflows["s"].dropped == 4


def test_another_run_of_the_assistant(view, frames):
    """Its services are told anew; what was said before stays, and the socket is read from its beginning."""
    for frame in (*a_turn(frames, 1), frames.event(ServiceReady, service="stt")):
        view.fold(frame)
    assert view.last_id is not None
    view.fold(Frames("two").hello())
    assert (view.services, view.last_id, view.session) == ({}, None, "two")
    assert list(view.turns) == [("one", 1)]


def test_what_was_missed_is_counted(view):
    """By kind; a gap in the past that nobody can count is none."""
    view.fold({"missed": {"count": 3, "kinds": {"metric.sample": 3}}})
    view.fold({"missed": {"count": 1, "kinds": {}, "reason": "forgotten"}})
    view.fold({"what": "a later version might send"})
    assert (view.missed, view.missed_kinds) == (3, {"metric.sample": 3})


def test_an_event_of_a_later_version_is_shown_and_not_understood(view, frames):
    """It is in the list of events; nothing else changes."""
    frame = frames.event(ServiceReady, service="stt")
    frame["event"].update(kind="service.dreaming", version=9)
    view.fold(frame)
    assert view.recent[-1].kind == "service.dreaming"
    assert view.services == {}


def test_the_answer_to_an_event(view, frames):
    """The last one that names it as its cause."""
    view.fold(frames.event(TextEntered, cause=None, text="a", speak=False))
    asked = frames.made[-1]["id"]
    assert view.answer(asked) is None
    view.fold(frames.event(TurnStarted, turn=1, cause=asked, reason="text", first_sample=0))
    answer = view.answer(asked)
    assert answer is not None
    assert answer["kind"] == "turn.started"


def test_the_same_frames_give_the_same_view():
    """No clock, no chance."""
    views = [View(), View()]
    for view in views:
        frames = Frames()
        view.fold(frames.hello())
        for number in range(1, 5):
            for frame in a_turn(frames, number):
                view.fold(frame)
    one, two = views
    assert [*one.turns.values()] == [*two.turns.values()]
    assert one.recent == two.recent
