"""How soon skills are there and how fast they answer, beside the floors: importing hassil, and hassil's matching alone.

Start-up is measured in fresh processes that hold the bus already; answers are timed from `tool.call` to `tool.result`
over the sentences that the tests hold, those that reach a skill and those that are for the model.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import structlog
import yaml

from scripts.figures import Figure, at_most, parser, percentile, plain, report
from services.skills.ringing import Kept
from services.testing import Bench, running
from shared.events import ToolCall, ToolResult

ROOT = Path(__file__).resolve().parent.parent
SAID = ROOT / "tests" / "services" / "skills" / "said"

START = """
import asyncio, json, time
from services.testing import running
from shared.events import SkillsRegistered, ToolCall, ToolResult
import structlog
structlog.configure(logger_factory=structlog.ReturnLoggerFactory())

class Nowhere:
    def load(self):
        from services.skills.ringing import Kept
        return Kept(alarms=())
    def save(self, kept): ...

async def main():
    began = time.perf_counter()
    from services.skills import SkillsService, SkillsSettings
    imported = time.perf_counter()
    async with running(SkillsService(SkillsSettings(), store=Nowhere())) as bench:
        ready = time.perf_counter()
        bench.publish(ToolCall, sentence="what time is it", name="", arguments={}, language="en")
        await bench.next(ToolResult)
        answered = time.perf_counter()
    print(json.dumps([imported - began, ready - began, answered - began]))

asyncio.run(main())
"""
FLOOR = "import time; t = time.perf_counter(); import hassil; print(time.perf_counter() - t)"


class Nowhere:
    """Keeps no alarms."""

    def load(self) -> Kept:
        return Kept(alarms=())

    def save(self, kept: Kept) -> None:
        return


def fresh(program: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def starts(rounds: int) -> Iterator[Figure]:
    """Start-up, the best of some rounds: what else the machine does only adds."""
    floor = min(float(fresh(FLOOR)) for _ in range(rounds))
    imported, ready, answered = (
        min(times) for times in zip(*(json.loads(fresh(START)) for _ in range(rounds)), strict=True)
    )
    yield plain("floor: importing hassil", floor * 1e3, "ms")
    yield plain("importing skills", imported * 1e3, "ms")
    yield at_most("import to skills.registered, four languages", ready * 1e3, "ms", 300)
    yield at_most("import to the first answer, beyond the floor", (answered - floor) * 1e3, "ms", 300)


async def ask(bench: Bench, sentence: str, language: str) -> float:
    """Seconds from call to result."""
    began = time.perf_counter()
    bench.publish(ToolCall, sentence=sentence, name="", arguments={}, language=language)
    await bench.next(ToolResult)
    return time.perf_counter() - began


async def answers(rounds: int) -> list[Figure]:
    """Times per language, answered and unmatched apart."""
    from services.skills import SkillsService, SkillsSettings

    figures: list[Figure] = []
    settings = SkillsSettings(most_alarms=100_000)
    async with running(SkillsService(settings, store=Nowhere())) as bench:
        for path in sorted(SAID.glob("*.yaml")):
            said = yaml.safe_load(path.read_text("utf-8"))
            sets = {"answered": [line[0] for line in said["ours"]], "unmatched": said["not_ours"]}
            for name, sentences in sets.items():
                times = []
                for turn in range(rounds + 1):
                    await ask(bench, {"en": "cancel all timers"}.get(path.stem, "x"), path.stem)
                    taken = [await ask(bench, sentence, path.stem) for sentence in sentences]
                    times += taken if turn else []
                for percent, bound in ((50, 5), (99, 10)):
                    value = percentile(times, percent) * 1e3
                    figures.append(at_most(f"{path.stem} {name} p{percent}, {len(times)} calls", value, "ms", bound))
    return figures


def floors(rounds: int) -> Iterator[Figure]:
    """hassil's own part, without fillers, bus, threads and skills."""
    from hassil import Intents, recognize_best

    from services.skills.sentences import load

    intents = Intents.from_dict(load("en").ours())
    sentences = [line[0] for line in yaml.safe_load((SAID / "en.yaml").read_text("utf-8"))["ours"]]
    times = []
    for turn in range(rounds + 1):
        for sentence in sentences:
            began = time.perf_counter()
            recognize_best(sentence.lower(), intents)
            times += [time.perf_counter() - began] if turn else []
    yield plain("floor: hassil alone, en, p50", percentile(times, 50) * 1e3, "ms")
    yield plain("floor: hassil alone, en, p99", percentile(times, 99) * 1e3, "ms")


def main() -> int:
    """Run it all."""
    options = parser(__doc__).parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    rounds = 10 if options.full else 3

    def figures() -> Iterator[Figure]:
        yield from starts(rounds)
        yield from floors(rounds)
        yield from asyncio.run(answers(rounds))

    return report(figures(), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
