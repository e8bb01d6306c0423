"""Whether the engine agrees with llama.cpp's own server, token for token, and with its vocabularies and templates.

xllamacpp is llama-server in process; it stays out of the product, in a folder that `PYTHONPATH` may name. At
temperature 0 each answer must be the same, or first differ where the two best scores are closer than 1e-3, where the
order of additions decides. Beside it stands the bare loop over the very library that the engine uses: that must give
the same tokens without exception. We answer in strict mode, since the fast one goes on from what the last
prompt began with, and that changes bits.

xllamacpp's llama.cpp is another build, for fewer instructions and with another flash attention of short prompts. So
both do without flash attention here, and with `--alike FOLDER` our library's kernels are compiled there for the
server's instructions (minutes, once; it needs cmake and `--sdist`). Without that, differences are counted only.

`--sdist` names the unpacked source of llama-cpp-python: its vocabularies come with the tokens they must give, and its
chat templates are rendered by the server and by us.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import peer_xllamacpp
from scripts.alike import compiled, instructions
from scripts.bench_determinism import WORDS, opened_model
from scripts.figures import Figure, at_most, parser, plain, report
from scripts.llm_asked import STAMP
from scripts.make_test_models import make
from scripts.oracle_texts import templates, vocabularies
from services.llm.engines.library import library
from services.llm.engines.llama import LlamaEngine
from services.llm.engines.weights import Weights
from services.llm.port import LanguageModel
from shared.events import LlmRequest, TokenChance
from shared.logs import configure

ANSWER = 24
"""Tokens of each answer."""
CLOSE = 1e-3


@dataclass(slots=True)
class Agreement:
    """How often two gave the same answer."""

    same: int = 0
    close: int = 0
    different: int = 0
    widest: float = 0.0
    """The largest distance of the two best scores at a first difference."""


def prompts(count: int) -> list[str]:
    """Texts of random words, the same every time."""
    chance = random.Random(5)
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, 24))) for _ in range(count)]


async def ours(model: LanguageModel, text: str) -> tuple[TokenChance, ...]:
    """The tokens of our answer, with how likely they were."""
    request = STAMP(
        LlmRequest, turn=0, messages=(), tools=(), stop=(), prompt=text, max_tokens=ANSWER, temperature=0.0, seed=1,
        logprobs=2, mode="strict",
    )  # fmt: skip
    answer = model.answer(request)
    async for _ in answer:
        pass
    return (await answer.outcome()).chances


def theirs(running: Any, text: str) -> list[int]:
    """The tokens of the server's answer."""
    wanted = {"prompt": text, "n_predict": ANSWER, "temperature": 0, "cache_prompt": False, "return_tokens": True}
    return list(peer_xllamacpp.post(running, "/completion", {**wanted, "stream": False})["tokens"])


def compare(found: Sequence[TokenChance], expected: Sequence[int], into: Agreement) -> None:
    """Count one answer."""
    for chance, token in zip(found, expected, strict=False):
        if chance.token == token:
            continue
        first, second = chance.others[:2]
        into.widest = max(into.widest, first.logprob - second.logprob)
        if first.logprob - second.logprob < CLOSE:
            into.close += 1
        else:
            into.different += 1
        return
    into.same += 1


def bare(path: Path, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of a loop over llama.cpp's C functions, without anything of ours between them."""
    native = library().native
    weights = Weights(library(), path, gpu_layers=0, wanted=lambda: True)
    params = native.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch, params.n_threads, params.n_threads_batch = 512, 257, 257, 1, 1
    params.flash_attn_type = 0
    answers = []
    for text in texts:
        context = native.llama_init_from_model(weights.model, params)
        chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        native.llama_sampler_chain_add(chain, native.llama_sampler_init_greedy())
        said = [*([] if weights.bos is None else [weights.bos]), *weights.tokens(text)]
        answer: list[int] = []
        while len(answer) < ANSWER:
            array = (ctypes.c_int32 * len(said))(*said)
            native.llama_decode(context, native.llama_batch_get_one(array, len(said)))
            said = [native.llama_sampler_sample(chain, context, -1)]
            answer += said
        answers.append(answer)
        native.llama_sampler_free(chain)
        native.llama_free(context)
    weights.close()
    return answers


async def agreement(path: Path, count: int) -> tuple[Agreement, Agreement]:
    """Ask all three the same; returns how we agree with the bare loop and with the server."""
    texts, loop, other = prompts(count), Agreement(), Agreement()
    running = peer_xllamacpp.server(path, flash_attention=False)
    plainly = await asyncio.to_thread(bare, path, texts)
    async with opened_model(path, sequences=1, prefill_chunk=256, prefix_cache_mb=0, flash_attention="off") as model:
        for text, expected in zip(texts, plainly, strict=True):
            found = await ours(model, text)
            compare(found, expected, loop)
            compare(found, await asyncio.to_thread(theirs, running, text), other)
    return loop, other


def answers(folder: Path, count: int, only: str) -> Iterator[Figure]:
    """The agreement on each test model, or on those with that in their name."""
    alike = instructions(peer_xllamacpp.features()) == instructions(library().native.llama_print_system_info().decode())
    yield plain("both builds use the same instructions", alike, "")
    for path in make(folder):
        if only not in path.stem or path.stem.startswith("bert"):  # those answer nothing
            continue
        loop, found = asyncio.run(agreement(path, count))
        title = f"{path.stem}, {count} prompts"
        yield at_most(f"{title}: unlike the bare loop", loop.close + loop.different, "answers", 0)
        title = f"{title}, xllamacpp"
        yield plain(f"{title}: the same", found.same, "answers")
        yield plain(f"{title}: differ first where scores are within {CLOSE}", found.close, "answers")
        other = f"{title}: otherwise different", found.different, "answers"
        yield at_most(*other, 0) if alike else plain(*other)
        yield plain(f"{title}: scores at a first difference, at most apart", found.widest, "")


def measured(count: int, sdist: Path | None, only: str) -> Iterator[Figure]:
    """All of it, as it comes."""
    if not peer_xllamacpp.installed():
        raise SystemExit(
            "xllamacpp is not installed. Install it into a folder of its own (pip install --target FOLDER xllamacpp) "
            "and name that in PYTHONPATH."
        )
    if not LlamaEngine().available():
        raise SystemExit("llama-cpp-python is not installed. Run scripts/setup.")
    with tempfile.TemporaryDirectory(prefix="sotto-") as folder:
        if sdist is not None:
            yield from vocabularies(sdist)
            yield from templates(sdist, next(make(Path(folder))))
        yield from answers(Path(folder), count, only)


def _take_kernels(sdist: Path | None, folder: Path) -> None:
    if sdist is None:
        raise SystemExit("--alike compiles a part of llama.cpp: name its source with --sdist.")
    kernels = compiled(sdist, instructions(peer_xllamacpp.features()), folder)
    os.environ["LLAMA_CPP_LIB_PATH"] = str(kernels)  # read as the bindings are imported


def main() -> int:
    """Print the table, or JSON lines; exit status 1 when they disagree."""
    options = parser(__doc__)
    options.add_argument("--sdist", type=Path, help="folder of the unpacked source of llama-cpp-python")
    options.add_argument("--alike", type=Path, help="folder for kernels like the server's, compiled there if need be")
    options.add_argument("--only", default="", help="only the test models with this in their name")
    chosen = options.parse_args()
    configure("warning", "console")
    if chosen.alike is not None:
        _take_kernels(chosen.sdist, chosen.alike)
    return report(measured(200 if chosen.full else 20, chosen.sdist, chosen.only), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
