"""BERT encoders of random weights in the form of the model hub, small enough to be made for each test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

__all__ = ["WORDS", "write_bert", "write_mpnet"]

WORDS = (
    "the",
    "a",
    "my",
    "bike",
    "code",
    "is",
    "blue",
    "red",
    "cat",
    "dog",
    "tea",
    "sea",
    "##s",
    "##er",
    "!",
    "?",
    ".",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def write_bert(
    folder: Path,
    *,
    seed: int = 1,
    hidden: int = 64,
    inner: int = 112,
    heads: int = 2,
    layers: int = 2,
    positions: int = 512,
    pooling: str = "mean",
    ranks: bool = False,
    one_kind: bool = False,
    **config: object,
) -> Path:
    """Write config.json, model.safetensors and tokenizer.json; `config` overrides what config.json states.

    With `ranks` it is a cross-encoder; with `one_kind` it does not tell a second text from the first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _vocabulary()
    sizes = {"hidden_size": hidden, "intermediate_size": inner, "num_attention_heads": heads}
    sizes |= {"num_hidden_layers": layers, "max_position_embeddings": positions, "vocab_size": len(vocabulary)}
    if ranks:
        config = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}, **config}
    stated = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12, **sizes, **config}
    (folder / "config.json").write_text(json.dumps(stated))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": positions}))
    if pooling != "mean":
        (folder / "1_Pooling").mkdir(exist_ok=True)
        mode = {"cls": "pooling_mode_cls_token", "last": "pooling_mode_lasttoken"}[pooling]
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({mode: True}))
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    weights = _weights(seed, hidden, inner, layers, positions, len(vocabulary))
    if one_kind:
        weights["embeddings.token_type_embeddings.weight"][1] = weights["embeddings.token_type_embeddings.weight"][0]
    save_file(_with_head(weights, seed, hidden) if ranks else weights, folder / "model.safetensors")
    return folder


def write_mpnet(folder: Path, *, heads: int = 2, positions: int = 64, **sizes: int) -> Path:
    """Write an MPNet: the same layers under other names, and a table of how words attend by their distance."""
    write_bert(folder, heads=heads, positions=positions + 2, model_type="mpnet", **sizes)  # type: ignore[arg-type]
    weights = load_file(folder / "model.safetensors")
    del weights["embeddings.token_type_embeddings.weight"]
    parts = {f"self.{long}": f"attn.{long[0]}" for long in ("query", "key", "value")}
    parts |= {"output.dense": "attn.o", "output.LayerNorm": "LayerNorm"}
    for name in list(weights):
        for bert, mpnet in parts.items():
            if f".attention.{bert}." in name:
                weights[name.replace(f".attention.{bert}.", f".attention.{mpnet}.")] = weights.pop(name)
    table = np.random.default_rng(5).normal(0, 1, (32, heads)).astype(np.float32)
    weights["encoder.relative_attention_bias.weight"] = table
    save_file({f"mpnet.{name}": values for name, values in weights.items()}, folder / "model.safetensors")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": positions}))
    return folder


def _vocabulary() -> dict[str, int]:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return tokenizer


def _weights(seed: int, hidden: int, inner: int, layers: int, positions: int, words: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shapes = {
        "embeddings.word_embeddings.weight": (words, hidden),
        "embeddings.position_embeddings.weight": (positions, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
        **_norm("embeddings.LayerNorm", hidden),
    }
    for n in range(layers):
        own = f"encoder.layer.{n}."
        for part in ("query", "key", "value"):
            shapes |= _linear(f"{own}attention.self.{part}", hidden, hidden)
        shapes |= _linear(f"{own}attention.output.dense", hidden, hidden)
        shapes |= _norm(f"{own}attention.output.LayerNorm", hidden)
        shapes |= _linear(f"{own}intermediate.dense", inner, hidden)
        shapes |= _linear(f"{own}output.dense", hidden, inner)
        shapes |= _norm(f"{own}output.LayerNorm", hidden)
    weights = {name: random.normal(0, 0.15, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in weights:
        weights[name] += name.endswith("LayerNorm.weight")
    return weights


def _with_head(weights: dict[str, np.ndarray], seed: int, hidden: int) -> dict[str, np.ndarray]:
    """As a cross-encoder's file names them."""
    random = np.random.default_rng(seed + 1)
    shapes = _linear("bert.pooler.dense", hidden, hidden) | _linear("classifier", 1, hidden)
    head = {name: random.normal(0, 0.15, shape).astype(np.float32) for name, shape in shapes.items()}
    return {f"bert.{name}": values for name, values in weights.items()} | head


def _linear(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
