"""A person speaks into a (virtual) microphone and hears the answer from a (virtual) speaker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from services.app import Settings, speech
from services.tts import TtsSettings
from shared.pcm import CAPTURE_RATE, floats
from tests.e2e.conftest import likeness
from tests.kit.pulse import PulseAudio, room
from tests.kit.terminal import Line, Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Say = Callable[[str], bytes]


def asked(sotto: Terminal, pulse: PulseAudio, sound: bytes, by: str) -> Line:
    """Ask until it was understood, at most four times: what is tested here is not recognition."""
    for _ in range(4):
        pulse.speak_into_microphone(sound, CAPTURE_RATE)
        finished = sotto.next("turn.finished")
        if finished["by"] == by:
            return finished
    raise AssertionError(f"never understood: {[e['text'] for e in sotto.log if e['kind'] == 'stt.final']}")


def interrupted(sotto: Terminal, pulse: PulseAudio, question: bytes, sound: bytes, after: float) -> Line:
    """Ask, and speak over the answer from that many samples on, at most four times: a busy machine tears sound."""
    for _ in range(4):
        pulse.speak_into_microphone(question, CAPTURE_RATE)
        sotto.next("audio.played", until_sample=after)
        pulse.speak_into_microphone(sound, CAPTURE_RATE)
        ended = sotto.next("turn.interrupted", "turn.finished")
        if ended["kind"] == "turn.interrupted":
            return ended
    raise AssertionError(f"never interrupted:\n{told(sotto)}")


def test_a_spoken_question_is_answered_aloud(sotto: Terminal, pulse: PulseAudio, say: Say) -> None:
    """What comes out of the speaker is the answer, in sound."""
    with pulse.recording() as speaker:
        began = time.monotonic()
        finished = asked(sotto, pulse, say("how many miles is ten kilometers"), "convert_units")
        recorded = speaker.read(time.monotonic() - began)
    assert finished["answered"] == finished["heard"]
    wanted = speech(Settings(tts=TtsSettings(engine="espeak-ng")))(finished["answered"])
    assert likeness(recorded, speaker.rate, floats(wanted.pcm), wanted.rate) > 0.6


@pytest.fixture
def echo(pulse: PulseAudio) -> Iterator[None]:
    """The microphone hears the speaker at -12 dB through a room."""
    with pulse.loopback(-12.0, room=room()):
        yield


def test_with_headphones_the_first_answer_can_be_interrupted(sotto: Terminal, pulse: PulseAudio, say: Say) -> None:
    """Nothing of the speaker comes back: from a second and a half into the first answer a person is heard over it."""
    over = say("how many miles is ten kilometers")
    cut = interrupted(sotto, pulse, say("what can you do"), over, after=1.5 * 22_050)
    assert cut["generated"].startswith(cut["heard"])
    assert 0 < len(cut["heard"]) < len(cut["generated"])
    assert "6.2" in sotto.next("turn.finished", turn=cut["turn"] + 1)["heard"]


@pytest.mark.parametrize("through", ["headphones", "speakers"])
def test_an_interruption_silences_the_answer_and_the_history_holds_what_was_heard(
    sotto: Terminal, pulse: PulseAudio, say: Say, through: str, request: pytest.FixtureRequest
) -> None:
    """Pause at the onset, then the interruption with its heard words, then the new answer; nothing of the old."""
    if through == "speakers":
        request.getfixturevalue("echo")
    over = say("how many miles is ten kilometers")
    cut = interrupted(sotto, pulse, say("what can you do"), over, after=25_000)
    assert cut["generated"].startswith(cut["heard"])
    assert 0 < len(cut["heard"]) < len(cut["generated"])
    assert sotto.next("turn.finished", turn=cut["turn"])["reason"] == "interrupted"
    answer = sotto.next("turn.finished", turn=cut["turn"] + 1)
    assert answer["heard"] == answer["answered"] != ""
    before, after = sotto.log[: sotto.log.index(cut)], sotto.log[sotto.log.index(cut) :]
    assert [e for e in before if e["kind"] == "audio.pause" and e["reply"] == cut["reply"]]
    assert not [e for e in after if e["kind"] == "audio.played" and e["reply"] == cut["reply"] and not e["ended"]]


def test_stop_stops(sotto: Terminal, pulse: PulseAudio, say: Say) -> None:
    """With headphones: nothing of the answer comes back to the microphone."""
    pulse.speak_into_microphone(say("what can you do"), CAPTURE_RATE)
    sotto.next("audio.played", clause=1, until_sample=15_000)
    pulse.speak_into_microphone(say("stop"), CAPTURE_RATE)
    interrupted = sotto.next("turn.interrupted")
    assert len(interrupted["heard"]) < len(interrupted["generated"])
    assert sotto.next("turn.finished", turn=interrupted["turn"])["reason"] == "interrupted"


def told(sotto: Terminal) -> str:
    """What was heard and decided so far, a line each."""
    kinds = ("speech.started", "speech.ended", "stt.final", "audio.pause", "turn.interrupted", "turn.finished")
    names = ("at", "kind", "sample", "text", "confidence", "reason", "heard", "answered")
    return "\n".join(" ".join(f"{event[n]}" for n in names if n in event) for event in sotto.of(*kinds)[-40:])


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("echo")
def test_the_assistant_does_not_interrupt_itself(sotto: Terminal, pulse: PulseAudio, say: Say) -> None:
    """Twenty answers are spoken to their end, also "I didn't catch that" where the question was misheard."""
    wanted = 20
    questions = ["who are you", "what time is it", "what is seventeen times twenty three", "what is the date today"]
    answers: list[str] = []
    for number in range(2 * wanted + 6):
        pulse.speak_into_microphone(say(questions[number % 4]), CAPTURE_RATE)
        finished = sotto.next("turn.finished")
        if finished["reason"] == "ignored":  # a busy machine tore the question in two: hear the rest out
            sotto.silence(5, "speech.started", "speech.ended", "stt.final", "audio.played", "turn.finished")
            continue
        assert finished["heard"] == finished["answered"], told(sotto)
        answers += [finished["answered"]] if finished["answered"] else []
        if len(answers) == wanted:
            break
    assert len(answers) == wanted
    assert not sotto.of("turn.interrupted"), told(sotto)
