"""The places of a context: sequences of evaluated tokens, extended together in one step or each by itself.

Each place has memory of its own (`kv_unified` is off). A step with one place in it then computes the same bits
whatever the other places hold, which is what the strict mode rests on.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.llm.engines.abort import AbortFlag
from services.llm.engines.library import Library
from services.llm.engines.quiet import QuietThread
from services.llm.engines.weights import Weights
from services.llm.port import GenerationFailed, ModelUnusable

__all__ = ["Aborted", "Extension", "Place", "Pool", "Saved", "common"]

_FLASH = {"auto": -1, "off": 0, "on": 1}
"""enum llama_flash_attn_type (llama.cpp: include/llama.h)."""

_ABORTED = 2
"""llama_decode: aborted, the pieces of the batch that were evaluated stay in memory."""


class Aborted(Exception):
    """The flag that the step obeyed was raised."""


@dataclass(eq=False, slots=True)
class Place:
    """One sequence of the context."""

    index: int
    tokens: list[int] = field(default_factory=list)
    """What was evaluated, in order."""
    exact: int = 0
    """How many of the first tokens were evaluated in whole chunks, each in a step of its own."""
    taken: bool = False
    used: int = 0
    """When it was last let go, on a counter; the smallest is the one to be overwritten."""
    ahead: int = 0
    """How many of the last tokens were evaluated before anybody asked."""
    private: bool = False
    """Some of it was said in a conversation: it is not written down."""


@dataclass(frozen=True, slots=True)
class Extension:
    """Tokens to append to a place; `speaks`: the next token will be drawn after them."""

    place: Place
    tokens: list[int]
    speaks: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """The state of a place, apart from the context."""

    state: bytes
    tokens: list[int]
    exact: int
    private: bool = False


class Pool:
    """A context of `sequences` places, each for `context_tokens`; used by one thread.

    Raises ModelUnusable when the model cannot generate or its memory cannot be had.
    """

    def __init__(
        self,
        library: Library,
        weights: Weights,
        *,
        context_tokens: int,
        sequences: int,
        threads: int,
        chunk: int,
        flash_attention: str = "auto",
    ) -> None:
        native = self.native = library.native
        self.context_tokens = min(context_tokens, weights.trained_context)
        self.threads = threads
        self.chunk = chunk
        self.how = f"{threads} threads, chunks of {chunk}, flash attention {flash_attention}, {weights.where}"
        """What bears on the bits of its scores, beside model and library."""
        self.even = weights.even
        """Whether every token is computed the same way, so that rows of several answers can be compared with one."""
        self.places = [Place(index) for index in range(sequences)]
        self._scores = weights.size
        self._flag: AbortFlag | None = None
        self._quiet: QuietThread | None = None
        self._asks = AbortFlag.callback(native.ggml_abort_callback)
        rows = chunk + sequences
        params = native.llama_context_default_params()
        params.n_ctx = self.context_tokens * sequences if sequences == 1 else _padded(self.context_tokens) * sequences
        params.n_batch = params.n_ubatch = rows
        params.n_seq_max = sequences
        params.kv_unified = False
        params.flash_attn_type = _FLASH[flash_attention]
        params.n_threads = params.n_threads_batch = threads
        library.complaints()
        self.context = native.llama_init_from_model(weights.model, params)
        self._memory = native.llama_get_memory(self.context) if self.context else None
        if not self._memory:
            self.close()
            raise ModelUnusable(
                f"The model cannot generate text here: {library.complaints() or 'it keeps no conversation'}.",
                remedy="Choose another with `sotto models list`, or lower `llm.context_tokens`.",
            )
        self._batch = _Batch(native, rows)

    def close(self) -> None:
        """Give the memory back."""
        if self._quiet is not None:
            self._quiet.close()
            self._quiet = None
        if self.context:
            self.native.llama_free(self.context)
            self.context = None

    def keep(self, place: Place, length: int) -> int:
        """Forget what comes after the first `length` tokens; returns how many are left, 0 where none can be kept."""
        if length < len(place.tokens) and not self._forget(place, length):
            length = 0  # recurrent models cannot forget a part
        place.ahead = max(0, place.ahead - max(0, len(place.tokens) - length))
        del place.tokens[length:]
        place.exact = min(place.exact, length // self.chunk * self.chunk)
        return length

    def size(self, place: Place) -> int:
        """Bytes that the state of a place takes."""
        size: int = self.native.llama_state_seq_get_size(self.context, place.index)
        return size

    def save(self, place: Place) -> Saved:
        """Copy the state of a place."""
        size = self.size(place)
        buffer = (ctypes.c_uint8 * size)()
        count: int = self.native.llama_state_seq_get_data(self.context, buffer, size, place.index)
        return Saved(bytes(memoryview(buffer)[:count]), list(place.tokens), place.exact, place.private)

    def restore(self, place: Place, saved: Saved) -> bool:
        """Put a state into a place, whatever it held; False, and the place is empty, when it does not fit."""
        self.keep(place, 0)
        buffer = (ctypes.c_uint8 * len(saved.state)).from_buffer_copy(saved.state)
        if not self.native.llama_state_seq_set_data(self.context, buffer, len(saved.state), place.index):
            self._forget(place, 0)
            return False
        place.tokens, place.exact, place.private = list(saved.tokens), saved.exact, saved.private
        return True

    def scores(self, row: int) -> bytes:
        """The scores of all tokens after that row of the last step, as they lie in memory."""
        return ctypes.string_at(self.native.llama_get_logits_ith(self.context, row), 4 * self._scores)

    def step(self, extensions: Sequence[Extension], flag: AbortFlag, *, quietly: bool = False) -> list[int]:
        """Evaluate; returns the row of each extension's last token. Ends, or is refused, once `flag` is raised.

        `quietly` it is done by a single thread that everything else goes before. Raises Aborted or GenerationFailed,
        and then the places are as far as the step got.
        """
        if flag.raised:
            raise Aborted
        if flag is not self._flag:
            self.native.llama_set_abort_callback(self.context, self._asks, flag.address)
            self._flag = flag
        rows = self._batch.fill(extensions)
        status = self._decode_quietly() if quietly else self._decode()
        if status == 0:
            self._extended(extensions, alike=not quietly or self.threads == 1)
            return rows
        self._recover(extensions)
        if status == _ABORTED:
            raise Aborted
        count = sum(len(e.tokens) for e in extensions)
        raise GenerationFailed(f"llama.cpp could not evaluate {count} tokens (llama_decode gave {status}).")

    def _decode(self) -> int:
        status: int = self.native.llama_decode(self.context, self._batch.native)
        return status

    def _decode_quietly(self) -> int:
        self._quiet = self._quiet or QuietThread()
        self.native.llama_set_n_threads(self.context, 1, 1)
        try:
            return self._quiet.do(self._decode)
        finally:
            self.native.llama_set_n_threads(self.context, self.threads, self.threads)

    def _extended(self, extensions: Sequence[Extension], *, alike: bool) -> None:
        """Take note of what was evaluated; `alike`: by as many threads as ever."""
        for extension in extensions:
            place, start = extension.place, len(extension.place.tokens)
            place.tokens += extension.tokens
            if alike and len(extensions) == 1 and place.exact == start and len(extension.tokens) == self.chunk:
                place.exact += self.chunk

    def _recover(self, extensions: Sequence[Extension]) -> None:
        """Agree with the context on what it holds after a step that did not end well."""
        for extension in extensions:
            place = extension.place
            held = max(0, self.native.llama_memory_seq_pos_max(self._memory, place.index) + 1)
            known = len(place.tokens)
            place.tokens += extension.tokens
            del place.tokens[held:]
            self.keep(place, min(known, held))

    def _forget(self, place: Place, length: int) -> bool:
        if self.native.llama_memory_seq_rm(self._memory, place.index, length, -1):
            return True
        self.native.llama_memory_seq_rm(self._memory, place.index, -1, -1)
        return False


class _Batch:
    """The arrays of a llama_batch, filled anew for each step."""

    def __init__(self, native: object, size: int) -> None:
        self._token = (ctypes.c_int32 * size)()
        self._pos = (ctypes.c_int32 * size)()
        self._seq = (ctypes.c_int32 * size)()
        self._speaks = (ctypes.c_int8 * size)()
        ones = (ctypes.c_int32 * size)(*[1] * size)
        pointer = ctypes.POINTER(ctypes.c_int32)
        base, width = ctypes.addressof(self._seq), ctypes.sizeof(ctypes.c_int32)
        each = (pointer * size)(*[ctypes.cast(base + i * width, pointer) for i in range(size)])
        self._alive = (ones, each)  # the batch holds bare pointers to them
        self.native = native.llama_batch(  # type: ignore[attr-defined]
            0,
            ctypes.cast(self._token, pointer),
            None,
            ctypes.cast(self._pos, pointer),
            ctypes.cast(ones, pointer),
            ctypes.cast(each, ctypes.POINTER(pointer)),
            ctypes.cast(self._speaks, ctypes.POINTER(ctypes.c_int8)),
        )

    def fill(self, extensions: Sequence[Extension]) -> list[int]:
        """Lay the extensions one after the other; returns the row of each one's last token."""
        rows, begin = [], 0
        for extension in extensions:
            count, start = len(extension.tokens), len(extension.place.tokens)
            end = begin + count
            self._token[begin:end] = [*extension.tokens]
            self._pos[begin:end] = [*range(start, start + count)]
            self._seq[begin:end] = [extension.place.index] * count
            self._speaks[begin:end] = [0] * count
            self._speaks[end - 1] = int(extension.speaks)
            rows.append(end - 1)
            begin = end
        self.native.n_tokens = begin
        return rows


def common(first: list[int], second: list[int]) -> int:
    """Length of the beginning that both share, found by comparing halves."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _padded(tokens: int) -> int:
    """llama.cpp gives each sequence a multiple of 256 (src/llama-context.cpp)."""
    return -(-tokens // 256) * 256
