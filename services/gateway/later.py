"""An application that is made when it is first asked: a server of other paths holds no web framework for nothing.

The probes of whoever keeps a server alive are answered without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pydantic import JsonValue
from starlette.responses import JSONResponse

from services.gateway.board import Board
from services.gateway.loading import loaded
from services.gateway.sources import App, Receive, Scope, Send

__all__ = ["Later"]


class Later:
    """Answers as the application that `make` returns does; `make` is called once, on a thread."""

    def __init__(self, make: Callable[[], App], board: Board, session: str) -> None:
        self._make = make
        self._board = board
        self._session = session
        self._made: App | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        probed = self._probed(scope["path"]) if scope.get("method") == "GET" else None
        if probed is not None:
            status, said = probed
            await JSONResponse(said, status)(scope, receive, send)
            return
        await (await self._application())(scope, receive, send)

    def _probed(self, path: str) -> tuple[int, JsonValue] | None:
        match path:
            case "/health":
                return 200, {"status": "ok"}
            case "/ready":
                return 200 if self._board.ready else 503, self._board.readiness(self._session)
        return None

    async def _application(self) -> App:
        async with self._making:
            if self._made is None:
                self._made = await loaded(self._make)
        return self._made
