"""Which engine listens: the best that can be made, replaced between utterances when a better one arrives.

A model that cannot be used is refused by name (`model.failed`, and the reason why the service is degraded), and the
next best takes its place; the built-in engine is the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from services.contract import Context
from services.stt.ports import EngineUnusable, MakeEngine, Sentences, no_sentences
from services.stt.settings import SttSettings
from services.stt.worker import Worker
from shared.events import ModelFailed, ModelLoad, ModelLoaded, ModelPulled, ModelUnloaded, SkillsRegistered, current
from shared.installed import InstalledModel, Shelf

__all__ = ["BUILT_IN", "Room"]

BUILT_IN = "pocketsphinx"
_PULL = "Pull a speech model with `sotto models pull`."


class Room:
    """Holds the engine in use; `run` makes and replaces it beside the utterances, which take what `worker` gives.

    `known` tells, off the loop, which sentences an engine learns until skills register theirs.
    """

    def __init__(
        self,
        settings: SttSettings,
        shelf: Shelf,
        engines: Mapping[str, MakeEngine],
        known: Callable[[], Sentences] = no_sentences,
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._engines = engines
        self._known = known
        self._worker: Worker | None = None
        self._settled = asyncio.Event()
        self._asked = asyncio.Event()
        self._load: ModelLoad | ModelPulled | None = None
        self._skills: SkillsRegistered | None = None
        self._sentences: Sentences = {}
        self._problems: list[str] = []
        self._foreign: set[str] = set()

    async def worker(self) -> Worker:
        """Return the engine for the next utterance, once the first was made.

        Raises EngineUnusable when none can be made at all.
        """
        await self._settled.wait()
        if self._worker is None:
            raise EngineUnusable(" ".join(self._problems), remedy=_PULL)
        return self._worker

    def load(self, request: ModelLoad | ModelPulled) -> None:
        """Look for a better engine, or the one that is asked for."""
        self._load = request
        self._asked.set()

    def learn(self, skills: SkillsRegistered) -> None:
        """Give the skills' sentences to the engine in use and to those that come after it."""
        self._skills = skills
        self._asked.set()

    def lacks(self, ctx: Context, language: str) -> None:
        """Say, once for each language, that the engine in use does not understand it."""
        if language not in self._foreign:
            self._foreign.add(language)
            self._report(ctx)

    async def run(self, ctx: Context) -> None:
        """Make the best engine, then answer what is asked, one thing at a time, until cancelled."""
        try:
            self._sentences = self._sentences or await asyncio.to_thread(self._known)
            await self._choose(ctx, "")
            while True:
                await self._warm()
                await self._asked.wait()
                self._asked.clear()
                await self._answer(ctx)
        finally:
            if self._worker is not None:
                self._worker.retire()
                self._worker = None
            self._settled.clear()

    async def _answer(self, ctx: Context) -> None:
        if (skills := self._skills) is not None:
            self._skills = None
            current.set(skills)
            self._sentences = skills.sentences
            await self._teach(self._worker)
        if (request := self._load) is not None:
            self._load = None
            current.set(request)
            await self._choose(ctx, request.name if isinstance(request, ModelLoad) else "")

    async def _teach(self, worker: Worker | None) -> None:
        if worker is not None and self._sentences:
            await worker.teach(self._sentences)

    async def _warm(self) -> None:
        if self._worker is not None:
            await self._worker.call(self._worker.engine.warm)

    async def _choose(self, ctx: Context, name: str) -> None:
        self._problems.clear()
        for engine, model in self.candidates(name):
            if self._is_current(engine, model):
                assert self._worker is not None
                self._announce(ctx, self._worker, 0)
                break
            try:
                await self._take(ctx, engine, model)
                break
            except EngineUnusable as error:
                self._problems.append(str(error))
                label = model.name if model else engine
                ctx.emit(ModelFailed, role="stt", name=label, engine=engine, message=str(error))
        self._settled.set()
        self._report(ctx)

    def candidates(self, name: str) -> Sequence[tuple[str, InstalledModel | None]]:
        """Return the engines that may be made, with their models, in the order in which they are tried."""
        wanted = self._settings.engine
        name = name or self._settings.model
        built_in: list[tuple[str, InstalledModel | None]] = [(BUILT_IN, None)] if BUILT_IN in self._engines else []
        if BUILT_IN in (wanted, name):
            return built_in
        models = [m for m in self._shelf.installed("stt") if m.engine in self._engines and wanted in ("auto", m.engine)]
        models.sort(key=lambda m: m.name != name)  # stable: the named one first, then the best
        if name and not any(m.name == name for m in models):
            self._problems.append(f"The speech model {name!r} is not installed.")
        return [*((m.engine, m) for m in models), *built_in]

    def _is_current(self, engine: str, model: InstalledModel | None) -> bool:
        used = self._worker.engine if self._worker else None
        return used is not None and used.name == engine and (model is None or used.model == model.name)

    async def _take(self, ctx: Context, engine: str, model: InstalledModel | None) -> None:
        began = ctx.clock.monotonic_ns()
        worker = await Worker.load(self._engines[engine], self._settings, model)
        await self._teach(worker)
        old, self._worker = self._worker, worker
        self._foreign.clear()
        if old is not None:
            ctx.emit(ModelUnloaded, role="stt", name=old.engine.model, engine=old.engine.name)
            old.retire()
        self._announce(ctx, worker, ctx.clock.monotonic_ns() - began)

    def _announce(self, ctx: Context, worker: Worker, load_ns: int) -> None:
        engine = worker.engine
        ctx.emit(ModelLoaded, role="stt", name=engine.model, engine=engine.name, load_ns=load_ns)

    def _report(self, ctx: Context) -> None:
        reason = self._reason()
        if reason:
            ctx.degraded(reason)
        else:
            ctx.ready()

    def _reason(self) -> str:
        if self._worker is None:
            return " ".join(["Speech cannot be recognised:", *self._problems, _PULL])
        engine, reasons = self._worker.engine, list(self._problems)
        if self._settings.engine == "faster-whisper" and engine.name == BUILT_IN and not reasons:
            reasons.append("No model for faster-whisper is installed.")
        if reasons:
            reasons.append(f"{engine.model} is used instead.")
        if self._foreign:
            reasons.append(f"{engine.model} does not understand {', '.join(sorted(self._foreign))}.")
        return " ".join([*reasons, _PULL]) if reasons else ""
