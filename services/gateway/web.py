"""The web application: the routes of the gateway. Imported only when the gateway runs: FastAPI takes its time.

An error is always `{"error": {"type", "field", "message"}}`, with words that say what to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar

import structlog
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, JsonValue
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocket

from bus.journal import NewerJournal, NoRecording, NoSound
from services.gateway.board import Board
from services.gateway.doors import Doors, ForeignPage, KeyNeeded, Visit, WrongHost
from services.gateway.injection import PRIVILEGED, Injection, NotAnEvent, Scribe
from services.gateway.recorded import NoSuchSession, Shelf, TooLong
from services.gateway.schema import asyncapi, json_schemas
from services.gateway.socket import EventSocket
from services.gateway.sources import App, Receive, Scope, Send, Sources
from shared.errors import SottoError
from shared.events import Event

__all__ = ["Refusal", "application"]

T = TypeVar("T")

_log = structlog.get_logger("gateway")

MAX_BODY = 1 << 20
"""Bytes of a request."""
_JUDGED = frozenset((b"host", b"origin", b"authorization"))
_REMEMBERED = 256
"""Visitors whom the doors need not look at again."""
_PATIENCE = 16 * MAX_BODY
"""Bytes of a refused one that are read and forgotten."""


class Refusal(SottoError):
    """A request that is answered with an error: its HTTP status, and where in it the fault lies."""

    def __init__(self, status: int, type: str, message: str, *, field: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.type = type
        self.field = field

    def response(self) -> Response:
        """The answer."""
        error = {"type": self.type, "field": self.field, "message": str(self)}
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else None
        return JSONResponse({"error": error}, self.status, headers)


class Fault(BaseModel):
    """What is wrong with a request."""

    type: str
    field: str
    message: str


class Faulty(BaseModel):
    """The answer to a request that cannot be met."""

    error: Fault


class Accepted(BaseModel):
    """The ids of what was published, one or a list as it was asked."""

    id: str | None = None
    ids: list[str] | None = None


class Health(BaseModel):
    """The gateway lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """The assistant, service by service."""

    ready: bool
    session: str
    services: dict[str, JsonValue]


FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"model": Faulty, "description": words}
    for status, words in (
        (400, "The request cannot be read, or was meant for another host."),
        (401, "A key is needed."),
        (403, "Not with this key, or not from this page."),
        (404, "There is no such thing here."),
        (409, "It was written by a newer Sotto."),
        (413, "The request is too large."),
        (422, "A field is wrong."),
        (503, "Too many at once."),
    )
}


def application(
    *,
    doors: Doors,
    scribe: Scribe,
    board: Board,
    sources: Sources,
    socket: EventSocket,
    publish: Callable[[Event], None],
    session: str,
) -> App:
    """Return the ASGI application."""
    app = FastAPI(title="Sotto", docs_url=None, redoc_url=None, responses=FAULTS)
    _errors(app)
    _probes(app, board, sources, session)
    _events(app, doors, scribe, socket, publish)
    _schema(app)
    _knowledge(app, sources, socket)
    _sessions(app, sources)
    routes = {path: route for made in sources.routes for path, route in made().items()}
    return _Guarded(app, doors, routes)


def visit(connection: Request | WebSocket) -> Visit:
    """Who asks."""
    client = connection.client.host if connection.client is not None else ""
    return Visit(client, connection.headers, connection.query_params.get("key", ""))


# ---- the outermost layer


