"""How many texts a second come back as vectors over HTTP: server and clients together on two cores.

`sotto serve` in one process, 64 connections that each ask again as soon as they are answered in another. The model is
all-MiniLM-L6-v2 where it is installed (`--model FOLDER` names another place), else one of its size with random weights.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.figures import Figure, at_least, at_most, parser, percentile, plain, report
from scripts.peak import multiply_adds, products
from services.embedding.convert import convert
from services.embedding.engines.native import Kernel
from services.embedding.weights import WEIGHTS, Weights

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 64
KNOWN = 256
"""Texts whose vectors are in the cache."""
WORDS = 8
"""Of a text; with the two tokens around it ten ids, where a word is one."""
MADE = 4_000
"""Requests for unique texts that are made beforehand, for each second."""
WARM_S = 1.0


# ---- the clients: a process of their own


class Connection(asyncio.Protocol):
    """Asks, is answered, and asks again; counts from `began` on."""

    def __init__(self, requests: Iterator[bytes], began: float) -> None:
        self._requests = requests
        self._began = began
        self._answer = b""
        self._length = 0
        self._asked = 0.0
        self.took: list[float] = []
        self.refused = 0
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._length:
            head = self._answer.find(b"\r\n\r\n")
            if head < 0:
                return
            at = self._answer.index(b"content-length: ") + 16
            self._length = head + 4 + int(self._answer[at : self._answer.index(b"\r", at)])
        if len(self._answer) >= self._length:
            self._answered(self._answer[9:12] == b"200")

    def _answered(self, well: bool) -> None:
        now = time.perf_counter()
        self.answered += 1
        if self._asked >= self._began:
            self.took.append(now - self._asked)
            self.refused += not well
        self._answer, self._length = b"", 0
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))


def request(path: str, body: object) -> bytes:
    """The bytes of one POST."""
    raw = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}"
    return head.encode() + b"\r\n\r\n" + raw


def unique(words: Sequence[str], count: int) -> Iterator[bytes]:
    """Requests for texts that nobody asked for before; so many are made before the first is sent."""
    chance = random.Random(time.time_ns())

    def asked() -> bytes:
        text = " ".join(chance.choices(words, k=WORDS))
        return request("/v1/embeddings", {"input": text, "encoding_format": "base64"})

    made = [asked() for _ in range(count)]
    return itertools.chain(made, iter(asked, b""))


def known(words: Sequence[str], count: int) -> Iterator[bytes]:
    """The same `count` requests again and again."""
    texts = [" ".join(random.Random(n).choices(words, k=WORDS)) for n in range(count)]
    return itertools.cycle([request("/v1/embeddings", {"input": text, "encoding_format": "base64"}) for text in texts])


async def clients(port: int, requests: Iterator[bytes], seconds: float) -> dict[str, float]:
    """Ask over all connections at once."""
    loop, began = asyncio.get_running_loop(), time.perf_counter() + WARM_S
    made = [
        (await loop.create_connection(lambda: Connection(requests, began), "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(began + seconds - time.perf_counter())
    took = [ms * 1e3 for one in made for ms in one.took]
    refused = sum(one.refused for one in made)
    return {
        "rate": (len(took) - refused) / seconds,
        "p50": percentile(took, 50),
        "p99": percentile(took, 99),
        "refused": refused,
        "all": sum(one.answered for one in made),
    }


def load(given: str) -> int:
    """What the process of the clients does."""
    import uvloop

    told = json.loads(given)
    words = vocabulary(Path(told["model"]))
    requests = known(words, KNOWN) if told["what"] == "known" else unique(words, int(MADE * told["seconds"]))
    found = uvloop.run(clients(told["port"], requests, told["seconds"]))
    print(json.dumps(found), flush=True)
    return 0


# ---- a server that has nothing to do


class Constant(asyncio.Protocol):
    """Answers whatever comes with the same vector."""

    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2200\r\n\r\n" + bytes(2200)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, _data: bytes) -> None:
        self._transport.write(self.answer)


async def constant() -> None:
    """Serve until killed, after a line with the port."""
    server = await asyncio.get_running_loop().create_server(Constant, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# ---- the figures


@contextlib.contextmanager
def server(model: Path, scratch: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """`sotto serve`, once it is ready."""
    own = {"SOTTO_EMBEDDING__CACHE_FILE": str(scratch / "cache.sqlite"), "SOTTO_MODELS__FOLDER": str(scratch)}
    command = [sys.executable, "-m", "ui.cli", "serve", "--port", "0", "--model", str(model)]
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(scratch / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        port, ready = 0, False
        while not (port and ready):
            line = process.stdout.readline()
            assert line, "the server ended"
            ready = ready or line == "embedding: ready\n"
            port = int(line.rsplit(":", 1)[1]) if line.startswith("http://") else port
        try:
            yield port, process
        finally:
            process.terminate()


def vocabulary(model: Path) -> list[str]:
    """Short words that are one token of the model."""
    from tokenizers import Tokenizer

    known = Tokenizer.from_file(str(model / "tokenizer.json")).get_vocab()
    return sorted(word for word in known if word.isascii() and word.isalpha() and word.islower() and len(word) < 8)


def figures(model: Path, scratch: Path, *, full: bool) -> Iterator[Figure]:
    """Texts a second, unique and known; what each costs the server; and what it is of memory. Then with int8."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    seconds = 20.0 if full else 5.0
    with server(model, scratch):  # once for nothing, so that it is compiled
        pass
    yield from floors(model, scratch, seconds)
    yield from served(model, scratch, "", seconds)
    convert(model, scratch / "int8", "int8")
    yield from served(scratch / "int8", scratch, "int8: ", seconds)


