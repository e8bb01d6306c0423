"""Real GGUF files for tests, written in milliseconds: a model of random weights, and one that says what it is told.

Both carry a byte-level BPE vocabulary in which every text can be written: 256 byte tokens, a few control tokens, and
whatever pieces a script needs. The scripted model is a true transformer whose weights form a chain: after token n its
likeliest next token is n + 1 of the script. llama.cpp runs it like any other model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

CHATML = (
    "{%- if tools %}{{ '<|im_start|>system\\n' }}{{ tools | tojson }}{{ '<|im_end|>\\n' }}{% endif -%}"
    "{%- for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}"
)
"""The shape of Qwen's templates, without their rules."""

END = "<|im_end|>"
CONTROL = ("<|endoftext|>", "<|im_start|>", END)

Weights = npt.NDArray[np.float32]


def _printable_bytes() -> dict[int, str]:
    """GPT-2's map from bytes to printable characters (openai/gpt-2: src/encoder.py, bytes_to_unicode)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(rest)}


_BYTES = _printable_bytes()


@dataclass(frozen=True)
class Shape:
    """Size of a random model."""

    width: int = 64
    layers: int = 2
    heads: int = 4
    hidden: int = 128
    context: int = 4096
    scale: float = 0.3


@dataclass
class Vocabulary:
    """Byte tokens, control tokens and extra pieces; `tokens[i]` is the text of token i as the file holds it."""

    pieces: Sequence[bytes] = ()
    user_defined: Sequence[str] = ()
    control: Sequence[str] = ()
    tokens: list[str] = field(default_factory=list)
    types: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for byte in range(256):
            self._add(_BYTES[byte], gguf.TokenType.NORMAL)
        for text in (*CONTROL, *self.control):
            self._add(text, gguf.TokenType.CONTROL)
        for text in self.user_defined:
            self._add(text, gguf.TokenType.USER_DEFINED)
        for piece in self.pieces:
            self._add("".join(_BYTES[b] for b in piece), gguf.TokenType.NORMAL)

    def _add(self, text: str, kind: gguf.TokenType) -> None:
        self.tokens.append(text)
        self.types.append(int(kind))

    def declare(self, writer: gguf.GGUFWriter) -> None:
        """Write it into a file."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_token_merges([f"{_BYTES[ord('t')]} {_BYTES[ord('h')]}"] if "th" in self.tokens else ["Ġ Ġ"])
        writer.add_eos_token_id(self.id(END))
        writer.add_bos_token_id(self.id("<|endoftext|>"))
        writer.add_add_bos_token(False)

    def unsaid(self) -> list[int]:
        """Tokens that a random model must not say: it ends only when told to."""
        return [self.id(text) for text in CONTROL]

    def id(self, text: str) -> int:
        return self.tokens.index(text)

    def id_of(self, piece: bytes) -> int:
        return self.tokens.index("".join(_BYTES[b] for b in piece))


class SentencePieces:
    """A SentencePiece vocabulary, as Llama 2's: words begin with a low line, what is missing is spelt in bytes."""

    def __init__(self) -> None:
        letters = "abcdefghijklmnopqrstuvwxyz"
        spelt = [f"▁{word}" for word in ("the", "of", "and", "to", "in", "is", "sea", "land", "one", "two")]
        words = sorted({word[:end] for word in spelt for end in range(2, len(word) + 1)})  # merged letter by letter
        pieces = [a + b for a in letters[:12] for b in letters[:12]]
        singles = [chr(c) for c in range(33, 127)]
        normal = ["▁", *words, *pieces, *singles]
        self.tokens = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), *normal]
        kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
        self.types = [int(t) for t in (*kinds, *[gguf.TokenType.BYTE] * 256, *[gguf.TokenType.NORMAL] * len(normal))]
        self.scores = [0.0] * 259 + [float(len(p) if p[0] == "▁" else -50) for p in normal]

    def declare(self, writer: gguf.GGUFWriter) -> None:
        """Write it into a file."""
        writer.add_tokenizer_model("llama")
        writer.add_token_list(self.tokens)
        writer.add_token_scores(self.scores)
        writer.add_token_types(self.types)
        writer.add_unk_token_id(0)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_add_bos_token(True)

    def unsaid(self) -> list[int]:
        """Tokens that a random model must not say."""
        return [0, 1, 2]


