"""A BERT encoder of `bert_models` as a GGUF, weight for weight: what llama.cpp makes of it can be compared."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
from safetensors.numpy import load_file

__all__ = ["write_bert_gguf"]

_POOLINGS = {"mean": gguf.PoolingType.MEAN, "cls": gguf.PoolingType.CLS, "last": gguf.PoolingType.LAST}
_PARTS = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_HEAD = {"bert.pooler.dense": "cls", "classifier": "cls.output"}


def write_bert_gguf(source: Path, path: Path, *, pooling: str = "mean") -> Path:
    """Write the model of a folder in the form of the hub; with a head for ranking it pools by rank."""
    config = json.loads((source / "config.json").read_text())
    weights = load_file(source / "model.safetensors")
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    ranks = "classifier.weight" in weights
    writer.add_pooling_type(gguf.PoolingType.RANK if ranks else _POOLINGS[pooling])
    _vocabulary(writer, source)
    for name, values in weights.items():
        writer.add_tensor(_named(name), values)
    if ranks:
        writer.add_classifier_output_labels(["rank"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _vocabulary(writer: gguf.GGUFWriter, source: Path) -> None:
    known: dict[str, int] = json.loads((source / "tokenizer.json").read_text())["model"]["vocab"]
    words = sorted(known, key=known.__getitem__)
    special = {word for word in words if word.startswith("[")}
    spelt = [w if w in special else w[2:] if w.startswith("##") else f"▁{w}" for w in words]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(spelt)
    writer.add_token_types([int(gguf.TokenType.CONTROL if w in special else gguf.TokenType.NORMAL) for w in words])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(known["[CLS]"])
    writer.add_eos_token_id(known["[SEP]"])
    writer.add_sep_token_id(known["[SEP]"])
    writer.add_unk_token_id(known["[UNK]"])
    writer.add_pad_token_id(known["[PAD]"])
    writer.add_add_bos_token(True)
    writer.add_add_sep_token(True)


def _named(name: str) -> str:
    stem, ending = name.rsplit(".", 1)
    plain = stem.removeprefix("bert.")
    fixed = {
        "embeddings.word_embeddings": "token_embd",
        "embeddings.position_embeddings": "position_embd",
        "embeddings.token_type_embeddings": "token_types",
        "embeddings.LayerNorm": "token_embd_norm",
        **_HEAD,
        "pooler.dense": "cls",
    }
    if plain in fixed:
        return f"{fixed[plain]}.{ending}"
    number, part = plain.removeprefix("encoder.layer.").split(".", 1)
    return f"blk.{number}.{_PARTS[part]}.{ending}"
