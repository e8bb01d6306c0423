"""Faults: the errors of FastAPI as refusals, and how its description of the routes speaks of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from services.gateway.refusal import Refusal
from shared.logs import get_logger

__all__ = ["FAULTS", "answer_errors"]

_log = get_logger("gateway")


class Fault(BaseModel):
    """What is wrong with a request."""

    type: str
    field: str
    message: str


class Faulty(BaseModel):
    """The answer to a request that cannot be met."""

    error: Fault


FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"model": Faulty, "description": words}
    for status, words in (
        (400, "The request cannot be read, or was meant for another host."),
        (401, "A key is needed."),
        (403, "Not with this key, or not from this page."),
        (404, "There is no such thing here."),
        (409, "Not with what there is now: a newer Sotto's recording, an assistant without a microphone."),
        (413, "The request is too large."),
        (422, "A field is wrong."),
        (503, "Too many at once, or something that is needed for it is away."),
    )
}


def answer_errors(app: FastAPI) -> None:
    """Let every error of `app` be answered as a refusal."""

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
