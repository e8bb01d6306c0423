"""The playback machine: order, positions and silence, to the sample."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audio.playback import Block, Playback, Span
from shared.pcm import Floats, pcm16, resample

from .conftest import Voice, sine

VOICE = Voice()
FADE = 80
"""Samples of a fade at 16 kHz: 5 ms."""


def pull(playback: Playback, frames: int, block: int = 160) -> tuple[Floats, list[Span]]:
    """Pull `frames` in blocks; returns the samples and the spans."""
    blocks: list[Block] = []
    while sum(b.samples.size for b in blocks) < frames:
        blocks.append(playback.pull(min(block, frames - sum(b.samples.size for b in blocks))))
    return np.concatenate([b.samples for b in blocks]), [s for b in blocks for s in b.spans]


def ramp(samples: int, start: int = 0) -> Floats:
    """Samples that name their own position: exact in s16."""
    return np.asarray((np.arange(start, start + samples) + 1) / 32768, dtype=np.float32)


def test_a_clause_comes_out_as_it_went_in_and_silence_follows() -> None:
    """At the device's own rate nothing is changed."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(1000)))
    samples, spans = pull(playback, 1600)
    np.testing.assert_array_equal(samples[:1000], ramp(1000))
    assert not samples[1000:].any()
    assert (spans[-1].until_sample, spans[-1].ended) == (1000, True)
    assert playback.idle


def test_clauses_play_in_the_order_of_their_index_without_a_gap() -> None:
    """A clause that was synthesised first waits for those before it."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(500, 1000), clause=1))
    assert not pull(playback, 320)[0].any()
    playback.append(VOICE.piece(ramp(1000), clause=0))
    samples, spans = pull(playback, 1500)
    np.testing.assert_array_equal(samples, ramp(1500))
    assert [s.sound.clause for s in spans if s.ended] == [0, 1]


def test_replies_and_chimes_play_in_the_order_in_which_they_came() -> None:
    """A chime waits for what is queued, and a later reply for the chime."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(320), reply="a"))
    playback.chime(pcm16(np.full(160, 0.25)), 16_000)
    playback.append(VOICE.piece(ramp(320), reply="b"))
    samples, spans = pull(playback, 800)
    np.testing.assert_array_equal(samples, np.concatenate((ramp(320), np.full(160, 0.25), ramp(320))))
    assert [s.sound.reply for s in spans if s.ended] == ["a", "", "b"]


def test_a_clause_that_is_still_being_synthesised_waits_in_silence_and_goes_on() -> None:
    """Nothing is lost or doubled at an underrun, and the clause ends only with its last piece."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(200), last=False))
    first, spans = pull(playback, 480)
    assert not any(s.ended for s in spans)
    playback.append(VOICE.piece(ramp(100, 200), first=200))
    then, spans = pull(playback, 320)
    np.testing.assert_array_equal(np.concatenate((first[:200], then[:100])), ramp(300))
    assert spans[-1].ended


def test_a_clause_without_samples_ends_too() -> None:
    """An empty last piece, and a clause whose synthesis failed, are reported as ended."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(0)))
    playback.complete("r1", 1, 16_000, VOICE.piece(ramp(0)))
    _, spans = pull(playback, 160)
    assert [(s.sound.clause, s.until_sample, s.ended) for s in spans] == [(0, 0, True), (1, 0, True)]


def test_pieces_that_come_twice_are_played_once() -> None:
    """A clause synthesised again after a crash neither repeats nor shifts anything."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(300), last=False))
    playback.append(VOICE.piece(ramp(200), last=False))
    playback.append(VOICE.piece(ramp(300, 200), first=200))
    samples, _ = pull(playback, 640)
    np.testing.assert_array_equal(samples[:500], ramp(500))
    playback.append(VOICE.piece(ramp(500)))
    assert not pull(playback, 640)[0].any()


def test_a_pause_fades_within_5_ms_and_keeps_what_is_queued() -> None:
    """The tail continues the sound where the last block ended; then there is silence until the resume."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(np.full(4000, 0.5, np.float32)))
    pull(playback, 800)
    playback.pause("r1")
    samples, spans = pull(playback, 1600)
    assert samples[0] == pytest.approx(0.5)
    assert np.all(np.diff(samples[:FADE]) <= 0)
    assert not samples[FADE:].any()
    assert (spans[-1].from_sample, spans[-1].until_sample) == (800, 800 + FADE)
    assert playback.paused
    assert not playback.idle


