"""Conversion in a process of its own: the memory that it takes, and the libraries, go with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from services.embedding.port import EngineMissing, ModelUnusable
from shared.errors import SottoError

__all__ = ["convert_apart", "main"]

_PROGRAM = "from services.embedding.apart import main; main()"
_SMALL = 16 << 20
"""Bytes of weights up to which a process would cost more than it gives back."""
_ERRORS: dict[str, type[SottoError]] = {error.__name__: error for error in (ModelUnusable, EngineMissing)}


def convert_apart(source: Path, weights: Path, target: Path) -> None:
    """Convert the model of a folder, whose weights are in a file of it. Blocks, and raises as `convert` does."""
    if weights.stat().st_size <= _SMALL:
        from services.embedding.convert import convert

        convert(source, target)
        return
    command = [sys.executable, "-c", _PROGRAM, str(source), str(target)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(  # noqa: S603 (our own program)
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _error(source, done)


def main() -> None:
    """Convert the folders of the command line; what is wrong goes to standard output, for `convert_apart` to raise."""
    from services.embedding.convert import convert

    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except SottoError as error:
        said = {"type": type(error).__name__, "message": error.message, "remedy": error.remedy}
        sys.exit(sys.stdout.write(json.dumps(said)) and 1)


def _error(source: Path, done: subprocess.CompletedProcess[str]) -> SottoError:
    try:
        said = json.loads(done.stdout)
        return _ERRORS[said["type"]](said["message"], remedy=said["remedy"])
    except (ValueError, KeyError):
        last = done.stderr.strip().rpartition("\n")[2] or f"its process ended with {done.returncode}"
        return ModelUnusable(f"{source.name} cannot be converted: {last}.", remedy="Try `sotto models convert`.")
