"""How fast and how exact texts become vectors, beside onnxruntime and sentence-transformers in the same run.

The model is all-MiniLM-L6-v2 where it is installed (`--model FOLDER` names another place), else one of its size with
random weights, whose speed is the same. `--data FOLDER` holds `sts_dev.tsv` (the STS benchmark with its header line):
then cosines to float32 and the rank correlation are measured too. sentence-transformers takes part where it is
installed.

The engines take turns of a few runs, so that whatever else the machine does slows all of them alike.
"""

from __future__ import annotations

import csv
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from scripts.peak import multiply_adds, products
from services.embedding.checking import converted_and_checked
from services.embedding.convert import Precision, convert
from services.embedding.engines.compiling import compiled
from services.embedding.engines.native import Kernel, NativeEncoder
from services.embedding.opening import open_model
from services.embedding.port import Encoder, EngineMissing, Passage
from services.embedding.settings import EmbeddingSettings
from services.embedding.vectors import from_bytes
from services.embedding.weights import Weights
from shared.cores import cores
from shared.pcm import Floats
from tests.kit.bert_models import write_bert
from tests.kit.bert_onnx import write_onnx

ROOT = Path(__file__).resolve().parent.parent
MINILM = {"hidden": 384, "inner": 1536, "heads": 12, "layers": 6, "positions": 512}
SHORT, MANY = 12, 32
TURN = 8
"""Runs of one engine in a row: the first finds in the caches what another left there."""
REST_S = 0.02
"""Between engines: for 10 ms after their last work, the threads of torch keep the cores busy with looking for more."""
ONNX = EmbeddingSettings(engine="onnx")
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp16", "int8")
Run = Callable[[Sequence[Sequence[int]]], object]

COLD = """
import sys
from pathlib import Path
from services.embedding.engines.native import Kernel, NativeEncoder
from services.embedding.weights import Weights
encoder = NativeEncoder(Weights(Path(sys.argv[1])), kernel=Kernel(Path(sys.argv[2])), threads=2)
encoder.encode(encoder.read(["What is the code of my bike?"], ""))
print("first", flush=True)
sys.stdin.readline()
"""
PACKAGE = """
import sys
import sotto
sotto.embed(["What is the code of my bike?"], model=sys.argv[1])
print("first", flush=True)
sys.stdin.readline()
"""


# ---- those who compute


def whole(passages: Sequence[Sequence[int]]) -> list[Passage]:
    """Ids as passages."""
    return [Passage(ids, False) for ids in passages]


def alone(encoder: Encoder) -> Run:
    """In one call."""
    return lambda batch: encoder.encode(whole(batch))


def threaded(encoder: Encoder, threads: int) -> Run:
    """Spread over threads, as the service does it with many texts."""
    pool = ThreadPoolExecutor(threads)
    return lambda batch: list(pool.map(encoder.encode, [whole(batch[n::threads]) for n in range(threads)]))


def onnxruntime(path: Path, threads: int) -> Run:
    """The same model in float32."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.force_spinning_stop", "1")  # between runs it leaves the cores to others
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {"ids": np.asarray(batch, np.int64)})[0]


def sentence_transformers(source: Path, threads: int) -> Run | None:
    """The same model by its makers' library, or None where it is not installed."""
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return None
    torch.set_num_threads(threads)
    model = SentenceTransformer(str(source), device="cpu")
    words = [word for word in model.tokenizer.get_vocab() if word.isalpha()]
    texts = {n: [" ".join(words[n * 12 + k] for k in range(SHORT - 2))] for n in range(MANY)}
    return lambda batch: model.encode([text for n in range(len(batch)) for text in texts[n]], batch_size=MANY)


# ---- speed