def test_a_resume_goes_on_from_the_given_sample() -> None:
    """The words since the last boundary are played again, with a fade in, and nothing after them is lost."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(3000)))
    pull(playback, 1600)
    playback.pause("r1")
    pull(playback, 1600)
    playback.resume("r1", 0, 1000)
    samples, spans = pull(playback, 2000)
    np.testing.assert_array_equal(samples[FADE:], ramp(2000 - FADE, 1000 + FADE))
    assert spans[0].from_sample == 1000
    assert (spans[-1].until_sample, spans[-1].ended) == (3000, True)


def test_a_resume_reaches_back_into_a_clause_that_was_played() -> None:
    """The last word boundary may lie in the clause before; the ones after it are played whole again."""
    playback = Playback(16_000)
    for clause in range(3):
        playback.append(VOICE.piece(ramp(500, 500 * clause), clause=clause))
    pull(playback, 800)
    playback.pause("r1")
    pull(playback, 320)
    playback.resume("r1", 0, 400)
    samples, spans = pull(playback, 1100)
    np.testing.assert_array_equal(samples[FADE:], ramp(1100 - FADE, 400 + FADE))
    assert [s.sound.clause for s in spans if s.ended] == [0, 1, 2]


def test_while_paused_nothing_sounds_whatever_comes() -> None:
    """New clauses, new replies and chimes wait."""
    playback = Playback(16_000)
    playback.pause("r1")
    playback.append(VOICE.piece(ramp(320)))
    playback.append(VOICE.piece(ramp(320), reply="r2"))
    playback.chime(pcm16(ramp(320)), 16_000)
    assert not pull(playback, 1600)[0].any()
    playback.resume("r1", 0, 0)
    np.testing.assert_array_equal(pull(playback, 320)[0], ramp(320))


def test_a_stop_drops_the_reply_and_what_still_comes_of_it() -> None:
    """Later pieces of a stopped reply are ignored; another reply plays."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(np.full(3200, 0.5, np.float32), last=False))
    pull(playback, 320)
    playback.stop("r1")
    playback.append(VOICE.piece(np.full(3200, 0.5, np.float32), first=3200))
    playback.append(VOICE.piece(np.full(320, 0.5, np.float32), clause=1))
    playback.append(VOICE.piece(ramp(320), reply="r2"))
    samples, spans = pull(playback, 1600)
    np.testing.assert_array_equal(samples[FADE : FADE + 320], ramp(320))
    assert not samples[FADE + 320 :].any()
    assert not any(s.ended for s in spans if s.sound.reply == "r1")


def test_a_stop_without_a_name_silences_everything_known() -> None:
    """Every reply and chime goes; a reply that comes later plays."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(ramp(3200)))
    playback.append(VOICE.piece(ramp(3200), reply="r2"))
    playback.chime(pcm16(ramp(3200)), 16_000)
    playback.pause("r1")
    playback.stop("")
    assert playback.idle
    playback.append(VOICE.piece(ramp(320), reply="r3"))
    np.testing.assert_array_equal(pull(playback, 320)[0], ramp(320))


def test_stopping_a_paused_reply_lets_the_next_one_play() -> None:
    """The pause belongs to the reply and ends with it, without a sound of it."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(np.full(3200, 0.5, np.float32)))
    pull(playback, 320)
    playback.pause("r1")
    pull(playback, 320)
    playback.stop("r1")
    playback.append(VOICE.piece(ramp(320), reply="r2"))
    np.testing.assert_array_equal(pull(playback, 320)[0], ramp(320))


