"""The board: where each service stands, as `GET /ready` shows it."""

from __future__ import annotations

from pydantic import JsonValue

from shared.standing import Standings

__all__ = ["Board"]


class Board(Standings):
    """Service by service, fed in order with SERVICE_EVENTS."""

    @property
    def ready(self) -> bool:
        """True when every service is up, even with less than it should have."""
        return all(one.up for one in self.by_name.values())

    @property
    def starting(self) -> frozenset[str]:
        """The services that have yet to say that they are up."""
        return frozenset(name for name, one in self.by_name.items() if one.state == "starting")

    def lines(self) -> dict[str, JsonValue]:
        """Return each service's state, reason and restarts, by name."""
        return {
            name: {"state": one.state, "reason": one.reason, "restarts": one.restarts}
            for name, one in self.by_name.items()
        }

    def readiness(self, session: str) -> dict[str, JsonValue]:
        """Return what `GET /ready` is answered with."""
        return {"ready": self.ready, "session": session, "services": self.lines()}
