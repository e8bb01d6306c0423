"""Who has the processor: while somebody speaks it belongs to recognition, and work that can wait stands still."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Cores"]


class Cores:
    """Taken and released on the event loop, by session; `taken` may be read on any thread."""

    def __init__(self) -> None:
        self._sessions: set[str] = set()
        self._watchers: set[Callable[[], None]] = set()

    @property
    def taken(self) -> bool:
        """Whether somebody speaks."""
        return bool(self._sessions)

    def taken_by(self, session: str) -> bool:
        """Whether somebody speaks in that session."""
        return session in self._sessions

    def take(self, session: str) -> None:
        """Somebody speaks."""
        self._change(lambda: self._sessions.add(session))

    def release(self, session: str) -> None:
        """What was said there is known, or was nothing."""
        self._change(lambda: self._sessions.discard(session))

    def release_all(self) -> None:
        """Nobody is listened to any more."""
        self._change(self._sessions.clear)

    def watch(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called at every change; returns what ends that."""
        self._watchers.add(told)
        return lambda: self._watchers.discard(told)

    def _change(self, change: Callable[[], None]) -> None:
        before = self.taken
        change()
        for told in tuple(self._watchers) if self.taken != before else ():
            told()
