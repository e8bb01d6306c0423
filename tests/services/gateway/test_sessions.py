"""Recorded sessions over HTTP: their list, their events in pages, their sound."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from bus import Bus
from bus.journal import Journal
from services.gateway import Sources
from services.journal import JournalService, JournalSettings
from services.testing import running
from shared.clock import ManualClock
from shared.events import AudioCaptured, ServiceReady, Stamp, TextEntered
from shared.ids import id_source
from tests.services.gateway.conftest import House, open_house


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder with one session: five texts, and a second of sound."""
    stamp = Stamp("test", ManualClock(), id_source("e-"), "s1")
    journal = Journal(tmp_path, "s1", started_at=7, over="text", sound=True)
    for n in range(5):
        journal.write(stamp(TextEntered, text=str(n), speak=False))
    for n in range(50):
        journal.write(stamp(AudioCaptured, first_sample=320 * n, rate=16_000, pcm=b"\x00\x10" * 320))
    journal.close()
    return tmp_path


async def test_the_recorded_sessions_are_listed(recorded: Path) -> None:
    async with open_house(Sources(sessions=recorded)) as house:
        (line,) = (await house.client.get("/v1/sessions")).json()
    assert (line["id"], line["started_at"], line["events"], line["over"]) == ("s1", 7, 5, "text")
    assert line["live"] is False


async def test_events_come_in_pages(recorded: Path) -> None:
    """Each page begins after the last event of the one before."""
    async with open_house(Sources(sessions=recorded)) as house:
        first = (await house.client.get("/v1/sessions/s1/events?limit=3")).json()
        query = f"limit=2&since={first[-1]['id']}"
        second = (await house.client.get(f"/v1/sessions/s1/events?{query}")).json()
    assert [event["text"] for event in (*first, *second)] == list("01234")


async def test_sound_comes_as_wav(recorded: Path) -> None:
    """A stretch of it, by positions of the capture clock."""
    async with open_house(Sources(sessions=recorded)) as house:
        answer = await house.client.get("/v1/sessions/s1/audio?first_sample=1000&until_sample=9000")
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getnframes()) == (16_000, 1, 8000)
        assert sound.readframes(1) == b"\x00\x10"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/sessions/nobody/events", 404, "nobody"),
        ("/v1/sessions/..%2Fs1/events", 404, "Not Found"),
        ("/v1/sessions/s1/events?since=never", 404, "never"),
        ("/v1/sessions/s1/events?limit=0", 422, "limit"),
        ("/v1/sessions/s1/audio?track=ceiling", 422, "track"),
        ("/v1/sessions/s1/audio?first_sample=9&until_sample=8", 422, "stretch"),
        ("/v1/sessions/s1/audio?until_sample=99999999999", 422, "stretch"),
    ],
)
async def test_what_is_not_recorded_is_told(recorded: Path, path: str, status: int, words: str) -> None:
    async with open_house(Sources(sessions=recorded)) as house:
        answer = await house.client.get(path)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


async def test_where_nothing_is_recorded_that_is_said(house: House) -> None:
    answer = await house.client.get("/v1/sessions")
    assert answer.status_code == 404
    assert "journal.enabled=true" in answer.json()["error"]["message"]


async def test_what_the_bus_has_forgotten_comes_from_the_recording(tmp_path: Path) -> None:
    """In order, without a gap and nothing twice, sound included; then what happens now."""
    bus, said = Bus(ring=20, payload_ring=5), []
    journal = JournalService(JournalSettings(folder=tmp_path))
    async with (
        open_house(Sources(sessions=tmp_path), bus=bus) as house,
        running(journal, bus=bus, wait_ready=False) as beside,
    ):
        while (await beside.next(ServiceReady)).service != "journal":
            pass
        for n in range(1500):
            said.append(house.bench.publish(AudioCaptured, first_sample=320 * n, rate=16_000, pcm=bytes(640)))
            said.append(house.bench.publish(TextEntered, text=str(n), speak=False))
        while (await house.client.get(f"/v1/sessions/test/events?since={said[-1].id}")).status_code == 404:
            pass  # the disk is slower
        async with house.watch(f"kind=text.entered,audio.captured&since={said[6].id}") as watcher:
            await watcher.hello()
            house.bench.publish(TextEntered, text="now", speak=False)
            events = [await watcher.event() for _ in range(2994)]
    assert [event["id"] for event in events[:-1]] == [event.id for event in said[7:]]
    assert events[-1]["text"] == "now"


async def test_what_nobody_recorded_is_told_as_missed(recorded: Path) -> None:
    """An event of another session, or of none; then comes what is remembered."""
    async with open_house(Sources(sessions=recorded)) as house, house.watch("kind=text.entered&since=lost") as watcher:
        await watcher.hello()
        assert "lost" in (await watcher.frame())["missed"]["reason"]
