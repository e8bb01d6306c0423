"""The gateway service: opens the event socket once the others are up, and says where it is.

What cannot be opened (a port that is taken, packages that are missing) degrades it, and the conversation goes on.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from services.contract import Context
from services.gateway.board import Board
from services.gateway.doors import Doors
from services.gateway.loading import loaded
from services.gateway.settings import GatewaySettings
from services.gateway.sources import App, Sources
from shared.errors import SottoError
from shared.events import Event, GatewayOpened
from shared.standing import SERVICE_EVENTS

if TYPE_CHECKING:  # loads uvicorn
    from services.gateway.server import Server

__all__ = ["GatewayService"]

_PATIENCE = 5.0
"""Seconds that the others have to be up before the gateway loads beside them."""
_SEND_BUFFER = 64 * 1024
"""Bytes that the system keeps for a client that does not read."""
_SPARE = 64
"""Connections beside the event sockets."""


class CannotListen(SottoError):
    """The address cannot be listened on."""


class NoServer(SottoError):
    """The packages of the server are not installed."""


class GatewayService:
    """See the module. Made once: what it knows of the other services outlives a crash.

    With `on_demand`, what is beyond probes and the routes of `sources` is loaded with the first who asks for it.
    """

    name: ClassVar[str] = "gateway"
    consumes: ClassVar[tuple[type[Event], ...]] = SERVICE_EVENTS

    def __init__(self, settings: GatewaySettings, sources: Sources | None = None, *, on_demand: bool = False) -> None:
        self._settings = settings
        self._on_demand = on_demand
        self._sources = sources or Sources()
        self._board = Board()
        self._changed = asyncio.Event()

    async def run(self, ctx: Context) -> None:
        """Serve until cancelled."""
        serving = ctx.tasks.create_task(self._serve(ctx), name="gateway:serve")
        try:
            async for event in ctx.inbox:
                self._board.see(event)
                self._changed.set()
        finally:
            serving.cancel()

    async def _serve(self, ctx: Context) -> None:
        await self._others_up(ctx.name)
        try:
            listener = _listen(self._settings.host, self._settings.port)
        except CannotListen as error:
            ctx.degraded(str(error))
            return
        try:
            await self._serve_on(ctx, listener)
        finally:
            listener.close()

    async def _serve_on(self, ctx: Context, listener: socket.socket) -> None:
        try:
            server = await loaded(partial(self._server, ctx))
        except SottoError as error:
            ctx.degraded(str(error))
            return
        ctx.emit(GatewayOpened, url=_url(self._settings.host, listener.getsockname()[1]))
        ctx.ready()
        await server.run_on(listener)

    async def _others_up(self, own: str) -> None:
        """Wait until the others do their work: loading a web framework would hold them up."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while self._board.starting - {own}:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    def _server(self, ctx: Context) -> Server:
        try:
            from services.gateway.guard import Guarded
            from services.gateway.later import Later
            from services.gateway.server import Server

            doors = Doors(self._settings)
            make = partial(self._application, ctx, doors)
            app = Later(make, self._board, ctx.session) if self._on_demand else make()
        except ModuleNotFoundError as error:
            raise NoServer(
                f"The event socket needs a package that is not here: {error.name}.",
                remedy="Run `scripts/setup server`.",
            ) from error
        routes = {path: route for made in self._sources.routes for path, route in made().items()}
        return Server(Guarded(app, doors, routes), connections=self._settings.clients + _SPARE)

    def _application(self, ctx: Context, doors: Doors) -> App:
        from services.gateway.web import application

        return application(ctx, self._settings, doors, self._board, self._sources)


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address, or raise CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)  # those it accepts inherit it
        listener.bind((host.strip("[]"), port))
        listener.listen(128)  # binding alone shares the port with another one that only bound it
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        return CannotListen(
            f"Port {port} is taken, perhaps by another Sotto, so the dashboard and the scripts cannot reach this one.",
            remedy="Choose another with `--set gateway.port=8323`, or none with `--set gateway.enabled=false`.",
        )
    return CannotListen(
        f"The event socket cannot listen on {host}:{port}: {error.strerror}.",
        remedy="Set gateway.host and gateway.port to an address of this machine.",
    )


def _url(host: str, port: int) -> str:
    return f"http://[{host.strip('[]')}]:{port}" if ":" in host else f"http://{host}:{port}"
