"""The local service: answers other programs of the same person over a Unix socket, or where there is none over a
port of the loopback, whose token only that person can read.

One running Sotto has the socket. Another one waits until it is free, so that there is one as long as any runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from pydantic import JsonValue

from services.contract import Context
from services.local.calls import Call
from services.local.place import Card, Place
from services.local.wire import BadMessage, pack, read
from shared.errors import SottoError
from shared.events import REGISTRY, Event, decode, encode

__all__ = ["LocalService"]

_LONGEST_TOKEN = 256
_STEPS = 4
"""Of the event loop, in which whoever was let in before the door closed becomes a visit."""


class UnknownCall(SottoError):
    """This Sotto does not answer such calls."""


class NotLetIn(SottoError):
    """Whoever came does not know the token of this Sotto."""


class LocalService:
    """See the module. `calls` are those that it answers, by name, one after the other on a thread; every `again_s`
    seconds it looks whether the place has become free."""

    name: ClassVar[str] = "local"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(
        self,
        card: Card,
        calls: Mapping[str, Call] | None = None,
        *,
        place: Place | None = None,
        again_s: float = 2.0,
    ) -> None:
        self._again_s = again_s
        self._card = card
        self._calls = dict(calls or {})
        self._place = place or Place()

    async def run(self, ctx: Context) -> None:
        """Serve until cancelled."""
        try:
            listener = await self._taken(ctx)
            if listener is not None:
                await self._serve(ctx, listener)
            else:
                await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(self._place.leave)

    async def _taken(self, ctx: Context) -> socket.socket | None:
        """The listening socket once the place is free; None where there cannot be one."""
        try:
            listener = await self._take()
            ctx.ready()
            while listener is None:
                await asyncio.sleep(self._again_s)
                listener = await self._take()
        except SottoError as error:
            ctx.degraded(str(error))
            return None
        return listener

    async def _take(self) -> socket.socket | None:
        taking = asyncio.create_task(asyncio.to_thread(self._place.take, self._card), name="local:take")
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The thread goes on whatever happens here: what it takes is given back.
            with contextlib.suppress(SottoError):
                if (listener := await taking) is not None:
                    listener.close()
            raise

    async def _serve(self, ctx: Context, listener: socket.socket) -> None:
        thread = ThreadPoolExecutor(1, thread_name_prefix="local")
        visits: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

        def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            visitor = _Visit(ctx, self._calls, thread, reader, writer)
            visit = asyncio.create_task(visitor.run(self._place.token), name="local:visit")
            visits[visit] = writer
            visit.add_done_callback(visits.pop)

        serve = asyncio.start_server if self._place.token else asyncio.start_unix_server
        server = await serve(visited, sock=listener, start_serving=False)
        try:
            await server.start_serving()
            await asyncio.Event().wait()
        finally:
            server.close()
            for _ in range(_STEPS):
                await asyncio.sleep(0)
            await _ended(visits)
            thread.shutdown(wait=False, cancel_futures=True)


async def _ended(visits: Mapping[asyncio.Task[None], asyncio.StreamWriter]) -> None:
    """Cancel the visits, and wait until their connections are closed."""
    writers = tuple(visits.values())
    for visit in visits:
        visit.cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


class _Visit:
    """One connection."""

    def __init__(
        self,
        ctx: Context,
        calls: Mapping[str, Call],
        thread: ThreadPoolExecutor,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._ctx = ctx
        self._calls = calls
        self._thread = thread
        self._reader = reader
        self._writer = writer

    async def run(self, token: str) -> None:
        """Answer until the other side has ended, once it has said the token, if there is one."""
        try:
            if token:
                await self._let_in(token)
            asked = await read(self._reader)
            while asked is not None:
                asked = await self._heard(*asked)
        except (BadMessage, NotLetIn) as error:
            self._refuse(error)
        except ConnectionError:
            return
        finally:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _let_in(self, token: str) -> None:
        said = await read(self._reader, most=_LONGEST_TOKEN) or (b"", b"")
        if not hmac.compare_digest(said[0], token.encode()):
            raise NotLetIn("This Sotto belongs to somebody else.", remedy="Ask it as the person who started it.")

    async def _heard(self, header: bytes, payload: bytes) -> tuple[bytes, bytes] | None:
        """Answer one question, and return the next. When the other side ends before, so does the work."""
        answering = asyncio.create_task(self._answer(header, payload), name="local:answer")
        reading = asyncio.create_task(read(self._reader), name="local:read")
        try:
            await asyncio.wait([answering, reading], return_when=asyncio.FIRST_COMPLETED)
            if not (reading.done() and not answering.done() and _is_over(reading)):
                await answering
            return await reading
        finally:
            for task in (answering, reading):
                task.cancel()
            await asyncio.gather(answering, reading, return_exceptions=True)

    async def _answer(self, header: bytes, payload: bytes) -> None:
        try:
            await (self._call(header, payload) if b'"call"' in header[:8] else self._ask(header, payload))
        except SottoError as error:
            self._refuse(error)
        await self._writer.drain()

    async def _ask(self, header: bytes, payload: bytes) -> None:
        """Publish an event; stream what a request causes."""
        event = decode(REGISTRY, header, payload).model_copy(update={"turn": 0, "cause": None})
        if not event.replies:
            self._ctx.bus.publish(event)
            self._tell({"result": {}})
            return
        async with self._ctx.bus.stream(event) as stream:
            async for told in stream:
                self._writer.write(pack(*encode(told)))
                await self._writer.drain()

    async def _call(self, header: bytes, payload: bytes) -> None:
        options = _options(header)
        name = options.pop("call")
        call = self._calls.get(str(name))
        if call is None:
            raise UnknownCall(
                f"The Sotto that runs does not answer {name!r}.", remedy="`sotto daemon start` runs one that does."
            )
        result, beside = await asyncio.get_running_loop().run_in_executor(self._thread, call, options, payload)
        self._tell({"result": result}, beside)

    def _refuse(self, error: SottoError) -> None:
        said = {"type": type(error).__name__, "message": error.message, "remedy": error.remedy}
        self._tell({"error": said})

    def _tell(self, header: Mapping[str, object], payload: bytes = b"") -> None:
        self._writer.write(pack(json.dumps(header).encode(), payload))


def _is_over(reading: asyncio.Task[tuple[bytes, bytes] | None]) -> bool:
    return reading.exception() is not None or reading.result() is None


def _options(header: bytes) -> dict[str, JsonValue]:
    try:
        options = json.loads(header)
    except ValueError as error:
        raise BadMessage(f"A call that is no JSON: {error}.") from error
    if not isinstance(options, dict):
        raise BadMessage("A call that is no JSON object.")
    return options
