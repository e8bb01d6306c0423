"""The routes of dead letters: events that were given up between processes, and another try for them.

Imported only when the gateway runs.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, JsonValue

from bus.transport import BusUnfit, BusUnreachable, Letter, NotDead
from services.gateway.doors import Doors
from services.gateway.guard import visit
from services.gateway.refusal import Refusal, needs_admin
from services.gateway.sources import Sources

__all__ = ["letter_routes"]

T = TypeVar("T")


class Sent(BaseModel):
    """What gets another try, and the process that it was sent to."""

    entry: str
    to: str


def letter_routes(app: FastAPI, sources: Sources, doors: Doors) -> None:
    """Add them to `app`."""

    @app.get("/v1/dead")
    async def dead() -> JSONResponse:
        """List the events over which process after process ended, the oldest first, each with the reason."""
        if sources.dead is None:
            raise _no_bus()
        return JSONResponse([_line(letter) for letter in await _met(sources.dead())])

    @app.post("/v1/dead/{entry}/retry", status_code=202)
    async def retry(
        entry: Annotated[str, Path(pattern=r"^\d{1,20}-\d{1,20}$")],
        request: Request,
        to: Annotated[str, Query(max_length=200)] = "",
    ) -> Sent:
        """Send one of them again: to the process that gave it up, or to another one."""
        if not doors.may_administer(visit(request)):
            raise needs_admin("To send an event again")
        if sources.retry is None:
            raise _no_bus()
        letter = await _met(sources.retry(entry, to))
        return Sent(entry=entry, to=to or letter.to)


def _no_bus() -> Refusal:
    return Refusal(
        404, "no_bus", "No other process shares the bus here.", remedy="`sotto --bus redis://HOST:6379` joins one."
    )


async def _met(answer: Awaitable[T]) -> T:
    """Await what Redis says; what it cannot say becomes a refusal in its words."""
    try:
        return await answer
    except NotDead as error:
        raise Refusal(404, "not_dead", error.message, remedy=error.remedy, field="entry") from error
    except (BusUnfit, BusUnreachable) as error:
        raise Refusal(503, "no_bus_now", error.message, remedy=error.remedy) from error


def _line(letter: Letter) -> dict[str, JsonValue]:
    milliseconds = int(letter.entry.partition("-")[0])
    return {
        "entry": letter.entry,
        "at": milliseconds * 1_000_000,
        "to": letter.to,
        "reason": letter.reason,
        "event": _header(letter),
    }


def _header(letter: Letter) -> dict[str, JsonValue]:
    """What can be read of it."""
    try:
        found = json.loads(letter.header)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
