"""How the next token is drawn, and how likely it was: llama.cpp's samplers in a chain, within a grammar if need be."""

from __future__ import annotations

import ctypes
import re
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

_AMBIGUOUS = (b"\xe0", b"\xed", b"\xf0", b"\xf4")
"""First bytes of UTF-8 after which not every continuation byte may come (RFC 3629)."""

_UTF8 = re.compile(
    rb"(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2})*"
    rb"(?P<tail>(?:[\xc2-\xdf]|\xe0[\xa0-\xbf]?|[\xe1-\xec\xee\xef][\x80-\xbf]?|\xed[\x80-\x9f]?"
    rb"|\xf0(?:[\x90-\xbf][\x80-\xbf]?)?|[\xf1-\xf3](?:[\x80-\xbf][\x80-\xbf]?)?"
    rb"|\xf4(?:[\x80-\x8f][\x80-\xbf]?)?)?)"
)
"""Whole characters and the beginning of one (RFC 3629, section 4)."""

_SEEDS = 0xFFFFFFFF
"""How many there are: this number itself has llama.cpp draw at random (include/llama.h, LLAMA_DEFAULT_SEED)."""

_NEVER = -1e9
"""Log-probability of a token that cannot come; JSON has no infinity."""

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""llama_token_data."""


class Drawing:
    """Draws the tokens of one answer. Temperature 0 takes the likeliest; a seed is taken modulo 2**32 - 1.

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
        self._tail = b""
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
        """Return how likely the token was, None when the request does not ask; from the model's own scores.

        Raises GenerationFailed for scores that are no numbers.
        """
        if self._logprobs is None:
            return None
        scores = self._scores(context, row).astype(np.float64)
        if not np.isfinite(scores[token]):
            raise GenerationFailed(
                "The model's scores are no numbers: its weights are damaged.",
                remedy="Run `sotto models verify`, and `sotto models pull` again if the file is damaged.",
            )
        logprobs = scores - (scores.max() + np.log(np.exp(scores - scores.max()).sum()))
        logprobs = np.nan_to_num(logprobs, nan=_NEVER, neginf=_NEVER)
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
        self._add(native.llama_sampler_init_dist(request.seed % _SEEDS))

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
        token = self._drawn(_candidates(scores))
        if not (self._allowed(token) and self._text_goes_on(token)):
            token = self._draw_allowed(scores)
        self._native.llama_sampler_accept(self._grammar, token)
        self._native.llama_sampler_accept(self._chain, token)
        self._tail = self._tail_after(token) or b""
        return token

    def _draw_allowed(self, scores: npt.NDArray[np.float32]) -> int:
        """Draw from what the grammar allows, but nothing that would be no UTF-8 or could never become it."""
        allowed = _candidates(scores)
        self._apply(self._grammar, allowed)
        allowed = allowed[np.isfinite(allowed["logit"])]
        while len(allowed):
            token = self._drawn(allowed)
            if self._text_goes_on(token):
                return token
            allowed = allowed[allowed["id"] != token]
        raise GenerationFailed(
            "The model's vocabulary has no token that goes on in the form asked for.", remedy="Ask for another form."
        )

    def _text_goes_on(self, token: int) -> bool:
        """Whether the bytes said so far and the token's are UTF-8, or the beginning of some that the grammar allows.

        llama.cpp itself lets too long and surrogate encodings through. Where two bytes are needed to tell, the second
        one is tried.
        """
        tail = self._tail_after(token)
        if tail is None or tail not in _AMBIGUOUS:
            return tail is not None
        after = self._native.llama_sampler_clone(self._grammar)
        try:
            self._native.llama_sampler_accept(after, token)
            followers = _candidates(np.zeros(self._weights.size, np.float32))
            self._apply(after, followers)
            likely = followers["id"][np.isfinite(followers["logit"])]
            return any(_begins_utf8(tail + self._weights.piece(int(t))) for t in likely)
        finally:
            self._native.llama_sampler_free(after)

    def _tail_after(self, token: int) -> bytes | None:
        """The bytes of a character not yet whole after the token; None when there can be none."""
        if self._weights.ends(token):
            return b""
        return _tail(self._tail + self._weights.piece(token))

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


def _tail(data: bytes) -> bytes | None:
    """The bytes at the end that are no whole character yet; None when the data is no UTF-8 and never will be."""
    found = _UTF8.fullmatch(data)
    return found["tail"] if found else None


def _begins_utf8(data: bytes) -> bool:
    return _tail(data) not in (None, *_AMBIGUOUS)


def _candidates(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    candidates = np.zeros(len(scores), _CANDIDATE)
    candidates["id"] = np.arange(len(scores), dtype=np.int32)
    candidates["logit"] = scores
    return candidates
