"""The composition root: which services make which assistant. The only file that names concrete services."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from bus import Bus, NoMailbox, RequestTimeout, Subscription
from bus.transport import Letter, Node, Register
from services.alone import (
    OPEN_MODEL,
    OPEN_RANKER,
    calling,
    devices,
    embedding,
    offloads,
    published,
    reranker,
    shelf,
    speech,
    transcriber,
    vocabulary,
)
from services.audio import AudioService, PortAudio, check
from services.audio.opening import check as check_sound
from services.contract import Service
from services.dialogue import DialogueService
from services.dictation import DictationService
from services.embedding.desk import Counter, Desk, OverBus
from services.embedding.service import EmbeddingService
from services.gateway import GatewayService, Sources
from services.gateway.sources import App
from services.isolation import Apart, Isolated, Nursery, Recipe
from services.journal import JournalService
from services.link import LinkService, LinkSettings, dead, living, retry
from services.listening import ListeningService
from services.llm.engines.llama import LlamaEngine
from services.llm.service import LlmService
from services.local import Card, LocalService
from services.memory import MemoryService
from services.metrics import Measurements, MetricsService
from services.models import ModelsService, Store
from services.settings import Settings
from services.skills import SkillsService
from services.stt import SttService
from services.supervisor import Child, Supervisor, run_process
from services.tts import Speech, TtsService
from shared.clock import Clock, SystemClock
from shared.errors import ConfigError, SottoError
from shared.events import Event, MemoryForget, SessionClosed, SessionOpened, SessionResume, SessionResumed, Stamp
from shared.ids import id_source, process_prefix
from shared.logs import configure

__all__ = [
    "Assistant",
    "CannotResume",
    "Daemon",
    "Earlier",
    "Keeper",
    "Purpose",
    "Server",
    "Settings",
    "Speech",
    "Worker",
    "Writer",
    "calling",
    "check_sound",
    "dead_letters",
    "devices",
    "embedding",
    "offloads",
    "processes",
    "reranker",
    "retry_letter",
    "run_process",
    "shelf",
    "speech",
    "transcriber",
    "vocabulary",
]

E = TypeVar("E", bound=Event)

Purpose = Literal["voice", "text", "dictation"]
"""`voice`: the whole conversation; `text`: typed, and spoken only if asked; `dictation`: what is said, written down."""

_RESUME_S = 10.0
_HERE = Apart(isolate="thread")
_OVER: dict[Purpose, Literal["voice", "text"]] = {"voice": "voice", "text": "text", "dictation": "voice"}


@dataclass(frozen=True, slots=True)
class Earlier:
    """The conversation that a session goes on with."""

    name: str
    """See `session.resume`."""
    begin: bool = False


class CannotResume(SottoError):
    """The conversation that was to be gone on with is not to be had."""


class Assistant:
    """One assistant: a bus, a session on it, and the supervised services that `purpose` needs.

    With `watched` it opens the event socket, for the dashboard and the scripts (unless the settings forbid it). With
    `earlier` it goes on with that conversation; entering it raises CannotResume where that is not to be had.
    Raises UnreadableSound, OutputFailed or ConfigError for sound files that cannot be used; devices are waited for.
    """

    def __init__(
        self,
        settings: Settings,
        purpose: Purpose = "voice",
        *,
        clock: Clock | None = None,
        watched: bool = False,
        earlier: Earlier | None = None,
    ) -> None:
        if purpose != "text":
            check(settings.audio)
        self.settings = settings
        self.purpose = purpose
        self._earlier = earlier
        self.clock = clock or SystemClock()
        ids = id_source(process_prefix())
        self.session = ids()
        self.bus = Bus(clock=self.clock, ids=ids)
        self._store = shelf(settings)
        self._models = ModelsService(self._store, settings.models.watch_s)
        self._places = _Places(settings)
        self._desk = Desk()
        self._stamp = Stamp("terminal", self.clock, ids, self.session)
        watching = self._watching() if watched and _can_be_watched(settings) else ()
        asked = _local(settings, "conversation") if watched else ()
        children = self._joined([*self._children(), *asked, *watching])
        self.supervisor = Supervisor(self.bus, self.clock, ids, self.session, children)
        self._closing: Subscription[SessionClosed] | None = None

    def emit(self, kind: type[E], **fields: Any) -> E:
        """Publish an event of this session as the person at the terminal, and return it."""
        event = self._stamp(kind, **fields)
        self.bus.publish(event)
        return event

    async def __aenter__(self) -> Assistant:
        self._closing = self.bus.subscribe(SessionClosed, session=self.session, name="session")
        await self.supervisor.__aenter__()
        self.emit(SessionOpened, over=_OVER[self.purpose], language=self.settings.language)
        if self._earlier is not None:
            try:
                await self._resume(self._earlier)
            except CannotResume:
                await self.__aexit__(None, None, None)
                raise
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._closing is not None:
            self._closing.close()
        await self.supervisor.__aexit__(*error)

    async def _resume(self, earlier: Earlier) -> None:
        """Have memory tell dialogue what was said before."""
        wish = self._stamp(SessionResume, name=earlier.name, begin=earlier.begin)
        try:
            reply = await self.bus.request(wish, _RESUME_S)
        except NoMailbox as error:
            raise CannotResume("Memory is switched off.", remedy="Set memory.enabled=true.") from error
        except RequestTimeout as error:
            raise CannotResume("Memory does not answer.", remedy="See `sotto doctor`, and try again.") from error
        if isinstance(reply, SessionResumed) and reply.problem:
            raise CannotResume(reply.problem)

    def fetch(self, names: Sequence[str]) -> None:
        """Pull models beside the conversation; their services take them over between turns. Raises UnknownModel."""
        self._models.fetch(names)

    async def closed(self, stop: asyncio.Event) -> None:
        """Wait until `stop` is set, or until the session's input has ended and everything was answered."""
        assert self._closing is not None, "enter the assistant first"
        over = asyncio.create_task(anext(self._closing), name="session")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait([over, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            stopped.cancel()

    def _children(self) -> Sequence[Child]:
        """The services of the purpose: first those that must hear from the start, last those that load for long.

        Audio, dialogue and the journal are made once: run again after a crash, they go on where they were.
        """
        settings, store = self.settings, self._store
        sound = AudioService(settings.audio, devices=PortAudio)
        conversation = self.dialogue = DialogueService(settings.dialogue)
        recording = JournalService(settings.journal, held_with=settings, over=_OVER[self.purpose])
        conversation.watch(recording.step)
        audio = Child(AudioService, lambda: sound)
        listening = Child(ListeningService, lambda: ListeningService(settings.listening))
        stt = self._places.child(SttService, settings.stt, store)
        writing = Child(SttService, lambda: SttService(settings.stt, store, known=lambda: published(settings)))
        dialogue = Child(DialogueService, lambda: conversation)
        dictation = Child(DictationService, lambda: DictationService(settings.language))
        skills, tts, llm, embedding, *memory = _movable(settings, store, self._places, self._desk)
        models = Child(ModelsService, lambda: self._models)
        journal = (Child(JournalService, lambda: recording),) if settings.journal.enabled else ()
        match self.purpose:
            case "voice":
                return *journal, audio, listening, dialogue, tts, stt, skills, llm, embedding, *memory, models
            case "text":
                return *journal, dialogue, skills, llm, embedding, *memory, models
            case "dictation":
                return *journal, audio, listening, dictation, writing, models

    def _joined(self, children: Sequence[Child]) -> Sequence[Child]:
        """Leave out what other processes run, and link the bus with theirs."""
        settings = self.settings.bus
        here = [child for child in children if child.label not in settings.elsewhere]
        here += self._places.nursery_for(here)
        if settings.url is None:
            if settings.elsewhere:
                raise ConfigError(
                    f"bus.elsewhere names {', '.join(settings.elsewhere)}, but there is no bus to find them on.",
                    remedy="Set bus.url (redis://HOST:6379) as well.",
                )
            return here
        services = tuple(child.label for child in here)
        link = LinkService(settings, services, sessions=(self.session,))
        return [*here, Child(LinkService, lambda: link)]

    def _watching(self) -> Sequence[Child]:
        """What lets others watch: last, because it waits until the services that are watched are up."""
        settings, found = self.settings.metrics, Measurements(self.bus, self.settings.metrics)
        sources = Sources(
            models=self._model_lines,
            stats=found.stats if settings.enabled else None,
            exposition=found.exposition if settings.enabled else None,
            sessions=self.settings.journal.root,
            again=(sys.executable, "-m", "services.dialogue.again"),
            dead=partial(dead, self.settings.bus) if self.settings.bus.url is not None else None,
            retry=partial(retry, self.settings.bus) if self.settings.bus.url is not None else None,
            routes=(_embedding_routes(self.settings, self._counter()),),
        )
        gateway = GatewayService(self.settings.gateway, sources)
        metrics = (Child(MetricsService, lambda: MetricsService(settings, found)),) if settings.enabled else ()
        return *metrics, Child(GatewayService, lambda: gateway)

    def _counter(self) -> Counter:
        """Where vectors are asked for over HTTP."""
        apart = self.settings.isolation.embedding.apart or EmbeddingService.name in self.settings.bus.elsewhere
        return OverBus(self.bus, self._stamp) if apart else self._desk

    def _model_lines(self) -> Sequence[dict[str, str | int | None]]:
        return [
            {"name": one.name, "role": one.role, "size": one.bytes, "state": one.state} for one in self._store.listed()
        ]


class _Places:
    """Where services run: within the assistant, or each in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nursery = Nursery()

    def child(self, service: type[Service], *about: object, engines: tuple[type, ...] = ()) -> Child:
        """A service whose engine is native code, made of `about`, which can be pickled, and of new `engines`."""
        make, name = Recipe(service, about, engines), service.name
        limits = getattr(self._settings.isolation, name)
        if not limits.apart:
            return Child(service, make)
        log = self._settings.log
        prepare = partial(configure, log.level, log.format, file=log.file)
        return Child(service, lambda: Isolated(make, limits, self._nursery, prepare=prepare))

    def nursery_for(self, children: Sequence[Child]) -> list[Child]:
        """What keeps a process ahead for those of `children` that have one of their own."""
        apart = any(getattr(self._settings.isolation, child.label, _HERE).apart for child in children)
        return [Child(Nursery, lambda: self._nursery)] if apart else []


def _movable(
    settings: Settings, store: Store, places: _Places, desk: Desk, alarms: Callable[[], Register | None] = lambda: None
) -> Sequence[Child]:
    """The services that a conversation can have in another process: what they keep is keyed by session, or on disk.

    `alarms` makes what workers share of timers and alarms.
    """
    journal = (JournalService,) if settings.journal.enabled else ()
    holders = (*journal, DialogueService, SkillsService, TtsService, LlmService, EmbeddingService)
    stores = [service.name for service in holders if MemoryForget in service.consumes]
    memory = Child(MemoryService, lambda: MemoryService(settings.memory, stores=stores))
    return (
        Child(SkillsService, lambda: SkillsService(settings.skills, register=alarms())),
        places.child(TtsService, settings.tts, store),
        places.child(LlmService, settings.llm, store, engines=(LlamaEngine,)),
        places.child(EmbeddingService, settings.embedding, store, OPEN_MODEL, desk, OPEN_RANKER),
        *((memory,) if settings.memory.enabled else ()),
    )


def _embedding_routes(settings: Settings, counter: Counter) -> Callable[[], Mapping[str, App]]:
    """What embedding answers over HTTP."""

    def made() -> Mapping[str, App]:
        from services.embedding.web import routes

        return routes(counter, settings.embedding)

    return made


def _local(settings: Settings, what: Literal["conversation", "daemon"]) -> Sequence[Child]:
    """What answers other programs of this person; a daemon loads engines for them that a conversation would not."""
    card = Card(os.getpid(), what)
    answered = calling(settings) if what == "daemon" else {}
    return (Child(LocalService, lambda: LocalService(card, answered)),) if settings.local.enabled else ()


class Daemon:
    """The engines without a conversation, for other programs of this person, over the local socket."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        clock, ids, store = clock or SystemClock(), id_source(process_prefix()), shelf(settings)
        self.bus = Bus(clock=clock, ids=ids)
        models = ModelsService(store, settings.models.watch_s)
        places = _Places(settings)
        engines = [
            places.child(LlmService, settings.llm, store, engines=(LlamaEngine,)),
            places.child(EmbeddingService, settings.embedding, store, OPEN_MODEL, None, OPEN_RANKER),
        ]
        children = [
            *engines,
            *places.nursery_for(engines),
            Child(ModelsService, lambda: models),
            *_local(settings, "daemon"),
        ]
        self.supervisor = Supervisor(self.bus, clock, ids, ids(), children)


class Worker:
    """Some services of an assistant, for conversations that other processes hold, found through Redis.

    Raises ConfigError for a service that must be where the conversation is, or when no bus is set.
    """

    def __init__(self, settings: Settings, services: Sequence[str], *, clock: Clock | None = None) -> None:
        clock, ids, store = clock or SystemClock(), id_source(process_prefix()), shelf(settings)
        places = _Places(settings)
        stt = Child(SttService, lambda: SttService(settings.stt, store, known=lambda: published(settings), anyone=True))
        alarms = partial(_shared_alarms, settings.bus)
        able = {child.label: child for child in (*_movable(settings, store, places, Desk(), alarms), stt)}
        unable = [name for name in services if name not in able]
        if unable:
            raise ConfigError(
                f"{', '.join(unable)} cannot run apart from the conversation.", remedy=f"These can: {', '.join(able)}."
            )
        if settings.bus.url is None:
            raise ConfigError("There is no bus to work for.", remedy="Set bus.url, or type --bus redis://HOST:6379.")
        self.bus = Bus(clock=clock, ids=ids)
        self.link = LinkService(settings.bus, tuple(services))
        models = ModelsService(store, settings.models.watch_s)
        here = [able[name] for name in services]
        children = [
            *here,
            *places.nursery_for(here),
            Child(ModelsService, lambda: models),
            Child(LinkService, lambda: self.link),
        ]
        self.supervisor = Supervisor(self.bus, clock, ids, ids(), children)


def _shared_alarms(bus: LinkSettings) -> Register | None:
    return Register(bus.url.get_secret_value(), "alarms", prefix=bus.prefix) if bus.url is not None else None


async def processes(settings: Settings) -> Mapping[str, Node]:
    """Return the processes that share the bus of the settings, by name.

    Raises ConfigError when none is set, BusUnreachable or BusUnfit.
    """
    return await living(_shared(settings))


async def dead_letters(settings: Settings) -> list[Letter]:
    """Return the events that processes gave up, oldest first. Raises ConfigError, BusUnreachable or BusUnfit."""
    return await dead(_shared(settings))


async def retry_letter(settings: Settings, entry: str, to: str = "") -> Letter:
    """Send one of them again, to `to` or to who gave it up. Raises NotDead, and what `dead_letters` raises."""
    return await retry(_shared(settings), entry, to)


def _shared(settings: Settings) -> LinkSettings:
    if settings.bus.url is None:
        raise ConfigError("There is no bus to look at.", remedy="Set bus.url, or type --bus redis://HOST:6379.")
    return settings.bus


def _can_be_watched(settings: Settings) -> bool:
    """What the settings say; where they say nothing, whether the packages of the server are installed."""
    enabled = settings.gateway.enabled
    return importlib.util.find_spec("fastapi") is not None if enabled is None else enabled


class Server:
    """Embedding over HTTP, without a conversation: `await server.supervisor.run(stop)`."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        clock, ids, store, desk = clock or SystemClock(), id_source(process_prefix()), shelf(settings), Desk()
        self.bus = Bus(clock=clock, ids=ids)
        models = ModelsService(store, settings.models.watch_s)
        gateway = GatewayService(settings.gateway, Sources(routes=(_embedding_routes(settings, desk),)))
        children = [
            Child(
                EmbeddingService,
                lambda: EmbeddingService(settings.embedding, store, OPEN_MODEL, desk, OPEN_RANKER),
            ),
            Child(ModelsService, lambda: models),
            Child(GatewayService, lambda: gateway),
        ]
        self.supervisor = Supervisor(self.bus, clock, ids, ids(), children)


class Writer:
    """The language model alone, on a bus of its own: generates without a conversation."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        clock, ids = clock or SystemClock(), id_source(process_prefix())
        self.bus = Bus(clock=clock, ids=ids)
        self.event = Stamp("terminal", clock, ids, ids())
        """Stamps requests: `writer.bus.stream(writer.event(LlmRequest, …))`."""
        store = shelf(settings)
        llm = Child(LlmService, lambda: LlmService(settings.llm, store, LlamaEngine()))
        self._supervisor = Supervisor(self.bus, clock, ids, ids(), [llm])

    async def __aenter__(self) -> Writer:
        await self._supervisor.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._supervisor.__aexit__(*error)


class Keeper:
    """Memory and what gives it vectors, on a bus of their own: remembers without a conversation."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        clock, ids = clock or SystemClock(), id_source(process_prefix())
        self.bus = Bus(clock=clock, ids=ids)
        self.event = Stamp("terminal", clock, ids, ids())
        """Stamps requests: `await keeper.bus.request(keeper.event(MemoryQuery, …), timeout)`."""
        store = shelf(settings)
        embedding = Child(EmbeddingService, lambda: EmbeddingService(settings.embedding, store, OPEN_MODEL))
        stores = [EmbeddingService.name] if MemoryForget in EmbeddingService.consumes else []
        memory = Child(MemoryService, lambda: MemoryService(settings.memory, stores=stores))
        self._supervisor = Supervisor(self.bus, clock, ids, ids(), [embedding, memory])

    async def __aenter__(self) -> Keeper:
        await self._supervisor.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._supervisor.__aexit__(*error)
