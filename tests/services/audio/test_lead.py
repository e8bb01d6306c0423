"""What was rendered ahead of a device: none of it is lost, and none is taken for played."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.audio.lead import Lead
from services.audio.playback import Playback
from services.audio.speaker import Speaker

from .conftest import Voice, sine

VOICE = Voice()
MS = 1_000_000


def ramp(samples: int, start: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Samples that name their own position: exact in s16."""
    return np.asarray((np.arange(start, start + samples) + 1) / 32768, dtype=np.float32)


def ahead(playback: Playback, lead: Lead, frames: int) -> None:
    lead.add(playback.take(frames))


def test_what_is_taken_is_what_was_rendered_cut_as_the_device_likes_it() -> None:
    """Samples and spans come out in the device's blocks, over the border of two clauses."""
    playback, lead = Playback(16_000), Lead()
    playback.append(VOICE.piece(ramp(500), clause=0))
    playback.append(VOICE.piece(ramp(500, 500), clause=1))
    ahead(playback, lead, 2000)
    assert lead.frames == 1000
    blocks = [lead.take(300) for _ in range(4)]
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]), ramp(1000))
    told = [(s.sound.clause, s.at, s.from_sample, s.until_sample, s.ended) for b in blocks for s in b.spans]
    assert told == [
        (0, 0, 0, 300, False),
        (0, 0, 300, 500, True),
        (1, 200, 0, 100, False),
        (1, 0, 100, 400, False),
        (1, 0, 400, 500, True),
    ]


def test_a_pause_keeps_a_fade_and_a_resume_plays_all_that_was_cut_off() -> None:
    """Over clauses that were rendered to their end already; not a sample is missing, none comes twice."""
    playback, lead = Playback(16_000), Lead()
    for clause in range(3):
        playback.append(VOICE.piece(ramp(500, 500 * clause), clause=clause))
    ahead(playback, lead, 1400)
    lead.take(200)
    playback.rewind(lead.cut(80))
    playback.pause("r1")
    assert not playback.take(500).samples.size
    tail = lead.take(500)
    assert tail.samples.size == 80
    assert np.all(tail.samples <= ramp(80, 200))
    assert tail.samples[-1] < tail.samples[0] / 50
    playback.resume("r1", 0, 280)
    ahead(playback, lead, 5000)
    np.testing.assert_array_equal(lead.take(5000).samples[80:], ramp(1500 - 360, 360))
    assert playback.idle


def test_a_chime_and_another_reply_that_were_rendered_ahead_come_again_in_their_order() -> None:
    """Also what stands behind the sound that was cut."""
    playback, lead = Playback(16_000), Lead()
    playback.append(VOICE.piece(ramp(320), reply="a"))
    playback.chime(b"\\0\\x20" * 160, 16_000)
    playback.append(VOICE.piece(ramp(320), reply="b"))
    ahead(playback, lead, 700)
    lead.take(160)
    playback.rewind(lead.cut(0))
    ahead(playback, lead, 700)
    sounds = [(s.sound.reply, s.from_sample) for s in lead.take(700).spans]
    assert [reply for reply, _ in itertools.groupby(sounds, lambda s: s[0])] == ["a", "", "b"]
    assert sounds[0] == ("a", 160)


@given(
    sizes=st.lists(st.integers(0, 700), min_size=1, max_size=5),
    steps=st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400), st.booleans()), min_size=1, max_size=30),
)
def test_however_it_is_rendered_taken_and_cut_every_sample_is_played_once(
    sizes: list[int], steps: list[tuple[int, int, bool]]
) -> None:
    """Spans that were taken cover every clause from its first sample to its last, in order."""
    playback, lead = Playback(16_000), Lead()
    for clause, size in enumerate(sizes):
        playback.append(VOICE.piece(ramp(size), clause=clause))
    heard = []
    for render, take, cut in [*steps, (5000, 5000, False)]:
        ahead(playback, lead, render)
        if cut:
            playback.rewind(lead.cut(min(80, lead.frames)))
        heard += lead.take(take).spans
    assert playback.idle
    for clause, size in enumerate(sizes):
        spans = [s for s in heard if s.sound.clause == clause]
        assert spans[0].from_sample == 0
        assert all(a.until_sample == b.from_sample for a, b in itertools.pairwise(spans))
        assert (spans[-1].until_sample, spans[-1].ended) == (size, True)


def test_what_is_ahead_is_not_heard_and_a_lost_device_gives_it_back() -> None:
    """Only what was taken and has left the device counts; the next device goes on from there."""
    speaker = Speaker(Playback(16_000))
    speaker.append(VOICE.piece(sine(440, 1.0, 16_000)))
    assert speaker.ahead(16_000).size == 16_000
    assert speaker.heard(1000 * MS) == []
    speaker.took(1600, 0, 0, 10 * MS)
    assert speaker.interrupted(60 * MS)[0].until_sample == 800
    speaker.begin(48_000)
    assert speaker.ahead(480).size == 480
    speaker.took(480, 0, 1000 * MS, 1000 * MS)
    assert speaker.heard(1010 * MS)[0].until_sample == 960


def test_a_request_that_silences_asks_for_a_cut_and_another_does_not() -> None:
    """More speech, and its end, wait behind what is ahead."""
    speaker = Speaker(Playback(16_000))
    piece = VOICE.piece(sine(440, 1.0, 16_000), last=False)
    speaker.append(piece)
    speaker.ahead(8000)
    speaker.append(VOICE.piece(sine(440, 1.0, 16_000), first=16_000, last=False))
    speaker.complete("r1", 0, 16_000, piece)
    assert not speaker.cutting
    speaker.pause("r1")
    assert speaker.cutting
    speaker.cut(80)
    assert not speaker.cutting
    assert not speaker.ahead(8000).size


def test_sound_that_runs_out_amid_a_clause_is_counted_once() -> None:
    """However long it takes until more comes; silence after an answer is no gap."""
    speaker = Speaker(Playback(16_000))
    speaker.append(VOICE.piece(sine(440, 0.1, 16_000), last=False))
    speaker.ahead(16_000)
    speaker.took(1600, 160, 0, 0)
    speaker.took(0, 160, 0, 0)
    assert speaker.gaps == 1
    speaker.append(VOICE.piece(sine(440, 0.1, 16_000), first=1600))
    speaker.ahead(16_000)
    speaker.took(1600, 160, 0, 0)
    speaker.took(0, 160, 0, 0)
    assert speaker.gaps == 1
