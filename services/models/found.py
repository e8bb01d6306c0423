"""Models that were added by hand: recognised by the shape of their files, no catalogue needed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from shared.events import Role
from shared.installed import InstalledModel

__all__ = ["by_hand"]

_LATER_PART = re.compile(r"-(?!00001-of-)\d{5}-of-\d{5}\.gguf$")
_PART = re.compile(r"-\d{5}-of-\d{5}$")
_ENCODER = ("model.safetensors", "model.arrow", "metadata.json", "tokenizer.json", "config.json")
_CLASSIFIER = re.compile(r'"\w+ForSequenceClassification"')
_RANKS = re.compile(r'"ranks":\s*true')
_VOICE_LANGUAGE = re.compile(r"^([a-z]{2,3})_[A-Z]{2}-")


def by_hand(folder: Path, role: Role, known: Collection[Path]) -> Iterator[InstalledModel]:
    """Yield the models of a role that lie in `folder` or `folder/role`, at most one folder deep, by name.

    `known` are the folders of models that the lock speaks for. A language model is a `.gguf` file, a Whisper model a
    folder with `model.bin` and `config.json`, a voice an `.onnx` file with its `.onnx.json`, an encoder a folder with
    `tokenizer.json` and either `model.safetensors` or what `sotto models convert` made of it, a reranker one whose
    `config.json` is of a model that compares two texts; a `.gguf` file in a folder `embedding` or `rerank` is either.
    """
    shape = {
        "llm": _language_models,
        "stt": _whisper_models,
        "tts": _voices,
        "embedding": _encoders,
        "rerank": _rerankers,
    }.get(role)
    if shape is None:
        return
    seen = [folder, folder / role]
    seen += [p for place in tuple(seen) if place.is_dir() for p in sorted(place.iterdir()) if p.is_dir()]
    for place in dict.fromkeys(seen):
        if place.is_dir() and place not in known and not place.name.startswith("."):
            yield from shape(place)


def _language_models(place: Path) -> Iterator[InstalledModel]:
    if place.name in ("embedding", "rerank"):
        return
    for file in sorted(place.glob("*.gguf")):
        if _LATER_PART.search(file.name) or "mmproj" in file.name.lower():
            continue
        name = _PART.sub("", file.stem)
        parts = tuple(sorted(place.glob(f"{name}-*-of-*.gguf"))) if name != file.stem else (file,)
        yield InstalledModel("llm", name, "llama-cpp", place, parts, ())


def _whisper_models(place: Path) -> Iterator[InstalledModel]:
    if (place / "model.bin").is_file() and (place / "config.json").is_file():
        languages = ("en",) if place.name.endswith(".en") else ()
        yield InstalledModel("stt", place.name, "faster-whisper", place, tuple(sorted(place.iterdir())), languages)


def _voices(place: Path) -> Iterator[InstalledModel]:
    for file in sorted(place.glob("*.onnx")):
        config = file.with_name(file.name + ".json")
        if config.is_file():
            language = _VOICE_LANGUAGE.match(file.name)
            languages = (language[1],) if language else ()
            yield InstalledModel("tts", file.stem, "piper", place, (file, config), languages)


def _encoders(place: Path) -> Iterator[InstalledModel]:
    yield from _of_the_hub(place, "embedding")
    yield from _of_llama(place, "embedding")


def _rerankers(place: Path) -> Iterator[InstalledModel]:
    yield from _of_the_hub(place, "rerank")
    yield from _of_llama(place, "rerank")


def _of_the_hub(place: Path, role: Role) -> Iterator[InstalledModel]:
    files = tuple(place / name for name in _ENCODER if (place / name).is_file())
    if not (place / "tokenizer.json").is_file() or files[0].name not in ("model.safetensors", "model.arrow"):
        return
    if _compares(place) == (role == "rerank"):
        yield InstalledModel(role, place.name, "sentence-transformers", place, files, ())


def _compares(place: Path) -> bool:
    """Whether it reads two texts at once: its files say so, here as little of them as that needs."""
    for name, told in (("config.json", _CLASSIFIER), ("metadata.json", _RANKS)):
        with contextlib.suppress(OSError):
            if told.search((place / name).read_text(encoding="utf-8", errors="replace")):
                return True
    return False


def _of_llama(place: Path, role: Role) -> Iterator[InstalledModel]:
    if role in (place.name, place.parent.name):
        for file in sorted(place.glob("*.gguf")):
            yield InstalledModel(role, file.stem, "llama-cpp", place, (file,), ())
