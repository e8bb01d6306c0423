"""The link service: joins this process's bus with those of other processes through Redis Streams.

Redis may be away at any time: the conversation here goes on, what others should know waits and is sent when it is back.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from importlib.metadata import version
from typing import ClassVar

from bus import Link, describe
from bus.transport import BusUnfit, BusUnreachable, Letter, Node, RedisTransport, Taken
from services.contract import Context
from services.link.settings import LinkSettings
from shared.errors import SottoError
from shared.events import REGISTRY, Event, Stamp

__all__ = ["LinkService", "dead", "living", "retry"]

_AGAIN_S = 2.0


async def living(settings: LinkSettings) -> Mapping[str, Node]:
    """Return the processes that live on the bus, by name. Raises BusUnreachable and BusUnfit."""
    transport = _transport(settings, "")
    try:
        return await transport.living()
    finally:
        await transport.close()


async def dead(settings: LinkSettings) -> list[Letter]:
    """Return the events that were given up, oldest first. Raises BusUnreachable and BusUnfit."""
    transport = _transport(settings, "")
    try:
        await transport.living()
        return await transport.letters.all()
    finally:
        await transport.close()


async def retry(settings: LinkSettings, entry: str, to: str) -> Letter:
    """Send one of them again, to who gave it up or to another process. Raises NotDead, BusUnreachable and BusUnfit."""
    transport = _transport(settings, "")
    try:
        await transport.living()
        return await transport.letters.retry(entry, to)
    finally:
        await transport.close()


class LinkService:
    """See the module. `services` are those of this process, `sessions` the conversations that it holds.

    One that holds conversations is another one at each start; one that works for others keeps its name, and gets what
    it had in hand when it was killed. Made once: run again after a crash it sends what was waiting.

    `keeps` are those services that have a store: where conversations are, it is theirs alone, and others ask elsewhere.
    Of those that work for others one process keeps it; a second one is refused.
    """

    name: ClassVar[str] = "link"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(
        self,
        settings: LinkSettings,
        services: tuple[str, ...],
        sessions: tuple[str, ...] = (),
        keeps: tuple[str, ...] = (),
    ) -> None:
        own = f"conversation:{os.getpid()}" if sessions else "+".join(services)
        self._settings = settings
        self._services = services
        self._sessions = sessions
        self._keeps = tuple(name for name in keeps if name in services)
        self._token = os.urandom(8).hex()
        self._leaving = self._linked = False
        self._version = self._machine = ""
        self._transport = _transport(settings, settings.name or f"{socket.gethostname()}:{own}")

    async def run(self, ctx: Context) -> None:
        """Link until cancelled; until Redis can be used, say what is wrong and try again."""
        told = ""
        self._version, self._machine = await asyncio.to_thread(lambda: (version("sotto"), _machine()))
        try:
            while True:
                try:
                    await self._link(ctx)
                except* (BusUnfit, BusUnreachable, Taken) as group:
                    reason = _words(group)
                if reason != told:
                    ctx.degraded(reason)
                    told = reason
                await asyncio.sleep(_AGAIN_S)
        finally:
            await self._transport.close()

    async def drain(self, timeout: float) -> bool:
        """Ask for no more work, and wait until what came is done; returns whether that came true in time."""
        self._leaving = True
        if not self._linked:
            return True
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(self._settings.beat_s)  # others hear of it
                await self._transport.idle()
            return True
        except TimeoutError:
            return False

    async def _link(self, ctx: Context) -> None:
        stamp = Stamp(self.name, ctx.clock, ctx.ids)
        link = Link(
            ctx.bus,
            self._transport,
            REGISTRY,
            lambda: self._node(ctx),
            stamp,
            beat_s=self._settings.beat_s,
            returns=not self._sessions,
        )
        async with asyncio.TaskGroup() as tasks:
            linked = tasks.create_task(link.run(), name="link")
            met = tasks.create_task(link.met.wait(), name="link:met")
            await asyncio.wait((linked, met), return_when=asyncio.FIRST_COMPLETED)
            if link.met.is_set():
                self._linked = True
                ctx.ready()
            else:
                met.cancel()

    def _node(self, ctx: Context) -> Node:
        node = describe(
            ctx.bus,
            REGISTRY,
            name=self._transport.name,
            token=self._token,
            version=self._version,
            services=self._services,
            sessions=self._sessions,
            keeps=self._keeps,
            machine=self._machine,
            pid=os.getpid(),
            lag=self._transport.unsent + self._transport.held,
        )
        if self._leaving:
            return node.model_copy(update={"serves": ()})
        own = {kind for kind in node.serves if self._sessions and set(node.behind(kind)) & set(self._keeps)}
        return node.model_copy(update={"serves": tuple(kind for kind in node.serves if kind not in own)})


def _machine() -> str:
    """Where process numbers mean the same: the host, and on Linux the container in it."""
    try:
        return f"{socket.gethostname()}/{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 (one number)
    except OSError:
        return socket.gethostname()


def _words(group: BaseExceptionGroup[SottoError]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def _transport(settings: LinkSettings, name: str) -> RedisTransport:
    assert settings.url is not None, "a link needs a URL"
    return RedisTransport(settings.url.get_secret_value(), name, prefix=settings.prefix, alive_s=settings.alive_s)