class _Guarded:
    """Looks at each visit before anything else does, and reads no more than it must."""

    def __init__(self, app: App, doors: Doors, routes: Mapping[str, App]) -> None:
        self._app = app
        self._doors = doors
        self._routes = routes
        self._welcome: set[tuple[object, ...]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)  # the socket looks at its visitors itself
            return
        route = self._routes.get(scope["path"])
        if route is not None and _marks(scope) in self._welcome:
            await route(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._judge(request)
            if route is not None:
                self._remember(scope)
                await route(scope, receive, send)
                return
            body = await _read(receive)
        except Refusal as refusal:
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    def _judge(self, request: Request) -> None:
        doors, visitor = self._doors, visit(request)
        check(doors, visitor, open_to_all=request.url.path == "/health")

    def _remember(self, scope: Scope) -> None:
        """Judge the same visitor once only: the doors look at nothing else, and do not change."""
        if len(self._welcome) >= _REMEMBERED:
            self._welcome.clear()
        self._welcome.add(_marks(scope))


def _marks(scope: Scope) -> tuple[object, ...]:
    """All that the doors look at."""
    client = scope.get("client")
    shown = [(name, value) for name, value in scope["headers"] if name in _JUDGED]
    return (client[0] if client else "", scope["query_string"], *shown)


def check(doors: Doors, visitor: Visit, *, open_to_all: bool = False) -> None:
    """Raise Refusal for a visitor who may not come in."""
    try:
        doors.check_page(visitor)
        if not open_to_all:
            doors.check_key(visitor)
    except WrongHost as error:
        raise Refusal(400, "wrong_host", error.message, remedy=error.remedy, field="host") from error
    except ForeignPage as error:
        raise Refusal(403, "foreign_page", error.message, remedy=error.remedy, field="origin") from error
    except KeyNeeded as error:
        raise Refusal(401, "key_needed", error.message, remedy=error.remedy, field="authorization") from error


async def _read(receive: Receive) -> bytes:
    """Return the whole body. What is too large is read to its end within reason: cut off in their sentence, clients
    would not hear the answer."""
    body, length, more = bytearray(), 0, True
    while more and length < _PATIENCE:
        message = await receive()
        piece = message.get("body", b"")
        length += len(piece)
        more = bool(message.get("more_body"))
        if length <= MAX_BODY:
            body += piece
    if length > MAX_BODY:
        raise Refusal(413, "too_large", f"At most {MAX_BODY} bytes, please.", remedy="Send fewer events at a time.")
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """What is left to receive after the body was read: the body, once."""
    unread = [body]

    async def receive_again() -> MutableMapping[str, Any]:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return await receive()

    return receive_again


def _errors(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        field, words = _field(error)
        return Refusal(422, "invalid", f"{words}.", field=field).response()

    @app.exception_handler(HTTPException)
    async def failed(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = Refusal(error.status_code, _slug(HTTPStatus(error.status_code)), f"{error.detail}.").response()
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        _log.error("a request broke the gateway", path=request.url.path, exc_info=error)
        return Refusal(500, "internal", "The gateway made a mistake.", remedy="The log has it.").response()


def _field(error: RequestValidationError) -> tuple[str, str]:
    """The path in the request that is wrong, and what is wrong with it."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return "", f"The body is not JSON: {first['ctx']['error']}"
    path = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", *_BRANCHES))
    return path, f"{path or 'The body'}: {first['msg']}"


def _slug(status: HTTPStatus) -> str:
    return status.phrase.lower().replace(" ", "_")


_BRANCHES = ("Injection", "list[Injection]")
"""How pydantic calls the two forms of a body."""


# ---- routes


def _probes(app: FastAPI, board: Board, sources: Sources, session: str) -> None:
    @app.get("/health")
    async def health() -> Health:
        """Answer while the process lives."""
        return Health()

    @app.get("/ready")
    async def ready() -> Readiness:
        """Tell of each service what it last said of itself."""
        return Readiness(ready=board.ready, session=session, services=board.lines())

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Everything that is measured, in Prometheus's text format."""
        if sources.exposition is None:
            raise Refusal(404, "no_metrics", "Nothing is measured here.", remedy="Set metrics.enabled=true.")
        return Response(sources.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _events(app: FastAPI, doors: Doors, scribe: Scribe, socket: EventSocket, publish: Callable[[Event], None]) -> None:
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
            publish(event)
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


def _refuse_privileged(events: Any, *, listed: bool) -> None:
    for place, event in enumerate(events):
        if isinstance(event, PRIVILEGED):
            raise Refusal(
                403,
                "admin_key_needed",
                f"{event.kind} needs the admin's key.",
                field=f"{place}.kind" if listed else "kind",
                remedy="Send `Authorization: Bearer KEY` with gateway.admin_key.",
            )


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
        session: str, since: str | None = None, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
    ) -> JSONResponse:
        """Return the events of a recorded session, after the one with the id `since`."""
        return JSONResponse(await _asked(lambda: shelf().events(session, since, limit)))

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


async def _asked(question: Callable[[], T]) -> T:
    """Ask the journal on a thread; what it cannot answer becomes a refusal in its own words."""
    try:
        return await asyncio.to_thread(question)
    except TooLong as error:
        raise Refusal(422, "too_long", error.message, field="until_sample", remedy=error.remedy) from error
    except (NoSuchSession, NoRecording, NoSound) as error:
        raise Refusal(404, "not_recorded", error.message, remedy=error.remedy) from error
    except NewerJournal as error:
        raise Refusal(409, "newer", error.message, remedy=error.remedy) from error
