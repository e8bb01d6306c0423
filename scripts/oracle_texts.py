"""What llama.cpp's source comes with, against ours: vocabularies with the tokens they must give, and chat templates.

Yields figures for `bench_oracle.py`; what differs is printed in full.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from scripts import peer_xllamacpp
from scripts.figures import Figure, at_least, at_most, plain
from scripts.llm_asked import installed
from services.llm.engines.library import library
from services.llm.engines.llama import Vocabulary
from services.llm.engines.weights import Weights
from services.llm.template import ChatTemplate
from shared.errors import SottoError
from shared.events import Message

__all__ = ["templates", "vocabularies"]

SEPARATOR = "\n__ggml_vocab_test__\n"
TALKS: Sequence[Sequence[tuple[str, str]]] = (
    [("user", "What is the sea?")],
    [("system", "You are kind."), ("user", "What is the sea?")],
    [("user", "Hi"), ("assistant", "Hello!"), ("user", "What is the sea?")],
)


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
        running = peer_xllamacpp.server(model, template=source)
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
        return str(peer_xllamacpp.post(running, "/apply-template", body)["prompt"])
    except OSError:
        return None


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
