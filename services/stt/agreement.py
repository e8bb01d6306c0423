"""An append-only prefix of changing hypotheses: a word is stable once two decodings in a row agree on it.

LocalAgreement-2: Liu, Spanakis and Niehues (2020), as in Macháček, Dabre and Bojar (2023), whisper_streaming.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Agreement"]


class Agreement:
    """Feed it each hypothesis in full; `stable` only ever grows."""

    def __init__(self) -> None:
        self._stable: list[str] = []
        self._last: list[str] = []

    @property
    def stable(self) -> tuple[str, ...]:
        """The words that will not change any more."""
        return tuple(self._stable)

    def take(self, words: Sequence[str]) -> list[str]:
        """Take the next hypothesis; return the whole text's words: the stable ones, then what it says after them."""
        tail = list(words[len(self._stable) :])
        last = self._last[len(self._stable) :]
        for new, old in zip(tail, last, strict=False):
            if _plain(new) != _plain(old):
                break
            self._stable.append(new)
        self._last = list(words)
        return [*self._stable, *words[len(self._stable) :]]


def _plain(word: str) -> str:
    return word.casefold().strip(" .,;:!?…\"'")
