"""How words sound that the CMU dictionary lacks: espeak-ng's phonemes in the ARPAbet of the English model."""

# ruff: noqa: RUF001 (the letters of the phonetic alphabet are meant)

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from shared.logs import get_logger

__all__ = ["arpabet", "pronounce"]

_log = get_logger("stt")
_PROGRAM = Path(__file__).with_name("espeak_phonemes.py")
_SECONDS = 30

_ARPABET = {
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "ɡ": "G", "g": "G", "f": "F", "v": "V", "θ": "TH", "ð": "DH",
    "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "m": "M", "n": "N", "ŋ": "NG", "l": "L", "ɫ": "L", "ɹ": "R",
    "r": "R", "w": "W", "j": "Y", "tʃ": "CH", "dʒ": "JH", "ɾ": "D", "ʔ": "T", "x": "K", "ç": "HH", "ɬ": "L",
    "n̩": "AH N", "l̩": "AH L", "əl": "AH L", "m̩": "AH M", "ɲ": "N Y", "ʁ": "R", "β": "V", "ɣ": "G", "q": "K", "ʍ": "W",
    "ɪ": "IH", "i": "IY", "iː": "IY", "ᵻ": "IH", "e": "EY", "eɪ": "EY", "ɛ": "EH", "æ": "AE", "a": "AA", "aː": "AA",
    "ɑ": "AA", "ɑː": "AA", "ɒ": "AA", "ɔ": "AO", "ɔː": "AO", "o": "OW", "oː": "OW", "oʊ": "OW", "əʊ": "OW", "ʊ": "UH",
    "u": "UW", "uː": "UW", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɚ": "ER", "ɜː": "ER", "ɜ": "ER", "ɝ": "ER", "aɪ": "AY",
    "aʊ": "AW", "ɔɪ": "OY", "iə": "IY AH", "ɪɹ": "IH R", "ɛɹ": "EH R", "ɑːɹ": "AA R", "ɔːɹ": "AO R", "oːɹ": "AO R",
    "ʊɹ": "UH R", "aɪɚ": "AY ER", "aɪə": "AY AH", "aʊɚ": "AW ER", "y": "UW", "ø": "ER", "œ": "ER", "ɛː": "EH",
    "eː": "EY", "ɔ̃": "AO N", "ɑ̃": "AA N", "ɛ̃": "AE N", "œ̃": "AH N",
}  # fmt: skip
"""IPA as espeak-ng's English voices write it, to the 39 phones of the CMU dictionary."""


def arpabet(ipa: str) -> str | None:
    """Return espeak-ng phonemes (IPA, separated by underscores) as ARPAbet, or None when one has no counterpart."""
    phones: list[str] = []
    for part in ipa.replace("ˈ", "").replace("ˌ", "").split("_"):
        found = _phones(part.strip())
        if found is None:
            return None
        phones += found
    return " ".join(phones) or None


def pronounce(words: Iterable[str], voice: str = "en-us") -> dict[str, str]:
    """Return the ARPAbet of each word that espeak-ng can say; the rest is missing, with a line in the log.

    Runs a short-lived process (about 30 ms): call it from a thread.
    """
    asked = [word for word in words if "\n" not in word]
    if not asked:
        return {}
    said = _ask(asked, voice)
    known = {word: phones for word, ipa in zip(asked, said, strict=False) if (phones := arpabet(ipa))}
    if missing := sorted(set(asked) - set(known)):
        _log.info("words without a pronunciation are left out of the grammar", words=missing[:20], count=len(missing))
    return known


def _ask(words: list[str], voice: str) -> list[str]:
    command = [sys.executable, str(_PROGRAM), voice]
    text = "\n".join(words) + "\n"
    try:
        # The program is this package's own file.
        done = subprocess.run(  # noqa: S603
            command, input=text, capture_output=True, timeout=_SECONDS, check=True, encoding="utf-8"
        )
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("espeak-ng gives no pronunciations", error=str(error))
        return []
    return done.stdout.split("\n")


def _phones(part: str) -> list[str] | None:
    """The longest known phonemes from the left, so that what espeak-ng glues together comes apart again."""
    phones: list[str] = []
    while part:
        for length in range(min(4, len(part)), 0, -1):
            if part[:length] in _ARPABET:
                phones += _ARPABET[part[:length]].split()
                part = part[length:]
                break
        else:
            if part[0] not in "ːˑ̃ʲʰ̩":
                return None
            part = part[1:]
    return phones
