"""The model in use: the best that is present and can be opened, and how another takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.contract import Context
from services.llm.builtin import NAME, builtin_model
from services.llm.port import Engine, EngineMissing, LanguageModel, ModelUnusable
from services.llm.settings import LlmSettings
from shared.errors import SottoError
from shared.events import LlmRequest, ModelFailed, ModelLoaded, ModelUnloaded, Structure
from shared.gguf import parts_of
from shared.installed import InstalledModel, Shelf

__all__ = ["ModelInUse", "NoLanguageModel"]

_ENGINE = "llama-cpp"


@dataclass(frozen=True, slots=True)
class _Found:
    """A model on the shelf, and the sizes and times of change of its files: one with a file replaced is another one."""

    entry: InstalledModel
    state: tuple[tuple[int, int], ...]


class NoLanguageModel(SottoError):
    """There is nothing to answer with yet."""


class ModelInUse:
    """At most one open model. Callers see to it that nothing is generated while it changes.

    The old model is closed before the new one is opened, so that two never need memory at once; when the new one
    cannot be opened the best of the others, usually the old one, comes back.
    """

    def __init__(self, settings: LlmSettings, shelf: Shelf, engine: Engine) -> None:
        self._settings = settings
        self._shelf = shelf
        self._engine = engine
        self.open: LanguageModel | None = None
        """The model, None while there is none."""
        self._using: _Found | None = None
        self._chosen = ""
        self._refused: dict[_Found, ModelUnusable] = {}

    @property
    def name(self) -> str:
        """Name of the open model, empty when none is."""
        return self._using.entry.name if self._using else ""

    @property
    def _wanted(self) -> str:
        return self._chosen or self._settings.model

    async def ensure(self, ctx: Context, request: LlmRequest | None = None) -> LanguageModel:
        """Return the open model, opening the best one when none is, for that request.

        Raises NoLanguageModel or EngineMissing. Our own model, where nobody chose it, only talks: it gives no other
        forms, reads no documents, and does no work in the background.
        """
        candidates = (
            [self._using] if self._using is not None else await asyncio.to_thread(self._candidates, self._wanted)
        )
        if request is not None and not (request.model or _talks(request)):
            candidates = [found for found in candidates if not self._is_ours(found.entry)]
        if not candidates:
            raise _none(*self._refused.values())
        return self.open or await self._first_usable(ctx, candidates)

    def can_wait(self) -> bool:
        """Whether the best model is our own, which is open within half a second of the first words that need it.

        Looks at the disk. Raises NoLanguageModel or EngineMissing.
        """
        return self._is_ours(self._candidates(self._wanted)[0].entry)

    def best(self) -> InstalledModel:
        """The model that would be opened first for whoever asks; looks at the disk.

        Raises NoLanguageModel or EngineMissing.
        """
        entry = self._candidates(self._wanted)[0].entry
        if self._is_ours(entry):
            raise _none()
        return entry

    def find(self, name: str) -> InstalledModel:
        """The model of that name, or of that path; looks at the disk. Raises NoLanguageModel or EngineMissing."""
        return self._candidates(name)[0].entry

    def is_meant(self, name: str) -> bool:
        """True when a request for a model of that name, or path, means the open one."""
        return not name or (self._using is not None and name in (self.name, *map(str, self._using.entry.files)))

    async def choose(self, ctx: Context, name: str) -> None:
        """Open the model of that name, or the best one when it is empty, and keep to it from now on.

        Ends with `model.loaded` for what is in use, after `model.failed` for what cannot be.
        """
        open_before = self.open
        await self._change(ctx, name)
        if self.name == name or not name:
            self._chosen = name
        if self.open is not None and self.open is open_before:
            self._loaded(ctx, 0)

    async def renew(self, ctx: Context) -> None:
        """See what is present now: the best model takes over, unless another one was chosen."""
        await self._change(ctx, self._chosen)

    async def _change(self, ctx: Context, wanted: str) -> None:
        try:
            candidates = await asyncio.to_thread(self._candidates, wanted or self._settings.model)
        except SottoError as error:
            self._failed(ctx, wanted, error)
            return
        if self.open is not None and candidates[0] == self._using:
            return
        others = await asyncio.to_thread(self._present)
        self._refused.clear()
        await self.close(ctx)
        try:
            await self._first_usable(ctx, [*candidates, *(m for m in others if m not in candidates)])
        except SottoError as error:
            self._failed(ctx, wanted, error)

    async def close(self, ctx: Context) -> None:
        """Let the open model go."""
        model, name = self.open, self.name
        self.open = self._using = None
        if model is not None:
            await model.close()
            ctx.emit(ModelUnloaded, role="llm", name=name, engine=_ENGINE)

    def _is_ours(self, entry: InstalledModel) -> bool:
        """Whether it is our own model, and nobody chose it."""
        return entry.name == NAME != self._wanted

    def _present(self) -> list[_Found]:
        """What may be opened, the best first; a model of our own comes last."""
        ours = builtin_model() if self._settings.builtin else None
        if ours is not None and self._settings.language not in ours.languages:
            ours = None
        installed = [m for m in self._shelf.installed("llm") if m.engine == _ENGINE]
        return [_found(m) for m in [*installed, *([ours] if ours else [])]]

    def _candidates(self, wanted: str) -> list[_Found]:
        """At least one model to try, best first; looks at the disk. Raises NoLanguageModel or EngineMissing."""
        present = self._present()
        if wanted:
            path = Path(wanted).expanduser()
            if path.suffix == ".gguf" and path.is_file():
                return [_found(InstalledModel("llm", path.stem, _ENGINE, path.parent, parts_of(path), ()))]
            present = [found for found in present if found.entry.name == wanted]
            if not present:
                raise NoLanguageModel(
                    f"There is no language model named {wanted} here.", remedy=f"Run `sotto models pull {wanted}`."
                )
        if not present:
            raise _none()
        if not self._engine.available():
            raise EngineMissing(
                "The language model's engine, llama-cpp-python, is not installed yet.",
                remedy="`scripts/run` builds it in the background, and it is used as soon as it is there.",
            )
        return present

    async def _first_usable(self, ctx: Context, candidates: Sequence[_Found]) -> LanguageModel:
        """Open the first candidate that can be; each that cannot is told about once, until its files change."""
        for found in candidates:
            if found in self._refused:
                continue
            began = ctx.clock.monotonic_ns()
            try:
                model = await self._engine.open(found.entry, self._settings, ctx.clock)
            except ModelUnusable as error:
                self._refused[found] = error
                self._failed(ctx, found.entry.name, error)
                continue
            self.open, self._using = model, found
            self._loaded(ctx, ctx.clock.monotonic_ns() - began)
            return model
        if len(candidates) == 1:
            raise _none(self._refused[candidates[0]])
        names = ", ".join(found.entry.name for found in candidates)
        raise NoLanguageModel(
            f"No language model that is installed can be used ({names}).",
            remedy="Run `sotto models verify`, then `sotto models pull`.",
        )

    def _loaded(self, ctx: Context, took_ns: int) -> None:
        ctx.emit(ModelLoaded, role="llm", name=self.name, engine=_ENGINE, load_ns=took_ns)

    @staticmethod
    def _failed(ctx: Context, name: str, error: SottoError) -> None:
        ctx.emit(ModelFailed, role="llm", name=name, engine=_ENGINE, message=str(error))


def _talks(request: LlmRequest) -> bool:
    """Whether it is part of a conversation, or its beginning read ahead, and asks for nothing but words."""
    reads = any(item.what == "document" for item in request.recalled)
    wants = request.structure != Structure() or request.priority == "background"
    return (request.turn > 0 or not request.max_tokens) and not reads and not wants


def _none(*refused: ModelUnusable) -> NoLanguageModel:
    """There is none to answer with, because of the last of those that could not be opened."""
    if refused:
        return NoLanguageModel(refused[-1].message, remedy=refused[-1].remedy)
    return NoLanguageModel("No language model is installed yet.", remedy="Run `sotto models pull` to get one.")


def _found(entry: InstalledModel) -> _Found:
    try:
        states = [file.stat() for file in entry.files or (entry.path,)]
    except OSError:
        return _Found(entry, ())
    return _Found(entry, tuple((state.st_size, state.st_mtime_ns) for state in states))
