"""What happens on the bus is in the session's folder, and nothing that happens there disturbs the conversation."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from bus import Bus
from bus.journal import Journal, Recording, Step, recordings, sweep
from services.journal import JournalService, JournalSettings
from services.testing import running
from shared.clock import ManualClock
from shared.events import (
    AudioCaptured,
    MemoryForget,
    MemoryForgotten,
    PastTurn,
    ServiceDegraded,
    SessionResumed,
    Stamp,
    SttFinal,
    SttStart,
    Summary,
    TextEntered,
    TtsAudio,
    TtsRequest,
    TurnFinished,
    TurnName,
    current,
)
from shared.ids import id_source

DAY = 86_400_000_000_000


def service(folder: Path, **settings: object) -> JournalService:
    """One that records into `folder`."""
    return JournalService(JournalSettings.model_validate({"folder": folder, **settings}))


async def read(folder: Path) -> Recording:
    return await asyncio.to_thread(Recording, folder / "test")


async def test_everything_from_the_first_event_on_is_recorded(tmp_path: Path) -> None:
    """Also what came before the service did; in the published order."""
    bus = Bus(ids=id_source("bus-"))
    before = Stamp("test", ManualClock(), id_source("early-"), "test")(TextEntered, text="early", speak=False)
    bus.publish(before)
    published = [before]
    bus.tap(published.append)
    recorder = service(tmp_path)
    async with running(recorder, bus=bus) as bench:
        typed = bench.publish(TextEntered, text="hello", speak=False)
        handled = current.get()
        assert handled is not None
        recorder.step("test", typed.id, False, typed.at + 5)
    recording = await read(tmp_path)
    entries = await asyncio.to_thread(lambda: list(recording.entries()))
    assert [entry for entry in entries if not isinstance(entry, Step)] == published
    assert entries[-1] == Step("test", typed.id, False, typed.at + 5, handled.id)
    assert not await asyncio.to_thread(lambda: recording.has_sound)


async def test_sound_is_recorded_once_the_person_agreed(tmp_path: Path) -> None:
    """`journal.audio`."""
    async with running(service(tmp_path, audio=True)) as bench:
        bench.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=b"\0\x40" * 320)
    recording = await read(tmp_path)
    sound = await asyncio.to_thread(recording.audio, "microphone", 0, 320)
    assert (sound == 0.5).all()


async def test_a_full_disk_ends_the_recording_and_is_told_once(tmp_path: Path) -> None:
    """/dev/full stands for it. The bus goes on, and what was recorded before stays."""
    (tmp_path / "test").mkdir()
    async with running(service(tmp_path)) as bench:
        (tmp_path / "test" / "events-0002.jsonl").symlink_to("/dev/full")
        big = bench.publish(TextEntered, text="x" * (9 << 20), speak=False)  # the next line begins another file
        bench.publish(TextEntered, text="hello", speak=False)
        told = await bench.next(ServiceDegraded)
        assert "No space left on device. Free some space, or set journal.folder." in told.reason
        for _ in range(100):
            last = bench.publish(TextEntered, text="hello", speak=False)
        while await bench.next(TextEntered, ServiceDegraded) != last:
            pass
        assert sum(isinstance(event, ServiceDegraded) for event in bench.log) == 1
    (tmp_path / "test" / "events-0002.jsonl").unlink()
    recording = await read(tmp_path)
    kept = await asyncio.to_thread(lambda: list(recording.events()))
    assert (kept[-1], recording.problems) == (big, ())


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file is in its place, say; the service is degraded, not crashed."""
    (tmp_path / "sessions").write_text("mine")
    async with running(service(tmp_path / "sessions"), wait_ready=False) as bench:
        told = await bench.next(ServiceDegraded)
        assert "Not a directory" in told.reason or "File exists" in told.reason
    assert (tmp_path / "sessions").read_text() == "mine"


# ---- keeping


def session(root: Path, name: str, started_at: int, size: int = 0, *, close: bool = True) -> Journal:
    journal = Journal(root, name, started_at=started_at)
    stamp = Stamp("test", ManualClock(started_at), id_source("test-"), name)
    journal.write(stamp(TextEntered, text="x" * size, speak=False))
    if close:
        journal.close()
    return journal


def names(root: Path) -> list[str]:
    return [summary.id for summary in recordings(root)]


