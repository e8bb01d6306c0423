"""Record a running assistant from outside: its events, as they come through the event socket, into a folder.

The assistant's own journal (`sotto sessions`) holds more: its sound, and what a replay to the byte needs. What is
recorded here can be shown, listed and asked "what if".
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bus.journal import Journal
from scripts.wire import Away, Frame, Watch, Wire, parser, run
from shared.errors import SottoError
from shared.events import REGISTRY, Event, decode

EXAMPLES = """\
  .venv/bin/python scripts/record.py recordings                     until Ctrl-C or the assistant's end
  .venv/bin/python scripts/record.py recordings --turns 3           until three turns are over
  .venv/bin/python scripts/replay.py recordings/SESSION --speed 4"""


def record(watch: Watch, folder: Path, turns: int | None) -> tuple[Path, int]:
    """Write what comes until it ends or `turns` are over; returns the session's folder and the number of events."""
    journal = Journal(folder, watch.hello["session"], started_at=time.time_ns(), over="socket")
    count = 0
    try:
        for frame in watch:
            for event in taken(frame):
                journal.write(event)
                journal.flush()
                count += 1
                turns = turns - 1 if turns is not None and event.kind == "turn.finished" else turns
            if turns == 0:
                break
    except (Away, KeyboardInterrupt):
        print("record: the end", file=sys.stderr)
    finally:
        journal.close()
    return journal.place.folder, count


def taken(frame: Frame) -> list[Event]:
    """The event of a frame, if it has one that this Sotto knows."""
    if "missed" in frame:
        print(f"record: missed {frame['missed']['count']} events", file=sys.stderr)
    if "event" not in frame:
        return []
    try:
        return [decode(REGISTRY, json.dumps(frame["event"]))]
    except SottoError as error:
        print(f"record: left out: {error}", file=sys.stderr)
        return []


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    options = parser(__doc__ or "", EXAMPLES)
    options.add_argument("folder", type=Path, help="where the session's folder is made")
    options.add_argument("--session", help="of this conversation alone")
    options.add_argument("--since", metavar="ID", help="also what came after this event, as far as it is remembered")
    options.add_argument("--turns", type=int, help="end after so many turns")
    arguments = options.parse_args(words)
    with Wire(arguments.url, arguments.key).watch(session=arguments.session, since=arguments.since) as watch:
        folder, count = record(watch, arguments.folder, arguments.turns)
    print(f"{count} events are in {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