def floors(model: Path, scratch: Path, seconds: float) -> Iterator[Figure]:
    """What no server could do better here: with clients that have to be served, and with arithmetic alone."""
    command = [sys.executable, __file__, "--constant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = asked(int(process.stdout.readline()), "known", model, seconds)
        finally:
            process.kill()
    yield plain("floor: a bare socket's constant answers to the same clients", found["rate"], "/s")
    convert(model, scratch / "bf16")
    architecture, kernel = Weights(scratch / "bf16").architecture, Kernel()
    for kind, able in (("bf16", "bf16" in kernel.levels), ("int8", "vnni" in kernel.int8_levels)):
        if able:
            rate = 2 * multiply_adds(kind, scratch) / ((WORDS + 2) * products(architecture))
            yield plain(f"floor: {kind} multiply-adds of unique texts, both cores and nothing else", rate, "/s")


def asked(port: int, what: str, model: Path, seconds: float) -> dict[str, float]:
    """What the clients, in a process of their own, found."""
    told = {"port": port, "what": what, "model": str(model), "seconds": seconds}
    command = [sys.executable, __file__, "--load", json.dumps(told)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def served(model: Path, scratch: Path, label: str, seconds: float) -> Iterator[Figure]:
    """The figures of one model."""
    import psutil

    with server(model, scratch) as (port, process):
        watched = psutil.Process(process.pid)
        yield plain(f"{label}whole server before its first text, resident", watched.memory_info().rss / 1e6, "MB")
        for what, goal in (("unique", 2_500), ("known", 25_000)):
            before = sum(watched.cpu_times()[:2])
            found = asked(port, what, model, seconds)
            busy = sum(watched.cpu_times()[:2]) - before
            name = f"{label}{'unique texts' if what == 'unique' else 'cached answers'}, {CONNECTIONS} connections"
            yield at_least(name, found["rate"], "/s", goal)
            yield plain(f"{name}, p50", found["p50"], "ms")
            yield plain(f"{name}, p99", found["p99"], "ms")
            yield Figure(f"{name}, refused", found["refused"], "", "== 0", not found["refused"])
            if found["all"]:
                yield plain(f"{name}, processor time of the server", 1e6 * busy / found["all"], "us")
        memory = watched.memory_full_info()
        mapped = sum(part.rss for part in watched.memory_maps() if part.path.endswith(WEIGHTS))
        yield at_most(f"{label}whole server, resident", memory.rss / 1e6, "MB", 120)
        yield plain(f"{label}of that, weights mapped from their file", mapped / 1e6, "MB")
        yield plain(f"{label}whole server, shared with none", memory.uss / 1e6, "MB")


def main() -> int:
    """Run what the command line asks for."""
    if sys.argv[1:2] == ["--load"]:
        return load(sys.argv[2])
    if sys.argv[1:2] == ["--constant"]:
        import uvloop

        uvloop.run(constant())
    options = parser(__doc__)
    options.add_argument("--model", type=Path, help="folder in the form of the hub")
    given = options.parse_args()
    from scripts.bench_embedding import source

    with tempfile.TemporaryDirectory(prefix="sotto-bench-") as name:
        model = source(Path(name), given.model)
        return report(figures(model, Path(name), full=given.full), as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
