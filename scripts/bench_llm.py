"""What the language model's engine adds to llama.cpp, and what it gives for it.

Beside it, in the same run on the same file: the bare loop over llama.cpp's C functions, and (where it can be
imported, `PYTHONPATH` may name its folder) xllamacpp, which is llama-server in process. Rounds alternate between
them, and the best of each counts, since whatever else the machine does only ever slows one down. The weights are
random: only speed is measured. One thread computes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import peer_xllamacpp
from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from scripts.llm_asked import PROMPT, opened, read, wish
from scripts.llm_overhead import per_token
from scripts.make_test_models import exact
from services.llm import LanguageModel
from services.llm.answers import AnswerStore, Kept
from services.llm.cache import ResponseCache, key_of
from services.llm.engines.abort import AbortFlag
from services.llm.engines.library import library
from services.llm.engines.pool import Extension, Pool
from services.llm.engines.weights import Weights
from shared.logs import configure

STREAMS = (1, 4, 8)


# ---- throughput


async def ours_together(path: Path, streams: int, tokens: int, mode: str) -> float:
    """Tokens a second over so many streams."""
    model = await opened(path, max(STREAMS), 512)
    await read(model, wish("warm", 4, mode=mode))
    began = time.perf_counter()
    await asyncio.gather(*(read(model, wish(f"{i} {PROMPT}", tokens, mode=mode)) for i in range(streams)))
    took = time.perf_counter() - began
    await model.close()
    return streams * tokens / took


def server(path: Path) -> Callable[[int, int], float] | None:
    """xllamacpp's throughput over so many streams and tokens, None where it is not installed."""
    if not peer_xllamacpp.installed():
        return None
    running = peer_xllamacpp.server(path, streams=max(STREAMS))

    def one(index: int, tokens: int) -> None:
        wanted = {"prompt": f"{index} {PROMPT}", "n_predict": tokens, "temperature": 0, "ignore_eos": True}
        running.handle_completions({**wanted, "cache_prompt": False, "stream": False})

    def together(streams: int, tokens: int) -> float:
        one(99, 4)
        threads = [threading.Thread(target=one, args=(i, tokens)) for i in range(streams)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return streams * tokens / (time.perf_counter() - began)

    return together


def throughput(path: Path, rounds: int, tokens: int) -> Iterator[Figure]:
    """Tokens a second at one, four and eight streams; strict beside fast."""
    theirs = server(path)
    if theirs is None:
        yield plain("not compared with xllamacpp, which is not installed: goals", len(STREAMS), "missing")
    for streams in STREAMS:
        fast, strict, other = 0.0, 0.0, 0.0
        for _ in range(rounds):
            fast = max(fast, asyncio.run(ours_together(path, streams, tokens, "fast")))
            strict = max(strict, asyncio.run(ours_together(path, streams, tokens, "strict")))
            other = max(other, theirs(streams, tokens) if theirs else 0.0)
        yield plain(f"fast, {streams} streams", fast, "tokens/s")
        yield plain(f"strict, {streams} streams", strict, "tokens/s")
        if theirs:
            yield plain(f"baseline: xllamacpp, {streams} streams", other, "tokens/s")
            yield at_least(f"fast to xllamacpp, {streams} streams", fast / other * 100, "%", 100)
        if streams == max(STREAMS):
            yield at_least(f"strict to fast, {streams} streams", strict / fast * 100, "%", 70)


# ---- an urgent question, a cancelled answer, a saved state


async def urgent(path: Path, asked: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the first piece: idle, and with eight answers in the background."""
    model = await opened(path, max(STREAMS), 512)
    idle = [await _first(model, f"q{i} {PROMPT}") for i in range(asked)]
    ended, moved = asyncio.Event(), asyncio.Event()

    async def background(index: int) -> None:
        while not ended.is_set():
            async for _ in model.answer(wish(f"b{index} {PROMPT}", 400, priority="background")):
                moved.set()

    behind = [asyncio.create_task(background(i)) for i in range(8)]
    loaded = []
    for i in range(asked):
        moved.clear()
        await moved.wait()  # so that they do go on
        loaded.append(await _first(model, f"q{i} {PROMPT}"))
    ended.set()
    await model.close()
    await asyncio.gather(*behind, return_exceptions=True)
    return idle, loaded


async def _first(model: LanguageModel, text: str) -> float:
    began = time.perf_counter()
    first, _ = await read(model, wish(text, 2))
    return (first - began) * 1e3


async def cancelling(path: Path, asked: int) -> tuple[float, list[float]]:
    """Milliseconds of a step, and from cancelling an answer until the engine has let go of it."""
    model = await opened(path, 1, 512)
    first, last = await read(model, wish(PROMPT, 200))
    waits = []
    for i in range(asked):
        answer = model.answer(wish(f"{i} {PROMPT}", 400))
        await anext(aiter(answer))
        began = time.perf_counter()
        answer.cancel()
        await answer.outcome()
        waits.append((time.perf_counter() - began) * 1e3)
    await model.close()
    return (last - first) / 199 * 1e3, waits


def states(path: Path, tokens: int) -> Iterator[Figure]:
    """Saving and putting back a sequence."""
    weights = Weights(library(), path, gpu_layers=0, wanted=lambda: True)
    pool = Pool(library(), weights, context_tokens=512, sequences=2, threads=1, chunk=256)
    pool.step([Extension(pool.places[0], [i % 200 for i in range(tokens)], speaks=True)], AbortFlag())
    saves, loads = [], []
    for _ in range(10):
        began = time.perf_counter()
        saved = pool.save(pool.places[0])
        middle = time.perf_counter()
        pool.restore(pool.places[1], saved)
        saves.append(middle - began)
        loads.append(time.perf_counter() - middle)
    size = len(saved.state) / 1e6
    pool.close()
    weights.close()
    yield plain(f"state of {tokens} tokens", size, "MB")
    yield plain("saving it", min(saves) * 1e3, "ms")
    yield plain("putting it back", min(loads) * 1e3, "ms")


# ---- answers remembered


async def remembered(folder: Path, asked: int) -> list[float]:
    """Milliseconds in which an answer that was given before is found."""
    cache = ResponseCache(AnswerStore(folder / "answers.sqlite3"))
    waits = []
    for i in range(asked):
        request = wish(f"{i % 64} {PROMPT}", 10, mode="strict")
        began = time.perf_counter()
        key = key_of(request, ("fingerprint",))
        kept = await cache.find(key)
        if kept is None:
            cache.made(key, Kept(((0, PROMPT),), {"text": PROMPT}))
        else:
            waits.append((time.perf_counter() - began) * 1e3)
    await cache.close()
    return waits


def answers(folder: Path, *, full: bool) -> Iterator[Figure]:
    """An urgent question among background work, and a cancelled answer."""
    path = exact(folder, "q8_0")
    idle, loaded = asyncio.run(urgent(path, 100 if full else 12))
    for percent in (50, 99):
        yield plain(f"first piece, idle, p{percent}", percentile(idle, percent), "ms")
        yield plain(f"first piece, eight in the background, p{percent}", percentile(loaded, percent), "ms")
    ratio = percentile(loaded, 99) / percentile(idle, 99)
    yield at_most("first piece, eight in the background to idle, p99", ratio, "x", 1.5)
    step, waits = asyncio.run(cancelling(path, 300 if full else 100))
    yield plain("a step", step, "ms")
    for percent in (50, 99):
        yield at_most(f"cancelling, p{percent}, in steps", percentile(waits, percent) / step, "steps", 1)


def told_again(folder: Path, *, full: bool) -> Iterator[Figure]:
    """Answers that were given before."""
    hits = asyncio.run(remembered(folder, 20_000 if full else 5000))
    yield plain("an answer remembered, p50", percentile(hits, 50), "ms")
    yield at_most("an answer remembered, p99", percentile(hits, 99), "ms", 0.2)


PARTS: dict[str, Callable[[Path, bool], Iterator[Figure]]] = {
    "token": lambda folder, full: per_token(folder, 5 if full else 2, full),
    "throughput": lambda folder, full: throughput(exact(folder, "q8_0"), 5 if full else 2, 128 if full else 48),
    "answers": lambda folder, full: answers(folder, full=full),
    "states": lambda folder, _: states(exact(folder, "q8_0"), 256),
    "cache": lambda folder, full: told_again(folder, full=full),
}


def measured(parts: Sequence[str], full: bool) -> Iterator[Figure]:
    """Each part, as it comes."""
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        for part in parts:
            yield from PARTS[part](Path(folder), full)


def main() -> int:
    """Print the table, or JSON lines; exit status 1 when a goal was missed."""
    given = parser(__doc__)
    given.add_argument("--part", action="append", choices=PARTS, help="only this; may be given again")
    options = given.parse_args()
    configure("warning", "console")
    return report(measured(options.part or tuple(PARTS), options.full), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
