"""A program: reads words, one a line, and writes each word's espeak-ng phonemes in IPA, separated by underscores.

It runs in a process of its own: espeak-ng keeps one state for a whole process, and speaking belongs to another service.
"""

from __future__ import annotations

import ctypes
import sys

import espeakng_loader

_RETRIEVAL = 1
_UTF8 = 1
_IPA_SEPARATED = 0x02 | (ord("_") << 8)


def main(voice: str) -> None:
    """Answer every line of standard input with a line of standard output."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())  # type: ignore[no-untyped-call] # the package has no types
    data = str(espeakng_loader.get_data_path())  # type: ignore[no-untyped-call] # the package has no types
    library.espeak_Initialize(_RETRIEVAL, 0, data.encode(), 0x8000)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    for line in sys.stdin.buffer:
        text = ctypes.c_char_p(line.strip())
        said = []
        while text.value:
            said.append(library.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, _IPA_SEPARATED) or b"")
        sys.stdout.buffer.write(b"_".join(said) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
