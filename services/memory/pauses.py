"""Pauses: when what failed is tried again."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Pauses"]

_SECOND = 10**9


class Pauses:
    """The first pause lasts `first_s`, each further one twice as long as the last, up to `most_s`; success begins anew.

    `now` tells a monotonic time in ns.
    """

    def __init__(self, now: Callable[[], int], *, first_s: float, most_s: float) -> None:
        self._now = now
        self._first = round(first_s * _SECOND)
        self._most = round(most_s * _SECOND)
        self._next = self._first
        self._until: int | None = None

    @property
    def over(self) -> bool:
        """Whether it may be tried now."""
        return self._until is None or self._now() >= self._until

    def failed(self) -> None:
        """Begin the next pause."""
        self._until = self._now() + self._next
        self._next = min(2 * self._next, self._most)

    def succeeded(self) -> None:
        """No pause is left."""
        self._next, self._until = self._first, None
