"""The demonstration's person asks when an answer is over, and once in the middle of one."""

from __future__ import annotations

from collections import deque

from shared.clock import ManualClock
from shared.events import AudioPlayed, Stamp, TurnFinished, TurnStarted
from shared.ids import id_source
from ui.cli.demo import Person, Question

stamp = Stamp("test", ManualClock(), id_source("t"), "s")


def _person(*questions: Question) -> tuple[Person, deque[str]]:
    said: deque[str] = deque()

    def speak(text: str) -> bytes:
        said.append(text)
        return b""

    return Person(questions, speak), said


def _finished(reason: str = "answered") -> TurnFinished:
    return stamp(TurnFinished, reason=reason, asked="a", answered="b", heard="b", by="test", latency=None)


def _played(seconds: float) -> AudioPlayed:
    return stamp(
        AudioPlayed, reply="r", clause=0, until_sample=round(seconds * 22050), rate=22050, capture_sample=0, ended=False
    )


async def test_each_question_waits_for_the_answer_before() -> None:
    person, said = _person(Question("one"), Question("two"))
    person.listen(stamp(TurnStarted, reason="speech", first_sample=0))
    assert not said
    person.listen(_finished())
    assert list(said) == ["one"]


async def test_a_question_over_the_answer_is_asked_while_it_plays_and_the_interruption_asks_no_more() -> None:
    person, said = _person(Question("over", over=True), Question("after"))
    person.listen(_played(0.5))
    assert not said
    person.listen(_played(1.5))
    person.listen(_finished("interrupted"))
    assert list(said) == ["over"]


async def test_the_demonstration_is_done_after_the_last_answer() -> None:
    person, _ = _person(Question("one"))
    person.listen(_finished())
    assert not person.done.is_set()
    person.listen(_finished())
    assert person.done.is_set()
