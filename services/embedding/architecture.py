"""The architecture of a BERT encoder, as its files state it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from services.embedding.port import ModelUnusable

__all__ = ["MPNET_PADDING", "POOLINGS", "Architecture", "is_cross_encoder", "read_architecture", "read_json"]

POOLINGS = ("mean", "cls", "last", "first")
"""The kernel's numbers for them; `first` is the first token's state as it is, for a head that ranks."""
MPNET = "mpnet"
MPNET_PADDING = 2
"""So many of its first positions stand for none (transformers: MPNetEmbeddings.padding_idx + 1)."""
_USUAL_TOKENS = 256
"""What is read of a text where a model's files do not say."""


class Architecture(NamedTuple):
    """All that a forward pass needs beside the weights."""

    hidden: int
    inner: int
    heads: int
    layers: int
    positions: int
    words: int
    epsilon: float
    pooling: str
    max_tokens: int
    """Longest text that the model was made for, in tokens."""
    prompts: dict[str, str]
    """What stands before a text, by purpose."""
    ranks: bool = False
    """A cross-encoder: reads two texts at once, and has a head that says how well one answers the other."""
    relative: bool = False
    """Attention knows how far words are from each other (MPNet), besides their places."""


def read_architecture(folder: Path) -> Architecture:
    """Return what a folder in the form of the model hub says. Raises ModelUnusable for what is no BERT encoder."""
    config = read_json(folder / "config.json")
    _check(folder, config)
    relative = config.get("model_type") == MPNET
    positions = int(config["max_position_embeddings"]) - MPNET_PADDING * relative
    sentences = _optional(folder / "sentence_bert_config.json")
    prompts = _optional(folder / "config_sentence_transformers.json").get("prompts") or {}
    ranks = is_cross_encoder(config)
    return Architecture(
        hidden=int(config["hidden_size"]),
        inner=int(config["intermediate_size"]),
        heads=int(config["num_attention_heads"]),
        layers=int(config["num_hidden_layers"]),
        positions=positions,
        words=int(config["vocab_size"]),
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        pooling="first" if ranks else _pooling(folder),
        max_tokens=min(positions, int(sentences.get("max_seq_length") or (positions if ranks else _USUAL_TOKENS))),
        prompts={
            "query": str(prompts.get("query", "")),
            "passage": str(prompts.get("passage") or prompts.get("document") or ""),
        },
        ranks=ranks,
        relative=relative,
    )


def is_cross_encoder(config: Mapping[str, Any]) -> bool:
    """True for a config.json of a model that reads two texts at once."""
    return any(str(name).endswith("ForSequenceClassification") for name in config.get("architectures") or ())


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file. Raises ModelUnusable."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"{path} cannot be read: {error}.", remedy="Pull the model again.") from error
    if not isinstance(value, dict):
        raise ModelUnusable(f"{path} holds no JSON object.", remedy="Pull the model again.")
    return value


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _check(folder: Path, config: dict[str, Any]) -> None:
    """Refuse what would be computed wrongly."""
    mpnet = config.get("model_type") == MPNET
    if mpnet and (is_cross_encoder(config) or config.get("relative_attention_num_buckets", 32) != 32):
        raise ModelUnusable(f"{folder.name} is an MPNet of a kind that is not computed here.", remedy="Choose another.")
    wanted = {"model_type": MPNET if mpnet else "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    for key, value in wanted.items():
        if config.get(key, value) != value:
            raise ModelUnusable(
                f"{folder.name}: {key} is {config[key]}; only {value} is computed here.",
                remedy="Choose another model: `sotto models list`.",
            )
    numbers = ("hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers")
    for key in (*numbers, "max_position_embeddings", "vocab_size"):
        if not isinstance(config.get(key), int) or config[key] < 1:
            raise ModelUnusable(f"{folder.name}: config.json does not state {key}.", remedy="Pull the model again.")
    labels = config.get("num_labels") or len(config.get("id2label") or (0,))
    if is_cross_encoder(config) and labels != 1:
        raise ModelUnusable(
            f"{folder.name} sorts texts into {labels} kinds; only a head of one number ranks.",
            remedy="Choose a reranker: `sotto models list`.",
        )
    if config["hidden_size"] % config["num_attention_heads"]:
        raise ModelUnusable(f"{folder.name}: its heads do not divide its width.", remedy="Pull the model again.")


def _pooling(folder: Path) -> str:
    stated = _optional(folder / "1_Pooling" / "config.json")
    ways = {"pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "last", "pooling_mode_mean_tokens": "mean"}
    chosen = [way for key, way in ways.items() if stated.get(key)]
    if stated and len(chosen) != 1:
        raise ModelUnusable(
            f"{folder.name} pools in a way that is not computed here.", remedy="mean, cls and last are."
        )
    return chosen[0] if chosen else "mean"
