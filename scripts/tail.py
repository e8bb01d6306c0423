"""Watch what happens in a running assistant: events as they come, or each turn as the tree of what caused what.

It goes on by itself when the assistant is started anew, and says so when it could not keep up.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from scripts.wire import Away, Frame, Wire, parser, run

EXAMPLES = """\
  .venv/bin/python scripts/tail.py                                  everything but sound and readings
  .venv/bin/python scripts/tail.py 'turn.*' stt.final               these kinds
  .venv/bin/python scripts/tail.py --tree                           each turn as a tree, once it is over
  .venv/bin/python scripts/tail.py --json turn.finished | jq .latency
  .venv/bin/python scripts/tail.py --since 01a1fe6fb9c8b60b0000000015 --count 10"""

_QUIET = ("audio.captured", "audio.played", "llm.delta", "metric.sample", "model.progress", "stt.partial", "tts.audio")
"""Kinds of which many come; shown when they are asked for."""
_ENVELOPE = ("kind", "version", "id", "at", "source", "session", "turn", "cause", "root", "trace")
_COLOURS = {
    "audio": "blue", "speech": "blue", "wake": "blue", "stt": "cyan", "turn": "bold green", "text": "green",
    "llm": "magenta", "tool": "yellow", "tts": "bright_blue", "model": "bright_magenta", "service": "bright_black",
    "session": "green", "event": "bold red", "subscription": "red", "memory": "bright_cyan", "embed": "bright_cyan",
}  # fmt: skip
_LONGEST = 60


def frames(wire: Wire, kinds: str, arguments: argparse.Namespace) -> Iterator[Frame]:
    """Frames of this assistant and, when it ends, of the next one, unless `once`."""
    since, connected = arguments.since, False
    while True:
        try:
            with wire.watch(kind=kinds, session=arguments.session, turn=arguments.turn, since=since) as watch:
                connected = True
                for frame in watch:
                    since = frame.get("event", {}).get("id", since)
                    yield frame
        except Away:
            if arguments.once or not connected:
                raise
            time.sleep(0.5)


def told(event: Frame) -> Text:
    """One line for a person."""
    at = datetime.fromtimestamp(event["at"] / 1e9).astimezone().strftime("%H:%M:%S.%f")[:-3]
    line = Text(f"{at} ", style="bright_black")
    line.append(f"{event['turn'] or '':>4} ", style="bright_black")
    line.append(f"{event['kind']:<22} ", style=_COLOURS.get(event["kind"].partition(".")[0], ""))
    return line.append_text(_fields(event))


def _fields(event: Frame) -> Text:
    line = Text()
    for name, value in event.items():
        if name not in _ENVELOPE and value not in ("", None, [], {}):
            line.append(f"{name}=", style="bright_black").append(_short(value)).append(" ")
    return line


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


class Turns:
    """Collects turns, and draws each as a tree of causes when it is over."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], list[Frame]] = defaultdict(list)

    def feed(self, event: Frame) -> Tree | None:
        """Take in an event; returns the tree of the turn that it ended."""
        if not event["turn"]:
            return None
        key = (event["session"], event["turn"])
        self._open[key].append(event)
        return drawn(self._open.pop(key)) if event["kind"] == "turn.finished" else None


def drawn(events: Sequence[Frame]) -> Tree:
    """The events of a turn below what caused them, with the ms since its first one."""
    start = events[0]["at"]
    root = Tree(Text(f"turn {events[0]['turn']}", style="bold"))
    branches: dict[str, Tree] = {}
    for event in events:
        line = Text(f"{(event['at'] - start) / 1e6:8.1f} ms ", style="bright_black")
        line.append(f"{event['kind']} ", style=_COLOURS.get(event["kind"].partition(".")[0], ""))
        branches[event["id"]] = branches.get(event["cause"], root).add(line.append_text(_fields(event)))
    return root


class Printer:
    """Prints frames as they were asked for; `count` is how many events it printed."""

    def __init__(self, console: Console, *, as_json: bool, tree: bool) -> None:
        self.count = 0
        self._console = console
        self._as_json = as_json
        self._turns = Turns() if tree else None

    def show(self, frame: Frame) -> None:
        """Print one frame."""
        if "missed" in frame:
            self._missed(frame["missed"])
        elif "event" in frame and self._turns is not None:
            self._print(self._turns.feed(frame["event"]))
        elif "event" in frame:
            self.count += 1
            if self._as_json:
                print(json.dumps(frame["event"], ensure_ascii=False), flush=True)
            else:
                self._print(told(frame["event"]))

    def _print(self, shown: Text | Tree | None) -> None:
        if shown is not None:
            self._console.print(shown, soft_wrap=True)
            self.count += isinstance(shown, Tree)

    def _missed(self, missed: Frame) -> None:
        words = ", ".join(f"{count} {kind}" for kind, count in missed["kinds"].items()) or missed.get("reason", "")
        print(f"tail: missed {missed['count']}: {words}", file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "", EXAMPLES)
    options.add_argument("kind", nargs="*", help="kinds; `turn.*` means all that begin so")
    options.add_argument("--session", help="of this conversation alone")
    options.add_argument("--turn", type=int, help="of this turn alone")
    options.add_argument("--since", metavar="ID", help="go on after this event")
    options.add_argument("--all", action="store_true", help="also kinds of which many come (sound, readings)")
    options.add_argument("--tree", action="store_true", help="each turn as the tree of its causes")
    options.add_argument("--json", action="store_true", help="one event as JSON a line")
    options.add_argument("--count", type=int, help="end after so many events (or trees)")
    options.add_argument("--once", action="store_true", help="end with the assistant")
    options.add_argument("--colour", choices=("auto", "always", "never"), default="auto")
    return options


def kinds_of(wire: Wire, arguments: argparse.Namespace) -> str:
    """The kinds to ask for."""
    if arguments.kind or arguments.all:
        return ",".join(arguments.kind)
    return ",".join(kind for kind in wire.get("/v1/events/schema?form=json_schema") if kind not in _QUIET)


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    arguments = _options().parse_args(words)
    wire = Wire(arguments.url, arguments.key)
    colour = {"auto": None, "always": True, "never": False}[arguments.colour]
    console = Console(highlight=False, force_terminal=colour, no_color=colour is False)
    printer = Printer(console, as_json=arguments.json, tree=arguments.tree)
    for frame in frames(wire, kinds_of(wire, arguments), arguments):
        printer.show(frame)
        if arguments.count is not None and printer.count >= arguments.count:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
