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
import importlib
import importlib.util
import json
import os
import random
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.alike import compiled, instructions
from scripts.bench_determinism import STAMP, WORDS, opened
from scripts.bench_llm import installed
from scripts.figures import Figure, at_least, at_most, parser, plain, report
from scripts.make_test_models import make
from services.llm.engines.library import library
from services.llm.engines.llama import LlamaEngine, Vocabulary
from services.llm.engines.weights import Weights
from services.llm.port import LanguageModel
from services.llm.template import ChatTemplate
from shared.errors import SottoError
from shared.events import LlmRequest, Message, TokenChance
from shared.logs import configure

ANSWER = 24
"""Tokens of each answer."""
CLOSE = 1e-3
SEPARATOR = "\n__ggml_vocab_test__\n"
TALKS: Sequence[Sequence[tuple[str, str]]] = (
    [("user", "What is the sea?")],
    [("system", "You are kind."), ("user", "What is the sea?")],
    [("user", "Hi"), ("assistant", "Hello!"), ("user", "What is the sea?")],
)


@dataclass(slots=True)
class Agreement:
    """How often two gave the same answer."""

    same: int = 0
    close: int = 0
    different: int = 0
    widest: float = 0.0
    """The largest distance of the two best scores at a first difference."""


def server(path: Path, template: str = "") -> Any:
    """llama-server on that file, on one thread; it ends when it is let go."""
    xllamacpp = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = 1
    params.n_ctx = 512
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.kv_unified = False
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.verbosity = -1
    params.hostnames, params.port = ["127.0.0.1"], 0
    if template:
        params.use_jinja, params.chat_template = True, template
    return xllamacpp.Server(params)


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
    return list(_post(running, "/completion", {**wanted, "stream": False})["tokens"])


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
    running, plainly = server(path), await asyncio.to_thread(bare, path, texts)
    async with opened(path, sequences=1, prefill_chunk=256, prefix_cache_mb=0, flash_attention="off") as model:
        for text, expected in zip(texts, plainly, strict=True):
            found = await ours(model, text)
            compare(found, expected, loop)
            compare(found, await asyncio.to_thread(theirs, running, text), other)
    return loop, other


def answers(folder: Path, count: int, only: str) -> Iterator[Figure]:
    """The agreement on each test model, or on those with that in their name."""
    server_has = importlib.import_module("xllamacpp").get_system_info()
    alike = instructions(server_has) == instructions(library().native.llama_print_system_info().decode())
    yield plain("both builds use the same instructions", alike, "")
    for path in make(folder):
        if only not in path.stem:
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


# ---- what the source comes with


def vocabularies(sdist: Path) -> Iterator[Figure]:
    """Every vocabulary: its own vectors, and all texts of all as the bindings' own tokeniser cuts them."""
    wrong: list[str] = []
    paths = sorted(sdist.rglob("ggml-vocab-*.gguf"))
    vectors = {path: _vectors(path) for path in paths}
    texts = sorted({text for cut in vectors.values() for text, _ in cut})
    for path in paths:
        ours, bindings = (
            Vocabulary(installed(path)),
            importlib.import_module("llama_cpp").Llama(str(path), vocab_only=True, verbose=False),
        )
        wrong += [f"{path.stem}: {text!r}" for text, tokens in vectors[path] if ours.tokens(text) != tokens]
        for text in texts:
            if ours.tokens(text) != bindings.tokenize(text.encode(), add_bos=False, special=True):
                wrong.append(f"{path.stem}, unlike the bindings: {text!r}")
        ours.close()
        bindings.close()
    for each in wrong:
        print(each, file=sys.stderr)
    told = sum(map(len, vectors.values()))
    yield plain("vocabularies", len(paths), "files")
    yield plain("vocabularies with vectors", sum(map(bool, vectors.values())), "files")
    yield plain("tokenizer vectors", told, "texts")
    yield plain("texts cut as by the bindings", len(paths) * len(texts), "texts")
    yield at_most("texts cut otherwise", len(wrong), "texts", 0)


def _vectors(path: Path) -> list[tuple[str, list[int]]]:
    """The texts that come with a vocabulary, and their tokens; none where there are none."""
    texts, tokens = path.with_suffix(".gguf.inp"), path.with_suffix(".gguf.out")
    if not texts.exists():
        return []
    lines = tokens.read_text(encoding="utf-8").splitlines()
    said = texts.read_text(encoding="utf-8").split(SEPARATOR)
    return [(text, [int(token) for token in line.split()]) for text, line in zip(said, lines, strict=False)]


def templates(sdist: Path, model: Path) -> Iterator[Figure]:
    """Every chat template, rendered by the server and by us for three conversations."""
    paths = sorted(sdist.rglob("models/templates/*.jinja"))
    weights = Weights(library(), model, gpu_layers=0, wanted=lambda: True, vocabulary_only=True)
    same = refused = 0
    wrong: list[str] = []
    for path in paths:
        source = path.read_text(encoding="utf-8")
        running = server(model, source)
        for talk in TALKS:
            expected = _rendered_there(running, talk)
            if expected is None:
                refused += 1
                continue
            found = _rendered_here(source, weights, talk)
            if _bare(found, weights) == _bare(expected, weights):
                same += 1
            else:
                wrong.append(f"{path.name}, {len(talk)} messages:\n  there {expected!r}\n  here  {found!r}")
    weights.close()
    for each in wrong:
        print(each, file=sys.stderr)
    yield plain("chat templates", len(paths), "files")
    yield plain("conversations that the server's template refuses", refused, "prompts")
    yield at_least(f"prompts that agree, of {same + len(wrong)}", same, "prompts", same + len(wrong))


def _rendered_there(running: Any, talk: Sequence[tuple[str, str]]) -> str | None:
    """The server's prompt, None when it cannot make one."""
    body = {
        "messages": [{"role": role, "content": content} for role, content in talk],
        "chat_template_kwargs": {"enable_thinking": False},
    }
    try:
        return str(_post(running, "/apply-template", body)["prompt"])
    except OSError:
        return None


def _post(running: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask the server, which listens on this machine alone. Raises OSError when it refuses."""
    request = urllib.request.Request(
        running.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def _rendered_here(source: str, weights: Weights, talk: Sequence[tuple[str, str]]) -> str:
    messages = [Message.model_validate({"role": role, "content": content}) for role, content in talk]
    try:
        template = ChatTemplate(source, bos=weights.bos_text, eos=weights.eos_text, now=datetime.now)
        return template.render(messages, (), thinking=False)
    except SottoError as error:
        return f"({error})"


def _bare(prompt: str, weights: Weights) -> str:
    """Without the token that every prompt may begin with: the server adds it later."""
    return prompt.removeprefix(weights.bos_text)


def measured(count: int, sdist: Path | None, only: str) -> Iterator[Figure]:
    """All of it, as it comes."""
    if importlib.util.find_spec("xllamacpp") is None:
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
    server_has = instructions(importlib.import_module("xllamacpp").get_system_info())
    os.environ["LLAMA_CPP_LIB_PATH"] = str(compiled(sdist, server_has, folder))  # read as the bindings are imported


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