def alternating(
    runs: Mapping[str, Run], batch: Sequence[Sequence[int]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """The ms of each run, taking turns of several runs; the first turn is not counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(-(-rounds // TURN) + 1):
        for name, run in runs.items():
            time.sleep(REST_S)
            for _ in range(TURN):
                began = clock()
                run(batch)
                if turn:
                    times[name].append(1e3 * (clock() - began))
    return times


def quiet(values: Sequence[float]) -> float:
    """The lowest tenth: what it takes when nothing else runs."""
    return percentile(values, 10)


def speed(
    native: Encoder,
    single: Encoder,
    small: Encoder | None,
    others: Mapping[str, Callable[[int], Run | None]],
    rounds: int,
) -> Iterator[Figure]:
    """One short text, and a batch of 32, on two threads; `small` computes the same model in int8.

    Two threads share the work on one text as they do in the service; what one of them takes for it is said beside.
    """
    chance = random.Random(1)
    batch = [[chance.randrange(80) for _ in range(SHORT)] for _ in range(MANY)]
    goals = {"onnxruntime fp32": (3.0, 1.7), "sentence-transformers": (7.0, 4.0)}
    for place, (what, asked) in enumerate(
        ((f"one text of {SHORT} ids", batch[:1]), (f"{MANY} texts of {SHORT} ids", batch))
    ):
        made = {name: make(2) for name, make in others.items()}
        runs = {name: run for name, run in made.items() if run is not None}
        for name, encoder in (("native", native), ("int8", small)):
            if encoder is not None:
                runs[name] = threaded(encoder, 2) if place else alone(encoder)
        if not place:
            runs["native on one thread"] = alone(single)
        times = alternating(runs, asked, rounds if place == 0 else rounds // 8)
        mine = times["native"]
        yield at_most(f"{what}, p50", statistics.median(mine), "ms", (1.2, 14)[place])
        if place == 0:
            yield at_most(f"{what}, p99", percentile(mine, 99), "ms", 2.5)
            yield plain(f"{what}, on one thread, p50", statistics.median(times["native on one thread"]), "ms")
        yield plain(f"{what}, undisturbed", quiet(mine), "ms")
        if small is not None:
            yield at_most(f"int8: {what}, p50", statistics.median(times["int8"]), "ms", (1.2, 14)[place])
            yield plain(f"int8: {what}, undisturbed", quiet(times["int8"]), "ms")
        for name, taken in times.items():
            if name in goals:
                yield plain(f"baseline: {name}, {what}, p50", statistics.median(taken), "ms")
                ratio = statistics.median(taken) / statistics.median(mine)
                yield at_least(f"times as fast as {name}, {what}", ratio, "x", goals[name][place])
        for name, taken in alternating(runs, asked, rounds // 16, time.process_time).items():
            yield plain(f"{name}, {what}, time of all processors", statistics.median(taken), "ms")


def floors(single: Encoder, rounds: int) -> Iterator[Figure]:
    """What the same would take at the speed of a large batch, where weights are read once for many tokens."""
    chance = random.Random(4)
    large = [[chance.randrange(80) for _ in range(64)] for _ in range(MANY)]
    taken = alternating({"native": alone(single)}, large, rounds // 40)["native"]
    token = quiet(taken) / (64 * MANY)
    yield plain(f"floor: one text of {SHORT} ids at the speed of a large batch, two threads", SHORT * token / 2, "ms")
    yield plain(f"floor: {MANY} texts of {SHORT} ids so", SHORT * MANY * token / 2, "ms")


def arithmetic(weights: Weights, kernel: Kernel, scratch: Path) -> Iterator[Figure]:
    """What the multiply-adds of the model's matrices take at least on these cores, everything else left out."""
    able = {"bf16": "bf16" in kernel.levels, "int8": "vnni" in kernel.int8_levels}
    for kind in (kind for kind, known in able.items() if known):
        rate = multiply_adds(kind, scratch)
        one = 1e3 * SHORT * products(weights.architecture) / rate
        yield plain(f"floor: {kind} multiply-adds of a core", rate / 1e9, "G/s")
        yield plain(f"floor: the {kind} multiply-adds of one text of {SHORT} ids, two threads", one / 2, "ms")
        yield plain(f"floor: those of {MANY} texts of {SHORT} ids", MANY * one / 2, "ms")


def levels(weights: Weights, kernel: Kernel, rounds: int) -> Iterator[Figure]:
    """What the kernel's other variants take on this processor."""
    chance = random.Random(2)
    batch = [[chance.randrange(80) for _ in range(SHORT)]]
    runs = {n: alone(NativeEncoder(weights, level=n, kernel=kernel)) for n in kernel.levels}
    for name, taken in alternating(runs, batch, rounds // 4).items():
        yield plain(f"variant {name}, one text of {SHORT} ids, one thread, p50", statistics.median(taken), "ms")


# ---- beginnings


def beginnings(folder: Path, kernel: Kernel, times: int) -> Iterator[Figure]:
    """A process of its own: how long to its first vector, and what memory it takes, alone and beside another."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
    bare = [_timed([sys.executable, "-c", "print('first', flush=True)"], environment)[0] for _ in range(times)]
    command = [sys.executable, "-c", COLD, str(folder), str(kernel.path)]
    _timed(command, environment)
    cold = [_timed(command, environment) for _ in range(times)]
    yield plain("baseline: Python's own start", statistics.median(bare), "ms")
    yield at_most("cold process to the first vector", statistics.median(ms for ms, _, _ in cold), "ms", 60)
    package = [sys.executable, "-c", PACKAGE, str(folder)]
    uncached = {**environment, "SOTTO_EMBEDDING__CACHE_DISK_MB": "0"}
    _timed(package, uncached)
    whole = [_timed(package, uncached)[0] for _ in range(times)]
    yield plain("the same through sotto.embed, settings, models and services included", statistics.median(whole), "ms")
    yield at_most("resident memory of a process that embeds", statistics.median(rss for _, rss, _ in cold), "MB", 70)
    yield at_most("memory of a second process that it shares with none", _second(command, environment), "MB", 30)
    opened = []
    for _ in range(20):
        began = time.perf_counter()
        Weights(folder)
        opened.append(1e3 * (time.perf_counter() - began))
    yield at_most("weights open", statistics.median(opened), "ms", 2)


def _timed(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float, float]:
    """ms to its first line; then its resident and its unique memory in MB."""
    import psutil

    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        took = 1e3 * (time.perf_counter() - began)
        try:
            memory = psutil.Process(process.pid).memory_full_info()
        except psutil.Error:  # it has ended
            return took, 0.0, 0.0
        finally:
            process.communicate(b"\n")
    return took, memory.rss / 1e6, memory.uss / 1e6


def _second(command: Sequence[str], environment: Mapping[str, str]) -> float:
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        unique = _timed(command, environment)[2]
        first.communicate(b"\n")
    return unique


# ---- exactness


def sizes(source: Path, scratch: Path) -> Iterator[Figure]:
    """What each kind of conversion saves, and how far from the exact weights it is."""
    before = (source / "model.safetensors").stat().st_size
    yield plain("baseline: weights as they came", before / 1e6, "MB")
    for precision in PRECISIONS:
        checked = converted_and_checked(source, scratch / precision, precision)
        yield plain(f"{precision}: size saved", 100 * checked["saved"], "%")
        yield plain(f"{precision}: largest distance to the exact weights", 1e6 * (1 - checked["cosine"]), "1e-6")


def product_onnx(source: Path, native: Encoder, rounds: int) -> Iterator[Figure]:
    """The ladder's second rung: our graph in onnxruntime, from the file that it packed."""
    began = time.perf_counter()
    open_model(source, ONNX)
    yield plain("engine onnx: packed and opened", 1e3 * (time.perf_counter() - began), "ms")
    began = time.perf_counter()
    encoder = open_model(source, ONNX)
    yield plain("engine onnx: opened again", 1e3 * (time.perf_counter() - began), "ms")
    chance = random.Random(5)
    batch = [[chance.randrange(80) for _ in range(SHORT)] for _ in range(MANY)]
    for run, asked in ((alone, batch[:1]), (lambda encoder: threaded(encoder, 2), batch)):
        runs = {"native": run(native), "engine onnx": run(encoder)}
        taken = alternating(runs, asked, max(8, rounds // 8))["engine onnx"]
        yield plain(f"engine onnx, {len(asked)} of {SHORT} ids, p50", statistics.median(taken), "ms")


def exactness(native: Encoder, small: Encoder | None, exact_run: Run, data: Path) -> Iterator[Figure]:
    """Against float32, which somebody else computes, and against people's judgement."""
    with (data / "sts_dev.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        pairs = [(float(row["score"]), row["sentence1"], row["sentence2"]) for row in rows]
    texts = list(dict.fromkeys(text for _, *two in pairs for text in two))
    passages = native.read(texts, "")
    mine = from_bytes(native.encode(passages), native.info.dimensions).astype(np.float64)
    exact = np.concatenate([np.asarray(exact_run([passage.ids]), np.float64) for passage in passages])
    cosines = np.einsum("ij,ij->i", mine, exact)
    place = {text: n for n, text in enumerate(texts)}
    yield plain("sentences compared", len(texts), "texts")
    yield at_most("largest distance to onnxruntime fp32 (1 - cosine)", float(1 - cosines.min()) * 1e6, "1e-6", 100)
    yield plain("mean distance to onnxruntime fp32 (1 - cosine)", float((1 - cosines).mean()) * 1e6, "1e-6")
    judged = [score for score, _, _ in pairs]
    known: list[tuple[str, Floats, float | None]] = [("native", mine, 82.0), ("onnxruntime fp32", exact, None)]
    if small is not None:
        rounded = from_bytes(small.encode(passages), small.info.dimensions).astype(np.float64)
        near = np.einsum("ij,ij->i", rounded, exact)
        yield plain("int8: mean cosine to onnxruntime fp32", float(near.mean()), "")
        yield plain("int8: lowest cosine to onnxruntime fp32", float(near.min()), "")
        known.append(("int8", rounded, None))
    for name, vectors, goal in known:
        found = [float(vectors[place[one]] @ vectors[place[two]]) for _, one, two in pairs]
        value = 100 * _spearman(judged, found)
        label = f"rank correlation with people's judgement x 100, {name}"
        yield at_least(label, value, "", goal) if goal else plain(label, value, "")


def _spearman(one: Sequence[float], two: Sequence[float]) -> float:
    return float(np.corrcoef(_ranks(one), _ranks(two))[0, 1])


def _ranks(values: Sequence[float]) -> Floats:
    """Places in order; equal values share their mean place."""
    unique, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float32) if len(unique) else np.zeros(0, np.float32)


def sameness(native: Encoder, batches: int) -> Iterator[Figure]:
    """Random batches, orders and thread counts against each text alone, bit by bit."""
    chance = random.Random(3)
    known = [[chance.randrange(80) for _ in range(chance.randint(1, 24))] for _ in range(200)]
    alone = {n: native.encode(whole([ids])) for n, ids in enumerate(known)}
    same = 0
    for _ in range(batches):
        chosen = [chance.randrange(len(known)) for _ in range(chance.randint(1, 8))]
        threads = chance.randint(1, 3)
        with ThreadPoolExecutor(threads) as pool:
            parts = [chosen[n::threads] for n in range(threads)]
            rows = list(pool.map(lambda part: native.encode(whole([known[n] for n in part])), parts))
        same += all(b"".join(alone[n] for n in p) == row for p, row in zip(parts, rows, strict=True))
    yield Figure("batches with the same bits", same, "batches", f">= {batches}", same == batches)


def main() -> int:
    """Run what the command line asks for."""
    options = parser(__doc__)
    options.add_argument("--model", type=Path, help="folder in the form of the hub")
    options.add_argument("--data", type=Path, help="folder with sts_dev.tsv")
    options.add_argument("--http", action="store_true", help="over HTTP instead, as scripts/bench_embedding_http.py")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="sotto-bench-") as name:
        if given.http:
            from scripts.bench_embedding_http import figures as over_http

            return report(over_http(source(Path(name), given.model), Path(name), full=given.full), as_json=given.json)
        return report(figures(Path(name), given.model, given.data, full=given.full), as_json=given.json)


def source(scratch: Path, model: Path | None) -> Path:
    """The model that is named, or installed, or one with random weights."""
    return model or installed() or write_bert(scratch / "random-minilm", **MINILM)


def figures(scratch: Path, model: Path | None, data: Path | None, *, full: bool) -> Iterator[Figure]:
    """Everything, the most telling first."""
    folder = source(scratch, model)
    convert(folder, scratch / "packed")
    kernel, weights = Kernel(compiled()), Weights(scratch / "packed")
    native, single = NativeEncoder(weights, kernel=kernel, threads=2), NativeEncoder(weights, kernel=kernel)
    graph = write_onnx(folder, weights.architecture, scratch / "model.onnx")
    print(f"{folder.name}, {native.info.detail}, {cores()} cores", file=sys.stderr)
    rounds = 2000 if full else 400
    others: dict[str, Callable[[int], Run | None]] = {
        "onnxruntime fp32": lambda threads: onnxruntime(graph, threads),
        "sentence-transformers": lambda threads: sentence_transformers(folder, threads),
    }
    small = whole_numbers(folder, scratch / "int8-packed", kernel)
    yield from speed(native, single, small, others, rounds)
    yield from floors(single, rounds)
    yield from arithmetic(weights, kernel, scratch)
    yield from levels(weights, kernel, rounds)
    yield from product_onnx(_copied(folder, scratch / "own"), native, rounds)
    yield from sizes(folder, scratch / "sizes")
    yield from beginnings(scratch / "packed", kernel, 15 if full else 7)
    if data is not None:
        yield from exactness(native, small, onnxruntime(graph, 1), data)
    yield from sameness(native, 10_000 if full else 1_000)


def whole_numbers(source: Path, target: Path, kernel: Kernel) -> Encoder | None:
    """The model in int8, where the processor has the instructions."""
    convert(source, target, "int8")
    try:
        return NativeEncoder(Weights(target), kernel=kernel, threads=2)
    except EngineMissing:
        return None


def _copied(source: Path, folder: Path) -> Path:
    """The model by itself, where what is made of it may lie beside."""
    folder.mkdir()
    for file in source.iterdir():
        if file.is_file():
            (folder / file.name).symlink_to(file.resolve())
    return folder


def installed() -> Path | None:
    """Where all-MiniLM-L6-v2 is on this machine, if it is."""
    from services.app import Settings, shelf

    found = [m.path for m in shelf(Settings()).installed("embedding") if m.name == "all-minilm-l6-v2"]
    return found[0] if found else None


if __name__ == "__main__":
    sys.exit(main())
