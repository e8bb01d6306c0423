"""The service's condition, as a person reads it: what is missing now, or that all is well."""

from __future__ import annotations

from services.contract import Context

__all__ = ["Condition"]


class Condition:
    """Publishes service.degraded with every sentence that holds, or service.ready, whenever that changes."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._problems: dict[str, str] = {}
        self._said: str | None = None

    def problem(self, what: str, sentence: str) -> None:
        """Something is missing."""
        self._problems[what] = sentence
        self._tell()

    def well(self, what: str) -> None:
        """It is there again."""
        self._problems.pop(what, None)
        self._tell()

    def begin(self) -> None:
        """The service is up: say so, and then what is missing. Nothing is said before."""
        self._said = ""
        self._ctx.ready()
        self._tell()

    def _tell(self) -> None:
        said = " ".join(self._problems.values())
        if self._said is None or said == self._said:
            return
        self._said = said
        if said:
            self._ctx.degraded(said)
        else:
            self._ctx.ready()
