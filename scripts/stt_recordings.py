"""Recordings to recognise: a folder with a `manifest.tsv`, and the form in which their texts are compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile

from services.stt.grammar import spoken_form
from shared.pcm import CAPTURE_RATE, Floats, resample

__all__ = ["Folder", "Normaliser", "Recording"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A row of the manifest with its sound."""

    set: str
    file: str
    text: str
    label: str
    sound: Floats

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.sound) / CAPTURE_RATE


class Folder:
    """The recordings, read when they are asked for."""

    def __init__(self, folder: Path, *, full: bool) -> None:
        self._folder = folder
        with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
            self._rows = list(csv.DictReader(file, delimiter="\t"))
        self._step = 1 if full else 4

    def recordings(self, *sets: str) -> Iterator[Recording]:
        """Every recording of the sets, or every fourth."""
        rows = [row for row in self._rows if row["set"] in sets]
        for row in rows[:: self._step]:
            sound, rate = soundfile.read(self._folder / row["file"], dtype="float32", always_2d=True)
            mono = resample(sound.mean(axis=1), rate, CAPTURE_RATE)
            yield Recording(row["set"], row["file"], row["text"] or "", row["label"] or "", mono)


class Normaliser:
    """Brings a text to the form in which words are compared."""

    def __init__(self, folder: Path) -> None:
        path = folder.parent / "text" / "english_spelling_normalizer.json"
        self._spelling = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def __call__(self, text: str) -> str:
        """Return words separated by single spaces; never empty."""
        words = spoken_form(text.replace("&", " and "), "en").replace("mister", "mr").replace("missus", "mrs").split()
        return " ".join(self._spelling.get(word, word) for word in words) or "nothing"
