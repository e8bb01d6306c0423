"""`sotto transcribe`: what is said in sound files, written down."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from services.app import transcriber
from shared.errors import SottoError
from ui.cli.session import Session, console, errors, print_json

__all__ = ["transcribe_files"]


def transcribe_files(session: Session, files: Sequence[Path], *, as_json: bool) -> int:
    """Write down what is said in each file; a file that cannot be read is named and the others go on (status 1)."""
    transcribe = transcriber(session.settings)
    status = 0
    for file in files:
        try:
            transcript = transcribe(file)
        except SottoError as error:
            errors().print(f"{file}: {error}", style="red", soft_wrap=True)
            status = 1
            continue
        if as_json:
            words = [
                {"text": w.text, "start": w.start / 16_000, "end": w.until / 16_000, "confidence": w.confidence}
                for w in transcript.words
            ]
            print_json({"file": file, **dataclasses.asdict(transcript), "words": words})
        else:
            console().print(f"{file}: {transcript.text}" if len(files) > 1 else transcript.text, soft_wrap=True)
    return status