def test_old_sessions_go_and_then_the_oldest_until_all_fit(tmp_path: Path) -> None:
    """By age, then by size; what is being recorded stays."""
    session(tmp_path, "ancient", 1 * DAY)
    live = session(tmp_path, "live", 2 * DAY, 5000, close=False)
    for day in (31, 32, 33):
        session(tmp_path, f"day{day}", day * DAY, 10_000)
    assert sweep(tmp_path, most_bytes=10**9, oldest=10 * DAY) == ["ancient"]
    assert sweep(tmp_path, most_bytes=25_000, oldest=10 * DAY) == ["day31"]
    assert names(tmp_path) == ["live", "day32", "day33"]
    live.close()


def test_one_that_outgrows_the_size_by_itself_lets_its_oldest_part_go(tmp_path: Path) -> None:
    """The last file always stays, and reading says what is gone."""
    journal = Journal(tmp_path, "long", started_at=DAY, segment_bytes=1000)
    stamp = Stamp("test", ManualClock(), id_source("test-"), "long")
    for number in range(10):
        journal.write(stamp(TextEntered, text=f"{number} " * 500, speak=False))
        journal.flush()
    gone = sweep(tmp_path, most_bytes=3000, oldest=0, own=journal.place)
    journal.close()
    assert gone[0] == "events-0001.jsonl"
    recording = Recording(journal.place.folder)
    assert [event.text[0] for event in recording.events() if isinstance(event, TextEntered)][-1:] == ["9"]
    assert "let go to keep within the size" in str(recording.problems[0])


def test_what_a_crash_left_half_deleted_goes(tmp_path: Path) -> None:
    """A folder that was being deleted is no session."""
    folder = session(tmp_path, "s1", DAY).place.folder
    folder.rename(folder.with_name(".gone-s1"))
    assert names(tmp_path) == []
    sweep(tmp_path, most_bytes=10**9, oldest=0)
    assert list(tmp_path.iterdir()) == []


# ---- forgetting


def nothing() -> dict[str, object]:
    """An order that names nothing."""
    return {"turns": (), "since": 0, "until": 0, "texts": (), "about": "", "everything": False}


def read_all(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(root.rglob("events-*.jsonl")))


async def test_what_is_to_be_forgotten_leaves_the_recordings_too(tmp_path: Path) -> None:
    """Its turn, here and in sessions of before, and whatever says the same elsewhere; the rest stays."""

    def before() -> None:
        journal = Journal(tmp_path, "old", started_at=time.time_ns())
        stamp = Stamp("test", ManualClock(), id_source("old-"), "old")
        journal.write(stamp(TextEntered, turn=1, text="my bike code is 4512", speak=False))
        journal.write(stamp(TextEntered, turn=2, text="what time is it", speak=False))
        journal.close()

    await asyncio.to_thread(before)
    async with running(service(tmp_path)) as bench:
        bench.publish(TextEntered, turn=1, text="is 4512 the Bike CODE", speak=False)
        bench.publish(TextEntered, turn=2, text="good morning", speak=False)
        bench.publish(MemoryForget, **{**nothing(), "about": "bike code", "texts": ("my bike code is 4512",)})
        receipt = await bench.next(MemoryForgotten)
        assert (receipt.store, receipt.removed, receipt.detail, receipt.ok) == ("journal", 2, "2 recorded turns", True)
        last = bench.publish(TextEntered, turn=3, text="good night", speak=False)
    text = await asyncio.to_thread(read_all, tmp_path)
    assert b"4512" not in text
    assert all(kept in text for kept in (b"what time is it", b"good morning", b"good night"))
    recording = await read(tmp_path)
    kept = await asyncio.to_thread(lambda: list(recording.events()))
    assert last in kept
    assert {str(problem).partition(": ")[2] for problem in recording.problems} == {
        "1 lines were forgotten, as somebody wished."
    }


async def test_the_wish_to_forget_is_not_recorded_either(tmp_path: Path) -> None:
    """It names what is forgotten, before the order is given and after it was fulfilled."""
    said = {"reason": "answered", "by": "forget_memory", "latency": None, "turn": 1}
    async with running(service(tmp_path)) as bench:
        bench.publish(TextEntered, turn=1, text="forget everything about Zanzibar", speak=False)
        bench.publish(MemoryForget, **{**nothing(), "about": "Zanzibar"}, turn=1)
        await bench.next(MemoryForgotten)
        told = "Forgotten, everything about Zanzibar."
        bench.publish(TurnFinished, asked="forget everything about Zanzibar", answered=told, heard=told, **said)
        later = {**said, "turn": 2}
        bench.publish(TurnFinished, asked="good night", answered="Good night.", heard="Good night.", **later)
        bench.publish(MemoryForget, **nothing())
        await bench.next(MemoryForgotten)  # all before it was handled
    text = await asyncio.to_thread(read_all, tmp_path)
    assert b"anzibar" not in text
    assert b"Good night." in text


