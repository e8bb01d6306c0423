"""WebSocket frames that are made once and written as they are to every watcher, many in one go.

Imported only when the gateway runs.
"""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from services.gateway.socket import EXTENSION

__all__ = ["FrameWriter"]


class FrameWriter(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which also takes frames that are made already."""

    def handle_connect(self, event: Request) -> None:
        """Begin the conversation, and let the application write frames."""
        super().handle_connect(event)
        if not self.handshake_complete:
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]  # any, by ASGI
            extensions[EXTENSION] = self._write

    async def _write(self, frames: bytes) -> bool:
        """Write whole frames once the system takes them; False when the watcher has left."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frames)
        return True
