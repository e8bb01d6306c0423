"""Building the kernel with the C compiler of this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from services.embedding.engines.compiling import FLAGS, SOURCES, VARIANTS
from services.embedding.port import EngineMissing

__all__ = ["build", "compiler"]

_REMEDY = "Install a C compiler (Debian, Ubuntu: `apt-get install gcc libc6-dev`), or let numpy compute."


def compiler() -> list[str]:
    """The command of the C compiler: what $CC says, or cc, gcc or clang. Raises EngineMissing."""
    command = shlex.split(os.environ.get("CC", "")) or ["cc"]
    for name in (command[0], "gcc", "clang"):
        if shutil.which(name):
            return [name, *command[1:]]
    raise EngineMissing("There is no C compiler on this machine.", remedy=_REMEDY)


def build(path: Path) -> None:
    """Compile the library to `path`, whole or not at all; blocks for seconds. Raises EngineMissing."""
    command = compiler()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kernel-", dir=path.parent) as stage:
            _build(command, Path(stage)).replace(path)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineMissing(f"The kernel could not be compiled: {_reason(error)}.", remedy=_REMEDY) from error


def _build(command: list[str], stage: Path) -> Path:
    made = [name for name, flags in VARIANTS.items() if _object(command, stage, name, flags, needed=False)]
    for name in ("plain", "int8", "crew"):
        _object(command, stage, name, (), needed=True)
    _object(command, stage, "dispatch", [f"-DHAVE_{name.upper()}" for name in made], needed=True)
    library = stage / "kernel.so"
    _run([*command, "-shared", "-pthread", "-o", str(library), *(str(file) for file in stage.glob("*.o")), "-lm"])
    return library


def _object(command: list[str], stage: Path, name: str, flags: Iterable[str], *, needed: bool) -> bool:
    output, source = stage / f"{name}.o", SOURCES / f"{name}.c"
    try:
        _run([*command, *FLAGS, *flags, "-c", "-o", str(output), str(source)])
    except subprocess.CalledProcessError:
        output.unlink(missing_ok=True)
        if needed:
            raise
    return output.is_file()


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603 (a compiler, and our files)


def _reason(error: Exception) -> str:
    said = getattr(error, "stderr", None)
    return said.decode(errors="replace").strip().splitlines()[-1] if said and said.strip() else str(error)
