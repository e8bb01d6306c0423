"""BERT encoders of random weights in the form of the model hub, small enough to be made for each test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

__all__ = ["WORDS", "write_bert"]

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
    **config: object,
) -> Path:
    """Write config.json, model.safetensors and tokenizer.json; `config` overrides what config.json states."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _vocabulary()
    sizes = {"hidden_size": hidden, "intermediate_size": inner, "num_attention_heads": heads}
    sizes |= {"num_hidden_layers": layers, "max_position_embeddings": positions, "vocab_size": len(vocabulary)}
    stated = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12, **sizes, **config}
    (folder / "config.json").write_text(json.dumps(stated))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": positions}))
    if pooling != "mean":
        (folder / "1_Pooling").mkdir(exist_ok=True)
        mode = {"cls": "pooling_mode_cls_token", "last": "pooling_mode_lasttoken"}[pooling]
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({mode: True}))
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    save_file(_weights(seed, hidden, inner, layers, positions, len(vocabulary)), folder / "model.safetensors")
    return folder


def _vocabulary() -> dict[str, int]:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
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


def _linear(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
