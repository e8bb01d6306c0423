"""PortAudio in processes of its own: what goes wrong there becomes a sentence here, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.audio import AudioSettings, DeviceBusy, DeviceNotFound, NoSoundSystem, PortAudio, list_devices
from services.audio.playback import Playback
from services.audio.service import AudioService
from services.audio.speaker import Speaker
from services.testing import running
from shared.events import AudioCaptured, ServiceDegraded
from tests.kit.pulse import PulseAudio

pytestmark = [pytest.mark.slow, pytest.mark.may_block("the virtual sound card is run by hand")]


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[PulseAudio]:
    with PulseAudio(tmp_path) as pulse, pulse.here():
        yield pulse


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Every process that a test started has ended."""
    yield
    assert not [child for child in psutil.Process().children() if "soundhost.py" in " ".join(child.cmdline())]


def ignored(*_: Any) -> None:
    """Nobody listens."""


async def test_a_sound_system_that_aborts_is_named_and_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty ALSA configuration makes PortAudio abort; the sentence says which variable names it, and what to do."""
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/dev/null")
    with pytest.raises(NoSoundSystem, match=r"ALSA_CONFIG_PATH is '/dev/null'") as raised:
        list_devices()
    assert "asoundrc" in raised.value.remedy
    with pytest.raises(NoSoundSystem, match="ALSA_CONFIG_PATH"):
        await PortAudio().open_input("default", ignored)
    with pytest.raises(NoSoundSystem, match="ALSA_CONFIG_PATH"):
        await PortAudio().open_output("default", 0.03, Speaker(Playback(16_000)))


async def test_with_a_sound_system_that_aborts_the_clock_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The person is told, and can type."""
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/dev/null")
    async with running(AudioService(AudioSettings(), devices=PortAudio)) as bench:
        assert "cannot be used" in (await bench.next(ServiceDegraded)).reason
        assert not any((await bench.next(AudioCaptured)).pcm)


async def test_a_device_that_does_not_exist_is_refused_with_those_that_do(pulse: PulseAudio) -> None:
    """By name."""
    with pytest.raises(DeviceNotFound, match="no microphone named 'headset'") as raised:
        await PortAudio().open_input("headset", ignored)
    assert "'pulse'" in raised.value.remedy


async def test_a_device_that_others_use_up_is_busy_until_they_let_go(pulse: PulseAudio, tmp_path: Path) -> None:
    """A sound server takes so many streams and no more; the sentence says what to do, and then it works."""
    await asyncio.to_thread(pulse.occupy)
    devices, source = PortAudio(), Speaker(Playback(16_000))
    with pytest.raises(DeviceBusy, match="speaker cannot be opened") as raised:
        await devices.open_output("pulse", 0.03, source)
    assert "Close the program" in raised.value.remedy
    await asyncio.to_thread(pulse.release)
    stream = await devices.open_output("pulse", 0.03, source)
    await stream.close()


async def test_an_opening_that_is_given_up_leaves_no_process(pulse: PulseAudio) -> None:
    """At whatever moment."""
    for turns in (0, 3, 12, 40):
        opening = asyncio.create_task(PortAudio().open_input("pulse", ignored))
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_a_process_that_dies_is_a_device_that_went_away(pulse: PulseAudio) -> None:
    """As a driver may crash."""
    stream = await PortAudio().open_input("pulse", ignored)
    (host,) = [c for c in psutil.Process().children() if "soundhost.py" in " ".join(c.cmdline())]
    host.kill()
    assert "went away" in await stream.lost()
    await stream.close()
