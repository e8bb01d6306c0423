"""Whether recorded conversations come out the same to the byte, again and again, while the processors have other work.

Each scenario of the suite is played on virtual time and recorded; then a question is spoken to a real `sotto` in real
time and recorded with its sound. Every recording is run again five times, with `--full` fifty, beside one busy process
for each processor, and its event log is compared byte by byte. `--folder` takes recordings of your own instead.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bus.journal import Recording, recordings
from scripts.figures import Figure, at_least, parser, plain, report
from services.dialogue.again import check
from shared.logs import configure

_QUESTION = "what is seventeen times twenty three"
_BUSY = "import os\nos.nice(5)\nwhile True: pass"


@contextlib.contextmanager
def load(processes: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile."""
    busy = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def scenarios(folder: Path) -> Iterator[Recording]:
    """Every scenario of the suite, played on virtual time and recorded."""
    import looptime

    from tests.replay.conftest import SCENARIOS, lived, written

    for number, scenario in enumerate(SCENARIOS):
        loop = looptime.new_event_loop()
        try:
            entries = loop.run_until_complete(lived(scenario))
        finally:
            loop.close()
        yield written(folder / str(number), scenario, entries)


def spoken(folder: Path) -> Recording:
    """A question spoken into a real assistant, in real time, with its sound."""
    from tests.kit.terminal import ROOT, SOTTO, home_of

    question = folder / "question.wav"
    options = ("--input", question, "--output", folder / "answer.wav", "--set", "journal.audio=true", "--json")
    for words in (("speak", _QUESTION, "-o", question), options):
        subprocess.run([*SOTTO, *words], env=home_of(folder), cwd=ROOT, check=True, timeout=120, capture_output=True)
    (taken,) = recordings(folder / "sessions")
    return Recording(taken.folder)


def again(name: str, taken: Sequence[Recording], times: int) -> Iterator[Figure]:
    """Run each of them again so often."""
    done = [check(Recording(one.folder)) for one in taken for _ in range(times)]
    yield plain(f"{name}: recordings", len(taken), "")
    yield plain(f"{name}: events in them", sum(one.events for one in done[::times]), "events")
    yield at_least(f"{name}: replays that were the same to the byte", sum(one.same for one in done), "", len(done))


def figures(times: int, busy: int, folders: Sequence[Path]) -> Iterator[Figure]:
    """Everything measured."""
    yield plain("busy processes beside it", busy, "")
    with load(busy), tempfile.TemporaryDirectory(prefix="sotto-") as place:
        if folders:
            yield from again("of your own", [Recording(folder) for folder in folders], times)
            return
        yield from again("scenarios", list(scenarios(Path(place) / "scenarios")), times)
        yield from again("a spoken conversation", [spoken(Path(place))], times)


def main() -> int:
    """Print the figures; 1 when a replay differed."""
    options = parser(__doc__)
    options.add_argument("--times", type=int, default=0, help="replays of each (default: 5, with --full 50)")
    options.add_argument("--load", type=int, default=os.cpu_count() or 1, help="busy processes (default: one a core)")
    options.add_argument("--folder", type=Path, nargs="+", default=(), help="recorded sessions of your own")
    arguments = options.parse_args()
    configure("error")
    times = arguments.times or (50 if arguments.full else 5)
    return report(figures(times, arguments.load, arguments.folder), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
