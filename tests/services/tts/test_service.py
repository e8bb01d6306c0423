"""The service speaks clauses in order, in pieces with exact marks, and falls silent at a fence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from services.testing import Bench, running
from services.tts import TtsService, TtsSettings
from services.tts.port import Delivery, Engine, Out, SpeechStopped, SpokenWord, TtsError
from shared.events import Event, ModelLoad, ModelLoaded, TtsAudio, TtsFailed, TtsFinished, TtsRequest
from shared.installed import Shelf
from shared.pcm import samples_in

LONG = "This is a long sentence, " * 60


def ask(
    bench: Bench, text: str, *, clause: int = 0, reply: str = "r1", turn: int = 1, language: str = "en"
) -> TtsRequest:
    return bench.publish(
        TtsRequest, turn=turn, reply=reply, clause=clause, text=text, language=language, voice="", last=False
    )


async def clause(bench: Bench) -> tuple[list[TtsAudio], TtsFinished]:
    """Read on to the next finished clause; returns its audio."""
    audio: list[TtsAudio] = []
    while True:
        event = await bench.next(TtsAudio, TtsFinished)
        if isinstance(event, TtsFinished):
            return audio, event
        audio.append(event)


@pytest.fixture
async def bench(shelf: Shelf) -> AsyncIterator[Bench]:
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        yield bench


async def test_a_clause_comes_in_pieces_without_a_gap_and_ends_once(bench: Bench) -> None:
    """Positions follow each other; only the last piece says so; finished counts all samples."""
    request = ask(bench, "Hello world, this is the answer.")
    audio, finished = await clause(bench)
    place = 0
    for piece in audio:
        assert (piece.reply, piece.clause, piece.first_sample, piece.cause) == ("r1", 0, place, request.id)
        place += samples_in(piece.pcm)
    assert [piece.last for piece in audio] == [False] * (len(audio) - 1) + [True]
    assert (finished.samples, finished.rate, finished.engine) == (place, audio[0].rate, "espeak-ng")
    assert finished.synthesis_ns > 0


async def test_pieces_are_short_the_first_one_shorter(bench: Bench) -> None:
    """40 ms, then 120 ms, then what remains."""
    ask(bench, "Hello world, this is the answer.")
    audio, _ = await clause(bench)
    lengths = [samples_in(piece.pcm) * 1000 // piece.rate for piece in audio]
    assert lengths[0] in (39, 40)
    assert set(lengths[1:-2]) <= {119, 120}
    assert all(length <= 120 for length in lengths)


async def test_marks_tell_written_words_by_the_piece_that_ends_them(bench: Bench) -> None:
    """No mark comes before its last sample, and all words are marked."""
    text = "Hello world, this is the answer."
    ask(bench, text)
    audio, _ = await clause(bench)
    for piece in audio:
        assert all(m.until_sample <= piece.first_sample + samples_in(piece.pcm) for m in piece.marks)
    words = [text[m.start : m.end] for piece in audio for m in piece.marks]
    assert words == ["Hello", "world", "this", "is", "the", "answer"]


@pytest.mark.parametrize("text", ["", "   ", "…", "🙂🙂"])
async def test_a_clause_without_words_is_finished_without_samples(bench: Bench, text: str) -> None:
    """Whoever waits for the clause is not left waiting."""
    ask(bench, text)
    audio, finished = await clause(bench)
    assert [(piece.pcm, piece.last) for piece in audio] == [(b"", True)]
    assert (finished.samples, finished.rate) == (0, 22050)


async def test_clauses_are_answered_in_the_order_of_their_index(bench: Bench) -> None:
    """Even when they are asked for at once, and the wrong way round."""
    for index in (2, 0, 1):
        ask(bench, f"clause {'abc'[index]}", clause=index)
    assert [(await clause(bench))[1].clause for _ in range(3)] == [0, 1, 2]


async def test_replies_are_spoken_as_they_came(bench: Bench) -> None:
    """All of the first reply that waits, then the second."""
    for reply, index in (("r1", 0), ("r2", 0), ("r1", 1)):
        ask(bench, "words", reply=reply, clause=index)
    finished = [(await clause(bench))[1] for _ in range(3)]
    assert [(f.reply, f.clause) for f in finished] == [("r1", 0), ("r1", 1), ("r2", 0)]


async def test_a_fence_silences_the_clause_and_all_that_wait_and_the_next_turn_speaks(bench: Bench) -> None:
    """After the fence not one event of the old turn comes."""
    for index in range(3):
        ask(bench, LONG, clause=index)
    await bench.next(TtsAudio)
    seen: list[Event] = []
    bench.bus.tap(seen.append)
    bench.bus.fence("test", 2)
    ask(bench, "A new answer.", reply="r2", turn=2)
    audio, finished = await clause(bench)
    assert {piece.reply for piece in audio} == {finished.reply} == {"r2"}
    assert not [e for e in seen if isinstance(e, TtsAudio | TtsFinished | TtsFailed) and e.turn == 1]


@dataclass
class GatedEngine:
    """An engine that speaks one word of 100 ms, at each pass of its gate; remembers how each text ended."""

    name: str = "gated"
    model: str = "gated"
    rate: int = 16_000
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: list[str] = field(default_factory=list)
    idle: threading.Event = field(default_factory=threading.Event)

    def speak(self, text: str, delivery: Delivery, out: Out) -> None:
        stopped = threading.Event()
        out.when_stopped(stopped.set)
        out.when_stopped(self.gate.release)
        try:
            for sample in range(0, 1600 * 5, 1600):
                self.gate.acquire()
                out.write(b"\x01\x00" * 1600, (SpokenWord(0, len(text), sample, sample + 1600),))
            self.ended.append("spoken")
        except SpeechStopped:
            self.ended.append("stopped" if stopped.is_set() else "raised")
            raise
        finally:
            self.idle.set()


async def test_a_fence_stops_the_native_work_which_frees_the_thread_for_the_next_clause(shelf: Shelf) -> None:
    """The engine is told at once, ends by itself, and speaks the next text."""
    engine = GatedEngine()
    async with running(TtsService(TtsSettings(), shelf, built_in=lambda: engine)) as bench:
        ask(bench, "one")
        engine.gate.release()
        await bench.next(TtsAudio)
        bench.bus.fence("test", 2)
        ask(bench, "two", reply="r2", turn=2)
        await asyncio.to_thread(engine.idle.wait, 10)
        engine.gate.release(5)
        _, finished = await clause(bench)
    assert finished.samples == 8000
    assert engine.ended == ["stopped", "spoken"]


async def test_audio_is_published_while_the_engine_still_works(shelf: Shelf) -> None:
    """The first piece does not wait for the second sample."""
    engine = GatedEngine()
    async with running(TtsService(TtsSettings(), shelf, built_in=lambda: engine)) as bench:
        ask(bench, "one")
        engine.gate.release()
        first = await bench.next(TtsAudio)
        assert not engine.ended
        engine.gate.release(4)
        await bench.next(TtsFinished)
    assert samples_in(first.pcm) == 640


@dataclass
class FailingEngine:
    """An engine that cannot speak the word "fail"."""

    name: str = "failing"
    model: str = "failing"
    rate: int = 16_000

    def speak(self, text: str, delivery: Delivery, out: Out) -> None:
        if text == "fail":
            raise TtsError("It failed.", remedy="Try again.")
        out.write(b"\0\0" * 160)


async def test_a_clause_that_fails_is_told_and_the_next_one_is_spoken(shelf: Shelf) -> None:
    """The reason reaches whoever waits."""
    async with running(TtsService(TtsSettings(), shelf, built_in=FailingEngine)) as bench:
        ask(bench, "fail")
        ask(bench, "go on", clause=1)
        failed = await bench.next(TtsFailed)
        assert (failed.clause, failed.reason, failed.engine) == (0, "It failed. Try again.", "failing")
        assert (await bench.next(TtsFinished)).clause == 1


async def test_the_engine_in_use_is_told_at_the_start(bench: Bench) -> None:
    """As a retained event, for whoever comes later."""
    loaded = [e for e in bench.log if isinstance(e, ModelLoaded)]
    assert [(e.role, e.name, e.engine) for e in loaded] == [("tts", "espeak-ng", "espeak-ng")]


async def test_a_stream_that_is_closed_ends_the_clause(bench: Bench) -> None:
    """Reading two pieces and leaving is enough; the next clause is spoken."""
    request = bench.event(TtsRequest, turn=1, reply="r1", clause=0, text=LONG, language="en", voice="", last=True)
    async with bench.bus.stream(request, window=2) as stream:
        assert isinstance(await anext(stream), TtsAudio)
        assert isinstance(await anext(stream), TtsAudio)
    ask(bench, "next", reply="r2")
    while (finished := await bench.next(TtsFinished)).reply != "r2":
        raise AssertionError(finished)


async def test_a_request_for_another_role_is_not_ours(bench: Bench) -> None:
    """Loading a language model changes nothing here."""
    bench.publish(ModelLoad, role="llm", name="x", engine="llama-cpp")
    ask(bench, "still here")
    _, finished = await clause(bench)
    assert finished.engine == "espeak-ng"
    assert len([e for e in bench.log if isinstance(e, ModelLoaded)]) == 1


async def test_languages_follow_the_request(bench: Bench) -> None:
    """The same text sounds otherwise in German."""
    lengths = []
    for index, language in enumerate(("en", "de")):
        ask(bench, "Guten Morgen, es ist sieben Uhr und draußen scheint die Sonne", clause=index, language=language)
        lengths.append((await clause(bench))[1].samples)
    assert abs(lengths[0] - lengths[1]) > 500


async def test_two_conversations_do_not_wait_for_each_others_lines(shelf: Shelf) -> None:
    """A fence in one leaves the other alone."""
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        ask(bench, LONG)
        bench.publish(
            TtsRequest, session="other", turn=1, reply="o", clause=0, text="hello", language="en", voice="", last=True
        )
        bench.bus.fence("test", 2)
        finished = await bench.next(TtsFinished)
        assert finished.session == "other"
        await asyncio.sleep(0)


def test_engines_of_the_tests_fit_the_port() -> None:
    """mypy reads this."""
    engines: list[Engine] = [GatedEngine(), FailingEngine()]
    assert engines
