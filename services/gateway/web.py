"""The web application: the routes of the gateway. Imported only when the gateway runs: FastAPI takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Literal, TypeVar

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, JsonValue, StringConstraints
from starlette.websockets import WebSocket

from bus import Bus
from bus.journal import NewerJournal, NoRecording, NoSound
from services.contract import Context
from services.gateway.board import Board
from services.gateway.doors import Doors
from services.gateway.faults import FAULTS, answer_errors
from services.gateway.feed import NoSuchKind
from services.gateway.guard import check, visit
from services.gateway.hub import Hub
from services.gateway.injection import PRIVILEGED, Injection, NotAnEvent, Scribe
from services.gateway.letters import letter_routes
from services.gateway.program import ProgramFailed, told
from services.gateway.recorded import NoSuchSession, Shelf, TooLong
from services.gateway.refusal import Refusal, needs_admin
from services.gateway.schema import asyncapi, json_schemas
from services.gateway.settings import GatewaySettings
from services.gateway.socket import EventSocket
from services.gateway.sound import NotSound, samples
from services.gateway.sources import App, Sources
from shared.events import REGISTRY, Event
from shared.logs import get_logger, recent
from shared.pcm import samples_in

__all__ = ["application"]

T = TypeVar("T")

_log = get_logger("gateway")


class Accepted(BaseModel):
    """The ids of what was published, one or a list as it was asked."""

    id: str | None = None
    ids: list[str] | None = None


class Heard(BaseModel):
    """What the microphone will hear: the event's id, and its length at 16 kHz."""

    id: str
    samples: int


