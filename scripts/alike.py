"""llama.cpp's kernels compiled again for the instructions that another build of it uses.

Two builds add up in another order where one of them has wider registers, so that their scores can be compared only
when both compute by the same kernels. All else of the installed library stays as it is.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from pathlib import Path

__all__ = ["compiled", "instructions"]

_CHOSEN = ("SSE42", "AVX", "AVX2", "FMA", "F16C", "BMI2", "AVX512", "AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16")
"""Options of its build for each set of instructions of x86 (ggml/CMakeLists.txt)."""

_LEFT_OUT = ("LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "LLAMA_BUILD_TOOLS", "LLAMA_BUILD_SERVER", "LLAMA_CURL")


def instructions(told: str) -> frozenset[str]:
    """The features in a line of llama.cpp's about its system, as `AVX2 = 1`."""
    return frozenset(re.findall(r"(\w+) = 1", told))


def compiled(sdist: Path, wanted: frozenset[str], folder: Path) -> Path:
    """Return a folder of the installed library with kernels for `wanted` alone; compiled there once, in minutes.

    `sdist` is the unpacked source of the llama-cpp-python that is installed. x86 on Linux only.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SystemExit("Kernels for other instructions are compiled on Linux on x86 only: leave --alike out.")
    ready = folder / "lib"
    if not ready.exists():
        _build(sdist, wanted, folder / "build")
        part = folder / "part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(_installed(), part)
        for made in (folder / "build/bin").glob("libggml-cpu.so*"):
            shutil.copy(made, part / made.name)
        part.replace(ready)
    return ready


def _build(sdist: Path, wanted: frozenset[str], folder: Path) -> None:
    chosen = [f"-DGGML_{name}={'ON' if name in wanted | {'SSE42'} else 'OFF'}" for name in _CHOSEN]
    source = next(path.parent for path in sdist.rglob("vendor/llama.cpp/CMakeLists.txt"))
    options = ["-DGGML_NATIVE=OFF", "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_BUILD_TYPE=Release"]
    left_out = [f"-D{name}=OFF" for name in _LEFT_OUT]
    subprocess.run(["cmake", "-S", source, "-B", folder, *options, *chosen, *left_out], check=True, stdout=2)
    subprocess.run(["cmake", "--build", folder, "--target", "ggml-cpu"], check=True, stdout=2)


def _installed() -> Path:
    found = importlib.util.find_spec("llama_cpp")
    if found is None or found.origin is None:
        raise SystemExit("llama-cpp-python is not installed. Run scripts/setup.")
    return Path(found.origin).parent / "lib"
