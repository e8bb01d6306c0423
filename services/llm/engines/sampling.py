"""How the next token is drawn, and how likely it was: llama.cpp's samplers in a chain, within a grammar if need be."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from services.llm.engines.library import Library
from services.llm.engines.weights import Weights
from services.llm.port import GenerationFailed, StructureImpossible
from services.llm.settings import LlmSettings
from shared.events import Likely, LlmRequest, TokenChance
from shared.events import Sampling as Wanted

__all__ = ["Drawing"]

_BREAKERS = (b"\n", b":", b'"', b"*")
"""Where DRY's repetitions begin anew (llama.cpp: common/common.h)."""

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data."""


class Drawing:
    """Draws the tokens of one answer. Temperature 0 takes the likeliest; a seed is taken modulo 2**32.

    Within a grammar the chain draws freely first, and only what the grammar refuses is drawn again from what it
    allows: asking it about one token is much cheaper than about all. Raises StructureImpossible for a grammar that
    llama.cpp does not take.
    """

    def __init__(
        self,
        library: Library,
        weights: Weights,
        request: LlmRequest,
        settings: LlmSettings,
        *,
        grammar: str = "",
        context_tokens: int,
    ) -> None:
        self._native = library.native
        self._weights = weights
        self._logprobs = request.logprobs
        self._grammar = self._compiled(library, grammar) if grammar else None
        self._chain = self._native.llama_sampler_chain_init(self._native.llama_sampler_chain_default_params())
        self._fill(request, settings, context_tokens)

    def close(self) -> None:
        """Give the memory back."""
        self._native.llama_sampler_free(self._chain)
        if self._grammar is not None:
            self._native.llama_sampler_free(self._grammar)

    def draw(self, context: object, row: int) -> int:
        """Return the next token, drawn from the scores in that row. Raises GenerationFailed."""
        if self._grammar is None:
            token: int = self._native.llama_sampler_sample(self._chain, context, row)
            return token
        return self._draw_within(self._scores(context, row))

    def chance(self, context: object, row: int, token: int) -> TokenChance | None:
        """Return how likely the token was, None when the request does not ask; from the model's own scores."""
        if self._logprobs is None:
            return None
        scores = self._scores(context, row).astype(np.float64)
        logprobs = scores - (scores.max() + np.log(np.exp(scores - scores.max()).sum()))
        count = min(self._logprobs, len(logprobs))
        best = np.argpartition(-logprobs, count - 1)[:count] if count else np.empty(0, np.int64)
        best = best[np.lexsort((best, -logprobs[best]))]
        return TokenChance(
            token=token,
            text=self._text(token),
            logprob=float(logprobs[token]),
            others=tuple(Likely(token=int(t), text=self._text(int(t)), logprob=float(logprobs[t])) for t in best),
        )

    def _fill(self, request: LlmRequest, settings: LlmSettings, context_tokens: int) -> None:
        native, wanted = self._native, request.sampling
        self._bias(wanted)
        last = wanted.penalty_tokens if wanted.penalty_tokens >= 0 else context_tokens
        if (wanted.repetition_penalty, wanted.frequency_penalty, wanted.presence_penalty) != (1.0, 0.0, 0.0):
            self._add(
                native.llama_sampler_init_penalties(
                    self._weights.size,
                    last,
                    wanted.repetition_penalty,
                    wanted.frequency_penalty,
                    wanted.presence_penalty,
                )
            )
        self._dry(wanted, context_tokens)
        if request.temperature <= 0:
            self._add(native.llama_sampler_init_greedy())
            return
        self._add(native.llama_sampler_init_top_k(settings.top_k if wanted.top_k is None else wanted.top_k))
        if wanted.typical_p < 1:
            self._add(native.llama_sampler_init_typical(wanted.typical_p, 1))
        self._add(native.llama_sampler_init_top_p(settings.top_p if wanted.top_p is None else wanted.top_p, 1))
        if wanted.min_p > 0:
            self._add(native.llama_sampler_init_min_p(wanted.min_p, 1))
        self._add(native.llama_sampler_init_temp(request.temperature))
        self._add(native.llama_sampler_init_dist(request.seed & 0xFFFFFFFF))

    def _bias(self, wanted: Wanted) -> None:
        biases = [b for b in wanted.logit_bias if 0 <= b.token < self._weights.size]
        if biases:
            array = (self._native.llama_logit_bias * len(biases))(*[(b.token, b.bias) for b in biases])
            self._add(self._native.llama_sampler_init_logit_bias(self._weights.size, len(biases), array))

    def _dry(self, wanted: Wanted, context_tokens: int) -> None:
        if wanted.dry_multiplier <= 0:
            return
        breakers = (ctypes.c_char_p * len(_BREAKERS))(*_BREAKERS)
        self._add(
            self._native.llama_sampler_init_dry(
                self._weights.vocab,
                wanted.dry_multiplier,
                wanted.dry_base,
                wanted.dry_allowed,
                wanted.dry_tokens if wanted.dry_tokens >= 0 else context_tokens,
                breakers,
                len(_BREAKERS),
            )
        )

    def _add(self, sampler: object) -> None:
        self._native.llama_sampler_chain_add(self._chain, sampler)

    def _compiled(self, library: Library, grammar: str) -> object:
        library.complaints()
        sampler = self._native.llama_sampler_init_grammar(self._weights.vocab, grammar.encode(), b"root")
        if not sampler:
            raise StructureImpossible(
                f"The form asked for cannot be used: {library.complaints() or 'its grammar is broken'}.",
                remedy="Make it simpler: fewer repetitions, no rule that begins with itself.",
            )
        return sampler

    def _draw_within(self, scores: npt.NDArray[np.float32]) -> int:
        candidates = _candidates(scores)
        token = self._drawn(candidates)
        if not self._allowed(token):
            allowed = _candidates(scores)
            self._apply(self._grammar, allowed)
            allowed = allowed[np.isfinite(allowed["logit"])]
            if not len(allowed):
                raise GenerationFailed(
                    "The model's vocabulary has no token that goes on in the form asked for.",
                    remedy="Ask for another form.",
                )
            token = self._drawn(allowed)
        self._native.llama_sampler_accept(self._grammar, token)
        self._native.llama_sampler_accept(self._chain, token)
        return token

    def _drawn(self, candidates: npt.NDArray[np.void]) -> int:
        array = self._apply(self._chain, candidates.copy())
        return int(array.data[array.selected].id)

    def _allowed(self, token: int) -> bool:
        one = np.array([(token, 1.0, 0.0)], _CANDIDATE)
        self._apply(self._grammar, one)
        return bool(np.isfinite(one["logit"][0]))

    def _apply(self, sampler: object, candidates: npt.NDArray[np.void]) -> Any:
        pointer = candidates.ctypes.data_as(self._native.llama_token_data_p)
        array = self._native.llama_token_data_array(pointer, len(candidates), -1, False)
        self._native.llama_sampler_apply(sampler, ctypes.byref(array))
        array.alive = candidates
        return array

    def _scores(self, context: object, row: int) -> npt.NDArray[np.float32]:
        pointer = self._native.llama_get_logits_ith(context, row)
        return np.ctypeslib.as_array(pointer, shape=(self._weights.size,))

    def _text(self, token: int) -> str:
        return self._weights.piece(token, control=True).decode(errors="replace")


def _candidates(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    candidates = np.zeros(len(scores), _CANDIDATE)
    candidates["id"] = np.arange(len(scores), dtype=np.int32)
    candidates["logit"] = scores
    return candidates
