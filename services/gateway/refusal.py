"""Refusals: what a request is answered with when it cannot be met, always in words that say what to do.

An error is always `{"error": {"type", "field", "message"}}`. Imported only when the gateway runs.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from shared.errors import SottoError

__all__ = ["Refusal", "needs_admin"]


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


def needs_admin(what: str, field: str = "") -> Refusal:
    """The refusal of whoever may not do `what` without the admin's key."""
    return Refusal(
        403,
        "admin_key_needed",
        f"{what} needs the admin's key.",
        field=field,
        remedy="Send `Authorization: Bearer KEY` with gateway.admin_key.",
    )
