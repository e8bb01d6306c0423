"""The assistant: a session, and the services that hold its conversation."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from bus import Bus, NoMailbox, RequestTimeout, Subscription
from services.app.alone import published
from services.app.models import shelf
from services.app.places import Places, local, movable
from services.app.vectors import embedding_routes
from services.audio import AudioService, PortAudio, check
from services.dialogue import DialogueService
from services.dictation import DictationService
from services.embedding.desk import Counter, Desk, OverBus
from services.embedding.service import EmbeddingService
from services.gateway import GatewayService, Sources
from services.journal import JournalService
from services.link import LinkService, dead, retry
from services.listening import ListeningService
from services.memory import MemoryService
from services.metrics import Measurements, MetricsService
from services.models import ModelsService
from services.settings import Settings
from services.stt import SttService
from services.supervisor import Child, Supervisor
from shared.clock import Clock, SystemClock
from shared.errors import ConfigError, SottoError
from shared.events import Event, SessionClosed, SessionOpened, SessionResume, SessionResumed, Stamp
from shared.ids import id_source, process_prefix

__all__ = ["Assistant", "CannotResume", "Earlier", "Purpose"]

E = TypeVar("E", bound=Event)

Purpose = Literal["voice", "text", "dictation"]
"""`voice`: the whole conversation; `text`: typed, and spoken only if asked; `dictation`: what is said, written down."""

_RESUME_S = 10.0
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
        self._places = Places(settings)
        self._desk = Desk()
        self._stamp = Stamp("terminal", self.clock, ids, self.session)
        watching = self._watching() if watched and _can_be_watched(settings) else ()
        asked = local(settings, "conversation") if watched else ()
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
        skills, tts, llm, embedding, *memory = movable(settings, store, self._places, self._desk)
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
        link = LinkService(settings, services, sessions=(self.session,), keeps=(MemoryService.name,))
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
            routes=(embedding_routes(self.settings, self._counter()),),
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


def _can_be_watched(settings: Settings) -> bool:
    """What the settings say; where they say nothing, whether the packages of the server are installed."""
    enabled = settings.gateway.enabled
    return importlib.util.find_spec("fastapi") is not None if enabled is None else enabled
