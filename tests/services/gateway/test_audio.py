"""Speaking into the microphone of a running assistant: a WAV file in, samples as they are heard inside Sotto out."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from shared.events import AudioHear
from shared.pcm import floats, pcm16
from tests.services.gateway.conftest import House, open_house


def wav(sound: np.ndarray, rate: int, *, channels: int = 1, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm16(np.repeat(sound, channels)) if width == 2 else bytes(len(sound)))
    return buffer.getvalue()


TONE = np.sin(np.arange(8_000) / 20).astype(np.float32) * 0.5


async def test_a_file_is_heard_by_the_microphone(house: House) -> None:
    """To the sample where it has our rate, resampled where not, in the assistant's session; its length is told."""
    with house.bench.bus.subscribe(AudioHear, name="audio") as microphone:
        answer = await house.client.post("/v1/audio", content=wav(TONE, 16_000))
        event = await anext(microphone)
        assert (answer.status_code, answer.json()) == (202, {"id": event.id, "samples": 8_000})
        assert (event.source, event.session, event.rate, event.pcm) == ("gateway", "test", 16_000, pcm16(TONE))
        answer = await house.client.post("/v1/audio?session=other", content=wav(TONE, 48_000, channels=2))
        event = await anext(microphone)
    assert event.session == "other"
    assert len(floats(event.pcm)) == pytest.approx(8_000 / 3, abs=40)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no WAV file"),
        (b"RIFF\0\0\0\0WAVEfmt ", "no WAV file"),
        (wav(TONE, 16_000)[:45], "no sample"),
        (wav(TONE, 16_000, width=1), "8 bits"),
        (wav(TONE, 300), "300 Hz"),
        (wav(TONE[:0], 16_000), "no sample"),
    ],
    ids=["nothing", "a torn header", "a torn file", "eight bits", "an odd rate", "silence of no length"],
)
async def test_what_is_no_sound_is_refused_in_words(house: House, body: bytes, words: str) -> None:
    answer = await house.client.post("/v1/audio", content=body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]


async def test_where_there_is_no_microphone_that_is_said(house: House) -> None:
    answer = await house.client.post("/v1/audio", content=wav(TONE, 16_000))
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "no_microphone")


async def test_a_microphone_is_the_admins() -> None:
    """A mere key is not enough to speak in a person's stead."""
    async with open_house(key="sesame", admin_key="open", trust_local=False) as house:
        with house.bench.bus.subscribe(AudioHear, name="audio"):
            for key, status in (("", 401), ("sesame", 403), ("open", 202)):
                headers = {"authorization": f"Bearer {key}"} if key else {}
                answer = await house.client.post("/v1/audio", content=wav(TONE, 16_000), headers=headers)
                assert answer.status_code == status, answer.text
