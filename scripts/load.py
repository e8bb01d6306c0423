"""Load a running assistant with typed conversations: so many at once, with think time, and some who interrupt.

Each conversation is a session of its own. Printed are how long answers took, from the post to the end of the turn, how
turns ended, what watchers missed, and what the bus dropped meanwhile.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.figures import Figure, at_least, percentile, plain, report
from scripts.wire import Frame, Watch, Wire, parser, run

EXAMPLES = """\
  .venv/bin/python scripts/load.py                          10 people, 5 questions each
  .venv/bin/python scripts/load.py --sessions 50 --turns 20 --think 0.2
  .venv/bin/python scripts/load.py --interrupt 0.3 --ask "what time is it" "tell me a story"
  .venv/bin/python scripts/load.py --json | jq .value"""

QUESTIONS = ("what time is it", "what is 17 times 23", "what time is it in Tokyo", "how many miles is 10 kilometers")


class Conversation(threading.Thread):
    """One person: asks, waits for the end of the turn, thinks, and asks again."""

    def __init__(self, wire: Wire, name: str, turns: int, arguments: argparse.Namespace) -> None:
        super().__init__(daemon=True)
        self.session = name
        self.finished: SimpleQueue[Frame] = SimpleQueue()
        """The ends of its turns."""
        self.took: list[float] = []
        self.reasons: Counter[str] = Counter()
        self.lost = 0
        """Turns of which no end came in time."""
        self.error: BaseException | None = None
        self._wire = wire
        self._turns = turns
        self._arguments = arguments
        self._dice = random.Random(name)
        self._questions = itertools.cycle(arguments.ask)

    def run(self) -> None:
        try:
            self._post("session.opened", {"over": "socket", "language": "en"})
            for _ in range(self._turns):
                self._turn()
                time.sleep(self._dice.expovariate(1 / self._arguments.think) if self._arguments.think else 0)
            self._post("session.closed", {"reason": "said all"})
        except Exception as error:  # noqa: BLE001 (told by whoever started it)
            self.error = error

    def _turn(self) -> None:
        asked = time.monotonic()
        self._ask()
        if self._dice.random() < self._arguments.interrupt:
            time.sleep(self._dice.random() * 0.05)
            self._ask()
        while True:
            try:
                event = self.finished.get(timeout=self._arguments.patience)
            except Empty:
                self.lost += 1
                return
            self.reasons[event["reason"]] += 1
            if event["reason"] != "interrupted":
                self.took.append(time.monotonic() - asked)
                return

    def _ask(self) -> None:
        self._post("text.entered", {"text": next(self._questions), "speak": False})

    def _post(self, kind: str, fields: dict[str, Any]) -> None:
        self._wire.post([{"kind": kind, "fields": fields, "session": self.session}])


class Listener(threading.Thread):
    """Hands the end of each turn to whoever waits for it, and counts what was missed."""

    def __init__(self, watch: Watch, people: Sequence[Conversation]) -> None:
        super().__init__(daemon=True)
        self.missed = 0
        self._watch = watch
        self._people = {one.session: one for one in people}
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                frame = self._watch.next(0.1)
            except TimeoutError:
                continue
            self.missed += frame.get("missed", {}).get("count", 0)
            event = frame.get("event")
            if event is not None and event["session"] in self._people:
                self._people[event["session"]].finished.put(event)

    def end(self) -> None:
        """Listen no more."""
        self._over.set()
        self.join()


def dropped(wire: Wire) -> int:
    """Events that subscriptions lost so far."""
    return sum(ledger["dropped"] for ledger in wire.get("/v1/stats").get("subscriptions", ()))


def converse(wire: Wire, arguments: argparse.Namespace) -> Iterator[Figure]:
    """Hold the conversations and tell how they went."""
    name = f"load-{time.time_ns():x}"
    people = [Conversation(wire, f"{name}-{n}", arguments.turns, arguments) for n in range(arguments.sessions)]
    before, began = dropped(wire), time.monotonic()
    with wire.watch(kind="turn.finished") as watch:
        listener = Listener(watch, people)
        for one in (listener, *people):
            one.start()
        for one in people:
            one.join()
        listener.end()
    for one in people:
        if one.error is not None:
            raise one.error
    seconds = time.monotonic() - began
    yield from told(people, seconds)
    yield plain("events that the watcher missed", listener.missed, "events")
    yield plain("events that the bus dropped meanwhile", dropped(wire) - before, "events")


def told(people: Sequence[Conversation], seconds: float) -> Iterator[Figure]:
    """What the people lived through."""
    took = [one * 1e3 for person in people for one in person.took]
    asked = len(took) + sum(person.lost for person in people)
    yield plain("conversations at a time", len(people), "")
    yield at_least("turns that came to their end", len(took), "turns", asked)
    yield plain("turns a second", len(took) / seconds, "1/s")
    reasons = sum((person.reasons for person in people), Counter[str]())
    for reason, times in sorted(reasons.items()):
        yield plain(f"turns that ended {reason}", times, "turns")
    for percent in (50, 95, 99) if took else ():
        yield plain(f"from the question to the end of the turn, p{percent}", percentile(took, percent), "ms")


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "", EXAMPLES)
    options.add_argument("--sessions", type=int, default=10, help="conversations at a time (default: 10)")
    options.add_argument("--turns", type=int, default=5, help="questions of each (default: 5)")
    options.add_argument("--think", type=float, default=0.5, help="seconds between them, on average (default: 0.5)")
    options.add_argument("--interrupt", type=float, default=0.0, help="part of the questions that are asked over again")
    options.add_argument("--ask", nargs="+", default=QUESTIONS, help="what is asked, in turn")
    options.add_argument("--patience", type=float, default=30, help="seconds to wait for an answer (default: 30)")
    options.add_argument("--json", action="store_true", help="one object a line: name, value, unit, goal, ok")
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Print the figures; 1 when a turn was lost."""
    arguments = _options().parse_args(words)
    return report(converse(Wire(arguments.url, arguments.key), arguments), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(run(main))