def test_dropping_a_turn_drops_its_sounds_alone() -> None:
    """A fence takes the older turn's clauses out of the queue, amid a clause with a fade."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(np.full(3200, 0.5, np.float32), reply="old", turn=1))
    playback.append(VOICE.piece(ramp(320), reply="new", turn=2))
    pull(playback, 320)
    playback.drop(lambda s: s.origin is not None and s.origin.turn < 2)
    samples, _ = pull(playback, 800)
    np.testing.assert_array_equal(samples[FADE : FADE + 320], ramp(320))
    assert playback.idle


def test_another_device_goes_on_where_the_last_block_ended() -> None:
    """A new rate loses and doubles nothing."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(sine(440, 0.2, 16_000)))
    pull(playback, 1600)
    playback.render_at(48_000)
    _, spans = pull(playback, 4800)
    assert spans[0].from_sample == 1600
    assert spans[-1].ended


@pytest.mark.parametrize(("rate", "device"), [(22_050, 48_000), (22_050, 44_100), (24_000, 16_000), (16_000, 48_000)])
def test_resampled_in_blocks_is_the_same_as_resampled_whole(rate: int, device: int) -> None:
    """Blocks of any size, pieces of any size: the device gets the clause as if it had been converted in one go."""
    clause = sine(440, 0.7, rate)
    playback = Playback(device)
    playback.append(VOICE.piece(clause[:3000], rate=rate, last=False))
    early, _ = pull(playback, 480)
    playback.append(VOICE.piece(clause[3000:], rate=rate, first=3000))
    late, spans = pull(playback, device)
    whole = resample(np.asarray(np.round(clause * 32768) / 32768, dtype=np.float32), rate, device)
    out = np.concatenate((early, late))
    np.testing.assert_allclose(out[: whole.size], whole, atol=2e-3)
    assert abs(np.flatnonzero(out)[-1] - whole.size) <= 2
    assert spans[-1].until_sample == clause.size


def test_louder_and_quieter_are_steps_of_6_db_without_a_click() -> None:
    """The change is spread over a block; louder than full scale is bent, never clipped; 0 mutes."""
    playback = Playback(16_000)
    playback.append(VOICE.piece(np.full(16_000, 0.5, np.float32)))
    pull(playback, 160)
    playback.volume.quieter()
    block = playback.pull(160).samples
    assert block[0] == pytest.approx(0.5)
    assert np.max(np.abs(np.diff(block))) < 0.01
    assert playback.pull(160).samples == pytest.approx(np.full(160, 0.25))
    for _ in range(5):
        playback.volume.louder()
    playback.pull(160)
    assert 0.9 < playback.pull(160).samples.max() <= 1.0
    playback.volume.set(0)
    playback.pull(160)
    assert not playback.pull(160).samples.any()


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 700), min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 400), min_size=1, max_size=40),
    pauses=st.sets(st.integers(0, 30), max_size=4),
)
def test_however_it_is_cut_every_sample_is_accounted_for(sizes: list[int], cuts: list[int], pauses: set[int]) -> None:
    """Spans cover every clause from its first sample to its last, in order, whatever the blocks and the pauses."""
    playback = Playback(16_000)
    for clause, size in enumerate(sizes):
        playback.append(VOICE.piece(ramp(size), clause=clause))
    heard: dict[int, list[Any]] = {clause: [] for clause in range(len(sizes))}
    for step in range(40 + 5000 // min(cuts)):
        if step in pauses:
            playback.pause("r1")
            for span in playback.pull(200).spans:
                heard[span.sound.clause].append(span)
            clause = max((c for c, spans in heard.items() if spans), default=0)
            playback.resume("r1", clause, heard[clause][-1].until_sample if heard[clause] else 0)
        for span in playback.pull(cuts[step % len(cuts)]).spans:
            heard[span.sound.clause].append(span)
    assert playback.idle
    for clause, size in enumerate(sizes):
        spans = heard[clause]
        assert spans[0].from_sample == 0
        assert all(a.until_sample == b.from_sample for a, b in itertools.pairwise(spans))
        assert (spans[-1].until_sample, spans[-1].ended) == (size, True)