class Health(BaseModel):
    """The gateway lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """The assistant, service by service."""

    ready: bool
    session: str
    services: dict[str, JsonValue]


def application(ctx: Context, settings: GatewaySettings, doors: Doors, board: Board, sources: Sources) -> App:
    """Return the ASGI application."""
    app = FastAPI(title="Sotto", docs_url=None, redoc_url=None, responses=FAULTS)
    socket = EventSocket(
        Hub(ctx.bus),
        version=version("sotto"),
        session=ctx.session,
        clients=settings.clients,
        backlog=settings.backlog,
        shelf=Shelf(sources.sessions) if sources.sessions is not None else None,
    )
    scribe = Scribe(REGISTRY, ctx.clock, ctx.ids, ctx.session)
    answer_errors(app)
    _probes(app, board, sources, ctx.session)
    _events(app, doors, scribe, socket, ctx.bus)
    _sound(app, doors, scribe, ctx.bus)
    _schema(app)
    _knowledge(app, sources, socket)
    _sessions(app, sources)
    letter_routes(app, sources, doors)
    return app


# ---- routes


def _probes(app: FastAPI, board: Board, sources: Sources, session: str) -> None:
    @app.get("/health")
    async def health() -> Health:
        """Answer while the process lives."""
        return Health()

    @app.get("/ready", responses={503: {"model": Readiness, "description": "Not every service is up."}})
    async def ready(response: Response) -> Readiness:
        """Tell of each service what it last said of itself."""
        response.status_code = 200 if board.ready else 503
        return Readiness.model_validate(board.readiness(session))

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Everything that is measured, in Prometheus's text format."""
        if sources.exposition is None:
            raise Refusal(404, "no_metrics", "Nothing is measured here.", remedy="Set metrics.enabled=true.")
        return Response(sources.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _events(app: FastAPI, doors: Doors, scribe: Scribe, socket: EventSocket, bus: Bus) -> None:
    @app.post("/v1/events", status_code=202, response_model_exclude_none=True)
    async def inject(body: Injection | list[Injection], request: Request) -> Accepted:
        """Publish one event, or all of a list if every one of them is right."""
        listed = isinstance(body, list)
        try:
            events = scribe.events(body if isinstance(body, list) else [body], listed=listed)
        except NotAnEvent as error:
            raise Refusal(422, "not_an_event", error.message, field=error.field, remedy=error.remedy) from error
        if not doors.may_administer(visit(request)):
            _refuse_privileged(events, listed=listed)
        for event in events:
            bus.publish(event)
        ids = [event.id for event in events]
        return Accepted(ids=ids) if listed else Accepted(id=ids[0])

    @app.websocket("/v1/events")
    async def watch(websocket: WebSocket) -> None:
        try:
            check(doors, visit(websocket))
            await socket.serve(websocket)
        except Refusal as refusal:
            await websocket.send_denial_response(refusal.response())
        except Exception:  # the outermost edge: one watcher's trouble is nobody else's
            _log.exception("an event socket broke")
            raise


def _refuse_privileged(events: Sequence[Event], *, listed: bool) -> None:
    for place, event in enumerate(events):
        if isinstance(event, PRIVILEGED):
            raise needs_admin(event.kind, field=f"{place}.kind" if listed else "kind")


def _sound(app: FastAPI, doors: Doors, scribe: Scribe, bus: Bus) -> None:
    @app.post("/v1/audio", status_code=202, openapi_extra=_WAV)
    async def hear(request: Request, session: str | None = None) -> Heard:
        """Let the microphone hear a WAV file, after what it was sent before."""
        if not doors.may_administer(visit(request)):
            raise needs_admin("To speak into the microphone")
        body = await request.body()
        try:
            pcm = await asyncio.to_thread(samples, body)
        except NotSound as error:
            raise Refusal(422, "not_sound", error.message, remedy=error.remedy) from error
        event = scribe.hear(pcm, session)
        if not bus.answers(event):
            raise Refusal(
                409, "no_microphone", "No microphone listens here.", remedy="Start a spoken conversation: `sotto`."
            )
        bus.publish(event)
        return Heard(id=event.id, samples=samples_in(pcm))


_WAV = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _schema(app: FastAPI) -> None:
    @app.get("/v1/events/schema")
    async def schema(form: Annotated[Literal["", "asyncapi", "json_schema"], Query()] = "") -> JSONResponse:
        """Describe every kind: as JSON Schema, and as AsyncAPI."""
        documents = await asyncio.to_thread(lambda: {"json_schema": json_schemas(), "asyncapi": asyncapi()})
        return JSONResponse(documents[form] if form else documents)


def _knowledge(app: FastAPI, sources: Sources, socket: EventSocket) -> None:
    @app.get("/v1/models")
    async def models() -> JSONResponse:
        """List the models on disk and in the catalogue."""
        if sources.models is None:
            raise Refusal(404, "no_models", "No service here keeps models.")
        return JSONResponse(await asyncio.to_thread(sources.models))

    @app.get("/v1/logs")
    async def logs(service: str = "") -> JSONResponse:
        """Return the last log lines, of one service or of all, the oldest first."""
        lines = await asyncio.to_thread(recent)
        return JSONResponse([line for line in lines if service in ("", line.get("service"), line.get("logger"))])

    @app.get("/v1/stats")
    async def stats() -> JSONResponse:
        """Tell what the metrics service knows, and how the clients of this socket fare."""
        known = sources.stats() if sources.stats is not None else {}
        return JSONResponse({**known, "clients": socket.clients()})


def _sessions(app: FastAPI, sources: Sources) -> None:
    def shelf() -> Shelf:
        if sources.sessions is None:
            raise Refusal(404, "no_journal", "Sessions are not recorded here.", remedy="Set journal.enabled=true.")
        return Shelf(sources.sessions)

    @app.get("/v1/sessions")
    async def sessions() -> JSONResponse:
        """List the recorded sessions, the oldest first."""
        return JSONResponse(await _asked(shelf().sessions))

    @app.get("/v1/sessions/{session}/events")
    async def events(
        session: str, since: str | None = None, kind: str = "", limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
    ) -> JSONResponse:
        """Return the events of a recorded session, after the one with the id `since`, of these kinds."""
        return JSONResponse(await _asked(lambda: shelf().events(session, since, limit, kind)))

    @app.get("/v1/sessions/{session}/audio", response_class=Response)
    async def audio(
        session: str,
        first_sample: Annotated[int, Query(ge=0)] = 0,
        until_sample: Annotated[int | None, Query(ge=0)] = None,
        track: Literal["microphone", "speaker"] = "microphone",
    ) -> Response:
        """Return what was heard or played between two positions of the capture clock, as WAV."""
        wav = await _asked(lambda: shelf().wav(session, track, first_sample, until_sample))
        return Response(wav, media_type="audio/wav")

    @app.get("/v1/sessions/{session}/again")
    async def again(session: str, set: Annotated[list[Setting] | None, Query()] = None) -> JSONResponse:
        """Hold a recorded session again and compare it to the byte, or say what other settings had changed."""
        if not sources.again:
            raise Refusal(404, "no_replay", "Sessions are not run again here.", remedy="`sotto replay` does it.")
        folder = await _asked(lambda: shelf().folder(session))
        try:
            outcome = await told(*sources.again, str(folder), *(set or ()))
        except ProgramFailed as error:
            raise Refusal(422, "not_held_again", error.message, field="set", remedy=error.remedy) from error
        return JSONResponse(outcome)


Setting = Annotated[str, StringConstraints(pattern=r"^[a-z_.]+=[^\x00]*$")]
"""KEY=VALUE."""


async def _asked(question: Callable[[], T]) -> T:
    """Ask the journal on a thread; what it cannot answer becomes a refusal in its own words."""
    try:
        return await asyncio.to_thread(question)
    except TooLong as error:
        raise Refusal(422, "too_long", error.message, field="until_sample", remedy=error.remedy) from error
    except NoSuchKind as error:
        raise Refusal(422, "invalid", error.message, field="kind", remedy=error.remedy) from error
    except (NoSuchSession, NoRecording, NoSound) as error:
        raise Refusal(404, "not_recorded", error.message, remedy=error.remedy) from error
    except NewerJournal as error:
        raise Refusal(409, "newer", error.message, remedy=error.remedy) from error
