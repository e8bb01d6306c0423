"""The one sequence of tokens that a model has evaluated: extended, shared with the next prompt, sampled from."""

from __future__ import annotations

import ctypes

from services.llm.engines.abort import AbortFlag
from services.llm.engines.library import Library
from services.llm.engines.weights import Weights
from services.llm.port import GenerationFailed, ModelUnusable

__all__ = ["Aborted", "Sampling", "TokenSequence"]

_ABORTED = 2
"""llama_decode: aborted, the pieces of the batch that were evaluated stay in memory."""


class Aborted(Exception):
    """The flag that the sequence obeys was raised."""


class Sampling:
    """How the next token is drawn: the k likeliest, of those the likeliest up to p together, sharpened, drawn by seed.

    Temperature 0 takes the likeliest. A seed is taken modulo 2**32; -1 lets chance decide.
    """

    def __init__(self, library: Library, *, temperature: float, top_k: int, top_p: float, seed: int) -> None:
        native = self._native = library.native
        self.chain = native.llama_sampler_chain_init(native.llama_sampler_chain_default_params())
        if temperature <= 0:
            self._add(native.llama_sampler_init_greedy())
            return
        self._add(native.llama_sampler_init_top_k(top_k))
        self._add(native.llama_sampler_init_top_p(top_p, 1))
        self._add(native.llama_sampler_init_temp(temperature))
        self._add(native.llama_sampler_init_dist(seed & 0xFFFFFFFF))

    def close(self) -> None:
        """Give the memory back."""
        self._native.llama_sampler_free(self.chain)

    def _add(self, sampler: object) -> None:
        self._native.llama_sampler_chain_add(self.chain, sampler)


class TokenSequence:
    """A context with one sequence, used by one thread.

    Raises ModelUnusable when the model cannot generate or its memory cannot be had.
    """

    def __init__(
        self, library: Library, weights: Weights, *, context_tokens: int, threads: int, prefill_chunk: int
    ) -> None:
        native = self._native = library.native
        self.context_tokens = min(context_tokens, weights.trained_context)
        self._chunk = prefill_chunk
        self._flag = AbortFlag()
        self._asks = AbortFlag.callback(native.ggml_abort_callback)
        params = native.llama_context_default_params()
        params.n_ctx = self.context_tokens
        params.n_batch = params.n_ubatch = prefill_chunk
        params.n_threads = params.n_threads_batch = threads
        library.complaints()
        self._context = native.llama_init_from_model(weights.model, params)
        self._memory = native.llama_get_memory(self._context) if self._context else None
        if not self._memory:
            self.close()
            raise ModelUnusable(
                f"The model cannot generate text here: {library.complaints() or 'it keeps no conversation'}.",
                remedy="Choose another with `sotto models list`, or lower `llm.context_tokens`.",
            )
        self._evaluated: list[int] = []

    def close(self) -> None:
        """Give the memory back."""
        if self._context:
            self._native.llama_free(self._context)
            self._context = None

    def obey(self, flag: AbortFlag) -> None:
        """From now on steps end, and are refused, once `flag` is raised."""
        self._flag = flag
        self._native.llama_set_abort_callback(self._context, self._asks, flag.address)

    def keep(self, prompt: list[int]) -> int:
        """Forget what the prompt does not begin with; returns how many of its tokens need no evaluation.

        At least the prompt's last token is left to evaluate, since the next one is drawn from its logits.
        """
        shared = _common(self._evaluated, prompt[:-1])
        if shared < len(self._evaluated) and not self._native.llama_memory_seq_rm(self._memory, 0, shared, -1):
            self._native.llama_memory_clear(self._memory, True)  # recurrent models cannot forget a part
            shared = 0
        del self._evaluated[shared:]
        return shared

    def evaluate(self, tokens: list[int]) -> None:
        """Append tokens, a chunk a step. Raises Aborted, with the sequence as far as it got, or GenerationFailed."""
        for start in range(0, len(tokens), self._chunk):
            self._step(tokens[start : start + self._chunk])

    def draw(self, sampling: Sampling) -> int:
        """Return the next token, drawn after the last evaluated one."""
        token: int = self._native.llama_sampler_sample(sampling.chain, self._context, -1)
        return token

    def _step(self, tokens: list[int]) -> None:
        if self._flag.raised:
            raise Aborted
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        status: int = self._native.llama_decode(self._context, self._native.llama_batch_get_one(array, len(tokens)))
        if status == 0:
            self._evaluated += tokens
            return
        self._recover(tokens)
        if status == _ABORTED:
            raise Aborted
        raise GenerationFailed(f"llama.cpp could not evaluate {len(tokens)} tokens (llama_decode gave {status}).")

    def _recover(self, tokens: list[int]) -> None:
        """Agree with the context on what it holds after a step that did not end well."""
        held = self._native.llama_memory_seq_pos_max(self._memory, 0) + 1
        self._evaluated = [*self._evaluated, *tokens][: max(0, held)]


def _common(first: list[int], second: list[int]) -> int:
    """Length of the beginning that both share."""
    for index, (a, b) in enumerate(zip(first, second, strict=False)):
        if a != b:
            return index
    return min(len(first), len(second))
