"""Recorded sound: short blocks, raw while they are written and FLAC once they are closed, read by position.

A crash leaves the open block as it is, raw and whole up to its last write. Nothing is lost by FLAC: samples are s16.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from bus.journal.place import Block, Place, clause_name
from shared.events import AudioCaptured, TtsAudio
from shared.pcm import CAPTURE_RATE, samples_in

__all__ = ["SoundWriter", "read_block", "read_microphone", "silence"]

Samples = npt.NDArray[np.int16]

_BLOCK_SAMPLES = 10 * CAPTURE_RATE


class _OpenBlock:
    """A block that is being written."""

    def __init__(self, folder: Path, stem: str, rate: int, first_sample: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.first_sample = first_sample
        self.rate = rate
        self.samples = 0
        self._path = folder / f"{stem}.{rate}.pcm"
        self._file: IO[bytes] = self._path.open("wb", buffering=0)
        self._closed_as = folder / f"{stem}.flac"

    def write(self, pcm: bytes) -> None:
        """Append samples, at once and whole."""
        self._file.write(pcm)
        self.samples += samples_in(pcm)

    def close(self) -> None:
        """Leave it as FLAC; without samples, leave nothing."""
        self._file.close()
        if self.samples:
            _write_flac(self._closed_as, np.fromfile(self._path, "<i2"), self.rate)
        self._path.unlink()


class SoundWriter:
    """Writes what was heard and what was said of one session. Every method blocks; OSError goes to the caller."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._microphone: _OpenBlock | None = None
        self._clauses: dict[tuple[str, str, int], _OpenBlock] = {}

    def write(self, event: AudioCaptured | TtsAudio) -> None:
        """Append a frame of the microphone at its place, or a piece of a clause."""
        if isinstance(event, AudioCaptured):
            self._heard(event)
        else:
            self._said(event)

    def close(self) -> None:
        """Close what is open."""
        self._close_microphone()
        while self._clauses:
            self._clauses.popitem()[1].close()

    def _heard(self, frame: AudioCaptured) -> None:
        block = self._microphone
        if block is not None and frame.first_sample != block.first_sample + block.samples:
            self._close_microphone()
            block = None
        if block is None:
            stem = f"{frame.first_sample:012d}"
            block = _OpenBlock(self._place.sound("microphone"), stem, frame.rate, frame.first_sample)
            self._microphone = block
        block.write(frame.pcm)
        if block.samples >= _BLOCK_SAMPLES:
            self._close_microphone()

    def _said(self, piece: TtsAudio) -> None:
        key = (piece.session, piece.reply, piece.clause)
        block = self._clauses.get(key)
        if block is None:
            block = _OpenBlock(self._place.sound("speaker"), clause_name(*key), piece.rate, 0)
            self._clauses[key] = block
        block.write(piece.pcm)
        if piece.last:
            self._clauses.pop(key).close()

    def _close_microphone(self) -> None:
        block, self._microphone = self._microphone, None
        if block is not None:
            block.close()


def read_block(block: Block) -> tuple[Samples, int]:
    """Return a block's samples, shape (samples,), and their rate; none where it is damaged."""
    import soundfile

    if block.rate is not None:
        raw = block.path.read_bytes()
        return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2"), block.rate
    try:
        samples, rate = soundfile.read(block.path, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError:
        return np.zeros(0, np.int16), CAPTURE_RATE
    return samples[:, 0].astype(np.int16), rate


def read_microphone(place: Place, first_sample: int, until_sample: int) -> Iterator[tuple[int, Samples]]:
    """Return the recorded pieces between two positions, each with the position it begins at, in order."""
    for block in place.blocks("microphone"):
        if block.position >= until_sample or block.position + _BLOCK_SAMPLES + CAPTURE_RATE <= first_sample:
            continue
        samples, _ = read_block(block)
        start, until = max(first_sample, block.position), min(until_sample, block.position + len(samples))
        if start < until:
            yield start, samples[start - block.position : until - block.position]


def silence(place: Place, first_sample: int, until_sample: int) -> None:
    """Put silence in the place of what the microphone heard between two positions."""
    for block in place.blocks("microphone"):
        if block.position >= until_sample:
            continue
        samples, rate = read_block(block)
        start, until = max(first_sample, block.position), min(until_sample, block.position + len(samples))
        if start < until:
            quiet = samples.copy()
            quiet[start - block.position : until - block.position] = 0
            _write_flac(block.path.with_name(f"{block.stem}.flac"), quiet, rate)
            if block.rate is not None:
                block.path.unlink()


def _write_flac(path: Path, samples: Samples, rate: int) -> None:
    """Write the file whole or not at all."""
    import soundfile

    made = path.with_suffix(".part")
    try:
        soundfile.write(made, samples, rate, format="FLAC", subtype="PCM_16")
    except soundfile.LibsndfileError as error:
        raise OSError(f"{made.name} cannot be written: {error}") from error
    made.rename(path)