async def test_a_session_that_went_on_with_a_forgotten_turn_does_not_tell_of_it(tmp_path: Path) -> None:
    """Neither of the turn itself nor of a summary that stands for it; other sessions keep theirs."""
    told = {"session": "old", "at": 1, "asked": "my bike code is 4512", "heard": "Yes.", "reason": "answered"}
    summary = Summary(text="The code is 7788.", turns=(TurnName(session="older", turn=1),), since=1, until=1)
    async with running(service(tmp_path)) as bench:
        for name, kept in (("a", summary), ("b", None)):
            turns = (PastTurn(turn=3, **told),) if kept is None else ()
            bench.publish(SessionResumed, turn=0, name=name, turns=turns, summary=kept, problem="")
        bench.publish(SessionResumed, turn=0, name="other", turns=(PastTurn(turn=4, **told),), summary=None, problem="")
        turns = (TurnName(session="old", turn=3), TurnName(session="older", turn=1))
        bench.publish(MemoryForget, **{**nothing(), "turns": turns})
        assert (await bench.next(MemoryForgotten)).ok
    recording = await read(tmp_path)
    kept = await asyncio.to_thread(lambda: list(recording.events()))
    assert [event.name for event in kept if isinstance(event, SessionResumed)] == ["other"]
    assert b"7788" not in await asyncio.to_thread(read_all, tmp_path)


async def test_the_sound_of_a_forgotten_turn_goes_with_it(tmp_path: Path) -> None:
    """What the microphone heard of it is silence, what was spoken is gone."""
    async with running(service(tmp_path, audio=True)) as bench:
        for number in range(200):
            bench.publish(AudioCaptured, first_sample=number * 320, rate=16_000, pcm=b"\0\x40" * 320)
        bench.publish(SttStart, turn=1, utterance="u1-1", from_sample=20_000, language="en")
        final = {"words": (), "language": "en", "confidence": 1.0, "trusted": True, "mode": "grammar", "engine": "test"}
        place = {"utterance": "u1-1", "text": "a secret", "start_sample": 20_000, "until_sample": 40_000}
        bench.publish(SttFinal, turn=1, decode_ns=1, **place, **final)
        clause = {"reply": "r1-1", "clause": 0}
        bench.publish(TtsRequest, turn=1, text="Yes.", language="en", voice="", last=True, **clause)
        piece = {"first_sample": 0, "rate": 16_000, "marks": (), "last": True, "pcm": b"\0\x40" * 320}
        bench.publish(TtsAudio, turn=1, **clause, **piece)
        bench.publish(MemoryForget, **{**nothing(), "turns": (TurnName(session="test", turn=1),)})
        assert (await bench.next(MemoryForgotten)).removed == 1
        bench.publish(AudioCaptured, first_sample=200 * 320, rate=16_000, pcm=b"\0\x40" * 320)
    recording = await read(tmp_path)
    sound = await asyncio.to_thread(recording.audio, "microphone", 0, 201 * 320)
    assert [float(sound[n]) for n in (11_999, 12_000, 47_999, 48_000, 64_100)] == [0.5, 0, 0, 0.5, 0.5]
    assert not await asyncio.to_thread(lambda: list((tmp_path / "test" / "audio" / "speaker").iterdir()))
    assert b"a secret" not in await asyncio.to_thread(read_all, tmp_path)


async def test_everything_is_everything(tmp_path: Path) -> None:
    """Every event and all sound, also of this session."""
    async with running(service(tmp_path, audio=True)) as bench:
        bench.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=b"\0\x40" * 320)
        bench.publish(TextEntered, turn=1, text="a secret", speak=False)
        bench.publish(MemoryForget, **{**nothing(), "everything": True})
        assert (await bench.next(MemoryForgotten)).ok
    assert b"a secret" not in await asyncio.to_thread(read_all, tmp_path)
    assert not (tmp_path / "test" / "audio").exists()
