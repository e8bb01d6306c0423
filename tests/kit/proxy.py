"""A small TCP proxy before a server's Unix socket: it delays, stalls and cuts.

Run as a program (socket, host, port) it prints where it listens, and obeys the lines that it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from types import TracebackType
from typing import Self

__all__ = ["Proxy"]


class Proxy:
    """A context manager; `address` is where it listens. Belongs to the event loop that entered it."""

    def __init__(self, path: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self.delay_s = 0.0
        """By how much each piece is late, either way."""
        self._path, self._host, self._port = path, host, port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._pairs: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def stall(self) -> None:
        """Let nothing through, and keep the connections."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let everything through again."""
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection that there is."""
        for pair in self._pairs:
            pair.cancel()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self._host, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        if self._pairs:
            await asyncio.wait(self._pairs)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        task.add_done_callback(self._pairs.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there_reader, there_writer = await asyncio.open_unix_connection(self._path)
            try:
                both = [
                    asyncio.ensure_future(self._pass_on(reader, there_writer)),
                    asyncio.ensure_future(self._pass_on(there_reader, writer)),
                ]
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in both:
                        one.cancel()
                    await asyncio.wait(both)
            finally:
                there_writer.transport.abort()
        writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()


async def _obey(path: str, host: str, port: int) -> None:
    """Proxy until standard input ends; its lines are `delay SECONDS`, `stall`, `flow` and `cut`."""
    async with Proxy(path, host, port) as proxy:
        print(proxy.address, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            what, *how = line.split()
            if what == "delay":
                proxy.delay_s = float(how[0])
            else:
                {"stall": proxy.stall, "flow": proxy.flow, "cut": proxy.cut}[what]()


if __name__ == "__main__":
    asyncio.run(_obey(sys.argv[1], sys.argv[2], int(sys.argv[3])))
