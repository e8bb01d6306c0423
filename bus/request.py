"""Requests over the bus: an answer found by its cause.

An answer to a request is an event of one of the request's `replies` whose `cause` is the request's id.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from shared.errors import SottoError
from shared.events import Event

__all__ = ["Call", "Fenced", "NoMailbox", "Reply", "RequestTimeout"]


class NoMailbox(SottoError):
    """Nobody answers the request's kind: its service is not part of this assistant."""


class RequestTimeout(SottoError):
    """No answer came in time."""


class Fenced(SottoError):
    """The request's turn was fenced before an answer came."""


class Call(Protocol):
    """A request whose answer somebody waits for."""

    request: Event

    def offer(self, event: Event) -> None:
        """Take an event that names the request as its cause."""

    def fail(self, error: SottoError) -> None:
        """Give up: no answer will come."""


class Reply:
    """The one answer to a request. Made by `Bus.request`."""

    def __init__(self, request: Event) -> None:
        self.request = request
        self._outcome: asyncio.Future[Event | SottoError] = asyncio.get_running_loop().create_future()

    def offer(self, event: Event) -> None:
        if event.kind in self.request.replies:
            self._end(event)

    def fail(self, error: SottoError) -> None:
        self._end(error)

    async def wait(self) -> Event:
        """Return the answer, or raise what ended the call."""
        outcome = await self._outcome
        if isinstance(outcome, SottoError):
            raise outcome
        return outcome

    def _end(self, outcome: Event | SottoError) -> None:
        if not self._outcome.done():
            self._outcome.set_result(outcome)
