"""A GGUF that turns texts into vectors, or a query and a text into a rank: llama.cpp's pooling, one text at a time.

A text alone in a step is the same bits in any company. The context belongs to one thread at a time, which a lock sees
to.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from services.llm.engines.library import library
from services.llm.engines.weights import Weights
from services.llm.port import GenerationFailed, ModelUnusable
from shared.gguf import parts_of

__all__ = ["POOLINGS", "LlamaPooling", "Pooling"]

Pooling = Literal["none", "mean", "cls", "last", "rank"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
"""In the order of enum llama_pooling_type (llama.cpp: include/llama.h); -1 is what the file says."""

_USUAL_TOKENS = 2048
_QUERY, _DOCUMENT = "{query}", "{document}"


class LlamaPooling:
    """An open GGUF, with the pooling that its file states, or another; `threads` compute, 0 for one.

    Raises EngineMissing without llama.cpp, ModelUnusable for a file that is none or pools in no way.
    """

    def __init__(
        self, path: Path, *, pooling: Pooling | None = None, threads: int = 0, max_tokens: int = 0, gpu_layers: int = 0
    ) -> None:
        self._library = library()
        self._native = native = self._library.native
        self._path = path
        self._weights = weights = Weights(self._library, path, gpu_layers=gpu_layers, wanted=lambda: True)
        self._context = None
        self._turn = threading.Lock()
        self.max_tokens = min(max_tokens or _USUAL_TOKENS, weights.trained_context)
        """Longest text that is read, in tokens."""
        try:
            self._context = self._opened(pooling, max(1, threads))
        except ModelUnusable:
            weights.close()
            raise
        self.pooling: Pooling = self._pooling(pooling)
        self._memory = native.llama_get_memory(self._context)
        self.dimensions = self._width()
        """Numbers of a row."""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self._path.stem

    @property
    def detail(self) -> str:
        """How, for a person."""
        return f"llama.cpp, {self.pooling} pooling"

    @property
    def identity(self) -> str:
        """What stands for the file and all else that can change a row."""
        states = [part.stat() for part in parts_of(self._path)]
        files = [number for state in states for number in (state.st_size, state.st_mtime_ns)]
        parts = (str(self._path.resolve()), *files, self.pooling, self.max_tokens)
        built = self._native.llama_print_system_info()
        return hashlib.sha256(repr((*parts, built)).encode()).hexdigest()[:16]

    def tokens(self, text: str) -> tuple[list[int], bool]:
        """Return a text as the model reads it, with its special tokens; and whether it was cut."""
        return self._cut(self._tokenised(text, special=True))

    def pair(self, query: str, text: str) -> tuple[list[int], bool]:
        """Return a query with a text, as models that rank read them; and whether they were cut."""
        template = self._native.llama_model_chat_template(self._weights.model, b"rerank")
        if template:
            said = template.decode(errors="replace").replace(_QUERY, query).replace(_DOCUMENT, text)
            return self._cut(self._tokenised(said, special=True, markers=True))
        native, vocab = self._native, self._weights.vocab
        begin = [native.llama_vocab_bos(vocab)] if native.llama_vocab_get_add_bos(vocab) else []
        end = [self._end()] if native.llama_vocab_get_add_eos(vocab) else []
        between = [native.llama_vocab_sep(vocab)] if native.llama_vocab_get_add_sep(vocab) else []
        asked, read = self._tokenised(query), self._tokenised(text)
        return self._cut([*begin, *asked, *end, *between, *read, *(end or between)])

    def row(self, tokens: Sequence[int]) -> bytes:
        """Return the vector of a text as float32: not normalised; one number for a rank, a row a token for `none`.

        Raises GenerationFailed.
        """
        if not 0 < len(tokens) <= self.max_tokens or not all(0 <= token < self._weights.size for token in tokens):
            raise GenerationFailed(f"{len(tokens)} tokens cannot be pooled: the model reads 1 to {self.max_tokens}.")
        with self._turn:
            self._evaluate(tokens)
            if self.pooling == "none":
                return b"".join(
                    self._floats(self._native.llama_get_embeddings_ith(self._context, n)) for n in range(len(tokens))
                )
            return self._floats(self._native.llama_get_embeddings_seq(self._context, 0))

    def close(self) -> None:
        """Give the memory back. Closing twice is harmless."""
        with self._turn:
            if self._context:
                self._native.llama_free(self._context)
                self._context = None
            self._weights.close()

    def _opened(self, pooling: Pooling | None, threads: int) -> object:
        params = self._native.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = self.max_tokens
        params.n_seq_max = 1
        params.n_threads = params.n_threads_batch = threads
        params.embeddings = True
        params.pooling_type = -1 if pooling is None else POOLINGS.index(pooling)
        self._library.complaints()
        context = self._native.llama_init_from_model(self._weights.model, params)
        if not context:
            reason = self._library.complaints() or "llama.cpp gives no reason"
            raise ModelUnusable(
                f"{self._path.name} makes no vectors here: {reason}.",
                remedy="Choose another with `sotto models list`.",
            )
        return context

    def _pooling(self, wanted: Pooling | None) -> Pooling:
        found: int = self._native.llama_pooling_type(self._context)
        if not 0 <= found < len(POOLINGS) or (wanted is None and POOLINGS[found] == "none"):
            self.close()
            raise ModelUnusable(
                f"{self._path.name} does not say how its vectors are pooled: it is no embedding model.",
                remedy="Choose another with `sotto models list`.",
            )
        return POOLINGS[found]

    def _width(self) -> int:
        native, model = self._native, self._weights.model
        return 1 if self.pooling == "rank" else int(native.llama_model_n_embd_out(model))

    def _evaluate(self, tokens: Sequence[int]) -> None:
        native = self._native
        held = (ctypes.c_int32 * len(tokens))(*tokens)  # the batch holds a bare pointer to it
        batch = native.llama_batch_get_one(held, len(tokens))
        if self._memory:
            native.llama_memory_clear(self._memory, True)
            status = native.llama_decode(self._context, batch)
        else:
            status = native.llama_encode(self._context, batch)
        if status:
            raise GenerationFailed(f"llama.cpp could not evaluate {len(tokens)} tokens (it gave {status}).")

    def _floats(self, row: object) -> bytes:
        if not row:
            raise GenerationFailed("llama.cpp gave no vector.")
        return ctypes.string_at(row, 4 * self.dimensions)  # type: ignore[arg-type]

    def _cut(self, tokens: list[int]) -> tuple[list[int], bool]:
        """At most what the model reads; what ends a text stays at its end."""
        if len(tokens) <= self.max_tokens:
            return tokens or [max(0, self._end())], False
        native, vocab = self._native, self._weights.vocab
        last = tokens[-1:] if tokens[-1] in (native.llama_vocab_eos(vocab), native.llama_vocab_sep(vocab)) else []
        return tokens[: self.max_tokens - len(last)] + last, True

    def _end(self) -> int:
        native, vocab = self._native, self._weights.vocab
        end: int = native.llama_vocab_eos(vocab)
        return end if end >= 0 else int(native.llama_vocab_sep(vocab))

    def _tokenised(self, text: str, *, special: bool = False, markers: bool = False) -> list[int]:
        data = text[: self.max_tokens * 64].encode(errors="replace")
        room = len(data) + 8
        buffer = (ctypes.c_int32 * room)()
        count: int = self._native.llama_tokenize(self._weights.vocab, data, len(data), buffer, room, special, markers)
        if count < 0:
            raise ModelUnusable(f"{self._path.name}: its vocabulary cannot express the text.")
        return list(buffer[:count])
