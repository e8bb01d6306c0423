"""A GGUF file in memory: its weights, its vocabulary and its chat template."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

from services.llm.engines.library import Library
from services.llm.port import ModelUnusable

__all__ = ["Weights"]

_MAGIC = b"GGUF"

_FORM = "sotto.form"
"""Where a small model's file tells, in GBNF, what its answers look like: nothing else is drawn from it."""


_APART = 1 << 0 | 1 << 3 | 1 << 4
"""LLAMA_TOKEN_ATTR_UNKNOWN, _CONTROL and _USER_DEFINED of llama.h."""


class Weights:
    """An open model. Belongs to the thread that opened it until `close`.

    `wanted` is asked while the file is read: False ends that. Raises ModelUnusable, with llama.cpp's own reason, for
    what is no complete model.
    """

    def __init__(
        self,
        library: Library,
        path: Path,
        *,
        gpu_layers: int,
        wanted: Callable[[], bool],
        vocabulary_only: bool = False,
    ) -> None:
        _refuse_other_files(path)
        self.native = native = library.native
        params = native.llama_model_default_params()
        params.vocab_only = vocabulary_only
        params.n_gpu_layers = gpu_layers if library.offloads else 0
        self.where = (
            f"{'all' if gpu_layers < 0 else gpu_layers} layers on a GPU" if params.n_gpu_layers else "on the CPU"
        )
        """What computes it."""
        self._offloaded = params.n_gpu_layers != 0
        proceed = native.llama_progress_callback(lambda _progress, _data: wanted())
        params.progress_callback = proceed
        library.complaints()
        self.model = native.llama_model_load_from_file(os.fsencode(path), params)
        if not self.model:
            raise ModelUnusable(
                f"{path.name} is not a usable model: {library.complaints() or 'llama.cpp gives no reason'}.",
                remedy="Run `sotto models verify`, and `sotto models pull` again if the file is damaged.",
            )
        self.vocab = native.llama_model_get_vocab(self.model)
        self.trained_context: int = native.llama_model_n_ctx_train(self.model)
        self.size: int = native.llama_vocab_n_tokens(self.vocab)
        """Tokens of the vocabulary."""
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}

    def close(self) -> None:
        """Give the memory back; every context made from it must be closed."""
        if self.model:
            self.native.llama_model_free(self.model)
            self.model = None

    @property
    def template(self) -> str | None:
        """The chat template's Jinja source, None when the file has none."""
        source = self.native.llama_model_chat_template(self.model, None)
        return source.decode(errors="replace") if source else None

    @property
    def form(self) -> str:
        """The grammar that the file says its answers are of, empty when it says none."""
        return self._said(_FORM)

    @property
    def even(self) -> bool:
        """Whether each token takes the same way through the model, on the processor: no experts, nothing recurrent."""
        native, model = self.native, self.model
        experts = self._said(f"{self._said('general.architecture')}.expert_count")
        recurrent = native.llama_model_is_recurrent(model) or native.llama_model_is_hybrid(model)
        return not self._offloaded and not recurrent and experts in ("", "0")

    @property
    def bos(self) -> int | None:
        """The token that every prompt must begin with; None when the model wants none."""
        token: int = self.native.llama_vocab_bos(self.vocab)
        return token if token >= 0 and self.native.llama_vocab_get_add_bos(self.vocab) else None

    @property
    def bos_text(self) -> str:
        return self._text(self.native.llama_vocab_bos(self.vocab))

    @property
    def eos_text(self) -> str:
        return self._text(self.native.llama_vocab_eos(self.vocab))

    @property
    def bytes_per_token(self) -> int:
        """Memory that one token of context takes, in bytes: keys and values of 16 bits in every layer, at most."""
        native, model = self.native, self.model
        head = native.llama_model_n_embd(model) // max(1, native.llama_model_n_head(model))
        return int(native.llama_model_n_layer(model) * native.llama_model_n_head_kv(model) * head * 2 * 2)

    def control_texts(self) -> frozenset[str]:
        """Texts that stand for control tokens: whoever could say them could forge the shape of the conversation."""
        native, vocab = self.native, self.vocab
        tokens = range(self.size)
        texts = (self._text(token) for token in tokens if native.llama_vocab_is_control(vocab, token))
        return frozenset(text for text in texts if len(text) > 2)  # shorter ones would be ordinary words

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a rendered prompt; texts of control tokens become those tokens."""
        data = text.encode(errors="replace")
        room = len(data) + 8
        buffer = (ctypes.c_int32 * room)()
        count: int = self.native.llama_tokenize(self.vocab, data, len(data), buffer, room, False, True)
        if count < 0:
            raise ModelUnusable(f"The model's vocabulary cannot express the prompt ({-count} tokens wanted).")
        return list(buffer[:count])

    def piece(self, token: int, *, control: bool = False) -> bytes:
        """Return the token's bytes, which may be part of a character; control tokens have none unless asked for."""
        piece = None if control else self._pieces.get(token)
        if piece is None:
            piece = self._read_piece(token, control)
            if not control:
                self._pieces[token] = piece
        return piece

    def ends(self, token: int) -> bool:
        """True when the token ends the model's answer."""
        ends = self._ends.get(token)
        if ends is None:
            ends = self._ends[token] = bool(self.native.llama_vocab_is_eog(self.vocab, token))
        return ends

    def stands_apart(self, token: int) -> bool:
        """True for a token that a text is divided at before it is cut: a control token, or one that the model names."""
        return bool(self.native.llama_vocab_get_attr(self.vocab, token) & _APART)

    def _read_piece(self, token: int, control: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count: int = self.native.llama_token_to_piece(self.vocab, token, buffer, size, 0, control)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def _said(self, key: str) -> str:
        """What the file says under that key, empty when it says nothing."""
        name = key.encode()
        size: int = self.native.llama_model_meta_val_str(self.model, name, None, 0)
        if size < 0:
            return ""
        buffer = ctypes.create_string_buffer(size + 1)
        self.native.llama_model_meta_val_str(self.model, name, buffer, size + 1)
        return buffer.value.decode(errors="replace")

    def _text(self, token: int) -> str:
        return self.piece(token, control=True).decode(errors="replace") if token >= 0 else ""


def _refuse_other_files(path: Path) -> None:
    """Name the plain cases before llama.cpp sees the file."""
    remedy = f"Remove {path} and run `sotto models pull`."
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read: {error.strerror}.", remedy="Run `sotto models list`.") from error
    if not head:
        raise ModelUnusable(f"{path.name} is empty (0 bytes).", remedy=remedy)
    if head != _MAGIC:
        raise ModelUnusable(f"{path.name} is no GGUF file: it begins with {head!r}.", remedy=remedy)
