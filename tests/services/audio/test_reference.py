"""The echo canceller's reference keeps its place beside the microphone, in whatever lumps it comes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.audio.reference import Reference
from shared.pcm import Floats

FRAME = 320


def sound(samples: int) -> Floats:
    """Samples that name their own position."""
    return np.asarray(np.arange(1, samples + 1), dtype=np.float32)


def shifts(taken: Floats) -> list[int]:
    """How much later than in the reference each sample stands, where it is not silence; without repetitions."""
    places = np.flatnonzero(taken)
    return list(dict.fromkeys((places - (taken[places].astype(int) - 1)).tolist()))


def test_what_comes_with_each_frame_is_taken_with_it() -> None:
    """Nothing is added or held back."""
    reference, played = Reference(), sound(3200)
    taken = []
    for at in range(0, 3200, FRAME):
        reference.add(played[at : at + FRAME])
        taken.append(reference.take(FRAME))
    np.testing.assert_array_equal(np.concatenate(taken), played)


@given(lumps=st.lists(st.integers(0, 6), min_size=10, max_size=60))
def test_lumps_do_not_move_the_echo(lumps: list[int]) -> None:
    """What is late by up to 20 ms sets the delay; what is later is missing for once, and moves nothing."""
    reference, played = Reference(), sound(200 * FRAME)
    taken, sent = [], 0
    for number, lump in enumerate(lumps):
        due = min(sent + lump * FRAME, (number + 1) * FRAME)
        reference.add(played[sent:due])
        sent = due
        taken.append(np.pad(part := reference.take(FRAME), (0, FRAME - part.size)))
        if (number + 1) * FRAME - sent > 3200:
            return  # it counts as resting
    begun = next((n for n, lump in enumerate(lumps) if lump), 0)
    moves = shifts(np.concatenate(taken[begun:])) if sent else []
    assert moves == sorted(moves)
    assert not moves or moves[-1] - moves[0] <= 320


def test_a_speaker_that_rests_has_no_reference_and_begins_anew() -> None:
    """What comes after a rest is not taken for what was missing before."""
    reference = Reference()
    assert not reference.take(FRAME).size
    reference.add(sound(FRAME))
    assert reference.take(FRAME).size
    for _ in range(20):
        reference.take(FRAME)
    assert not reference.take(FRAME).size
    reference.add(sound(2 * FRAME))
    assert reference.take(3 * FRAME).any()