def write_random(
    path: Path,
    shape: Shape | None = None,
    *,
    template: str | None = CHATML,
    seed: int = 0,
    quantised: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    vocabulary: Vocabulary | SentencePieces | None = None,
    form: str = "",
    part_tensors: int = 0,
) -> Path:
    """Write a model of random weights (llama architecture, `quantised`); it talks nonsense, always the same.

    `form` is the grammar that the file says its answers are of. With `part_tensors` it is written in parts of so many,
    and the first one's path returned.
    """
    shape = shape or Shape()
    vocabulary = vocabulary or Vocabulary()
    rng = np.random.default_rng(seed)

    def matrix(*size: int) -> Weights:
        return (rng.standard_normal(size) * shape.scale).astype(np.float32)

    rows = len(vocabulary.tokens)
    output = matrix(rows, shape.width)
    output[vocabulary.unsaid()] = 0
    embedding = matrix(rows, shape.width)
    _write(path, vocabulary, shape, template, matrix, embedding, output, quantised, form, part_tensors)
    return min(path.parent.glob(f"{path.stem}-00001-of-*.gguf")) if part_tensors else path


def write_exact(
    path: Path, quantised: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.Q8_0, *, context: int = 4096
) -> Path:
    """Write a model in which batching and chunking show in the bits: eight layers, 512 wide."""
    shape = Shape(width=512, layers=8, heads=8, hidden=1408, context=context, scale=0.05)
    return write_random(path, shape, quantised=quantised)


def write_ascii(path: Path, shape: Shape | None = None) -> Path:
    """Write a tiny random model that says nothing but letters, one a token: its text counts its tokens."""
    vocabulary = Vocabulary()
    silent = [i for i, token in enumerate(vocabulary.tokens) if not (len(token) == 1 and token.isascii())]
    vocabulary.unsaid = lambda: silent  # type: ignore[method-assign]
    return write_random(path, shape, vocabulary=vocabulary)


def write_of_kind(path: Path, architecture: str) -> Path:
    """Write a small file of another architecture, which holds nothing but its name and one tensor."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(64)
    writer.add_embedding_length(16)
    writer.add_block_count(1)
    writer.add_tensor("token_embd.weight", np.zeros((16, 16), np.float32))
    _finish(writer)
    return path


def write_scripted(
    path: Path,
    script: Sequence[str | bytes],
    *,
    template: str | None = CHATML,
    user_defined: Sequence[str] = (),
    control: Sequence[str] = (),
    context: int = 4096,
) -> Path:
    """Write a model that answers any prompt with the pieces of `script`, then ends.

    Each piece becomes one token (a single byte, one of `user_defined` or `control`, or a new one) and may occur once.
    The chain begins at the newline that ends the template's `assistant` header.
    """
    raw = [p.encode() if isinstance(p, str) else p for p in script]
    if len(set(raw)) != len(raw) or b"\n" in raw:
        raise ValueError("each piece of a script may occur once, and a bare newline not at all")
    known = {text.encode() for text in (*CONTROL, *control, *user_defined)}
    vocabulary = Vocabulary([p for p in raw if len(p) > 1 and p not in known], user_defined, control)
    chain = [vocabulary.id_of(b"\n")]
    chain += [vocabulary.id(p.decode()) if p in known else vocabulary.id_of(p) for p in raw]
    chain.append(vocabulary.id(END))
    rows = len(vocabulary.tokens)
    width = -(-rows // 64) * 64
    embedding = np.zeros((rows, width), np.float32)
    embedding[np.arange(rows), np.arange(rows)] = 1
    output = np.zeros((rows, width), np.float32)
    output[vocabulary.id(END), :] = 1  # after anything unforeseen it ends
    for here, following in itertools.pairwise(chain):
        output[:, here] = 0
        output[following, here] = 10
    shape = Shape(width=width, layers=1, heads=4, hidden=64, context=context)
    _write(path, vocabulary, shape, template, lambda *size: np.zeros(size, np.float32), embedding, output)
    return path


def _write(  # type: ignore[no-untyped-def]
    path,
    vocabulary,
    shape,
    template,
    matrix,
    embedding,
    output,
    quantised=gguf.GGMLQuantizationType.F32,
    form="",
    part_tensors=0,
) -> None:
    writer = gguf.GGUFWriter(path, "llama", split_max_tensors=part_tensors)

    def add(name: str, weights: Weights) -> None:
        writer.add_tensor(name, gguf.quants.quantize(weights, quantised), raw_dtype=quantised)

    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_vocab_size(len(vocabulary.tokens))
    vocabulary.declare(writer)
    if template is not None:
        writer.add_chat_template(template)
    if form:
        writer.add_string("sotto.form", form)
    add("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(shape.width, np.float32))
    add("output.weight", output)
    for layer in range(shape.layers):
        name = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{name}{norm}.weight", np.ones(shape.width, np.float32))
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{name}{part}.weight", matrix(shape.width, shape.width))
        add(f"{name}ffn_gate.weight", matrix(shape.hidden, shape.width))
        add(f"{name}ffn_up.weight", matrix(shape.hidden, shape.width))
        add(f"{name}ffn_down.weight", matrix(shape.width, shape.hidden))
    _finish(writer)


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
