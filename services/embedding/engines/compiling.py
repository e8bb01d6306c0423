"""The kernel, compiled once per machine by its own C compiler, and kept in the folder for a person's cached data.

Every variant that the compiler can make is in one library, which chooses by the processor it finds itself on.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from services.embedding.port import EngineMissing

__all__ = ["SOURCES", "compiled", "compiler", "kept"]

SOURCES = Path(__file__).with_name("kernel")
_FLAGS = ("-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-Wno-psabi")
_AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mf16c")
_VARIANTS = {
    "avx2": ("-mavx2", "-mfma", "-mf16c"),
    "avx512": _AVX512,
    "bf16": (*_AVX512, "-mavx512bf16"),
}
"""Beside the plain one; a compiler that does not know the flags, or a processor of another kind, goes without."""
_REMEDY = "Install a C compiler (Debian, Ubuntu: `apt-get install gcc libc6-dev`), or let numpy compute."


def compiled(folder: Path | None = None) -> Path:
    """Return the library, compiling it if it is not there yet; blocks, for seconds then. Raises EngineMissing."""
    path = kept(folder)
    return path if path.is_file() else _make(path)


def kept(folder: Path | None = None) -> Path:
    """Where the library of this source is, or will be."""
    digest = hashlib.sha256(repr((_FLAGS, _VARIANTS, platform.machine(), platform.libc_ver())).encode())
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in (".c", ".h"):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return (folder or _default_folder()) / f"kernel-{digest.hexdigest()[:16]}.so"


def compiler() -> list[str]:
    """The command of the C compiler: what $CC says, or cc, gcc or clang. Raises EngineMissing."""
    command = shlex.split(os.environ.get("CC", "")) or ["cc"]
    for name in (command[0], "gcc", "clang"):
        if shutil.which(name):
            return [name, *command[1:]]
    raise EngineMissing("There is no C compiler on this machine.", remedy=_REMEDY)


def _make(path: Path) -> Path:
    command = compiler()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kernel-", dir=path.parent) as stage:
            _build(command, Path(stage)).replace(path)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineMissing(f"The kernel could not be compiled: {_reason(error)}.", remedy=_REMEDY) from error
    return path


def _build(command: list[str], stage: Path) -> Path:
    made = [name for name, flags in _VARIANTS.items() if _object(command, stage, name, flags, needed=False)]
    _object(command, stage, "plain", (), needed=True)
    _object(command, stage, "dispatch", [f"-DHAVE_{name.upper()}" for name in made], needed=True)
    library = stage / "kernel.so"
    _run([*command, "-shared", "-o", str(library), *(str(file) for file in stage.glob("*.o")), "-lm"])
    return library


def _object(command: list[str], stage: Path, name: str, flags: Iterable[str], *, needed: bool) -> bool:
    output, source = stage / f"{name}.o", SOURCES / f"{name}.c"
    try:
        _run([*command, *_FLAGS, *flags, "-c", "-o", str(output), str(source)])
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


def _default_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("sotto")
