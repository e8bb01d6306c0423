"""What a running assistant does, shown at the terminal or printed as JSON, until it ends."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.live import Live

from bus import Bus, Overflow, Subscription
from shared.events import AudioCaptured, Event, encode
from ui.cli.transcript import Transcript

__all__ = ["Show"]

_REDRAW_SECONDS = 1 / 12


class Show:
    """Subscribes when it is made; `run` shows what comes until `close`.

    `typed`: the person types at this terminal, so that it already shows their words and nothing needs to move.
    `dictated`: nobody answers, what was said is all there is.
    """

    def __init__(
        self, bus: Bus, console: Console, *, as_json: bool = False, typed: bool = False, dictated: bool = False
    ) -> None:
        self._console = console
        self._as_json = as_json
        self._moves = console.is_terminal and not typed
        self._transcript = Transcript(echo=not (typed and console.is_terminal), dictated=dictated)
        kinds: tuple[type[Event], ...] = (Event,) if as_json else self._transcript.kinds
        self._events: Subscription[Event] = bus.subscribe(
            *kinds, name="terminal", capacity=4096, overflow=Overflow.DROP_OLDEST
        )

    def close(self) -> None:
        """Take no more events; `run` ends when all that came was shown."""
        self._events.close()

    async def run(self) -> None:
        """Show events as they come: every control event as a line of JSON, or the transcript."""
        if self._as_json:
            await self._print_json()
        elif self._moves:
            await self._animate()
        else:
            await self._print()

    async def _print_json(self) -> None:
        async for event in self._events:
            if event.payload is None:
                sys.stdout.write(encode(event)[0].decode() + "\n")
                sys.stdout.flush()

    async def _print(self) -> None:
        async for event in self._events:
            for line in self._transcript.feed(event):
                self._console.print(line, soft_wrap=True)

    async def _animate(self) -> None:
        shown_at = 0
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            async for event in self._events:
                for line in self._transcript.feed(event):
                    live.console.print(line)
                if not isinstance(event, AudioCaptured) or event.at - shown_at > _REDRAW_SECONDS * 1e9:
                    live.update(self._transcript.live(), refresh=True)
                    shown_at = event.at
