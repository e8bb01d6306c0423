"""What was heard: positions by the time at which samples leave the device."""

from __future__ import annotations

import pytest

from services.audio.playback import Playback
from services.audio.speaker import QueueFull, Speaker

from .conftest import Voice, sine

VOICE = Voice()
MS = 1_000_000


@pytest.fixture
def speaker() -> Speaker:
    return Speaker(Playback(16_000))


def test_nothing_is_heard_before_it_leaves_the_device(speaker: Speaker) -> None:
    """A block pulled now with 30 ms of latency is heard sample by sample from then on."""
    speaker.append(VOICE.piece(sine(440, 1.0, 16_000)))
    speaker.pull(160, at_ns=30 * MS)
    assert speaker.heard(29 * MS) == []
    assert [h.until_sample for h in speaker.heard(35 * MS)] == [80]
    assert [h.until_sample for h in speaker.heard(35 * MS)] == []
    assert [(h.until_sample, h.ended) for h in speaker.heard(40 * MS)] == [(160, False)]


def test_positions_are_counted_at_the_clause_s_own_rate() -> None:
    """Half a block of 10 ms at 48 kHz is 5 ms of a clause at 22050."""
    speaker = Speaker(Playback(48_000))
    speaker.append(VOICE.piece(sine(440, 1.0, 22_050), rate=22_050))
    speaker.pull(480, at_ns=0)
    assert speaker.heard(5 * MS)[0].until_sample == 110


def test_a_clause_ends_once_even_when_it_is_played_again(speaker: Speaker) -> None:
    """After a resume that reaches back, no sample is reported as less and no end twice."""
    speaker.append(VOICE.piece(sine(440, 0.01, 16_000)))
    speaker.append(VOICE.piece(sine(440, 1.0, 16_000), clause=1))
    speaker.pull(320, at_ns=0)
    ends = [(h.sound.clause, h.ended) for h in speaker.heard(20 * MS)]
    assert ends == [(0, True), (1, False)]
    speaker.pause("r1")
    speaker.resume("r1", 0, 0)
    speaker.pull(160, at_ns=20 * MS)
    assert [(h.sound.clause, h.until_sample) for h in speaker.heard(30 * MS)] == [(1, 240)]  # the pause's fade
    speaker.pull(480, at_ns=30 * MS)
    assert [(h.sound.clause, h.until_sample, h.ended) for h in speaker.heard(60 * MS)] == [(1, 400, False)]


def test_the_fade_of_a_pause_is_heard_too(speaker: Speaker) -> None:
    """5 ms leave the device after the pause, and they are reported."""
    speaker.append(VOICE.piece(sine(440, 1.0, 16_000)))
    speaker.pull(160, at_ns=0)
    speaker.pause("r1")
    speaker.pull(160, at_ns=10 * MS)
    assert speaker.heard(100 * MS)[-1].until_sample == 240


def test_what_a_lost_device_swallowed_is_played_again(speaker: Speaker) -> None:
    """Only what had left the device counts; the next device goes on from there."""
    speaker.append(VOICE.piece(sine(440, 1.0, 16_000)))
    speaker.pull(1600, at_ns=0)
    assert speaker.interrupted(50 * MS)[0].until_sample == 800
    speaker.begin(48_000)
    speaker.pull(480, at_ns=1000 * MS)
    assert speaker.heard(1010 * MS)[0].until_sample == 960


def test_more_than_the_limit_is_refused_and_the_clause_ends_where_it_was_cut(speaker: Speaker) -> None:
    """QueueFull names the setting; what was queued before is still spoken."""
    speaker = Speaker(Playback(16_000), limit_s=1.0)
    speaker.append(VOICE.piece(sine(440, 1.5, 16_000), last=False))
    speaker.pull(0, at_ns=0)
    with pytest.raises(QueueFull, match="queue_s"):
        speaker.append(VOICE.piece(sine(440, 1.5, 16_000), first=24_000))
    speaker.pull(32_000, at_ns=0)
    heard = speaker.heard(2000 * MS)[-1]
    assert (heard.until_sample, heard.ended) == (24_000, True)


def test_a_speaker_is_idle_once_everything_has_left_it(speaker: Speaker) -> None:
    """Requests, queued samples and samples on their way all count as busy."""
    assert speaker.idle
    speaker.append(VOICE.piece(sine(440, 0.01, 16_000)))
    assert not speaker.idle
    speaker.pull(160, at_ns=0)
    assert not speaker.idle
    speaker.heard(10 * MS)
    assert speaker.idle
